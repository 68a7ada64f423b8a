package qualification

import (
	"context"
	"net/netip"

	"stella/workflow"
)

// Start uses a hand-off for a browser session, and opens a qualification if the mailbox
// has none that can continue. A second use ends the session of the first, because one
// of the two was not the user.
func (p *Procedure) Start(ctx context.Context, secret string, session []byte, from netip.Addr, request string) (workflow.Visitor, error) {
	if err := p.limiter().Admit(ctx, startsPerNetwork, from); err != nil {
		return workflow.Visitor{}, err
	}
	h, err := p.Cases.Store.UseHandOff(ctx, workflow.Digest(secret), session, p.Cases.Now())
	if err != nil {
		return workflow.Visitor{}, err
	}
	v := workflow.Visitor{Mailbox: h.Mailbox, Client: h.Client.Name, User: h.User, Locale: h.Locale, ReturnURL: h.ReturnURL,
		Session: session, Address: from, Request: request}
	return v, p.Cases.update(ctx, h.Mailbox, v.Actor(), func(c *Case) error {
		if c.Mailbox.Status != workflow.Active {
			return workflow.ErrNotEligible
		}
		if q := c.Qualification; q != nil && q.State != Expired && q.State != Revoked {
			return nil
		}
		c.open(h.Locale)
		return nil
	})
}

func (c *Case) open(locale string) {
	q := &Qualification{ID: workflow.NewID(), Version: 1, State: HolderChoice, OpenedAt: c.Now, SteppedAt: c.Now,
		Owner: OwnedByWebmail, Locale: locale}
	c.Qualification = q
	c.add(Step{Qualification: q.ID, Version: 1, Event: Opened, To: q.State, At: c.Now, Actor: c.actor,
		Refs: c.recordRef()})
	c.announce(workflow.AnnounceStarted)
}
