package workflow

import (
	"context"
	"net/netip"

	"github.com/google/uuid"
)

// Trial reports whether a login belongs to no mailbox: a tester made it, to see
// how we ask and what we make of the answer.
func (l Login) Trial() bool { return l.Qualification == uuid.Nil }

// StartTrial records the request of a login that belongs to no mailbox.
func (p *Procedure) StartTrial(ctx context.Context, l Login, request []byte, from netip.Addr) error {
	if err := p.admit(ctx, loginsPerNetwork, from); err != nil {
		return err
	}
	suspensions, err := p.Store.Suspensions(ctx)
	if err != nil {
		return err
	}
	if stopped(suspensions, l.Provider) {
		return ErrSuspended
	}
	l.Qualification, l.Session = uuid.Nil, nil
	return p.Store.AddTrial(ctx, l, Message{ID: newID(), Login: l.ID, Direction: "request", Body: request, ReceivedAt: p.Now()})
}

// EndTrial takes the verified answer to a trial. It is archived, and otherwise
// kept nowhere; like any other it counts once: ErrUnknown tells a second answer
// to one request, an assertion seen before, and a login that is no trial. It
// names a person, or ErrNoPerson.
func (p *Procedure) EndTrial(ctx context.Context, login string, a Answer, response []byte) error {
	now := p.Now()
	if a.Assertion != nil {
		if _, err := a.Assertion.normalized(); err != nil {
			return err
		}
	}
	a.Handle, a.ReceivedAt = nil, now // nobody comes back for it
	return p.Store.ClaimAnswer(ctx, login, a, Message{ID: newID(), Login: login, Direction: "response", Body: response, ReceivedAt: now})
}
