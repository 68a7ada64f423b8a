package qualification

import (
	"time"

	"stella/workflow"
)

// Case is a mailbox with its qualification. A step reads and changes it.
type Case struct {
	Now           time.Time
	Mailbox       workflow.Mailbox
	Qualification *Qualification // the unfinished or qualified one, otherwise the newest; nil if there is none

	// Lists of the mailbox, newest first. Each is read only in the states that need it.
	Codes       []Code      // in StatesWithCodes: the newest, and those that count for limits
	Invitations []time.Time // in StatesWithInvitations: when the newest were sent

	// When the newest mails of two kinds were requested. A user of the mailbox can cause
	// these mails without a login.
	ContactMails   []time.Time // in StatesWithContacts: about changes of the contacts, to the mailbox
	RejectionMails []time.Time // in StatesWithRejections

	// SavedEmail is the ordinary address that the qualification saved last, on the
	// summary or after the login; empty before.
	SavedEmail string
	// RecordedCertified reports whether the domain of the ordinary address on record is
	// a certified one, as of IsCertified. It is read in StatesWithContacts.
	RecordedCertified bool

	Suspensions workflow.Suspensions // of identity providers, including those that have ended

	// Added are the rows that the step adds, in the order in which they are written.
	Added []workflow.Row

	actor workflow.Actor
}

// The states in whose steps and pages a list of the case matters.
var (
	StatesWithCodes       = []State{Contract, CodeEntry}
	StatesWithInvitations = []State{HolderInvitation, Invited}
	StatesWithContacts    = []State{ContactData, Summary, Identified, CodeEntry}
	StatesWithRejections  = []State{CompanyData, AtProvider, UnderReview}
)

func (c *Case) add(rows ...workflow.Row) { c.Added = append(c.Added, rows...) }

// fire moves the qualification and adds the log entry of the step.
func (c *Case) fire(e Event, refs Refs) error {
	q := c.Qualification
	if q == nil {
		return workflow.ErrUnknown
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
