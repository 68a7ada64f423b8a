package workflow

import "context"

// Role is what visitors say they are to the mailbox.
type Role string

// The roles.
const (
	Holder   Role = "holder" // or the legal representative
	Delegate Role = "delegate"
)

// ChooseRole says whether the visitor is the holder.
func (p *Procedure) ChooseRole(ctx context.Context, v Visitor, f Form, r Role) error {
	return p.step(ctx, v, func(c *Case) error {
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
		return wrong("role", "role_missing")
	})
}

// Begin: the visitor has read what is needed, and goes on.
func (p *Procedure) Begin(ctx context.Context, v Visitor, f Form) error {
	return p.act(ctx, v, f, ProcedureBegun)
}

// ChooseKind says what the holder is. A kind that the record contradicts is a
// fault of the input, with what to do about it.
func (p *Procedure) ChooseKind(ctx context.Context, v Visitor, f Form, k Kind) error {
	return p.step(ctx, v, func(c *Case) error {
		d := c.Qualification.Declaration
		same := d != nil && d.Kind == k
		if err := c.guard(v, f, same, PersonChosen); err != nil {
			return err
		}
		if err := c.checkKind(k); err != nil {
			return err
		}
		event := PersonChosen
		if k == KindCompany {
			event = CompanyChosen
		}
		return c.declare(event, func(d *Declaration) { d.setKind(k) })
	})
}

