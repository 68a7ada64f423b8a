package workflow

import (
	"context"
	"net/netip"

	"github.com/google/uuid"
)

// StartTest records the request of a test login.
func (ls *Logins) StartTest(ctx context.Context, l Login, request []byte, from netip.Addr) error {
	if err := ls.limiter().Admit(ctx, LoginsPerNetwork, from); err != nil {
		return err
	}
	suspensions, err := ls.Store.Suspensions(ctx)
	if err != nil {
		return err
	}
	if suspensions.Suspended(l.Provider) {
		return ErrSuspended
	}
	l.Subject, l.Session = uuid.Nil, nil
	return ls.Store.AddTestLogin(ctx, l, Message{ID: NewID(), Login: l.ID, Direction: "request", Body: request, ReceivedAt: ls.Now()})
}

// EndTest accepts the verified answer to a test login. The answer is archived and not
// stored elsewhere. EndTest returns ErrUnknown for a second answer to the same
// request, for an assertion that was used before, and for a login that is not a test
// login. It returns ErrNoPerson if the assertion does not name a person.
func (ls *Logins) EndTest(ctx context.Context, login string, a Answer, response []byte) error {
	now := ls.Now()
	if a.Assertion != nil {
		if _, err := a.Assertion.normalized(); err != nil {
			return err
		}
	}
	a.Handle, a.ReceivedAt = nil, now // no handle: no browser fetches the answer later
	return ls.Store.ClaimAnswer(ctx, login, a, Message{ID: NewID(), Login: login, Direction: "response", Body: response, ReceivedAt: now})
}
