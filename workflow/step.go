package workflow

import (
	"net/netip"
	"time"

	"github.com/google/uuid"
)

// Row is what a step adds to the database: a row of the table of its type. The types
// are here and in the packages of the procedures, with a method IsRow. Package store
// writes each of them.
type Row interface{ IsRow() }

// Actor is the author of a step.
type Actor struct {
	Kind    ActorKind
	Client  string     // the webmail's name
	Name    string     // the webmail's own reference to its user, or the operator's name
	Address netip.Addr // client address of the request
	Request string     // request ID, as in the service's log
}

// ActorKind is the role of an actor.
type ActorKind string

// The kinds of actors.
const (
	ByWebmail  ActorKind = "webmail"
	ByHolder   ActorKind = "holder" // invited
	ByOperator ActorKind = "operator"
	BySystem   ActorKind = "system"
)

// Operator returns a person at the provider who works with a command.
func Operator(name string) Actor { return Actor{Kind: ByOperator, Name: name} }

// OperatorOf returns a person at the provider who works through an API client.
func OperatorOf(client Client, name string) Actor {
	return Actor{Kind: ByOperator, Client: client.Name, Name: name}
}

// Decision is a decision of an operator, with its reason or the document it is based
// on.
type Decision struct {
	ID            uuid.UUID
	Qualification uuid.UUID
	Operator      string
	Event         string // what was decided
	Reason        string
	DecidedAt     time.Time
}

func (Decision) IsRow() {}

// Document is a version of the contract notice.
type Document struct {
	SHA256  string // of Body, in hexadecimal
	Version string
	Date    time.Time
	Locale  string
	Body    []byte
}

func (Document) IsRow() {}
