package workflow

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"
)

// Scope is what a client of the API may do.
type Scope string

// The scopes of a client.
const (
	ScopeWebmail  Scope = "webmail"  // asks for banner and star, hands its users over
	ScopeRegistry Scope = "registry" // says which mailboxes there are, and whose they are
	ScopeOperator Scope = "operator" // decides what no register can decide
	ScopeAuditor  Scope = "auditor"  // reads
)

// Scopes lists them all.
var Scopes = []Scope{ScopeWebmail, ScopeRegistry, ScopeOperator, ScopeAuditor}

// Client is a program of the provider's, such as a webmail. What lies outside
// its domains is unknown to it.
type Client struct {
	ID         int64
	Name       string
	Domains    []string
	ReturnURLs []string
	Scopes     []Scope
}

// serves reports whether a mailbox is of the client's domains.
func (c Client) serves(address string) bool {
	_, domain, ok := strings.Cut(address, "@")
	return ok && slices.Contains(c.Domains, domain)
}

// parse reads the address of a mailbox of the client's domains.
func (c Client) parse(address string) (string, error) {
	address, err := parseMailbox(address)
	if err != nil || !c.serves(address) {
		return "", fmt.Errorf("a mailbox that is none of the client's: %w", ErrUnknown)
	}
	return address, nil
}

// May reports whether the client has one of these scopes.
func (c Client) May(scopes ...Scope) bool {
	return slices.ContainsFunc(scopes, func(s Scope) bool { return slices.Contains(c.Scopes, s) })
}

// ErrUnauthorized is returned for a token that is nobody's, or no longer.
var ErrUnauthorized = errors.New("unknown client")

// ErrForbidden is returned for what no scope of the client allows.
var ErrForbidden = errors.New("not in the client's scopes")

// Clients is the part of Store that knows them. Both of a client's tokens are
// good while it changes them; none is when it is disabled.
type Clients interface {
	// ClientByToken returns ErrUnauthorized for the digest of a token that is not good.
	ClientByToken(ctx context.Context, token []byte, now time.Time) (Client, error)
	// Standing reads client and mailbox at once; ErrUnauthorized as above.
	Standing(ctx context.Context, token []byte, address string, now time.Time) (Asked, error)
	// StandingOf reads a mailbox alone.
	StandingOf(ctx context.Context, address string) (*Standing, error)
	// StandingsOf reads several, by address; those not known are left out.
	StandingsOf(ctx context.Context, addresses []string) (map[string]*Standing, error)

	// ClaimCall begins a call with a key. It returns the answer of one that was
	// done, ErrCallDiffers for a key that was used for another request, and
	// ErrCallPending while the call is being done.
	ClaimCall(ctx context.Context, call Call) (answer []byte, err error)
	// FinishCall keeps the answer of a call that was done; ReleaseCall forgets
	// one that was not.
	FinishCall(ctx context.Context, call Call, answer []byte) error
	ReleaseCall(ctx context.Context, call Call) error
}

// Asked is what there is to answer a client that asks for a mailbox.
type Asked struct {
	Client   int64
	Webmail  bool      // it has this scope alone
	Standing *Standing // nil for an address that is not known to it
}

// Authenticate finds the client of a token, and counts its call.
func (p *Procedure) Authenticate(ctx context.Context, token string) (Client, error) {
	client, err := p.Store.ClientByToken(ctx, Digest(token), p.Now())
	if err != nil {
		return client, err
	}
	return client, p.observed(p.admitCall(ctx, client.ID))
}

// Call is a call of the API that names a key of the client's, so that it is
// done once however often it is made.
type Call struct {
	Client  int64
	Key     []byte // digest
	Request []byte // digest
	At      time.Time
}

// CallLife is for how long the answer of a call is kept, and CallLost after
// which time one that was not finished is taken for lost, and may be made again.
const (
	CallLife = 24 * time.Hour
	CallLost = time.Minute
)

// What a call with a key can meet.
var (
	ErrCallDiffers = errors.New("the key was used for another request")
	ErrCallPending = errors.New("the same call is being done")
)
