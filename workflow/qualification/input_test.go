package qualification_test

import (
	"errors"
	"strings"
	"testing"

	"stella/store/storetest"
	"stella/workflow"
	"stella/workflow/qualification"
)

// A certified mailbox may refuse ordinary mail, and with it the code.
func TestContactAddressMustNotBeCertified(t *testing.T) {
	x := begin(t, storetest.AnnasRecord)
	other := workflow.Client{Name: "other", Domains: []string{"altrove.example"}, Scopes: []workflow.Scope{workflow.ScopeRegistry}}
	x.Must(x.AddClient(x.Context(), other, workflow.Digest("another token"), x.Clock.Now()))
	_, err := x.Cases.SetRecord(x.Context(), "tests", "soci@gestore.example", workflow.Active, workflow.Record{})
	x.Must(err)
	_, err = x.Cases.SetRecord(x.Context(), "tests", "soci@passato.example", workflow.Active, workflow.Record{})
	x.Must(err)
	x.Must(x.Cases.Delete(x.Context(), "tests", "soci@passato.example"))
	x.AdvanceTo(qualification.ContactData)
	for address, code := range map[string]string{
		strings.ToUpper(x.Address):  "email_is_mailbox",
		"altra@" + storetest.Domain: "email_is_pec",
		"x@altrove.example":         "email_is_pec", // the domain of a client
		"x@Gestore.Example":         "email_is_pec", // the domain of another mailbox in the register
		"soci@gestore.example":      "email_is_pec",
		"soci@passato.example":      "email_is_pec", // the domain of a deleted mailbox
		"x@arubapec.it":             "email_is_pec",
		"x@legalmail.it":            "email_is_pec",
		"x@studio.legalmail.it":     "email_is_pec",
		"x@pecprivato.it":           "email_is_pec",
		"x@postecert.it":            "email_is_pec",
		"x@pec-mail.it":             "email_is_pec",
		"x@pec.it":                  "email_is_pec",
		"x@pec.aruba.it":            "email_is_pec",
		"x@postacert.toscana.it":    "email_is_pec",
	} {
		err := x.Procedure.EnterContacts(x.Context(), x.Visitor, x.Form(), address, "")
		if err == nil || !strings.HasSuffix(err.Error(), " "+code) {
			t.Errorf("%s: %v, want %s", address, err, code)
		}
	}
	for _, address := range []string{"x@spec.it", "x@pecora.example", "x@aruba.it", "x@mylegalmail.it", "x@gestore.example.net",
		"x@posta.gestore.example", "pec@mail.example"} {
		if err := x.Procedure.EnterContacts(x.Context(), x.Visitor, x.Form(), address, ""); err != nil {
			t.Errorf("%s: %v", address, err)
			continue
		}
		x.Must(x.Procedure.StepBack(x.Context(), x.Visitor, x.Form()))
	}
}

func TestCertifiedAddressCannotBeInvited(t *testing.T) {
	x := begin(t, storetest.AnnasRecord).AdvanceTo(qualification.HolderInvitation)
	for _, address := range []string{"x@legalmail.it", "altra@" + storetest.Domain, x.Address} {
		var input *workflow.InputError
		if err := x.Procedure.Invite(x.Context(), x.Visitor, x.Form(), address); !errors.As(err, &input) {
			t.Errorf("%s: %v", address, err)
		}
	}
	x.Must(x.Procedure.Invite(x.Context(), x.Visitor, x.Form(), "x@spec.it"))
	x.Must(x.Procedure.Invite(x.Context(), x.Visitor, x.Form(), "")) // repeated to the same address
}

// An address that would be refused is not suggested.
func TestCertifiedAddressOnRecordIsNotSuggested(t *testing.T) {
	w := newWorld(t)
	other := workflow.Client{Name: "another webmail", Domains: []string{"certa.example"}, Scopes: []workflow.Scope{workflow.ScopeWebmail}}
	storetest.Must(t, w.AddClient(t.Context(), other, workflow.Digest("its token"), w.Clock.Now()))
	for email, want := range map[string]string{
		"anna.neri@mail.example": "anna.neri@mail.example",
		"the mailbox":            "",
		"altra@pec.example":      "",
		"x@arubapec.it":          "",
		"altra@certa.example":    "", // the domain of another webmail
	} {
		r := storetest.AnnasRecord
		x := w.Record(t, r)
		if r.Email = email; email == "the mailbox" {
			r.Email = x.Address
		}
		_, err := x.Cases.SetRecord(x.Context(), "tests", x.Address, workflow.Active, r)
		x.Must(err)
		x.AdvanceTo(qualification.ContactData)
		if got := x.Case().SuggestedEmail(x.Visitor); got != want {
			t.Errorf("with %s on record: suggested %q, want %q", email, got, want)
		}
	}
}

func TestPhoneMustBeMobile(t *testing.T) {
	x := reach(t, qualification.ContactData)
	for typed, want := range map[string]string{
		"347 123 4567":                 "+393471234567",
		"+39 347 123 4567":             "+393471234567",
		"0039 347 1234567":             "+393471234567",
		"\u202a+39 347 123 4567\u202c": "+393471234567",
		"+44 7911 123456":              "+447911123456",
		"+1 212 555 2368":              "+12125552368", // this country's numbers do not show their type
		"":                             "",
		"06 1234567":                   "phone_not_mobile",
		"+39 06 1234567":               "phone_not_mobile",
		"800 123456":                   "phone_not_mobile",
		"+391234567890":                "phone_malformed",
		"12":                           "phone_malformed",
	} {
		err := x.Procedure.EnterContacts(x.Context(), x.Visitor, x.Form(), "anna.neri@mail.example", typed)
		if err != nil {
			if !strings.HasSuffix(err.Error(), " "+want) {
				t.Errorf("%q: %v, want %s", typed, err, want)
			}
			continue
		}
		if got := x.Case().Qualification.Declaration.Phone; got != want {
			t.Errorf("%q: stored %q, want %s", typed, got, want)
		}
		x.Must(x.Procedure.StepBack(x.Context(), x.Visitor, x.Form()))
	}
}
