package workflow_test

import (
	"context"
	"fmt"
	"slices"

	"pgregory.net/rapid"

	"stella/store/storetest"
	"stella/workflow"
)

// A step is what the owner's form does: by this event, or one of the same states.
type step struct {
	event workflow.Event
	model func(*model) string
	real  byForm
}

// byForm is what a visitor does by a form.
type byForm func(context.Context, workflow.Visitor, workflow.Form) error

// with fills in what a form asks for.
func with[T any](do func(context.Context, workflow.Visitor, workflow.Form, T) error, input T) byForm {
	return func(ctx context.Context, v workflow.Visitor, f workflow.Form) error { return do(ctx, v, f, input) }
}

var formNames = []string{"holder", "delegate", "begin", "kind", "company", "correct holder", "contacts", "correct contacts", "redirect code",
	"confirm data", "confirm identity", "disown identity", "contract", "request code", "type code", "retry", "retry login", "pass on", "take back"}

// fill fills in the form of a page.
func (p *play) fill(t *rapid.T, name string) step {
	switch real := p.Procedure; name {
	case "holder":
		return plain(workflow.HolderDeclared, with(real.ChooseRole, workflow.Holder))
	case "delegate":
		return step{workflow.HolderDeclared, func(m *model) string { return m.fire(workflow.HolderDenied) }, with(real.ChooseRole, workflow.Delegate)}
	case "begin":
		return plain(workflow.ProcedureBegun, real.Begin)
	case "kind":
		kind := p.anyKind(t)
		return step{workflow.PersonChosen, func(m *model) string { return m.chooseKind(kind) }, with(real.ChooseKind, kind)}
	case "company":
		company := p.anyCompany(t)
		return step{workflow.CompanyEntered, func(m *model) string { return m.enterCompany(company) },
			func(ctx context.Context, v workflow.Visitor, f workflow.Form) error {
				return real.EnterCompany(ctx, v, f, "", company)
			}}
	case "correct holder":
		kind, company := p.anyKind(t), p.anyCompany(t)
		return step{workflow.DataCorrected, func(m *model) string { return m.correctHolder(kind, company) },
			func(ctx context.Context, v workflow.Visitor, f workflow.Form) error {
				return real.CorrectHolder(ctx, v, f, kind, "", company)
			}}
	case "contacts":
		return p.contacts(t, workflow.ContactsEntered, real.EnterContacts)
	case "correct contacts":
		return p.contacts(t, workflow.DataCorrected, real.CorrectContacts)
	case "redirect code":
		return p.contacts(t, workflow.ContactsCorrected, real.RedirectCode)
	case "confirm data":
		return step{workflow.DataConfirmed, (*model).confirmData, real.ConfirmData}
	case "confirm identity":
		return plain(workflow.IdentityConfirmed, real.ConfirmIdentity)
	case "disown identity":
		return step{workflow.IdentityDisowned, func(m *model) string { return m.forgetting(workflow.IdentityDisowned) }, real.DisownIdentity}
	case "contract":
		notice := p.likely(t, "notice", storetest.Notice, "another")
		return step{workflow.ContractRead, func(m *model) string { return m.acknowledge(notice) }, with(real.AcknowledgeContract, notice)}
	case "request code":
		return step{workflow.CodeRequested, (*model).askForCode, real.RequestCode}
	case "type code":
		return p.typeCode(p.anyCode(t))
	case "retry":
		return step{workflow.Retried, func(m *model) string { return m.forgetting(workflow.Retried) }, real.Retry}
	case "retry login":
		return step{workflow.LoginRetried, (*model).retryLogin, real.RetryLogin}
	case "pass on":
		return step{workflow.HolderDenied, (*model).passOn, real.PassOn}
	case "take back":
		return step{workflow.InvitationWithdrawn, (*model).takeBack, real.TakeBack}
	}
	panic("there is no form " + name)
}

// plain is a step that only fires its event.
func plain(e workflow.Event, real byForm) step {
	return step{e, func(m *model) string { return m.fire(e) }, real}
}

func (p *play) contacts(t *rapid.T, e workflow.Event, change func(context.Context, workflow.Visitor, workflow.Form, string, string) error) step {
	email := p.likely(t, "email", p.emails...)
	return step{e, func(m *model) string { return m.contacts(e, email) },
		func(ctx context.Context, v workflow.Visitor, f workflow.Form) error {
			return change(ctx, v, f, email, "")
		}}
}

// typeCode types one of the codes that were asked for, or a wrong one for -1.
func (p *play) typeCode(which int) step {
	return step{workflow.CodeRight, func(m *model) string { return m.typeCode(which) }, with(p.Procedure.TypeCode, p.typed(which))}
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
