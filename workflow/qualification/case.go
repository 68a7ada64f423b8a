package qualification

import (
	"time"

	"github.com/google/uuid"

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

// recordRef returns a reference to the record in force.
func (c *Case) recordRef() Refs {
	return Refs{"record": c.Mailbox.Record.ID.String()}
}

// Owner is the party that may continue a qualification.
type Owner string

// The owners of a qualification: the users who come from the webmail, or the holder who
// accepted an invitation.
const (
	OwnedByWebmail Owner = "webmail"
	OwnedByInvited Owner = "invited"
)

// Reason is why a qualification was rejected.
type Reason string

// The reasons of a rejection.
const (
	ReasonCompany Reason = "company_differs"
	ReasonHolder  Reason = "holder_differs"
	ReasonReview  Reason = "review_refused"
)

// Qualification is one attempt to identify the holder of a mailbox.
type Qualification struct {
	ID        uuid.UUID
	Number    int64 // case number, assigned by the store
	Version   int   // number of steps; a form made for an older version is stale
	State     State
	OpenedAt  time.Time
	SteppedAt time.Time // time of the last step
	Owner     Owner

	// The languages of pages and mails: of the mailbox's users, and of the holder they
	// invited.
	Locale        string
	InvitedLocale string

	Declaration *Declaration    // the newest
	Invitation  *Invitation     // the newest
	Login       *workflow.Login // the newest; only its answer counts
	Identity    *Identity       // the identified person
	Document    string          // SHA-256 of the acknowledged notice, in hexadecimal
	Notice      string          // version of the notice; read with the case, never written
	Reason      Reason
	Remark      string // the operator's text, after a review or a revocation
}

// Declaration is what the user entered at one time. It never changes: a correction adds
// a new declaration.
type Declaration struct {
	ID            uuid.UUID
	Qualification uuid.UUID
	Kind          workflow.Kind
	CompanyName   string
	CompanyCode   string
	Email         string
	Phone         string // E.164
	DeclaredAt    time.Time
}

func (Declaration) IsRow() {}

// Identity is a person identified by a login. The log refers to it and contains no
// personal data itself.
type Identity struct {
	ID            uuid.UUID
	Qualification uuid.UUID
	Login         string
	workflow.Assertion
	IdentifiedAt time.Time
}

func (Identity) IsRow() {}

// Step is an entry of the log. It is inserted with the state that it explains, and is
// never updated.
type Step struct {
	Qualification uuid.UUID
	Version       int
	Event         Event
	From          State // empty for the first step
	To            State
	At            time.Time
	Actor         workflow.Actor
	Refs          Refs
}

func (Step) IsRow() {}

// Opened is the event of the first log entry of a qualification.
const Opened Event = "opened"

// Refs are references to the basis of a decision: IDs, digests and verdicts, but no
// personal data.
type Refs map[string]string

// announced maps each state that is announced to its kind. The other states are steps
// of the holder, which clients do not need to know.
var announced = map[State]workflow.AnnouncementKind{
	Invited:     workflow.AnnounceInvited,
	UnderReview: workflow.AnnounceUnderReview,
	Qualified:   workflow.AnnounceCompleted,
	Rejected:    workflow.AnnounceRejected,
	Revoked:     workflow.AnnounceRevoked,
	Expired:     workflow.AnnounceExpired,
}

// announce adds an announcement of the newest step.
func (c *Case) announce(k workflow.AnnouncementKind) {
	q := c.Qualification
	c.add(workflow.Announcement{ID: workflow.NewID(), Kind: k, Mailbox: c.Mailbox.ID, Subject: q.ID, Version: q.Version,
		Active: c.Mailbox.Status == workflow.Active, At: c.Now})
}

// announceStateChange announces the new state of the case if it differs from the
// previous one and is one of the announced states.
func (c *Case) announceStateChange(from State) {
	to := c.Qualification.State
	if k, ok := announced[to]; ok && from != to {
		c.announce(k)
	}
}
