package workflow_test

import (
	"strings"
	"testing"

	"stella/store/storetest"
	"stella/workflow"
)

// Every row of the table: what is on record, what was declared, who logged in,
// and where that leads.
func TestMatch(t *testing.T) {
	company := func(code string, representatives ...string) workflow.Record {
		r := workflow.Record{Kind: workflow.KindCompany, Name: "Impresa", FiscalCode: code, Email: "ufficio@mail.example"}
		for _, c := range representatives {
			r.Representatives = append(r.Representatives, workflow.Representative{FiscalCode: c, Name: "Nome"})
		}
		return r
	}
	withVAT := company(storetest.Anna)
	withVAT.VATNumber = storetest.Bianchi
	onlyVAT := company("", storetest.Luca)
	onlyVAT.VATNumber = storetest.Bianchi
	person := func(code string) workflow.Record {
		return workflow.Record{Kind: workflow.KindPerson, Name: "Anna Neri", FiscalCode: code}
	}
	const matched, unproven, differs = workflow.Matched, workflow.Unproven, workflow.Differs

	for _, c := range []struct {
		name    string
		record  workflow.Record
		kind    workflow.Kind
		company string // declared
		login   string
		want    workflow.Verdict
	}{
		{"private, the holder", person(storetest.Anna), workflow.KindPerson, "", storetest.Anna, matched},
		{"private, the holder as SPID writes it", person(storetest.Anna), workflow.KindPerson, "", "TINIT-" + storetest.Anna, matched},
		{"private, the holder in small letters", person(storetest.Anna), workflow.KindPerson, "", " " + strings.ToLower(storetest.Anna) + " ", matched},
		{"private, another", person(storetest.Anna), workflow.KindPerson, "", storetest.Sara, differs},
		{"private, one who differs by omocodia", person(storetest.Anna), workflow.KindPerson, "", annaOmocode, unproven},
		{"private, the record differs by omocodia", person(annaOmocode), workflow.KindPerson, "", storetest.Anna, unproven},
		{"private, a provisional code", person(provisional), workflow.KindPerson, "", provisional, matched},
		{"private, a provisional code as SPID writes it", person(provisional), workflow.KindPerson, "", "TINIT-" + provisional, matched},
		{"private, another provisional code", person(provisional), workflow.KindPerson, "", "90000000019", differs},
		{"private, a provisional code on record, another from SPID", person(provisional), workflow.KindPerson, "", storetest.Anna, unproven},
		{"private, a provisional code from SPID, another on record", person(storetest.Anna), workflow.KindPerson, "", provisional, unproven},
		{"private, code unknown", person(""), workflow.KindPerson, "", storetest.Anna, unproven},
		{"company, its representative", company(storetest.Bianchi, storetest.Luca), workflow.KindCompany, storetest.Bianchi, storetest.Luca, matched},
		{"company, one of two representatives", company(storetest.Bianchi, storetest.Luca, storetest.Sara), workflow.KindCompany, storetest.Bianchi, storetest.Sara, matched},
		{"company, no representative of it", company(storetest.Bianchi, storetest.Luca), workflow.KindCompany, storetest.Bianchi, storetest.Anna, differs},
		{"company, one who differs from a representative by omocodia", company(storetest.Bianchi, storetest.Luca, storetest.Anna), workflow.KindCompany, storetest.Bianchi, annaOmocode, unproven},
		{"company, no representative known", company(storetest.Bianchi), workflow.KindCompany, storetest.Bianchi, storetest.Luca, unproven},
		{"company, one representative with a provisional code", company(storetest.Bianchi, provisional), workflow.KindCompany, storetest.Bianchi, provisional, matched},
		{"company, two representatives, one with a provisional code", company(storetest.Bianchi, storetest.Luca, provisional), workflow.KindCompany, storetest.Bianchi, storetest.Sara, unproven},
		{"company, its code is nobody's provisional one", company(provisional), workflow.KindCompany, provisional, provisional, unproven},
		{"sole trader, the person", company(storetest.Anna), workflow.KindCompany, storetest.Anna, storetest.Anna, matched},
		{"sole trader, another", company(storetest.Anna), workflow.KindCompany, storetest.Anna, storetest.Sara, differs},
		{"sole trader, the VAT number declared", withVAT, workflow.KindCompany, storetest.Bianchi, storetest.Anna, matched},
		{"company known by its VAT number", onlyVAT, workflow.KindCompany, storetest.Bianchi, storetest.Luca, matched},
		{"nothing known, a person", workflow.Record{}, workflow.KindPerson, "", storetest.Anna, unproven},
		{"nothing known, a company", workflow.Record{}, workflow.KindCompany, storetest.Bianchi, storetest.Luca, unproven},
	} {
		t.Run(c.name, func(t *testing.T) {
			x := begin(t, c.record)
			x.To(workflow.HolderKind)
			x.Must(x.Procedure.ChooseKind(x.Context(), x.Visitor, x.Form(), c.kind))
			if c.kind == workflow.KindCompany {
				x.Must(x.Procedure.EnterCompany(x.Context(), x.Visitor, x.Form(), "", c.company))
			}
			x.Must(x.Procedure.EnterContacts(x.Context(), x.Visitor, x.Form(), "holder@mail.example", ""))
			x.Must(x.Procedure.ConfirmData(x.Context(), x.Visitor, x.Form()))
			x.Must(logInAs(x, c.login))
			if c.want == differs {
				x.IsAt(workflow.Rejected)
				return
			}
			x.IsAt(workflow.Identified)
			x.Must(x.Procedure.ConfirmIdentity(x.Context(), x.Visitor, x.Form()))
			x.Must(x.Procedure.AcknowledgeContract(x.Context(), x.Visitor, x.Form(), storetest.Notice))
			x.SendCode()
			x.Must(x.Procedure.TypeCode(x.Context(), x.Visitor, x.Form(), x.Code()))
			if c.want == matched {
				x.IsAt(workflow.Qualified)
			} else {
				x.IsAt(workflow.UnderReview)
			}
			if starred := x.Case().Mailbox.Star != nil; starred != (c.want == matched) {
				t.Errorf("the star is %v", starred)
			}
		})
	}
}

func TestAnotherCompanyIsRejected(t *testing.T) {
	x := begin(t, storetest.BianchisRecord).To(workflow.CompanyData)
	x.Must(x.Procedure.EnterCompany(x.Context(), x.Visitor, x.Form(), "Altra S.r.l.", cooperativa))
	x.IsAt(workflow.Rejected)
	if x.Case().MayRetryLogin() {
		t.Error("another identity is offered where the company differs")
	}
	x.Must(x.Procedure.Retry(x.Context(), x.Visitor, x.Form()))
	x.IsAt(workflow.HolderKind)
}

func TestTheOtherKindIsAFaultOfTheInput(t *testing.T) {
	x := begin(t, storetest.BianchisRecord).To(workflow.HolderKind)
	before := x.Form()
	err := x.Procedure.ChooseKind(x.Context(), x.Visitor, x.Form(), workflow.KindPerson)
	if err == nil || !strings.Contains(err.Error(), "kind_differs_company") {
		t.Errorf("the answer is %v", err)
	}
	if x.Form() != before {
		t.Error("something changed")
	}
}
