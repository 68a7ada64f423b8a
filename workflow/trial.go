package workflow

import (
	"context"
	"net/netip"

	"github.com/google/uuid"
)

// Trial reports whether this is a test login, which belongs to no mailbox. Testers use
// it to check our requests and how we process the answers.
func (l Login) Trial() bool { return l.Qualification == uuid.Nil }

// StartTrial records the request of a test login.
func (p *Procedure) StartTrial(ctx context.Context, l Login, request []byte, from netip.Addr) error {
	if err := p.admit(ctx, loginsPerNetwork, from); err != nil {
		return err
	}
	suspensions, err := p.Store.Suspensions(ctx)
	if err != nil {
		return err
	}
	if isSuspended(suspensions, l.Provider) {
		return ErrSuspended
	}
	l.Qualification, l.Session = uuid.Nil, nil
	return p.Store.AddTrial(ctx, l, Message{ID: newID(), Login: l.ID, Direction: "request", Body: request, ReceivedAt: p.Now()})
}

// EndTrial accepts the verified answer to a test login. The answer is archived and not
// stored elsewhere. EndTrial returns ErrUnknown for a second answer to the same
// request, for an assertion that was used before, and for a login that is not a test
// login. It returns ErrNoPerson if the assertion does not name a person.
func (p *Procedure) EndTrial(ctx context.Context, login string, a Answer, response []byte) error {
	now := p.Now()
	if a.Assertion != nil {
		if _, err := a.Assertion.normalized(); err != nil {
			return err
		}
	}
	a.Handle, a.ReceivedAt = nil, now // no handle: no browser fetches the answer later
	return p.Store.ClaimAnswer(ctx, login, a, Message{ID: newID(), Login: login, Direction: "response", Body: response, ReceivedAt: now})
}
