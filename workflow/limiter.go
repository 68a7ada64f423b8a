package workflow

import (
	"context"
	"errors"
	"net/netip"
	"time"
)

// Limiter counts uses of limits outside any step.
type Limiter struct {
	Store interface {
		// Spend counts a use. It returns a LimitError if nothing is left.
		Spend(ctx context.Context, s Spend) error
	}
	Keys     Keys
	Now      func() time.Time
	Observer Observer
}

// Use counts one use of a limit by a subject.
func (l Limiter) Use(ctx context.Context, limit Limit, subject string) error {
	return l.Observer.ObserveLimit(l.Store.Spend(ctx, l.Keys.Spend(limit, subject, l.Now())))
}

// Admit counts one use of a limit by the network of an address, before any other work.
// It does not count loopback addresses: they belong to a proxy on the same machine that
// does not forward the client's address.
func (l Limiter) Admit(ctx context.Context, limit Limit, from netip.Addr) error {
	if !from.IsValid() || from.IsLoopback() {
		return nil
	}
	return l.Use(ctx, limit, network(from).String())
}

// Observer receives callbacks for metrics. They contain no personal data that is kept.
// Each field may be nil.
type Observer struct {
	Refused func(provider string) // each response of an identity provider that failed verification
	Limited func(limit string)    // each refusal by a limit
}

// ObserveLimit reports an error that is the refusal by a rate limit, and returns err.
func (o Observer) ObserveLimit(err error) error {
	var refused *LimitError
	if errors.As(err, &refused) && o.Limited != nil {
		o.Limited(refused.Limit)
	}
	return err
}
