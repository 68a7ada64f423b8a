package spid

import (
	"context"
	"crypto/x509"
	"errors"
	"fmt"
	"slices"
	"time"
)

const (
	// refreshInterval is the maximum age of our copy of the aggregate, unless
	// its cacheDuration is shorter.
	refreshInterval = time.Hour
	// unknownKeyInterval is the minimum time between two fetches caused by
	// messages that are signed with an unknown key. Anyone can send such
	// messages.
	unknownKeyInterval = time.Minute
	// unknownKeyTimeout limits such a fetch, because a user is waiting for the
	// page.
	unknownKeyTimeout = 5 * time.Second
)

// Due reports whether the aggregate must be fetched again: it is an hour old, or
// as old as its cacheDuration (SAML 2.0 Metadata, 2.3.1). A cacheDuration under a
// minute counts as a minute.
func (r *Registry) Due() bool {
	if r.source == nil {
		return false
	}
	a := r.Aggregate()
	if a == nil {
		return true
	}
	limit := refreshInterval
	if 0 < a.cacheLimit && a.cacheLimit < limit {
		limit = max(a.cacheLimit, unknownKeyInterval)
	}
	return r.clock().Sub(a.FetchedAt) >= limit
}

// Refresh fetches the aggregate, checks it, replaces the previous one, and
// stores it. It first loads the copy that another instance may have stored, and
// uses it even if the fetch fails. If there is an error, the aggregate in use
// remains in use. Entries that are left out are not an error; they are listed
// in the aggregate's Faults.
func (r *Registry) Refresh(ctx context.Context) error {
	if r.source == nil {
		return nil
	}
	if err := r.lock(ctx); err != nil {
		return fmt.Errorf("refreshing the identity providers: %w", err)
	}
	defer r.unlock()
	return errors.Join(r.reload(ctx), r.fetch(ctx))
}

// Reload uses the stored aggregate if it was fetched after the one in use, by
// another instance or by this one before a restart. It is checked like a newly
// fetched one, because the storage is not trusted.
func (r *Registry) Reload(ctx context.Context) error {
	if r.source == nil {
		return nil
	}
	if err := r.lock(ctx); err != nil {
		return fmt.Errorf("reloading the identity providers: %w", err)
	}
	defer r.unlock()
	return r.reload(ctx)
}

// RefreshFor is called for an answer or a logout request whose signature no key
// of its provider verifies: the provider may have changed its key since the
// last fetch. p is the provider as known so far, or nil. RefreshFor fetches the
// aggregate, at most once a minute. It returns true if the provider now has a
// key that p does not have, so that the caller should look it up again.
func (r *Registry) RefreshFor(ctx context.Context, entityID string, p *Provider) (bool, error) {
	if r.source == nil || r.fixed.Find(entityID) != nil {
		return false, nil
	}
	// Not cancelled if the user leaves: the next answer needs the key too.
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), unknownKeyTimeout)
	defer cancel()
	if err := r.lock(ctx); err != nil {
		return false, fmt.Errorf("looking for a new key of %s: %w", entityID, err)
	}
	defer r.unlock()
	// The previous holder of the lock may have fetched it.
	if r.renewed(entityID, p) {
		return true, nil
	}
	now := r.clock()
	if now.Sub(r.lastUnknownKeyFetch) < unknownKeyInterval {
		return false, nil
	}
	r.lastUnknownKeyFetch = now
	err := r.fetch(ctx)
	return r.renewed(entityID, p), err
}

// renewed reports whether the aggregate lists a key of the provider that p does
// not have.
func (r *Registry) renewed(entityID string, p *Provider) bool {
	listed := r.listing.Load().providers.Find(entityID)
	if listed == nil || p == nil {
		return listed != nil
	}
	return slices.ContainsFunc(listed.Certificates, func(c *x509.Certificate) bool {
		return !slices.ContainsFunc(p.Certificates, c.Equal)
	})
}

// lock waits for the right to replace the listing.
func (r *Registry) lock(ctx context.Context) error {
	select {
	case r.mutex <- struct{}{}:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

func (r *Registry) unlock() { <-r.mutex }

func (r *Registry) reload(ctx context.Context) error {
	raw, at, err := r.source.Store.Aggregate(ctx)
	if err != nil {
		return fmt.Errorf("reading the stored identity providers: %w", err)
	}
	current := r.Aggregate()
	if raw == nil || current != nil && !at.After(current.FetchedAt) {
		return nil
	}
	if err := r.use(raw, at); err != nil {
		return fmt.Errorf("reading the stored identity providers: %w", err)
	}
	return nil
}

func (r *Registry) fetch(ctx context.Context) error {
	raw, err := r.source.fetch(ctx, r.client)
	if err != nil {
		return fmt.Errorf("fetching the identity providers: %w", err)
	}
	now := r.clock()
	if err := r.use(raw, now); err != nil {
		return fmt.Errorf("fetching the identity providers from %s: %w", r.source.Location, err)
	}
	if err := r.source.Store.SaveAggregate(ctx, raw, now); err != nil {
		return fmt.Errorf("storing the identity providers: %w", err)
	}
	return nil
}

// use checks an aggregate and replaces the listing. It refuses an aggregate
// older than the one in use: its signature is still valid, so it could bring
// back keys that have been withdrawn.
func (r *Registry) use(raw []byte, fetchedAt time.Time) error {
	now := r.clock()
	a, err := ParseAggregate(raw, r.source.Signers, now)
	if err != nil {
		return err
	}
	if current := r.Aggregate(); current != nil && a.CreatedAt.Before(current.CreatedAt) {
		return fmt.Errorf("older than the one in use: created at %s, not %s",
			a.CreatedAt.Format(time.RFC3339), current.CreatedAt.Format(time.RFC3339))
	}
	// If the clock that wrote the time is ahead, our copy would seem too fresh.
	a.FetchedAt = fetchedAt
	if fetchedAt.After(now) {
		a.FetchedAt = now
	}
	r.listing.Store(r.listing.Load().next(a, now))
	return nil
}
