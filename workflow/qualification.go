package workflow

import (
	"net/netip"
	"time"

	"github.com/google/uuid"
)

// Owner says who may take a qualification further.
type Owner string

// The owners of a qualification: who comes from the webmail, or the holder who
// accepted an invitation.
const (
	OwnedByWebmail Owner = "webmail"
	OwnedByInvited Owner = "invited"
)

// Reason says why a qualification was rejected.
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
	Number    int64 // the case number people ask after; given by the store
	Version   int   // counts the steps; a form made for an older one is stale
	State     State
	OpenedAt  time.Time
	SteppedAt time.Time // when the last step was made
	Owner     Owner

	// The languages in which pages were last shown, and in which mails are
	// written: to the mailbox's users, and to the holder they invited.
	Locale        string
	InvitedLocale string

	Declaration *Declaration // the newest
	Invitation  *Invitation  // the newest
	Login       *Login       // the newest; only its answer counts
	Identity    *Identity    // who was identified
	Document    string       // SHA-256 of the notice acknowledged, in hexadecimal
	Notice      string       // its version; read with the case, and never written
	Reason      Reason
	Remark      string // the operator's words, after a review or a revocation
}

// Declaration is what was entered at one time. It never changes: a correction
// makes a new one.
type Declaration struct {
	ID            uuid.UUID
	Qualification uuid.UUID
	Kind          Kind
	CompanyName   string
	CompanyCode   string
	Email         string
	Phone         string // E.164
	DeclaredAt    time.Time
}

// Identity is a person identified by a login. Its rows are the personal data
// that the log refers to.
type Identity struct {
	ID            uuid.UUID
	Qualification uuid.UUID
	Login         string
	Assertion
	IdentifiedAt time.Time
}

// Step is a row of the log: it is written with the state it explains, and
// never changed.
type Step struct {
	Qualification uuid.UUID
	Version       int
	Event         Event
	From          State // empty for the first
	To            State
	At            time.Time
	Actor         Actor
	Refs          Refs
}

// Opened is the event of the first row of a qualification's log.
const Opened Event = "opened"

// Refs name what was decided on: identifiers, digests, verdicts; never
// personal data.
type Refs map[string]string

// Actor is who made a step.
type Actor struct {
	Kind    ActorKind
	Client  string     // the webmail's name
	Name    string     // the webmail's own reference to its user, or the operator
	Address netip.Addr // where the request came from
	Request string     // the request's id, as in the service's log
}

// ActorKind is the part in which somebody acts.
type ActorKind string

// Who can act.
const (
	ByWebmail  ActorKind = "webmail"
	ByHolder   ActorKind = "holder" // invited
	ByOperator ActorKind = "operator"
	BySystem   ActorKind = "system"
)

// Decision is an operator's, with the reason or document relied on.
type Decision struct {
	ID            uuid.UUID
	Qualification uuid.UUID
	Operator      string
	Event         Event
	Reason        string
	DecidedAt     time.Time
}

// Document is a version of the contract notice.
type Document struct {
	SHA256  string // of Body, in hexadecimal
	Version string
	Date    time.Time
	Locale  string
	Body    []byte
}
