package qualification

import (
	"context"
	"errors"
	"time"

	"github.com/google/uuid"

	"stella/otp"
	"stella/workflow"
)

// Procedure is the holder's side: the steps of the visitors of the pages. Each exported
// method that changes a case is one transaction.
type Procedure struct {
	Cases     *Cases
	Keys      workflow.Keys // the server's secrets, from which codes and links are computed
	Limits    otp.Limits
	Documents map[string]workflow.Document // the contract notice in force, by locale
}

// Cases is the provider's side: decisions about cases, the register of mailboxes, whose
// changes are steps, and lists.
type Cases struct {
	Store    Store
	Now      func() time.Time
	Observer Observer
}

// Store is the database. Package store implements it; the interface is here because
// store imports this package. Its parts are described in the files that need them.
type Store interface {
	Register
	Directory

	// View reads the case of a mailbox without a lock.
	View(ctx context.Context, mailbox int64) (*Case, error)
	// Update locks a mailbox and its qualification, calls step, and writes the changes
	// and the added rows in the same transaction. An error of step rolls it back.
	Update(ctx context.Context, mailbox int64, step func(*Case) error) error

	// Visit reads a session, valid or not, with the case of its mailbox. It returns
	// ErrUnknown if there is none. With use, it prolongs a valid session as
	// workflow.SessionStore does.
	Visit(ctx context.Context, session []byte, now time.Time, use bool) (workflow.Session, *Case, error)

	// UpdateInSession is Update for the mailbox of the session of a visitor. step also gets
	// the session, which is the zero value, with no case, if it is unknown. A step that
	// succeeds prolongs a valid session as workflow.SessionStore does, and deletes a draft
	// that the visitor replaces.
	UpdateInSession(ctx context.Context, v workflow.Visitor, now time.Time, step func(workflow.Session, *Case) error) error

	// StartSession uses a hand-off for a session. It calls step with the locked case, and
	// writes the changes, the added rows and the session that step returns in the same
	// transaction. If the hand-off was used before, it ends that session and returns
	// ErrUnknown.
	StartSession(ctx context.Context, token, session []byte, now time.Time,
		step func(workflow.HandOff, *Case) (workflow.Session, error)) error

	// InvitationByToken returns the invitation with this digest of a link, or
	// ErrUnknown.
	InvitationByToken(ctx context.Context, digest []byte) (mailbox int64, i Invitation, err error)
	// InvitationEnd returns how an invitation ended, or "" while it is valid.
	InvitationEnd(ctx context.Context, id uuid.UUID) (string, error)

	// LoginIdentified reports whether the answer to a login has identified a person.
	LoginIdentified(ctx context.Context, id string) (bool, error)
	// DiscardAnswers deletes stored answers: the one with this handle, and those of
	// this session.
	DiscardAnswers(ctx context.Context, handle, session []byte) error

	// Stale lists the mailboxes with an unfinished qualification, not under review,
	// whose last step is before the given time.
	Stale(ctx context.Context, before time.Time) ([]int64, error)

	// Spend counts a use of a limit outside any step. It returns a LimitError if
	// nothing is left.
	Spend(ctx context.Context, s workflow.Spend) error
}

// ErrNotOwner is returned to a visitor who does not own the procedure, or no longer
// owns it.
var ErrNotOwner = errors.New("not the visitor's procedure")

// ErrLoginExpired is returned if a login is not valid in this session. The qualification is
// then back at identification.
var ErrLoginExpired = errors.New("the login is not valid in this session")

// step runs a step of a visitor: one transaction, with the mailbox locked. do first
// calls its guards, then changes the case. If do returns nil, the step is committed; on
// an error it is rolled back. If do returns answered, the step is committed and step
// returns the error in it.
//
// The visitor of a browser is resolved in the same transaction, and do gets the result.
func (p *Procedure) step(ctx context.Context, v workflow.Visitor, do func(workflow.Visitor, *Case) error) error {
	run := func(c *Case) error {
		c.actor = v.Actor()
		if err := c.enter(v); err != nil {
			return err
		}
		return do(v, c)
	}
	err := p.Cases.run(run, func(step func(*Case) error) error {
		if v.Resolve == nil {
			return p.Cases.Store.Update(ctx, v.Mailbox, step)
		}
		resolve := v.Resolve
		return p.Cases.Store.UpdateInSession(ctx, v, p.Cases.Now(), func(s workflow.Session, c *Case) (err error) {
			if v, err = resolve(s); err != nil {
				return err
			}
			return step(c)
		})
	})
	if errors.Is(err, ErrNotOwner) {
		return p.notOwnerError(ctx, v)
	}
	return err
}

