package qualification_test

import (
	"strings"
	"testing"

	"stella/store/storetest"
	"stella/workflow"
	"stella/workflow/qualification"
)

// Every row of the matching rules: record, declaration and login, and the resulting
// state.
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
	const (
		anna, luca, sara           = storetest.Anna, storetest.Luca, storetest.Sara
		bianchi                    = storetest.Bianchi
		isPerson, isCompany        = workflow.KindPerson, workflow.KindCompany
		matched, unproven, differs = workflow.Matched, workflow.Unproven, workflow.Differs
	)

	for _, c := range []struct {
		name    string
		record  workflow.Record
		kind    workflow.Kind
		company string // declared
		login   string
		want    workflow.Verdict
	}{
		{"private, the holder", person(anna), isPerson, "", anna, matched},
		{"private, the holder as SPID writes it", person(anna), isPerson, "", "TINIT-" + anna, matched},
		{"private, the holder in small letters", person(anna), isPerson, "", " " + strings.ToLower(anna) + " ", matched},
		{"private, another", person(anna), isPerson, "", sara, differs},
		{"private, one who differs by omocodia", person(anna), isPerson, "", annaOmocode, unproven},
		{"private, the record differs by omocodia", person(annaOmocode), isPerson, "", anna, unproven},
		{"private, a provisional code", person(provisional), isPerson, "", provisional, matched},
		{"private, a provisional code as SPID writes it", person(provisional), isPerson, "", "TINIT-" + provisional, matched},
		{"private, another provisional code", person(provisional), isPerson, "", "90000000019", differs},
		{"private, a provisional code on record, another from SPID", person(provisional), isPerson, "", anna, unproven},
		{"private, a provisional code from SPID, another on record", person(anna), isPerson, "", provisional, unproven},
		{"private, code unknown", person(""), isPerson, "", anna, unproven},
		{"company, its representative", company(bianchi, luca), isCompany, bianchi, luca, matched},
		{"company, one of two representatives", company(bianchi, luca, sara), isCompany, bianchi, sara, matched},
		{"company, no representative of it", company(bianchi, luca), isCompany, bianchi, anna, differs},
		{"company, one who differs from a representative by omocodia",
			company(bianchi, luca, anna), isCompany, bianchi, annaOmocode, unproven},
		{"company, no representative known", company(bianchi), isCompany, bianchi, luca, unproven},
		{"company, one representative with a provisional code", company(bianchi, provisional), isCompany, bianchi, provisional, matched},
		{"company, two representatives, one with a provisional code",
			company(bianchi, luca, provisional), isCompany, bianchi, sara, unproven},
		{"company, its code is not a person's provisional code", company(provisional), isCompany, provisional, provisional, unproven},
		{"sole trader, the person", company(anna), isCompany, anna, anna, matched},
		{"sole trader, another", company(anna), isCompany, anna, sara, differs},
		{"sole trader, the VAT number declared", withVAT, isCompany, bianchi, anna, matched},
		{"company known by its VAT number", onlyVAT, isCompany, bianchi, luca, matched},
		{"nothing known, a person", workflow.Record{}, isPerson, "", anna, unproven},
		{"nothing known, a company", workflow.Record{}, isCompany, bianchi, luca, unproven},
	} {
		t.Run(c.name, func(t *testing.T) {
			x := begin(t, c.record)
			x.AdvanceTo(qualification.HolderKind)
			x.Must(x.Procedure.ChooseKind(x.Context(), x.Visitor, x.Form(), c.kind))
			if c.kind == workflow.KindCompany {
				x.Must(x.Procedure.EnterCompany(x.Context(), x.Visitor, x.Form(), "", c.company))
			}
			x.Must(x.Procedure.EnterContacts(x.Context(), x.Visitor, x.Form(), "holder@mail.example", ""))
			x.Must(x.Procedure.ConfirmData(x.Context(), x.Visitor, x.Form()))
			x.Must(logInAs(x, c.login))
			if c.want == differs {
				x.WantState(qualification.Rejected)
				return
			}
			x.WantState(qualification.Identified)
			x.Must(x.Procedure.ConfirmIdentity(x.Context(), x.Visitor, x.Form()))
			x.Must(x.Procedure.AcknowledgeContract(x.Context(), x.Visitor, x.Form(), storetest.Notice))
			x.SendCode()
			x.Must(x.Procedure.TypeCode(x.Context(), x.Visitor, x.Form(), x.Code()))
			if c.want == matched {
				x.WantState(qualification.Qualified)
			} else {
				x.WantState(qualification.UnderReview)
			}
			if starred := x.Case().Mailbox.Star != nil; starred != (c.want == matched) {
				t.Errorf("star %v, want %v", starred, c.want == matched)
			}
		})
	}
}

func TestOtherCompanyIsRejected(t *testing.T) {
	x := begin(t, storetest.BianchisRecord).AdvanceTo(qualification.CompanyData)
	x.Must(x.Procedure.EnterCompany(x.Context(), x.Visitor, x.Form(), "Altra S.r.l.", cooperativa))
	x.WantState(qualification.Rejected)
	if x.Case().MayRetryLogin() {
		t.Error("another login is possible although the company differs")
	}
	x.Must(x.Procedure.Retry(x.Context(), x.Visitor, x.Form()))
	x.WantState(qualification.HolderKind)
}

func TestOtherKindIsAnInputError(t *testing.T) {
	x := begin(t, storetest.BianchisRecord).AdvanceTo(qualification.HolderKind)
	before := x.Form()
	err := x.Procedure.ChooseKind(x.Context(), x.Visitor, x.Form(), workflow.KindPerson)
	if err == nil || !strings.Contains(err.Error(), "kind_differs_company") {
		t.Errorf("unexpected error: %v", err)
	}
	if x.Form() != before {
		t.Error("the qualification changed")
	}
}
