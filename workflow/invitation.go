package workflow

import (
	"cmp"
	"context"
	"encoding/base64"
	"fmt"
	"net/netip"
	"time"

	"github.com/google/uuid"
)

// InvitationLife is for how long an invitation may be accepted.
const InvitationLife = 7 * 24 * time.Hour

// InvitationsPerDay bounds the mails a mailbox can make us write.
const InvitationsPerDay = 5

// Invitation is a holder's personal link. Its secret is computed from the
// server's key and the nonce, so that a repeated mail repeats the link, and no
// row can be used as one.
type Invitation struct {
	ID            uuid.UUID
	Qualification uuid.UUID
	Version       int // of the qualification that sent it
	Nonce         []byte
	Digest        []byte // of the secret
	Email         string
	SentAt        time.Time
	ExpiresAt     time.Time
	AcceptedAt    time.Time // zero until then
	EndedAt       time.Time // zero while it lives
	Ended         string    // "replaced", "withdrawn", "declined", "finished", "expired"

	Mail MailOutcome // of the mail with the link; empty for one that is not written yet
}

// Accepted reports whether the holder took the invitation up.
func (i Invitation) Accepted() bool { return !i.AcceptedAt.IsZero() }

// Declined reports whether the invited person does not know the mailbox.
func (i Invitation) Declined() bool { return i.Ended == "declined" }

// InvitationState says what an invitation is good for. One that has ended is in
// the state that says how, which is its Ended.
type InvitationState string

// The states of an invitation.
const (
	InvitationIsLive     InvitationState = "live"     // its link may be accepted
	InvitationIsAccepted InvitationState = "accepted" // its holder is under way
	InvitationIsExpired  InvitationState = "expired"  // nobody took it up in time
)

// State is the invitation's at a time.
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

// Expired reports whether nobody took the invitation up in time.
func (i Invitation) Expired(now time.Time) bool {
	return i.AcceptedAt.IsZero() && !now.Before(i.ExpiresAt)
}

// InvitationSecret computes the secret of an invitation's link. It is empty if the
// key that made it is no longer there.
func InvitationSecret(keys Keys, nonce []byte) string {
	key := keys.of(nonce)
	if key == nil {
		return ""
	}
	return base64.RawURLEncoding.EncodeToString(keyed(key, "invitation", nonce))
}

// Invite sends the holder a link; the former one dies. An empty address, once
// invited, means the same as before.
func (p *Procedure) Invite(ctx context.Context, v Visitor, f Form, email string) error {
	if err := p.admit(ctx, invitationsPerNetwork, v.Address); err != nil {
		return err
	}
	typed, err := p.ordinary(ctx, email)
	if err != nil {
		return err
	}
	return p.step(ctx, v, func(c *Case) error {
		q := c.Qualification
		same := q.Invitation != nil && (email == "" || q.Invitation.Email == typed.address)
		if err := c.checkForm(v, f, same); err != nil {
			return err
		}
		address := typed.address
		if q.State == Invited && email == "" {
			address = q.Invitation.Email // which was judged when it was typed
		} else if err := typed.of(c.Mailbox); err != nil {
			return err
		}
		if until := nextOf(c.Invitations, InvitationsPerDay, c.Now); until.After(c.Now) {
			return wrongUntil("email", "invitation_limit", until)
		}
		nonce := p.Keys.newNonce()
		i := Invitation{ID: newID(), Qualification: q.ID, Nonce: nonce, Email: address, SentAt: c.Now,
			ExpiresAt: c.Now.Add(InvitationLife), Digest: Digest(InvitationSecret(p.Keys, nonce))}
		if err := c.fire(HolderInvited, Refs{"invitation": i.ID.String()}); err != nil {
			return err
		}
		c.endInvitation("replaced")
		i.Version = q.Version
		q.Invitation, q.InvitedLocale = &i, ""
		c.add(i, p.spend(invitationsPerAddress, address))
		c.mailInvitation(i)
		return nil
	})
}

// Withdraw ends an invitation, accepted or not, and whatever the invited
// holder entered is no one's any more.
func (p *Procedure) Withdraw(ctx context.Context, v Visitor, f Form) error {
	return p.step(ctx, v, func(c *Case) error {
		q := c.Qualification
		switch {
		case v.Invited():
			return ErrElsewhere
		case f.Qualification != q.ID:
			return StaleError{}
		case q.State != Invited && q.Owner != OwnedByInvited:
			if f.Version < q.Version { // it was withdrawn by this form
				return StaleError{Repeated: f.Version == q.Version-1}
			}
			return ErrNotAllowed
		case f.Version < q.Invitation.Version: // a page of an earlier invitation; the holder's own steps stale none
			return StaleError{Repeated: f.Version == q.Version-1}
		}
		return c.leaveInvitation(InvitationWithdrawn, "withdrawn", Refs{})
	})
}

// TakeBack withdraws an invitation that nobody took up, and goes on with the
// visitor, who is the holder.
func (p *Procedure) TakeBack(ctx context.Context, v Visitor, f Form) error {
	return p.step(ctx, v, func(c *Case) error {
		if err := c.guard(v, f, true, InvitationWithdrawn); err != nil {
			return err
		}
		if c.Qualification.State != Invited {
			return ErrNotAllowed
		}
		if err := c.leaveInvitation(InvitationWithdrawn, "withdrawn", Refs{}); err != nil {
			return err
		}
		return c.fire(HolderDeclared, nil)
	})
}

