package qualification

import (
	"context"
	"net/netip"
	"time"

	"github.com/google/uuid"

	"stella/workflow"
)

// InvitationLife is how long an invitation can be accepted.
const InvitationLife = 7 * 24 * time.Hour

// InvitationsPerDay bounds the mails that the users of a mailbox can cause.
const InvitationsPerDay = 5

// Invitation is a personal link for the holder. Its secret is computed from the
// server's key and the nonce, so that a repeated mail contains the same link and a
// database row does not reveal it.
type Invitation struct {
	ID            uuid.UUID
	Qualification uuid.UUID
	Version       int // of the qualification after the step that sent it
	Nonce         []byte
	Digest        []byte // of the secret
	Email         string
	SentAt        time.Time
	ExpiresAt     time.Time
	AcceptedAt    time.Time // zero until it is accepted
	EndedAt       time.Time // zero while it is valid
	Ended         string    // "replaced", "withdrawn", "declined", "finished", "expired"

	Mail workflow.MailOutcome // outcome of the mail with the link; empty until the mail is written
}

func (Invitation) IsRow() {} // one that exists already is one that was accepted or ended

// Accepted reports whether the holder accepted the invitation.
func (i Invitation) Accepted() bool { return !i.AcceptedAt.IsZero() }

// Declined reports whether the invited person declined: they do not know the mailbox.
func (i Invitation) Declined() bool { return i.Ended == "declined" }

// InvitationState is the status of an invitation. If it has ended, the state is its
// Ended field.
type InvitationState string

// The states of an invitation that has not ended.
const (
	InvitationIsLive     InvitationState = "live"     // its link can be accepted
	InvitationIsAccepted InvitationState = "accepted" // its holder is in the procedure
	InvitationIsExpired  InvitationState = "expired"  // it was not accepted in time
)

// State returns the state of the invitation at a time.
func (i Invitation) State(now time.Time) InvitationState {
	switch {
	case i.Ended != "":
		return InvitationState(i.Ended)
	case i.Accepted():
		return InvitationIsAccepted
	case i.Expired(now):
		return InvitationIsExpired
	}
	return InvitationIsLive
}

// Expired reports whether the invitation was not accepted in time.
func (i Invitation) Expired(now time.Time) bool {
	return i.AcceptedAt.IsZero() && !now.Before(i.ExpiresAt)
}

// Invite sends the holder a link, and invalidates the previous one. In state Invited an
// empty address repeats the invitation to the same address.
func (p *Procedure) Invite(ctx context.Context, v workflow.Visitor, f Form, email string) error {
	if err := p.limiter().Admit(ctx, invitationsPerNetwork, v.Address); err != nil {
		return err
	}
	typed, err := p.parseOrdinary(ctx, email)
	if err != nil {
		return err
	}
	return p.step(ctx, v, func(v workflow.Visitor, c *Case) error {
		q := c.Qualification
		same := q.Invitation != nil && (email == "" || q.Invitation.Email == typed.address)
		if err := c.checkForm(v, f, same); err != nil {
			return err
		}
		address := typed.address
		if q.State == Invited && email == "" {
			address = q.Invitation.Email // was validated when it was typed
		} else if err := typed.validFor(c.Mailbox); err != nil {
			return err
		}
		if until := nextAllowed(c.Invitations, InvitationsPerDay, c.Now); until.After(c.Now) {
			return workflow.WrongInputUntil("email", "invitation_limit", until)
		}
		nonce := p.Keys.NewNonce()
		i := Invitation{ID: workflow.NewID(), Qualification: q.ID, Nonce: nonce, Email: address, SentAt: c.Now,
			ExpiresAt: c.Now.Add(InvitationLife), Digest: workflow.Digest(workflow.InvitationSecret(p.Keys, nonce))}
		if err := c.fire(HolderInvited, Refs{"invitation": i.ID.String()}); err != nil {
			return err
		}
		c.endInvitation("replaced")
		i.Version = q.Version
		q.Invitation, q.InvitedLocale = &i, ""
		c.add(i, p.Keys.Spend(invitationsPerAddress, address, c.Now))
		c.mailInvitation(i)
		return nil
	})
}

// Withdraw ends an invitation, accepted or not, and discards what the invited holder
// entered.
func (p *Procedure) Withdraw(ctx context.Context, v workflow.Visitor, f Form) error {
	return p.step(ctx, v, func(v workflow.Visitor, c *Case) error {
		q := c.Qualification
		switch {
		case v.Invited():
			return ErrNotOwner
		case f.Qualification != q.ID:
			return StaleError{}
		case q.State != Invited && q.Owner != OwnedByInvited:
			if f.Version < q.Version { // this form has withdrawn it already
				return StaleError{Repeated: f.Version == q.Version-1}
			}
			return ErrNotAllowed
		case f.Version < q.Invitation.Version: // a page from before the newest invitation; the holder's own steps do not make it stale
			return StaleError{Repeated: f.Version == q.Version-1}
		}
		return c.closeInvitation(InvitationWithdrawn, "withdrawn", Refs{})
	})
}

