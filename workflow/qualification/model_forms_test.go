package qualification_test

import (
	"context"
	"fmt"
	"slices"

	"pgregory.net/rapid"

	"stella/store/storetest"
	"stella/workflow"
	"stella/workflow/qualification"
)

// A step is the action of the owner's form: it fires event, or another event of the
// same states.
type step struct {
	event qualification.Event
	model func(*model) string
	run   byForm
}

// byForm is the method of Procedure that handles a form.
type byForm func(context.Context, workflow.Visitor, qualification.Form) error

// withInput binds the input of a form.
func withInput[T any](do func(context.Context, workflow.Visitor, qualification.Form, T) error, input T) byForm {
	return func(ctx context.Context, v workflow.Visitor, f qualification.Form) error { return do(ctx, v, f, input) }
}

var formNames = []string{
	"holder", "delegate", "begin", "kind", "company", "correct holder", "contacts", "correct contacts", "redirect code",
	"confirm data", "confirm identity", "disown identity", "contract", "request code", "type code",
	"retry", "retry login", "pass on", "take back",
}

// fill returns the step for the form of a page, with random input.
func (p *run) fill(t *rapid.T, name string) step {
	switch real := p.Procedure; name {
	case "holder":
		return fireOnly(qualification.HolderDeclared, withInput(real.ChooseRole, qualification.Holder))
	case "delegate":
		return step{qualification.HolderDeclared, func(m *model) string { return m.fire(qualification.HolderDenied) },
			withInput(real.ChooseRole, qualification.Delegate)}
	case "begin":
		return fireOnly(qualification.ProcedureBegun, real.Begin)
	case "kind":
		kind := p.drawKind(t)
		return step{qualification.PersonChosen, func(m *model) string { return m.chooseKind(kind) }, withInput(real.ChooseKind, kind)}
	case "company":
		company := p.drawCompany(t)
		return step{qualification.CompanyEntered, func(m *model) string { return m.enterCompany(company) },
			func(ctx context.Context, v workflow.Visitor, f qualification.Form) error {
				return real.EnterCompany(ctx, v, f, "", company)
			}}
	case "correct holder":
		kind, company := p.drawKind(t), p.drawCompany(t)
		return step{qualification.DataCorrected, func(m *model) string { return m.correctHolder(kind, company) },
			func(ctx context.Context, v workflow.Visitor, f qualification.Form) error {
				return real.CorrectHolder(ctx, v, f, kind, "", company)
			}}
	case "contacts":
		return p.contacts(t, qualification.ContactsEntered, real.EnterContacts)
	case "correct contacts":
		return p.contacts(t, qualification.DataCorrected, real.CorrectContacts)
	case "redirect code":
		return p.contacts(t, qualification.ContactsCorrected, real.RedirectCode)
	case "confirm data":
		return step{qualification.DataConfirmed, (*model).confirmData, real.ConfirmData}
	case "confirm identity":
		return fireOnly(qualification.IdentityConfirmed, real.ConfirmIdentity)
	case "disown identity":
		return step{qualification.IdentityDisowned, func(m *model) string { return m.fireAndClearLogin(qualification.IdentityDisowned) },
			real.DisownIdentity}
	case "contract":
		notice := p.drawLikely(t, "notice", storetest.Notice, "another")
		return step{qualification.ContractRead, func(m *model) string { return m.acknowledge(notice) },
			withInput(real.AcknowledgeContract, notice)}
	case "request code":
		return step{qualification.CodeRequested, (*model).askForCode, real.RequestCode}
	case "type code":
		return p.typeCode(p.drawCode(t))
	case "retry":
		return step{qualification.Retried, func(m *model) string { return m.fireAndClearLogin(qualification.Retried) }, real.Retry}
	case "retry login":
		return step{qualification.LoginRetried, (*model).retryLogin, real.RetryLogin}
	case "pass on":
		return step{qualification.HolderDenied, (*model).passOn, real.PassOn}
	case "take back":
		return step{qualification.InvitationWithdrawn, (*model).takeBack, real.TakeBack}
	}
	panic("unknown form " + name)
}

// fireOnly returns a step that only fires its event.
func fireOnly(e qualification.Event, real byForm) step {
	return step{e, func(m *model) string { return m.fire(e) }, real}
}

func (p *run) contacts(
	t *rapid.T, e qualification.Event,
	change func(context.Context, workflow.Visitor, qualification.Form, string, string) error,
) step {
	email := p.drawLikely(t, "email", p.emails...)
	return step{e, func(m *model) string { return m.contacts(e, email) },
		func(ctx context.Context, v workflow.Visitor, f qualification.Form) error {
			return change(ctx, v, f, email, "")
		}}
}

// typeCode types the digits of a requested code, or a wrong code for -1.
func (p *run) typeCode(which int) step {
	return step{qualification.CodeRight, func(m *model) string { return m.typeCode(which) },
		withInput(p.Procedure.TypeCode, p.codeToType(which))}
}

// codeToType returns the digits of a requested code, or wrong ones for -1.
func (p *run) codeToType(which int) string {
	if which >= 0 {
		return p.digits[which]
	}
	for n := 0; ; n++ {
		if wrong := fmt.Sprintf("%06d", n); !slices.Contains(p.digits, wrong) {
			return wrong
		}
	}
}
