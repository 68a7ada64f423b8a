package workflow

import "net/netip"

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
