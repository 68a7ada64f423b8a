package workflow

import (
	"context"
	"net/netip"
)

// Start uses a hand-off for a browser session, and opens a qualification if the mailbox
// has none that can continue. A second use ends the session of the first, because one
// of the two was not the user.
func (p *Procedure) Start(ctx context.Context, secret string, session []byte, from netip.Addr, request string) (Visitor, error) {
	if err := p.limiter().admit(ctx, startsPerNetwork, from); err != nil {
		return Visitor{}, err
	}
	h, err := p.Cases.Store.UseHandOff(ctx, Digest(secret), session, p.Cases.Now())
	if err != nil {
		return Visitor{}, err
	}
	v := Visitor{Mailbox: h.Mailbox, Client: h.Client.Name, User: h.User, Locale: h.Locale, ReturnURL: h.ReturnURL,
		Session: session, Address: from, Request: request}
	return v, p.Cases.update(ctx, h.Mailbox, v.actor(), func(c *Case) error {
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

// recordRef returns a reference to the record in force.
func (c *Case) recordRef() Refs {
	return Refs{"record": c.Mailbox.Record.ID.String()}
}
