package qualification

import (
	"context"

	"stella/workflow"
)

// Role is the visitor's relation to the mailbox, as they declare it.
type Role string

// The roles.
const (
	Holder   Role = "holder" // the holder or the legal representative
	Delegate Role = "delegate"
)

// ChooseRole records whether the visitor is the holder.
func (p *Procedure) ChooseRole(ctx context.Context, v workflow.Visitor, f Form, r Role) error {
	return p.step(ctx, v, func(v workflow.Visitor, c *Case) error {
		same := c.Qualification.State == HolderInvitation == (r == Delegate)
		if err := c.guard(v, f, same, HolderDeclared); err != nil {
			return err
		}
		switch r {
		case Holder:
			return c.fire(HolderDeclared, nil)
		case Delegate:
			return c.fire(HolderDenied, nil)
		}
		return workflow.WrongInput("role", "role_missing")
	})
}

// Begin continues from the introduction page.
func (p *Procedure) Begin(ctx context.Context, v workflow.Visitor, f Form) error {
	return p.act(ctx, v, f, ProcedureBegun)
}

// ChooseKind records whether the holder is a person or a company. It returns an
// InputError if the record contradicts the choice.
func (p *Procedure) ChooseKind(ctx context.Context, v workflow.Visitor, f Form, k workflow.Kind) error {
	return p.step(ctx, v, func(v workflow.Visitor, c *Case) error {
		d := c.Qualification.Declaration
		same := d != nil && d.Kind == k
		if err := c.guard(v, f, same, PersonChosen); err != nil {
			return err
		}
		if err := c.checkKind(k); err != nil {
			return err
		}
		event := PersonChosen
		if k == workflow.KindCompany {
			event = CompanyChosen
		}
		return c.declare(event, func(d *Declaration) { d.setKind(k) })
	})
}

// EnterCompany records the company's data. If the company is not the one on record, the
// attempt is rejected.
func (p *Procedure) EnterCompany(ctx context.Context, v workflow.Visitor, f Form, name, code string) error {
	name, code, bad := parseCompany(name, code)
	return p.step(ctx, v, func(v workflow.Visitor, c *Case) error {
		if err := c.guard(v, f, c.declares(workflow.KindCompany, name, code), CompanyEntered); err != nil {
			return err
		}
		if bad != nil {
			return bad
		}
		event := CompanyEntered
		if c.Mailbox.Record.CompanyDiffers(code) {
			event = CompanyDiffers
		}
		err := c.declare(event, func(d *Declaration) { d.CompanyName, d.CompanyCode = name, code })
		if err != nil || event == CompanyEntered {
			return err
		}
		c.reject(ReasonCompany, "")
		return nil
	})
}

// CorrectHolder changes the kind of holder, or the company's data, from the summary.
func (p *Procedure) CorrectHolder(ctx context.Context, v workflow.Visitor, f Form, k workflow.Kind, name, code string) error {
	var bad error
	if k == workflow.KindCompany {
		name, code, bad = parseCompany(name, code)
	} else {
		name, code = "", ""
	}
	return p.step(ctx, v, func(v workflow.Visitor, c *Case) error {
		if err := c.guard(v, f, c.declares(k, name, code), DataCorrected); err != nil {
			return err
		}
		if err := c.checkKind(k); err != nil {
			return err
		}
		if bad != nil {
			return bad
		}
		if k == workflow.KindCompany && c.Mailbox.Record.CompanyDiffers(code) {
			return workflow.WrongInput("company_code", "company_code_differs")
		}
		return c.declare(DataCorrected, func(d *Declaration) { d.Kind, d.CompanyName, d.CompanyCode = k, name, code })
	})
}

// declares reports whether the newest declaration contains this data.
func (c *Case) declares(k workflow.Kind, name, code string) bool {
	d := c.Qualification.Declaration
	return d != nil && d.Kind == k && d.CompanyName == name && d.CompanyCode == code
}