// answered is the error of a step that is committed: a wrong code is counted, an
// expired login moves the case back.
type answered struct{ error }

// notOwnerError returns the error for a visitor who does not own a case. For an invited
// holder it includes an InvitationError with how the invitation ended.
func (p *Procedure) notOwnerError(ctx context.Context, v workflow.Visitor) error {
	if !v.Invited() {
		return ErrNotOwner
	}
	how, err := p.Cases.Store.InvitationEnd(ctx, v.Invitation)
	if err != nil {
		return err
	}
	if how == "" {
		return ErrNotOwner
	}
	return errors.Join(ErrNotOwner, &InvitationError{Why: how})
}

// update runs a step of any actor, with the mailbox locked. It commits as step does.
func (s *Cases) update(ctx context.Context, mailbox int64, by workflow.Actor, do func(*Case) error) error {
	return s.run(func(c *Case) error {
		c.actor = by
		return do(c)
	}, func(step func(*Case) error) error { return s.Store.Update(ctx, mailbox, step) })
}

// run runs a step in a transaction of the store, and observes what it did.
func (s *Cases) run(do func(*Case) error, inTransaction func(step func(*Case) error) error) error {
	var c *Case
	var answer error
	err := inTransaction(func(found *Case) error {
		c = found
		c.Now = s.Now()
		err := do(c)
		if a, ok := err.(answered); ok {
			answer = a.error
			return nil
		}
		return err
	})
	if err != nil {
		return s.Observer.observeLimit(err)
	}
	s.Observer.observeSteps(c)
	return answer
}

// View returns the current case, if the visitor may see it.
func (p *Procedure) View(ctx context.Context, v workflow.Visitor) (*Case, error) {
	c, err := p.Cases.Store.View(ctx, v.Mailbox)
	if err != nil {
		return nil, err
	}
	c.Now = p.Cases.Now()
	return c, p.MayView(ctx, v, c)
}

// Visit returns the session of a browser with the current case of its mailbox. The
// session may have ended, and MayView says whether its visitor may see the case. With
// use, the request prolongs the session.
func (p *Procedure) Visit(ctx context.Context, session []byte, use bool) (workflow.Session, *Case, error) {
	now := p.Cases.Now()
	s, c, err := p.Cases.Store.Visit(ctx, session, now, use)
	if c != nil {
		c.Now = now
	}
	return s, c, err
}

// MayView returns ErrNotOwner if the visitor may not see a case.
func (p *Procedure) MayView(ctx context.Context, v workflow.Visitor, c *Case) error {
	if !c.CanView(v) {
		return p.notOwnerError(ctx, v)
	}
	return nil
}

// act runs a step without input, which only fires its event.
func (p *Procedure) act(ctx context.Context, v workflow.Visitor, f Form, e Event) error {
	return p.step(ctx, v, func(v workflow.Visitor, c *Case) error {
		if err := c.guard(v, f, true, e); err != nil {
			return err
		}
		return c.fire(e, c.currentRefs())
	})
}

func (p *Procedure) limiter() workflow.Limiter {
	return workflow.Limiter{Store: p.Cases.Store, Keys: p.Keys, Now: p.Cases.Now, Observer: p.Cases.Observer.Observer}
}

// InOtherProcedure reports whether a browser with session previous is still in the procedure of
// another mailbox, and returns that mailbox. The browser then asks the user before the
// session is replaced.
func (p *Procedure) InOtherProcedure(ctx context.Context, previous, next workflow.Session) (workflow.Mailbox, bool, error) {
	if previous.Ended != "" || previous.Visitor.Mailbox == next.Visitor.Mailbox {
		return workflow.Mailbox{}, false, nil
	}
	c, err := p.Cases.Store.View(ctx, previous.Visitor.Mailbox)
	if err != nil {
		return workflow.Mailbox{}, false, err
	}
	inside := c.Mailbox.Status == workflow.Active && c.CanView(previous.Visitor) && !c.Stage(previous.Visitor).Settled()
	return c.Mailbox, inside, nil
}