// EnterCompany takes the company's data. Another company than the one on
// record ends the attempt.
func (p *Procedure) EnterCompany(ctx context.Context, v Visitor, f Form, name, code string) error {
	name, code, bad := parseCompany(name, code)
	return p.step(ctx, v, func(c *Case) error {
		if err := c.guard(v, f, c.declares(KindCompany, name, code), CompanyEntered); err != nil {
			return err
		}
		if bad != nil {
			return bad
		}
		event := CompanyEntered
		if c.Mailbox.Record.companyDiffers(code) {
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

// CorrectHolder changes the kind of holder, or the company's data, from the
// summary.
func (p *Procedure) CorrectHolder(ctx context.Context, v Visitor, f Form, k Kind, name, code string) error {
	var bad error
	if k == KindCompany {
		name, code, bad = parseCompany(name, code)
	} else {
		name, code = "", ""
	}
	return p.step(ctx, v, func(c *Case) error {
		if err := c.guard(v, f, c.declares(k, name, code), DataCorrected); err != nil {
			return err
		}
		if err := c.checkKind(k); err != nil {
			return err
		}
		if bad != nil {
			return bad
		}
		if k == KindCompany && c.Mailbox.Record.companyDiffers(code) {
			return wrong("company_code", "company_code_differs")
		}
		return c.declare(DataCorrected, func(d *Declaration) { d.Kind, d.CompanyName, d.CompanyCode = k, name, code })
	})
}

// declares reports whether these data of the holder were entered last.
func (c *Case) declares(k Kind, name, code string) bool {
	d := c.Qualification.Declaration
	return d != nil && d.Kind == k && d.CompanyName == name && d.CompanyCode == code
}

// StepBack goes back one page, where the table has a way back. An invited
// holder's way back ends where their own way began.
func (p *Procedure) StepBack(ctx context.Context, v Visitor, f Form) error {
	return p.step(ctx, v, func(c *Case) error {
		if err := c.checkForm(v, f, true); err != nil {
			return err
		}
		if c.Lapsed(v) {
			if err := c.lapse(nil); err != nil {
				return err
			}
		}
		if !c.MayStepBack(v) {
			return ErrNotAllowed
		}
		return c.fire(SteppedBack, c.standingRefs())
	})
}

// MayStepBack reports whether there is a way back from what the visitor sees.
func (c *Case) MayStepBack(v Visitor) bool {
	if !c.Owns(v) || v.Invited() && c.Qualification.State == HolderKind {
		return false
	}
	_, err := next(c.Stage(v), SteppedBack)
	return err == nil
}

// Retry begins again after a rejection, from the kind of holder.
func (p *Procedure) Retry(ctx context.Context, v Visitor, f Form) error {
	return p.step(ctx, v, func(c *Case) error {
		if err := c.guard(v, f, true, Retried); err != nil {
			return err
		}
		if err := c.fire(Retried, c.standingRefs()); err != nil {
			return err
		}
		c.forgetLogin()
		return nil
	})
}

// RetryLogin keeps the data after a rejection, and asks for another identity.
func (p *Procedure) RetryLogin(ctx context.Context, v Visitor, f Form) error {
	return p.step(ctx, v, func(c *Case) error {
		if err := c.guard(v, f, true, LoginRetried); err != nil {
			return err
		}
		if !c.MayRetryLogin() {
			return ErrNotAllowed
		}
		if err := c.fire(LoginRetried, c.standingRefs()); err != nil {
			return err
		}
		c.forgetLogin()
		return nil
	})
}

// MayRetryLogin reports whether another identity could mend a rejection: not
// where the company differs, and only with complete data.
func (c *Case) MayRetryLogin() bool {
	q := c.Qualification
	return q.State == Rejected && q.Reason != ReasonCompany && q.Declaration != nil && q.Declaration.Email != ""
}

// PassOn leaves a rejected attempt to the holder, whom the visitor will invite.
func (p *Procedure) PassOn(ctx context.Context, v Visitor, f Form) error {
	return p.step(ctx, v, func(c *Case) error {
		if err := c.guard(v, f, true, HolderDenied); err != nil {
			return err
		}
		if !c.MayPassOn(v) {
			return ErrNotAllowed
		}
		if err := c.fire(HolderDenied, c.standingRefs()); err != nil {
			return err
		}
		c.forgetLogin()
		return nil
	})
}

// MayPassOn reports whether somebody else could mend a rejection: not if the
// company differs, nor if the visitor is already the one who was invited.
func (c *Case) MayPassOn(v Visitor) bool {
	q := c.Qualification
	return q.State == Rejected && q.Reason != ReasonCompany && !v.Invited()
}

func (c *Case) checkKind(k Kind) error {
	switch {
	case k != KindPerson && k != KindCompany:
		return wrong("kind", "kind_missing")
	case c.Mailbox.Record.kindDiffers(k):
		return wrong("kind", "kind_differs_"+string(c.Mailbox.Record.Kind))
	}
	return nil
}

// rejectionsPerDay bounds the mails that rejections make us write: whoever has
// the mailbox can have as many as they like. The page tells each of them.
const rejectionsPerDay = 5

// reject writes why, and tells the holder.
func (c *Case) reject(r Reason, remark string) {
	c.Qualification.Reason, c.Qualification.Remark = r, remark
	if nextOf(c.ToldRejected, rejectionsPerDay, c.Now).After(c.Now) {
		return
	}
	c.mail(MailRejected, c.contact(), MailDetails{Reason: r, Remark: remark, Invited: c.toInvited(c.contact())})
}

// forgetLogin drops the login and who was identified, where they stopped
// counting; the log and the archive keep them.
func (c *Case) forgetLogin() {
	q := c.Qualification
	q.Login, q.Identity, q.Reason, q.Remark = nil, nil, "", ""
}

// declare fires an event that rests on what was entered, and keeps that as a
// new declaration.
func (c *Case) declare(e Event, change func(*Declaration)) error {
	q := c.Qualification
	d := Declaration{}
	if q.Declaration != nil {
		d = *q.Declaration
	}
	change(&d)
	d.ID, d.Qualification, d.DeclaredAt = newID(), q.ID, c.Now
	refs := c.recordRef()
	refs["declaration"] = d.ID.String()
	if err := c.fire(e, refs); err != nil {
		return err
	}
	q.Declaration = &d
	c.add(d)
	return nil
}

// setKind changes the kind of holder; a person has no company.
func (d *Declaration) setKind(k Kind) {
	d.Kind = k
	if k == KindPerson {
		d.CompanyName, d.CompanyCode = "", ""
	}
}
