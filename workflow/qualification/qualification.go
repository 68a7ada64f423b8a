package qualification

import (
	"time"

	"github.com/google/uuid"

	"stella/workflow"
)

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

// Identity is a person identified by a login. The log refers to it and contains no
// personal data itself.
type Identity struct {
	ID            uuid.UUID
	Qualification uuid.UUID
	Login         string
	workflow.Assertion
	IdentifiedAt time.Time
}

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

// Opened is the event of the first log entry of a qualification.
const Opened Event = "opened"

// Refs are references to the basis of a decision: IDs, digests and verdicts, but no
// personal data.
type Refs map[string]string
