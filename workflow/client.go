package workflow

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"stella/workflow/contact"
)

// Scope is a permission of an API client.
type Scope string

// The scopes of a client.
const (
	ScopeWebmail  Scope = "webmail"  // reads the banner and star of a mailbox, and hands off its users
	ScopeRegistry Scope = "registry" // writes the register of mailboxes and their holders
	ScopeOperator Scope = "operator" // decides reviews and revocations
	ScopeAuditor  Scope = "auditor"  // reads only
)

// Scopes lists all scopes.
var Scopes = []Scope{ScopeWebmail, ScopeRegistry, ScopeOperator, ScopeAuditor}

// Client is a program of the provider, such as a webmail. Mailboxes outside its domains
// are unknown to it.
type Client struct {
	ID         int64
	Name       string
	Domains    []string
	ReturnURLs []string
	Scopes     []Scope
}

// Serves reports whether a mailbox belongs to one of the client's domains.
func (c Client) Serves(address string) bool {
	_, domain, ok := strings.Cut(address, "@")
	return ok && slices.Contains(c.Domains, domain)
}

// ParseMailbox parses the address of a mailbox. It returns ErrUnknown if the address is not
// valid or not in the client's domains.
func (c Client) ParseMailbox(address string) (string, error) {
	address, err := contact.ParseMailbox(address)
	if err != nil || !c.Serves(address) {
		return "", fmt.Errorf("a mailbox that is none of the client's: %w", ErrUnknown)
	}
	return address, nil
}

// May reports whether the client has at least one of these scopes.
func (c Client) May(scopes ...Scope) bool {
	return slices.ContainsFunc(scopes, func(s Scope) bool { return slices.Contains(c.Scopes, s) })
}

// ErrUnauthorized is returned for a token that belongs to no client or is no longer
// valid.
var ErrUnauthorized = errors.New("unknown client")

// ErrForbidden is returned for an operation that none of the client's scopes allows.
var ErrForbidden = errors.New("not in the client's scopes")

// Clients is the part of Store for API clients and their calls. While a client rotates
// its token, both tokens are valid. If the client is disabled, none is.
type Clients interface {
	// ClientByToken returns ErrUnauthorized if the digest belongs to no valid token.
	ClientByToken(ctx context.Context, token []byte, now time.Time) (Client, error)
	// AskedBy reads the client and the mailbox in one query. It returns
	// ErrUnauthorized like ClientByToken.
	AskedBy(ctx context.Context, token []byte, address string, now time.Time) (Asked, error)
	// SummaryOf reads one mailbox.
	SummaryOf(ctx context.Context, address string) (*Summary, error)
	// SummariesOf reads several mailboxes, by address. Unknown ones are left out.
	SummariesOf(ctx context.Context, addresses []string) (map[string]*Summary, error)

	// ClaimCall begins a call with an idempotency key. If the call was already made, it
	// returns the stored answer. It returns ErrCallDiffers if the key was used for
	// another request, and ErrCallPending if the first call is still running.
	ClaimCall(ctx context.Context, call Call) (answer []byte, err error)
	// FinishCall stores the answer of a call. ReleaseCall deletes a call that failed,
	// so that the client can repeat it.
	FinishCall(ctx context.Context, call Call, answer []byte) error
	ReleaseCall(ctx context.Context, call Call) error
}

// Asked is the data for a client that asks about one mailbox.
type Asked struct {
	Client  int64
	Webmail bool     // webmail is the client's only scope
	Summary *Summary // nil for an address that is unknown to the client
}

// Authenticate returns the client that has the token, and counts the call.
func (p *Provider) Authenticate(ctx context.Context, token string) (Client, error) {
	client, err := p.Store.ClientByToken(ctx, Digest(token), p.Now())
	if err != nil {
		return client, err
	}
	return client, p.Observer.ObserveLimit(p.admitCall(ctx, client.ID))
}

// Call is an API call with an idempotency key of the client. It is executed once,
// however often the client repeats it.
type Call struct {
	Client  int64
	Key     []byte // digest of the key
	Request []byte // digest of the request
	At      time.Time
}

// CallLife is how long the answer of a call is stored. After CallLost, a call that did
// not finish counts as failed and may be repeated.
const (
	CallLife = 24 * time.Hour
	CallLost = time.Minute
)

// Errors of a call with an idempotency key.
var (
	ErrCallDiffers = errors.New("the key was used for another request")
	ErrCallPending = errors.New("the same call is in progress")
)