// StepBack goes back one page, if the table has a way back. An invited holder cannot go
// back beyond the first page of their own part.
func (p *Procedure) StepBack(ctx context.Context, v workflow.Visitor, f Form) error {
	return p.step(ctx, v, func(v workflow.Visitor, c *Case) error {
		if err := c.checkForm(v, f, true); err != nil {
			return err
		}
		if c.LoginExpired(v) {
			if err := c.lapse(nil); err != nil {
				return err
			}
		}
		if !c.MayStepBack(v) {
			return ErrNotAllowed
		}
		return c.fire(SteppedBack, c.currentRefs())
	})
}

// MayStepBack reports whether the visitor's page has a way back.
func (c *Case) MayStepBack(v workflow.Visitor) bool {
	if !c.CanAct(v) || v.Invited() && c.Qualification.State == HolderKind {
		return false
	}
	_, err := next(c.Stage(v), SteppedBack)
	return err == nil
}

// Retry starts again after a rejection, from the kind of holder.
func (p *Procedure) Retry(ctx context.Context, v workflow.Visitor, f Form) error {
	return p.step(ctx, v, func(v workflow.Visitor, c *Case) error {
		if err := c.guard(v, f, true, Retried); err != nil {
			return err
		}
		if err := c.fire(Retried, c.currentRefs()); err != nil {
			return err
		}
		c.clearLogin()
		return nil
	})
}

// RetryLogin keeps the data after a rejection, and continues with a new login.
func (p *Procedure) RetryLogin(ctx context.Context, v workflow.Visitor, f Form) error {
	return p.step(ctx, v, func(v workflow.Visitor, c *Case) error {
		if err := c.guard(v, f, true, LoginRetried); err != nil {
			return err
		}
		if !c.MayRetryLogin() {
			return ErrNotAllowed
		}
		if err := c.fire(LoginRetried, c.currentRefs()); err != nil {
			return err
		}
		c.clearLogin()
		return nil
	})
}

// MayRetryLogin reports whether a login by another person can resolve a rejection. It
// cannot if the company differs or the data are incomplete.
func (c *Case) MayRetryLogin() bool {
	q := c.Qualification
	return q.State == Rejected && q.Reason != ReasonCompany && q.Declaration != nil && q.Declaration.Email != ""
}

// PassOn continues after a rejection with an invitation of the holder by the visitor.
func (p *Procedure) PassOn(ctx context.Context, v workflow.Visitor, f Form) error {
	return p.step(ctx, v, func(v workflow.Visitor, c *Case) error {
		if err := c.guard(v, f, true, HolderDenied); err != nil {
			return err
		}
		if !c.MayPassOn(v) {
			return ErrNotAllowed
		}
		if err := c.fire(HolderDenied, c.currentRefs()); err != nil {
			return err
		}
		c.clearLogin()
		return nil
	})
}

// MayPassOn reports whether an invited holder can resolve a rejection. They cannot if
// the company differs or the visitor was invited already.
func (c *Case) MayPassOn(v workflow.Visitor) bool {
	q := c.Qualification
	return q.State == Rejected && q.Reason != ReasonCompany && !v.Invited()
}

func (c *Case) checkKind(k workflow.Kind) error {
	switch {
	case k != workflow.KindPerson && k != workflow.KindCompany:
		return workflow.WrongInput("kind", "kind_missing")
	case c.Mailbox.Record.KindDiffers(k):
		return workflow.WrongInput("kind", "kind_differs_"+string(c.Mailbox.Record.Kind))
	}
	return nil
}

// declare fires an event and stores the entered data as a new declaration.
func (c *Case) declare(e Event, change func(*Declaration)) error {
	q := c.Qualification
	d := Declaration{}
	if q.Declaration != nil {
		d = *q.Declaration
	}
	change(&d)
	d.ID, d.Qualification, d.DeclaredAt = workflow.NewID(), q.ID, c.Now
	refs := c.recordRef()
	refs["declaration"] = d.ID.String()
	if err := c.fire(e, refs); err != nil {
		return err
	}
	q.Declaration = &d
	c.add(d)
	return nil
}

// setKind changes the kind of holder. A person has no company data.
func (d *Declaration) setKind(k workflow.Kind) {
	d.Kind = k
	if k == workflow.KindPerson {
		d.CompanyName, d.CompanyCode = "", ""
	}
}
