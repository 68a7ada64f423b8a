package workflow

import (
	"context"
	"errors"
	"slices"
	"time"
)

// ErrSuspended is returned if an identity provider is suspended now, or was suspended
// for the time of a login.
var ErrSuspended = errors.New("the identity provider is suspended")

// ErrNotSuspended is returned if a provider cannot be resumed because it is not
// suspended.
var ErrNotSuspended = errors.New("the identity provider is not suspended")

// ErrFuture is returned for a suspension that begins in the future.
var ErrFuture = errors.New("that time is in the future")

// Suspension is a period in which an identity provider is not trusted, because others
// may have issued assertions in its name. Assertions from that period stay invalid
// after the provider is resumed.
type Suspension struct {
	Provider    string    // entity ID of the identity provider
	Since       time.Time // begin of the period, usually before SuspendedAt
	Until       time.Time // when its logins were resumed; zero while it is suspended
	Reason      string
	Operator    string
	SuspendedAt time.Time
}

// Suspensions are the periods in which identity providers are or were not trusted. For
// each provider, if it was suspended several times without a resumption in between,
// they contain only the newest.
type Suspensions []Suspension

// Suspended reports whether a provider is suspended now, so that no login may start.
func (all Suspensions) Suspended(provider string) bool {
	return slices.ContainsFunc(all, func(s Suspension) bool { return s.Provider == provider && s.Until.IsZero() })
}

// Cover reports whether a provider was suspended at any time between from and to.
func (all Suspensions) Cover(provider string, from, to time.Time) bool {
	return slices.ContainsFunc(all, func(s Suspension) bool { return s.Provider == provider && s.covers(from, to) })
}

// SuspensionStore is the part of Store for suspensions.
type SuspensionStore interface {
	Suspensions(ctx context.Context) (Suspensions, error)
	Suspend(ctx context.Context, s Suspension) error
	Resume(ctx context.Context, provider, operator, reason string, at time.Time) error
}

// covers reports whether any time between from and to is in the suspension.
func (s Suspension) covers(from, to time.Time) bool {
	return !to.Before(s.Since) && (s.Until.IsZero() || from.Before(s.Until))
}

// Suspend stops the logins of an identity provider, in every transaction that begins
// after this one has ended. Identities from this provider since the given time become
// invalid, if they gave no star yet. A second call corrects the current suspension.
func (p *Provider) Suspend(ctx context.Context, operator, provider string, since time.Time, reason string) error {
	now := p.Now()
	if since.After(now) {
		return ErrFuture
	}
	return p.Store.Suspend(ctx, Suspension{Provider: provider, Since: since, Reason: reason, Operator: operator, SuspendedAt: now})
}

// Resume allows the logins of an identity provider again.
func (p *Provider) Resume(ctx context.Context, operator, provider, reason string) error {
	suspensions, err := p.Store.Suspensions(ctx)
	if err != nil {
		return err
	}
	if !suspensions.Suspended(provider) {
		return ErrNotSuspended
	}
	return p.Store.Resume(ctx, provider, operator, reason, p.Now())
}

// SuspendedProviders lists the identity providers that are suspended now.
func (p *Provider) SuspendedProviders(ctx context.Context) ([]string, error) {
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
