package workflow

import (
	"context"
	"crypto/rand"
	"net/netip"
	"slices"
	"strconv"
	"time"
)

// HandOffLife is for how long a hand-off's link may be used.
const HandOffLife = 60 * time.Second

// HandOff is a webmail's user on the way to Stella.
type HandOff struct {
	Token     []byte // digest
	Client    Client
	Mailbox   int64
	Address   string // the mailbox's
	ReturnURL string
	Locale    string
	User      string // the webmail's own reference
	CreatedAt time.Time
	ExpiresAt time.Time
	Closed    bool // it was used, or its client is disabled
}

// Open reports whether a hand-off may be used, so that its page offers no button
// that cannot work.
func (h HandOff) Open(now time.Time) bool { return !h.Closed && now.Before(h.ExpiresAt) }

// HandOffs is the part of Store that keeps them.
type HandOffs interface {
	AddHandOff(ctx context.Context, h HandOff) error
	// UseHandOff marks a hand-off as used by a session. When it was used
	// before, that session is ended and ErrUnknown returned.
	UseHandOff(ctx context.Context, token, session []byte, now time.Time) (HandOff, error)
	// HandOffHeld reports whether a hand-off was used by this session, and by
	// no other since.
	HandOffHeld(ctx context.Context, token, session []byte) (bool, error)
	// HandOffByToken finds a hand-off, with its client's return URLs and its
	// mailbox's address, whether it may be used or not; ErrUnknown for none.
	HandOffByToken(ctx context.Context, token []byte) (HandOff, error)
}

// HandOff accepts a webmail's user, where the mailbox is of its domains, and
// returns the secret of the link that brings them here. An InputError for a
// return URL that is not the client's, ErrUnknown for a mailbox that is not,
// ErrNotEligible for one that is not active.
func (p *Procedure) HandOff(ctx context.Context, client Client, address, returnURL, locale, user string) (string, error) {
	address, _ = client.parse(address) // "" where it is not the client's: it is looked for all the same, which takes as long
	s, err := p.Store.StandingOf(ctx, address)
	if err != nil {
		return "", err
	}
	if s == nil {
		return "", ErrUnknown
	}
	if !slices.Contains(client.ReturnURLs, returnURL) {
		return "", wrong("return_url", "return_url_unknown")
	}
	if s.Status != Active {
		return "", ErrNotEligible
	}
	// Spent only of a mailbox that is the client's: of others it learns nothing.
	err = p.observed(p.Store.Spend(ctx, p.spend(handOffsPerMailbox, strconv.FormatInt(s.Mailbox, 10))))
	if err != nil {
		return "", err
	}
	secret := rand.Text()
	now := p.Now()
	return secret, p.Store.AddHandOff(ctx, HandOff{Token: Digest(secret), Client: client, Mailbox: s.Mailbox,
		ReturnURL: returnURL, Locale: locale, User: user, CreatedAt: now, ExpiresAt: now.Add(HandOffLife)})
}

// FindHandOff finds the hand-off of a link; ErrUnknown for none.
func (p *Procedure) FindHandOff(ctx context.Context, secret string) (HandOff, error) {
	return p.Store.HandOffByToken(ctx, Digest(secret))
}

// HandOffHeld reports whether the session that used a hand-off is still alone
// with it. It is asked when the session is written, which a second use could
// not end before.
func (p *Procedure) HandOffHeld(ctx context.Context, secret string, session []byte) (bool, error) {
	return p.Store.HandOffHeld(ctx, Digest(secret), session)
}

// Start lets the user of a hand-off in, for the browser session given, and
// opens a qualification where the mailbox has none to go on with. A second use
// ends the session of the first: one of the two was not the user.
func (p *Procedure) Start(ctx context.Context, secret string, session []byte, from netip.Addr, request string) (Visitor, error) {
	if err := p.admit(ctx, startsPerNetwork, from); err != nil {
		return Visitor{}, err
	}
	h, err := p.Store.UseHandOff(ctx, Digest(secret), session, p.Now())
	if err != nil {
		return Visitor{}, err
	}
	v := Visitor{Mailbox: h.Mailbox, Client: h.Client.Name, User: h.User, Locale: h.Locale, ReturnURL: h.ReturnURL,
		Session: session, Address: from, Request: request}
	return v, p.update(ctx, h.Mailbox, v.actor(), func(c *Case) error {
		if c.Mailbox.Status != Active {
			return ErrNotEligible
		}
		if q := c.Qualification; q != nil && q.State != Expired && q.State != Revoked {
			return nil
		}
		c.open(h.Locale)
		return nil
	})
}

func (c *Case) open(locale string) {
	q := &Qualification{ID: newID(), Version: 1, State: HolderChoice, OpenedAt: c.Now, SteppedAt: c.Now,
		Owner: OwnedByWebmail, Locale: locale}
	c.Qualification = q
	c.add(Step{Qualification: q.ID, Version: 1, Event: Opened, To: q.State, At: c.Now, Actor: c.actor,
		Refs: c.recordRef()})
	c.announce(AnnounceStarted)
}

// recordRef names the record in force.
func (c *Case) recordRef() Refs {
	return Refs{"record": c.Mailbox.Record.ID.String()}
}
