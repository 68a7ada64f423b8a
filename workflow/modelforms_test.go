package workflow_test

import (
	"context"
	"fmt"
	"maps"
	"slices"

	"pgregory.net/rapid"

	"stella/store/storetest"
	"stella/workflow"
)

// A step is what the owner's form does: by this event, or one of the same states.
type step struct {
	event workflow.Event
	model func(*model) string
	real  func(context.Context, workflow.Visitor, workflow.Form) error
}

// forms makes a step of each form, with its fields filled in.
var forms = map[string]func(*play, *rapid.T) step{
	"holder":         func(p *play, t *rapid.T) step { return p.role(workflow.HolderDeclared, workflow.Holder) },
	"delegate":       func(p *play, t *rapid.T) step { return p.role(workflow.HolderDenied, workflow.Delegate) },
	"begin":          func(p *play, t *rapid.T) step { return plain(workflow.ProcedureBegun, p.Procedure.Begin) },
	"kind":           func(p *play, t *rapid.T) step { return p.kind(p.anyKind(t)) },
	"company":        func(p *play, t *rapid.T) step { return p.company(p.anyCompany(t)) },
	"correct holder": func(p *play, t *rapid.T) step { return p.correctHolder(p.anyKind(t), p.anyCompany(t)) },
	"contacts": func(p *play, t *rapid.T) step {
		return p.contacts(t, workflow.ContactsEntered, p.Procedure.EnterContacts)
	},
	"correct contacts": func(p *play, t *rapid.T) step {
		return p.contacts(t, workflow.DataCorrected, p.Procedure.CorrectContacts)
	},
	"redirect code": func(p *play, t *rapid.T) step {
		return p.contacts(t, workflow.ContactsCorrected, p.Procedure.RedirectCode)
	},
	"confirm data":     func(p *play, t *rapid.T) step { return plain(workflow.DataConfirmed, p.Procedure.ConfirmData) },
	"confirm identity": func(p *play, t *rapid.T) step { return plain(workflow.IdentityConfirmed, p.Procedure.ConfirmIdentity) },
	"disown identity": func(p *play, t *rapid.T) step {
		return step{workflow.IdentityDisowned, func(m *model) string { return m.forgetting(workflow.IdentityDisowned) }, p.Procedure.DisownIdentity}
	},
	"contract": func(p *play, t *rapid.T) step { return p.contract(p.likely(t, "notice", storetest.Notice, "another")) },
	"request code": func(p *play, t *rapid.T) step {
		return step{workflow.CodeRequested, (*model).askForCode, p.Procedure.RequestCode}
	},
	"type code": func(p *play, t *rapid.T) step { return p.typeCode(p.anyCode(t)) },
	"retry": func(p *play, t *rapid.T) step {
		return step{workflow.Retried, func(m *model) string { return m.forgetting(workflow.Retried) }, p.Procedure.Retry}
	},
	"retry login": func(p *play, t *rapid.T) step {
		return step{workflow.LoginRetried, (*model).retryLogin, p.Procedure.RetryLogin}
	},
}

// formNames are in order, so that a seed draws the same.
var formNames = slices.Sorted(maps.Keys(forms))

// plain is a step with nothing to fill in.
func plain(e workflow.Event, real func(context.Context, workflow.Visitor, workflow.Form) error) step {
	return step{e, func(m *model) string { return m.fire(e) }, real}
}

func (p *play) role(e workflow.Event, r workflow.Role) step {
	return plain(e, func(ctx context.Context, v workflow.Visitor, f workflow.Form) error {
		return p.Procedure.ChooseRole(ctx, v, f, r)
	})
}

func (p *play) kind(k workflow.Kind) step {
	return step{workflow.PersonChosen, func(m *model) string { return m.chooseKind(k) },
		func(ctx context.Context, v workflow.Visitor, f workflow.Form) error {
			return p.Procedure.ChooseKind(ctx, v, f, k)
		}}
}

func (p *play) company(code string) step {
	return step{workflow.CompanyEntered, func(m *model) string { return m.enterCompany(code) },
		func(ctx context.Context, v workflow.Visitor, f workflow.Form) error {
			return p.Procedure.EnterCompany(ctx, v, f, "", code)
		}}
}

func (p *play) correctHolder(k workflow.Kind, company string) step {
	return step{workflow.DataCorrected, func(m *model) string { return m.correctHolder(k, company) },
		func(ctx context.Context, v workflow.Visitor, f workflow.Form) error {
			return p.Procedure.CorrectHolder(ctx, v, f, k, "", company)
		}}
}

func (p *play) contacts(t *rapid.T, e workflow.Event, change func(context.Context, workflow.Visitor, workflow.Form, string, string) error) step {
	email := p.likely(t, "email", p.emails...)
	return step{e, func(m *model) string { return m.contacts(e, email) },
		func(ctx context.Context, v workflow.Visitor, f workflow.Form) error {
			return change(ctx, v, f, email, "")
		}}
}

func (p *play) contract(notice string) step {
	return step{workflow.ContractRead, func(m *model) string { return m.acknowledge(notice) },
		func(ctx context.Context, v workflow.Visitor, f workflow.Form) error {
			return p.Procedure.AcknowledgeContract(ctx, v, f, notice)
		}}
}

// typeCode types one of the codes that were asked for, or a wrong one for -1.
func (p *play) typeCode(which int) step {
	digits := p.typed(which)
	return step{workflow.CodeRight, func(m *model) string { return m.typeCode(which) },
		func(ctx context.Context, v workflow.Visitor, f workflow.Form) error {
			return p.Procedure.TypeCode(ctx, v, f, digits)
		}}
}

// typed is a code as it is typed.
func (p *play) typed(which int) string {
	if which >= 0 {
		return p.digits[which]
	}
	for n := 0; ; n++ {
		if wrong := fmt.Sprintf("%06d", n); !slices.Contains(p.digits, wrong) {
			return wrong
		}
	}
}
