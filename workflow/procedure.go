package workflow

import (
	"context"
	"errors"
	"sync"
	"time"

	"github.com/google/uuid"

	"stella/otp"
)

// Procedure runs the steps. Each exported method that changes a case is one
// transaction.
type Procedure struct {
	Store     Store
	Keys      Keys // the server's secrets, from which codes and links are computed
	Limits    otp.Limits
	Documents map[string]Document // the contract notice in force, by locale
	Now       func() time.Time
	Observer  Observer

	leases sync.Map // leases of API calls: *lease by client
}

// Store is the database. Package store implements it; the interface is here because
// store imports this package. Its parts are described in the files that need them.
type Store interface {
	Clients
	HandOffs
	Sessions
	Logins
	Suspensions
	Mails
	Announcements
	Webhooks
	Register
	Directory

	// View reads the case of a mailbox without a lock.
	View(ctx context.Context, mailbox int64) (*Case, error)
	// Update locks a mailbox and its qualification, calls step, and writes the changes
	// and the added rows in the same transaction. An error of step rolls it back.
	Update(ctx context.Context, mailbox int64, step func(*Case) error) error

	// InvitationByToken returns the invitation with this digest of a link, or
	// ErrUnknown.
	InvitationByToken(ctx context.Context, digest []byte) (mailbox int64, i Invitation, err error)
	// InvitationEnd returns how an invitation ended, or "" while it is valid.
	InvitationEnd(ctx context.Context, id uuid.UUID) (string, error)

	// Stale lists the mailboxes with an unfinished qualification, not under review,
	// whose last step is before the given time.
	Stale(ctx context.Context, before time.Time) ([]int64, error)

	// Spend counts a use of a limit outside any step. It returns a LimitError if
	// nothing is left.
	Spend(ctx context.Context, s Spend) error
}

// ErrUnknown is returned for something that does not exist or that the caller may not
// know about.
var ErrUnknown = errors.New("unknown")

// ErrNotEligible is returned for a mailbox that is not active.
var ErrNotEligible = errors.New("the mailbox is not active")

// ErrNotOwner is returned to a visitor who does not own the procedure, or no longer
// owns it.
var ErrNotOwner = errors.New("not the visitor's procedure")

// ErrLoginExpired is returned if a login is not valid in this session. The qualification is
// then back at identification.
var ErrLoginExpired = errors.New("the login is not valid in this session")

// StaleError is returned for a form that was made for an earlier version.
type StaleError struct {
	// Repeated reports that the newest step had the same input: a double click.
	// Otherwise another form came first.
	Repeated bool
	// Changed reports that the data on the page have changed and differ from the form.
	Changed bool
}

func (StaleError) Error() string { return "the form was made for an earlier state" }

// Form is the common part of all forms: the qualification and the version for which the
// page was made.
type Form struct {
	Qualification uuid.UUID
	Version       int
}

// Case is a mailbox with its qualification. A step reads and changes it.
type Case struct {
	Now           time.Time
	Mailbox       Mailbox
	Qualification *Qualification // the unfinished or qualified one, otherwise the newest; nil if there is none
	Codes         []Code         // of the mailbox, newest first: the newest, and those that count for limits
	Invitations   []time.Time    // when the mailbox's newest invitations were sent, newest first

	// When the newest mails of two kinds were requested, newest first. A user of the
	// mailbox can cause these mails without a login.
	ContactMails   []time.Time // about changes of the contacts, to the mailbox
	RejectionMails []time.Time

	// SavedEmail is the ordinary address that the qualification saved last, on the
	// summary or after the login; empty before.
	SavedEmail string
	// RecordedCertified reports whether the domain of the ordinary address on record is
	// a certified one, as of IsCertified.
	RecordedCertified bool

	Suspensions []Suspension // of identity providers, including those that have ended

	// Added are the rows that the step adds, in the order in which they are written.
	Added []Row

	actor Actor
}

func (c *Case) add(rows ...Row) { c.Added = append(c.Added, rows...) }

// fire moves the qualification and adds the log entry of the step.
func (c *Case) fire(e Event, refs Refs) error {
	q := c.Qualification
	if q == nil {
		return ErrUnknown
	}
	to, err := next(q.State, e)
	if err != nil {
		return err
	}
	q.Version++
	c.add(Step{Qualification: q.ID, Version: q.Version, Event: e, From: q.State, To: to,
		At: c.Now, Actor: c.actor, Refs: refs})
	from := q.State
	q.State, q.SteppedAt = to, c.Now
	c.announceStateChange(from)
	return nil
}

// step runs a step of a visitor: one transaction, with the mailbox locked. do first
// calls its guards, then changes the case. If do returns nil, the step is committed; on
// an error it is rolled back. If do returns answered, the step is committed and step
// returns the error in it.
func (p *Procedure) step(ctx context.Context, v Visitor, do func(*Case) error) error {
	err := p.update(ctx, v.Mailbox, v.actor(), func(c *Case) error {
		if err := c.enter(v); err != nil {
			return err
		}
		return do(c)
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
func (p *Procedure) notOwnerError(ctx context.Context, v Visitor) error {
	if !v.Invited() {
		return ErrNotOwner
	}
	how, err := p.Store.InvitationEnd(ctx, v.Invitation)
	if err != nil {
		return err
	}
	if how == "" {
		return ErrNotOwner
	}
	return errors.Join(ErrNotOwner, &InvitationError{Why: how})
}

// update runs a step of any actor, with the mailbox locked. It commits as step does.
func (p *Procedure) update(ctx context.Context, mailbox int64, by Actor, do func(*Case) error) error {
	var c *Case
	var answer error
	err := p.Store.Update(ctx, mailbox, func(found *Case) error {
		c = found
		c.Now, c.actor = p.Now(), by
		err := do(c)
		if a, ok := err.(answered); ok {
			answer = a.error
			return nil
		}
		return err
	})
	if err != nil {
		return p.observeLimit(err)
	}
	p.observeSteps(c)
	return answer
}

// View returns the current case, if the visitor may see it.
func (p *Procedure) View(ctx context.Context, v Visitor) (*Case, error) {
	c, err := p.Store.View(ctx, v.Mailbox)
	if err != nil {
		return nil, err
	}
	c.Now = p.Now()
	if !c.CanView(v) {
		return nil, p.notOwnerError(ctx, v)
	}
	return c, nil
}

// act runs a step without input, which only fires its event.
func (p *Procedure) act(ctx context.Context, v Visitor, f Form, e Event) error {
	return p.step(ctx, v, func(c *Case) error {
		if err := c.guard(v, f, true, e); err != nil {
			return err
		}
		return c.fire(e, c.currentRefs())
	})
}

// currentRefs returns references to the current record, declaration and identity, for
// a step that adds no rows.
func (c *Case) currentRefs() Refs {
	refs := c.recordRef()
	if d := c.Qualification.Declaration; d != nil {
		refs["declaration"] = d.ID.String()
	}
	if i := c.Qualification.Identity; i != nil {
		refs["identity"] = i.ID.String()
	}
	return refs
}

// newID returns a time-ordered ID (UUID version 7).
func newID() uuid.UUID { return uuid.Must(uuid.NewV7()) }
