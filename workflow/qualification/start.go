package qualification

import (
	"context"
	"net/netip"

	"stella/workflow"
)

// Start uses a hand-off for a browser session, which it opens, and opens a qualification
// if the mailbox has none that can continue. A second use ends the session of the first,
// because one of the two was not the user.
func (p *Procedure) Start(ctx context.Context, secret string, session []byte, from netip.Addr, request string) (workflow.Visitor, error) {
	var v workflow.Visitor
	now := p.Cases.Now()
	err := p.Cases.run(func(c *Case) error {
		c.actor = v.Actor()
		if c.Mailbox.Status != workflow.Active {
			return workflow.ErrNotEligible
		}
		c.spend(p.limiter(), startsPerNetwork, v)
		if q := c.Qualification; q == nil || q.State == Expired || q.State == Revoked {
			c.open(v.Locale)
		}
		return nil
	}, func(step func(*Case) error) error {
		return p.Cases.Store.StartSession(ctx, workflow.Digest(secret), session, now,
			func(h workflow.HandOff, c *Case) (workflow.Session, error) {
				v = workflow.Visitor{Mailbox: h.Mailbox, Client: h.Client.Name, User: h.User, Locale: h.Locale, ReturnURL: h.ReturnURL,
					Session: session, Address: from, Request: request}
				return workflow.NewSession(v, now), step(c)
			})
	})
	return v, err
}

func (c *Case) open(locale string) {
	q := &Qualification{ID: workflow.NewID(), Version: 1, State: HolderChoice, OpenedAt: c.Now, SteppedAt: c.Now,
		Owner: OwnedByWebmail, Locale: locale}
	c.Qualification = q
	c.add(Step{Qualification: q.ID, Version: 1, Event: Opened, To: q.State, At: c.Now, Actor: c.actor,
		Refs: c.recordRef()})
	c.announce(workflow.AnnounceStarted)
}
