package workflow_test

import (
	"errors"
	"testing"

	"stella/store/storetest"
	"stella/workflow"
)

// A record that could never match is refused, and the error names the field.
func TestInvalidRecordIsRefused(t *testing.T) {
	t.Parallel()
	represented := func(k workflow.Kind, code, name string) workflow.Record {
		return workflow.Record{Kind: k, Representatives: []workflow.Representative{{FiscalCode: code, Name: name}}}
	}
	const company = workflow.KindCompany
	for name, c := range map[string]struct {
		record workflow.Record
		field  string
	}{
		"a wrong check character":              {workflow.Record{Kind: workflow.KindPerson, FiscalCode: "NRENNA80A41H501X"}, "fiscal_code"},
		"a wrong provisional code":             {workflow.Record{Kind: workflow.KindPerson, FiscalCode: "12345678904"}, "fiscal_code"},
		"an invalid company code":              {workflow.Record{Kind: workflow.KindCompany, FiscalCode: "09876543218"}, "fiscal_code"},
		"a code without a kind":                {workflow.Record{FiscalCode: storetest.Anna}, "kind"},
		"an unknown kind":                      {workflow.Record{Kind: "ente"}, "kind"},
		"a person with representatives":        {represented(workflow.KindPerson, storetest.Luca, "Luca"), "representatives"},
		"a representative without a code":      {represented(company, "", "Luca"), "representatives"},
		"a representative with two names":      {represented(company, storetest.Luca, "Luca; Anna"), "representatives"},
		"two representatives and a comma":      {represented(company, storetest.Luca, "Luca Bianchi, VRDSRA82E50L219E Sara"), "representatives"},
		"two codes and no name":                {represented(company, storetest.Luca+","+storetest.Sara, ""), "representatives"},
		"a name with a code":                   {workflow.Record{Kind: workflow.KindPerson, Name: "Anna Neri NRENNA80A41H501T"}, "name"},
		"a database's null":                    {workflow.Record{Kind: workflow.KindCompany, Name: `\N`}, "name"},
		"a representative named null":          {represented(company, storetest.Luca, "NULL"), "representatives"},
		"a VAT number of a person":             {workflow.Record{Kind: workflow.KindPerson, VATNumber: storetest.Bianchi}, "vat_number"},
		"a VAT number that is a person's code": {workflow.Record{Kind: workflow.KindCompany, VATNumber: storetest.Anna}, "vat_number"},
		"an invalid e-mail":                    {workflow.Record{Kind: workflow.KindPerson, Email: "anna"}, "email"},
		"a name with a control character":      {workflow.Record{Name: "Anna\x00Neri"}, "name"},
		"an unknown status":                    {workflow.Record{Status: "attiva"}, "status"},
	} {
		r := c.record
		if r.Status == "" {
			r.Status = workflow.Active
		}
		_, err := workflow.Registration{Address: "nuova@pec.example", Record: r}.Check()
		var fault *workflow.RecordError
		if !errors.As(err, &fault) || len(fault.Faults) != 1 || fault.Faults[0].Field != c.field {
			t.Errorf("%s: error %v, want a fault in %s", name, err, c.field)
		}
	}
}

func TestRegistrationReportsEveryFault(t *testing.T) {
	t.Parallel()
	_, err := workflow.Registration{Address: "nobody", Record: workflow.Record{Status: "attiva"}}.Check()
	if want := "address: not an e-mail address; status: want active, expired, cancelled or revoked"; err == nil || err.Error() != want {
		t.Errorf("%v, want %s", err, want)
	}
}

func TestAddressIsStoredInLowerCaseASCII(t *testing.T) {
	t.Parallel()
	c, err := workflow.Registration{Address: " Nuova@PEC.Bücher.Example ", Record: workflow.Record{Status: workflow.Active}}.Check()
	if want := "nuova@pec.xn--bcher-kva.example"; err != nil || c.Address() != want {
		t.Errorf("%q, %v; want %s", c.Address(), err, want)
	}
}
