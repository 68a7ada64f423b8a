package workflow_test

import (
	"strings"
	"testing"

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
	withVAT := company(anna)
	withVAT.VATNumber = bianchi
	onlyVAT := company("", luca)
	onlyVAT.VATNumber = bianchi
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
		{"private, the holder", person(anna), workflow.KindPerson, "", anna, matched},
		{"private, the holder as SPID writes it", person(anna), workflow.KindPerson, "", "TINIT-" + anna, matched},
		{"private, the holder in small letters", person(anna), workflow.KindPerson, "", " " + strings.ToLower(anna) + " ", matched},
		{"private, another", person(anna), workflow.KindPerson, "", sara, differs},
		{"private, one who differs by omocodia", person(anna), workflow.KindPerson, "", annaOmocode, unproven},
		{"private, the record differs by omocodia", person(annaOmocode), workflow.KindPerson, "", anna, unproven},
		{"private, code unknown", person(""), workflow.KindPerson, "", anna, unproven},
		{"company, its representative", company(bianchi, luca), workflow.KindCompany, bianchi, luca, matched},
		{"company, one of two representatives", company(bianchi, luca, sara), workflow.KindCompany, bianchi, sara, matched},
		{"company, no representative of it", company(bianchi, luca), workflow.KindCompany, bianchi, anna, differs},
		{"company, one who differs from a representative by omocodia", company(bianchi, luca, anna), workflow.KindCompany, bianchi, annaOmocode, unproven},
		{"company, no representative known", company(bianchi), workflow.KindCompany, bianchi, luca, unproven},
		{"sole trader, the person", company(anna), workflow.KindCompany, anna, anna, matched},
		{"sole trader, another", company(anna), workflow.KindCompany, anna, sara, differs},
		{"sole trader, the VAT number declared", withVAT, workflow.KindCompany, bianchi, anna, matched},
		{"company known by its VAT number", onlyVAT, workflow.KindCompany, bianchi, luca, matched},
		{"nothing known, a person", workflow.Record{}, workflow.KindPerson, "", anna, unproven},
		{"nothing known, a company", workflow.Record{}, workflow.KindCompany, bianchi, luca, unproven},
	} {
		t.Run(c.name, func(t *testing.T) {
			x := newWorld(t).begin(c.record)
			x.to(workflow.HolderKind)
			x.must(x.p.ChooseKind(x.ctx, x.v, x.form(), c.kind))
			if c.kind == workflow.KindCompany {
				x.must(x.p.EnterCompany(x.ctx, x.v, x.form(), "", c.company))
			}
			x.must(x.p.EnterContacts(x.ctx, x.v, x.form(), "titolare@mail.example", ""))
			x.must(x.p.ConfirmData(x.ctx, x.v, x.form()))
			x.must(x.logIn(c.login))
			if c.want == differs {
				x.want(workflow.Rejected)
				return
			}
			x.want(workflow.Identified)
			x.must(x.p.ConfirmIdentity(x.ctx, x.v, x.form()))
			x.must(x.p.AcknowledgeContract(x.ctx, x.v, x.form(), "d1"))
			x.relayAccepts()
			x.must(x.p.TypeCode(x.ctx, x.v, x.form(), x.code()))
			if c.want == matched {
				x.want(workflow.Qualified)
			} else {
				x.want(workflow.UnderReview)
			}
			if starred := x.view().Mailbox.Star != nil; starred != (c.want == matched) {
				t.Errorf("the star is %v", starred)
			}
		})
	}
}

func TestAnotherCompanyIsRejected(t *testing.T) {
	x := newWorld(t).begin(companyRecord).to(workflow.CompanyData)
	x.must(x.p.EnterCompany(x.ctx, x.v, x.form(), "Altra S.r.l.", cooperativa))
	x.want(workflow.Rejected)
	if x.view().MayRetryLogin() {
		t.Error("another identity is offered where the company differs")
	}
	x.must(x.p.Retry(x.ctx, x.v, x.form()))
	x.want(workflow.HolderKind)
}

func TestTheOtherKindIsAFaultOfTheInput(t *testing.T) {
	x := newWorld(t).begin(companyRecord).to(workflow.HolderKind)
	before := x.form()
	err := x.p.ChooseKind(x.ctx, x.v, x.form(), workflow.KindPerson)
	if err == nil || !strings.Contains(err.Error(), "kind_differs_company") {
		t.Errorf("the answer is %v", err)
	}
	if x.form() != before {
		t.Error("something changed")
	}
}