// WithdrawInvitation is Withdraw by an operator, through a client of the API.
// ErrUnknown for an invitation to none of the client's mailboxes, a DecisionError
// for one that cannot be withdrawn.
func (p *Procedure) WithdrawInvitation(ctx context.Context, client Client, id uuid.UUID, operator, reason string) (SentInvitation, error) {
	sent, err := p.Store.SentInvitation(ctx, client.Domains, id)
	if err != nil {
		return sent, err
	}
	err = p.update(ctx, sent.Mailbox, client.operator(operator), func(c *Case) error {
		ended := cmp.Or(sent.Ended, "replaced")
		if i := c.Qualification.Invitation; i != nil && i.ID == id { // the newest, as it stands under lock
			ended = i.Ended
		}
		if ended != "" {
			return &DecisionError{ErrNotAllowed, "the invitation has ended: it was " + ended}
		}
		if err := c.withdraw(operator, reason); err != nil {
			return err
		}
		sent.Invitation = *c.Qualification.Invitation
		return nil
	})
	return sent, err
}

func (c *Case) withdraw(operator, reason string) error {
	q := c.Qualification
	if _, err := next(q.State, InvitationWithdrawn); err != nil {
		return &DecisionError{err, fmt.Sprintf("the invitation to %s cannot be withdrawn: its case %d is in state %s",
			c.Mailbox.Address, q.Number, q.State)}
	}
	refs := Refs{}
	c.decided(InvitationWithdrawn, operator, reason, refs)
	return c.leaveInvitation(InvitationWithdrawn, "withdrawn", refs)
}

func (c *Case) leaveInvitation(e Event, ended string, refs Refs) error {
	q := c.Qualification
	refs["invitation"] = q.Invitation.ID.String()
	if err := c.fire(e, refs); err != nil {
		return err
	}
	c.endInvitation(ended)
	c.spendCodes()
	c.forget()
	q.Owner, q.InvitedLocale = OwnedByWebmail, ""
	return nil
}

// forget drops what was entered, where the procedure passes from one person to
// another.
func (c *Case) forget() {
	c.forgetLogin()
	c.Qualification.Declaration, c.Qualification.Document = nil, ""
}

func (c *Case) endInvitation(why string) {
	if i := c.Qualification.Invitation; i != nil && i.EndedAt.IsZero() {
		i.EndedAt, i.Ended = c.Now, why
		c.add(*i)
	}
}

// An InvitationError says why an invitation's link leads nowhere.
type InvitationError struct {
	Why string // "unknown", "expired", "replaced", "withdrawn", "declined", "finished"
}

func (e *InvitationError) Error() string { return "invitation " + e.Why }

// Invitation reads the case behind an invitation's link, for its page.
func (p *Procedure) Invitation(ctx context.Context, secret string) (*Case, error) {
	mailbox, i, err := p.Store.InvitationByToken(ctx, Digest(secret))
	if err != nil {
		return nil, err
	}
	c, err := p.Store.View(ctx, mailbox)
	if err != nil {
		return nil, err
	}
	c.Now = p.Now()
	return c, c.admitInvited(i)
}

// AcceptInvitation lets the invited holder in: once by an event, afterwards,
// until the end, to go on where they left. The locale is that of the page on
// which they accept.
func (p *Procedure) AcceptInvitation(ctx context.Context, secret, locale string, from netip.Addr, request string) (Visitor, error) {
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
		c.forget() // what a delegate entered before they invited
		return nil
	})
}

// DeclineInvitation: the invited does not know the mailbox. The delegate is told.
func (p *Procedure) DeclineInvitation(ctx context.Context, secret string, from netip.Addr, request string) error {
	_, err := p.asInvited(ctx, secret, "", from, request, func(c *Case) error {
		if err := c.leaveInvitation(InvitationDeclined, "declined", Refs{}); err != nil {
			return err
		}
		c.mail(MailInvitationDeclined, c.Mailbox.Address, MailDetails{})
		return nil
	})
	return err
}

func (p *Procedure) asInvited(ctx context.Context, secret, locale string, from netip.Addr, request string, do func(*Case) error) (Visitor, error) {
	if err := p.admit(ctx, startsPerNetwork, from); err != nil {
		return Visitor{}, err
	}
	mailbox, i, err := p.Store.InvitationByToken(ctx, Digest(secret))
	if err != nil {
		return Visitor{}, err
	}
	v := Visitor{Mailbox: mailbox, Invitation: i.ID, Locale: locale, Address: from, Request: request}
	return v, p.update(ctx, mailbox, v.actor(), func(c *Case) error {
		if err := c.admitInvited(i); err != nil {
			return err
		}
		return do(c)
	})
}

// admitInvited says whether an invitation's link leads in. The invitation is
// the link's own, which may be an older one than the case's.
func (c *Case) admitInvited(i Invitation) error {
	q := c.Qualification
	switch {
	case i.Ended != "":
		return &InvitationError{Why: i.Ended}
	case q == nil || q.ID != i.Qualification || q.Invitation == nil || q.Invitation.ID != i.ID:
		return &InvitationError{Why: "replaced"}
	case q.Invitation.Ended != "": // meanwhile: the link was read before the lock
		return &InvitationError{Why: q.Invitation.Ended}
	case c.Mailbox.Status != Active:
		return ErrNotEligible
	case q.Invitation.Expired(c.Now):
		return &InvitationError{Why: "expired"}
	}
	return nil
}
