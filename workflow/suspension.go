package workflow

import (
	"context"
	"errors"
	"time"
)

// ErrSuspended is returned for an identity provider whose word does not count:
// at the moment, or for the time at which it was given.
var ErrSuspended = errors.New("the identity provider is suspended")

// ErrNotSuspended is returned for a provider that has nothing to be resumed.
var ErrNotSuspended = errors.New("the identity provider is not suspended")

// ErrFuture is returned for a suspension since a time to come.
var ErrFuture = errors.New("that time is still to come")

// Suspension is a time in which an identity provider is not believed, since
// somebody else may have spoken for it. What it said then does not come to
// count when its logins go on.
type Suspension struct {
	Provider    string    // the provider's identifier
	Since       time.Time // from when it is not believed; it was found out later
	Until       time.Time // when its logins went on; zero while they are stopped
	Reason      string
	Operator    string
	SuspendedAt time.Time
}

// Suspensions is the part of Store that keeps them.
type Suspensions interface {
	// Suspensions lists when identity providers were not believed, or are not:
	// for each the newest suspension of those that no resumption parts.
	Suspensions(ctx context.Context) ([]Suspension, error)
	Suspend(ctx context.Context, s Suspension) error
	Resume(ctx context.Context, provider, operator, reason string, at time.Time) error
}

// covers reports whether any of the time given is in the suspension.
func (s Suspension) covers(from, to time.Time) bool {
	return !to.Before(s.Since) && (s.Until.IsZero() || from.Before(s.Until))
}

// Suspend stops the logins of an identity provider, in every transaction that
// begins when this one has ended. Identities established with it since the time
// given lapse where they gave no star yet. Suspending it again corrects the
// suspension that stands.
func (p *Procedure) Suspend(ctx context.Context, operator, provider string, since time.Time, reason string) error {
	now := p.Now()
	if since.After(now) {
		return ErrFuture
	}
	return p.Store.Suspend(ctx, Suspension{Provider: provider, Since: since, Reason: reason, Operator: operator, SuspendedAt: now})
}

// Resume lets the logins of an identity provider go on.
func (p *Procedure) Resume(ctx context.Context, operator, provider, reason string) error {
	suspensions, err := p.Store.Suspensions(ctx)
	if err != nil {
		return err
	}
	if !stopped(suspensions, provider) {
		return ErrNotSuspended
	}
	return p.Store.Resume(ctx, provider, operator, reason, p.Now())
}

// SuspendedProviders lists the identity providers whose logins are stopped.
func (p *Procedure) SuspendedProviders(ctx context.Context) ([]string, error) {
	suspensions, err := p.Store.Suspensions(ctx)
	if err != nil {
		return nil, err
	}
	var all []string
	for _, s := range suspensions {
		if s.Until.IsZero() {
			all = append(all, s.Provider)
		}
	}
	return all, nil
}

// stopped reports whether no login may start at a provider.
func stopped(suspensions []Suspension, provider string) bool {
	for _, s := range suspensions {
		if s.Provider == provider && s.Until.IsZero() {
			return true
		}
	}
	return false
}

// ProviderSuspended reports whether the identity that the case rests on, or the
// login under way, is of a provider that is not believed for that time. A login
// counts with all the time from its start.
func (c *Case) ProviderSuspended() bool {
	switch q := c.Qualification; {
	case q.Identity != nil:
		return c.disbelieved(q.Identity.Provider, q.Identity.IdentifiedAt, q.Identity.IdentifiedAt)
	case q.Login != nil:
		return c.disbelieved(q.Login.Provider, q.Login.StartedAt, c.Now)
	}
	return false
}

func (c *Case) disbelieved(provider string, from, to time.Time) bool {
	for _, s := range c.Suspensions {
		if s.Provider == provider && s.covers(from, to) {
			return true
		}
	}
	return false
}