// TakeBack withdraws an invitation that was not accepted, and continues with the
// visitor as the holder.
func (p *Procedure) TakeBack(ctx context.Context, v workflow.Visitor, f Form) error {
	return p.step(ctx, v, func(v workflow.Visitor, c *Case) error {
		if err := c.guard(v, f, true, InvitationWithdrawn); err != nil {
			return err
		}
		if c.Qualification.State != Invited {
			return ErrNotAllowed
		}
		if err := c.closeInvitation(InvitationWithdrawn, "withdrawn", Refs{}); err != nil {
			return err
		}
		return c.fire(HolderDeclared, nil)
	})
}

func (c *Case) closeInvitation(e Event, ended string, refs Refs) error {
	q := c.Qualification
	refs["invitation"] = q.Invitation.ID.String()
	if err := c.fire(e, refs); err != nil {
		return err
	}
	c.endInvitation(ended)
	c.spendCodes()
	c.clearEntered()
	q.Owner, q.InvitedLocale = OwnedByWebmail, ""
	return nil
}

// clearEntered discards what was entered when the procedure passes to another person.
func (c *Case) clearEntered() {
	c.clearLogin()
	c.Qualification.Declaration, c.Qualification.Document = nil, ""
}

func (c *Case) endInvitation(why string) {
	if i := c.Qualification.Invitation; i != nil && i.EndedAt.IsZero() {
		i.EndedAt, i.Ended = c.Now, why
		c.add(*i)
	}
}

// An InvitationError reports why the link of an invitation cannot be used.
type InvitationError struct {
	Why string // "unknown", "expired", "replaced", "withdrawn", "declined", "finished"
}

func (e *InvitationError) Error() string { return "invitation " + e.Why }

// Invitation returns the case of an invitation's link, for its page.
func (p *Procedure) Invitation(ctx context.Context, secret string) (*Case, error) {
	mailbox, i, err := p.Cases.Store.InvitationByToken(ctx, workflow.Digest(secret))
	if err != nil {
		return nil, err
	}
	c, err := p.Cases.Store.View(ctx, mailbox)
	if err != nil {
		return nil, err
	}
	c.Now = p.Cases.Now()
	return c, c.admitInvited(i)
}

// AcceptInvitation admits the invited holder. The first call fires an event; later ones
// let the holder continue until the invitation ends. locale is the language of the page
// on which they accept.
func (p *Procedure) AcceptInvitation(ctx context.Context, secret, locale string, from netip.Addr, request string) (workflow.Visitor, error) {
	return p.asInvited(ctx, secret, locale, from, request, func(c *Case) error {
		q := c.Qualification
		if q.Invitation.Accepted() {
			return nil
		}
		if err := c.fire(InvitationAccepted, Refs{"invitation": q.Invitation.ID.String()}); err != nil {
			return err
		}
		q.Invitation.AcceptedAt, q.Owner, q.InvitedLocale = c.Now, OwnedByInvited, locale
		c.add(*q.Invitation)
		c.clearEntered() // what a delegate entered before the invitation
		return nil
	})
}

// DeclineInvitation records that the invited person does not know the mailbox, and
// sends a mail to the delegate.
func (p *Procedure) DeclineInvitation(ctx context.Context, secret string, from netip.Addr, request string) error {
	_, err := p.asInvited(ctx, secret, "", from, request, func(c *Case) error {
		if err := c.closeInvitation(InvitationDeclined, "declined", Refs{}); err != nil {
			return err
		}
		c.mail(workflow.MailInvitationDeclined, c.Mailbox.Address, workflow.MailDetails{})
		return nil
	})
	return err
}

func (p *Procedure) asInvited(
	ctx context.Context, secret, locale string, from netip.Addr, request string, do func(*Case) error,
) (workflow.Visitor, error) {
	if err := p.limiter().Admit(ctx, startsPerNetwork, from); err != nil {
		return workflow.Visitor{}, err
	}
	mailbox, i, err := p.Cases.Store.InvitationByToken(ctx, workflow.Digest(secret))
	if err != nil {
		return workflow.Visitor{}, err
	}
	v := workflow.Visitor{Mailbox: mailbox, Invitation: i.ID, Locale: locale, Address: from, Request: request}
	return v, p.Cases.update(ctx, mailbox, v.Actor(), func(c *Case) error {
		if err := c.admitInvited(i); err != nil {
			return err
		}
		return do(c)
	})
}

// admitInvited returns an error if the link of invitation i cannot be used. i may be
// older than the newest invitation of the case.
func (c *Case) admitInvited(i Invitation) error {
	q := c.Qualification
	switch {
	case i.Ended != "":
		return &InvitationError{Why: i.Ended}
	case q == nil || q.ID != i.Qualification || q.Invitation == nil || q.Invitation.ID != i.ID:
		return &InvitationError{Why: "replaced"}
	case q.Invitation.Ended != "": // it ended between the lookup of the link and the lock
		return &InvitationError{Why: q.Invitation.Ended}
	case c.Mailbox.Status != workflow.Active:
		return workflow.ErrNotEligible
	case q.Invitation.Expired(c.Now):
		return &InvitationError{Why: "expired"}
	}
	return nil
}
