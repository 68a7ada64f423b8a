package workflow

import (
	"context"
	"errors"
	"sync"
	"time"

	"github.com/google/uuid"

	"stella/otp"
)

// Procedure makes the steps. Its methods are the things that can happen; each
// is one transaction.
type Procedure struct {
	Store     Store
	Keys      Keys // the server's secrets, from which codes and links are computed
	Limits    otp.Limits
	Documents map[string]Document // the contract notice in force, by locale
	Now       func() time.Time
	Observer  Observer

	leases sync.Map // of calls of the API: *lease by client
}

// Store keeps the cases. Package store is the one that does; it is named here
// because it imports this package. Its parts are described beside what needs them.
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

	// View reads the case of a mailbox, without a lock.
	View(ctx context.Context, mailbox int64) (*Case, error)
	// Update locks a mailbox and its qualification, calls step, and writes what
	// it changed and added in the same transaction. An error of step undoes all.
	Update(ctx context.Context, mailbox int64, step func(*Case) error) error

	// InvitationByToken finds the invitation whose link a caller has; ErrUnknown
	// when there is none.
	InvitationByToken(ctx context.Context, digest []byte) (mailbox int64, i Invitation, err error)
	// InvitationEnd says how an invitation ended; empty while it lives.
	InvitationEnd(ctx context.Context, id uuid.UUID) (string, error)

	// Stale lists the mailboxes with an unfinished qualification, not under
	// review, whose last step is older than the time given.
	Stale(ctx context.Context, before time.Time) ([]int64, error)

	// Spend takes from what a limit allows, in no step's transaction; a LimitError
	// where nothing is left.
	Spend(ctx context.Context, s Spend) error
}

// ErrUnknown is returned for what does not exist, or is not the caller's to know.
var ErrUnknown = errors.New("unknown")

// ErrNotEligible is returned for a mailbox whose standing does not allow a
// qualification.
var ErrNotEligible = errors.New("the mailbox is not active")

// ErrElsewhere is returned to a visitor whose procedure this is not, or no
// longer is.
var ErrElsewhere = errors.New("not the visitor's procedure")

// ErrLapsed is returned when a login does not count here any more; the
// qualification is back at identification.
var ErrLapsed = errors.New("the login does not count in this session")

// StaleError is returned for a form made for an earlier state.
type StaleError struct {
	// Repeated tells the same step sent twice, a double click, from a form that
	// lost to another: with the same input, if it has any.
	Repeated bool
	// Changed tells that the data on the page were changed meanwhile, and are not
	// what the form says.
	Changed bool
}

func (StaleError) Error() string { return "the form was made for an earlier state" }

// Form is what every form carries: the qualification and the version that it
// was made for.
type Form struct {
	Qualification uuid.UUID
	Version       int
}

// Case is a mailbox with its qualification, as a step finds and leaves it.
type Case struct {
	Now           time.Time
	Mailbox       Mailbox
	Qualification *Qualification // the unfinished or qualified one, else the newest; nil where there was none
	Codes         []Code         // of the mailbox, newest first: those that still count for limits, and the newest
	Invitations   []time.Time    // when the mailbox's newest invitations were sent, newest first

	// When the mailbox's newest mails of two kinds were asked for, newest first:
	// those that anybody with the mailbox can make us write without a login.
	ToldContacts []time.Time // changes of the contacts, told to the mailbox
	ToldRejected []time.Time

	// SavedEmail is the ordinary address of the qualification that was saved last,
	// on the summary or after the login; empty before.
	SavedEmail string
	// RecordedCertified tells that the ordinary address on record has a domain of
	// certified mail, as IsCertified knows them.
	RecordedCertified bool

	Suspensions []Suspension // of identity providers, those that ended too

	// Added are the rows that the step adds, in the order in which they are written.
	Added []Row

	actor Actor
}

func (c *Case) add(rows ...Row) { c.Added = append(c.Added, rows...) }

// fire moves the qualification and writes the row of the log that says why.
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
	c.announceArrival(from)
	return nil
}

// step makes a step of a visitor: one transaction, with the mailbox locked. do
// begins with its guards, changes the case, and returns how the step ends: nil
// writes it, an error undoes it, and answered writes it and returns its error.
func (p *Procedure) step(ctx context.Context, v Visitor, do func(*Case) error) error {
	err := p.update(ctx, v.Mailbox, v.actor(), func(c *Case) error {
		if err := c.enter(v); err != nil {
			return err
		}
		return do(c)
	})
	if errors.Is(err, ErrElsewhere) {
		return p.elsewhere(ctx, v)
	}
	return err
}

// answered ends a step that is written, although its visitor is answered with an
// error: a wrong code is counted, an expired login moves the case back.
type answered struct{ error }

// elsewhere is the error for a visitor whose procedure a case is not, or no
// longer is. To an invited holder it also says how their invitation ended, as an
// InvitationError.
func (p *Procedure) elsewhere(ctx context.Context, v Visitor) error {
	if !v.Invited() {
		return ErrElsewhere
	}
	how, err := p.Store.InvitationEnd(ctx, v.Invitation)
	if err != nil {
		return err
	}
	if how == "" {
		return ErrElsewhere
	}
	return errors.Join(ErrElsewhere, &InvitationError{Why: how})
}

// update makes a step of any actor, with the mailbox locked. It ends as step does.
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
		return p.observed(err)
	}
	p.stepped(c)
	return answer
}

// View reads the case as it stands now.
func (p *Procedure) View(ctx context.Context, v Visitor) (*Case, error) {
	c, err := p.Store.View(ctx, v.Mailbox)
	if err != nil {
		return nil, err
	}
	c.Now = p.Now()
	if !c.Knows(v) {
		return nil, p.elsewhere(ctx, v)
	}
	return c, nil
}

// act makes a step that has no input: the form and the event are all.
func (p *Procedure) act(ctx context.Context, v Visitor, f Form, e Event) error {
	return p.step(ctx, v, func(c *Case) error {
		if err := c.guard(v, f, true, e); err != nil {
			return err
		}
		return c.fire(e, c.standingRefs())
	})
}

// standingRefs name what stands when a step adds nothing of its own: the
// declaration and the identity that it confirms, or leaves behind.
func (c *Case) standingRefs() Refs {
	refs := c.recordRef()
	if d := c.Qualification.Declaration; d != nil {
		refs["declaration"] = d.ID.String()
	}
	if i := c.Qualification.Identity; i != nil {
		refs["identity"] = i.ID.String()
	}
	return refs
}

// newID makes the id of a row; ids made later sort later.
func newID() uuid.UUID { return uuid.Must(uuid.NewV7()) }
