package workflow

import (
	"context"
	"crypto/rand"
	"slices"
	"strconv"
	"time"
)

// HandOffLife is how long the link of a hand-off is valid.
const HandOffLife = 60 * time.Second

// HandOff passes a user of a webmail to Stella.
type HandOff struct {
	Token     []byte // digest of the secret in the link
	Client    Client
	Mailbox   int64
	Address   string // of the mailbox
	ReturnURL string
	Locale    string
	User      string // the webmail's own reference to its user
	CreatedAt time.Time
	ExpiresAt time.Time
	Closed    bool // it was used, or its client is disabled
}

// Open reports whether a hand-off can still be used. Its page shows no button if it
// cannot.
func (h HandOff) Open(now time.Time) bool { return !h.Closed && now.Before(h.ExpiresAt) }

// HandOffs is the part of Store for hand-offs.
type HandOffs interface {
	// AddHandOff writes a hand-off and counts it against a limit. It returns a LimitError
	// if nothing is left.
	AddHandOff(ctx context.Context, h HandOff, limit Spend) error
	// HandOffByToken returns a hand-off, used or not, with its client's return URLs and
	// its mailbox's address. It returns ErrUnknown if there is none.
	HandOffByToken(ctx context.Context, token []byte) (HandOff, error)
}

// HandOff creates a hand-off for a user of a mailbox and returns the secret of its
// link. It returns an InputError if the return URL is not registered for the client,
// ErrUnknown if the mailbox is not in the client's domains, and ErrNotEligible if the
// mailbox is not active.
func (p *Provider) HandOff(ctx context.Context, client Client, address, returnURL, locale, user string) (string, error) {
	address, _ = client.ParseMailbox(address) // on error address is "": the lookup still runs, so that both cases take the same time
	s, err := p.Store.SummaryOf(ctx, address)
	if err != nil {
		return "", err
	}
	if s == nil {
		return "", ErrUnknown
	}
	if !slices.Contains(client.ReturnURLs, returnURL) {
		return "", WrongInput("return_url", "return_url_unknown")
	}
	if s.Status != Active {
		return "", ErrNotEligible
	}
	secret := rand.Text()
	now := p.Now()
	// Counted only for mailboxes of this client, so that a client learns nothing about
	// others.
	limit := p.Keys.Spend(handOffsPerMailbox, strconv.FormatInt(s.Mailbox, 10), now)
	return secret, p.Observer.ObserveLimit(p.Store.AddHandOff(ctx, HandOff{Token: Digest(secret), Client: client, Mailbox: s.Mailbox,
		ReturnURL: returnURL, Locale: locale, User: user, CreatedAt: now, ExpiresAt: now.Add(HandOffLife)}, limit))
}

// FindHandOff returns the hand-off of a link, or ErrUnknown.
func (p *Provider) FindHandOff(ctx context.Context, secret string) (HandOff, error) {
	return p.Store.HandOffByToken(ctx, Digest(secret))
}
