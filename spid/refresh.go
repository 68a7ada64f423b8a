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
	// refreshEvery is how old our copy of the aggregate gets, unless it says that
	// it may not get as old.
	refreshEvery = time.Hour
	// seekEvery is how often in all a message signed with an unknown key makes us
	// fetch the aggregate. Anybody can send such messages.
	seekEvery = time.Minute
	// patience is how long a person who waits for a page waits for that.
	patience = 5 * time.Second
)

// Due reports whether the aggregate is to be fetched again: it is an hour old,
// or as old as its cacheDuration allows (SAML 2.0 Metadata, 2.3.1).
func (r *Registry) Due() bool {
	if r.source == nil {
		return false
	}
	a := r.Aggregate()
	if a == nil {
		return true
	}
	limit := refreshEvery
	if 0 < a.cacheLimit && a.cacheLimit < limit {
		limit = max(a.cacheLimit, seekEvery)
	}
	return r.clock().Sub(a.FetchedAt) >= limit
}

// Refresh fetches the aggregate, checks it, uses it in place of the former, and
// keeps it. What another instance kept is read first, and counts even if the
// rest fails: then the error tells why, and what was there goes on being used.
// Entries left out are no error but stand in the aggregate's Faults.
func (r *Registry) Refresh(ctx context.Context) error {
	if r.source == nil {
		return nil
	}
	if err := r.take(ctx); err != nil {
		return fmt.Errorf("refreshing the identity providers: %w", err)
	}
	defer r.yield()
	return errors.Join(r.reload(ctx), r.fetch(ctx))
}

// Reload uses what another instance, or this one before a restart, has kept, if
// it was fetched after what is there. It is checked as if it had just arrived:
// the memory is not believed.
func (r *Registry) Reload(ctx context.Context) error {
	if r.source == nil {
		return nil
	}
	if err := r.take(ctx); err != nil {
		return fmt.Errorf("reloading the identity providers: %w", err)
	}
	defer r.yield()
	return r.reload(ctx)
}

// RefreshFor is for an answer or a logout that no key of its provider verifies:
// the provider may have changed its key since we last looked. p is the provider as
// it was known, nil if it was not. The aggregate is fetched, at most once a minute; if
// that brought a key which p does not have, so that it is worthwhile to find the
// provider again, the result is true.
func (r *Registry) RefreshFor(ctx context.Context, entityID string, p *Provider) (bool, error) {
	if r.source == nil || r.fixed.Find(entityID) != nil {
		return false, nil
	}
	// The person may leave, and the answer that comes next needs the key too.
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), patience)
	defer cancel()
	if err := r.take(ctx); err != nil {
		return false, fmt.Errorf("seeking a new key of %s: %w", entityID, err)
	}
	defer r.yield()
	// Whoever had the turn before may have found it.
	if r.renewed(entityID, p) {
		return true, nil
	}
	now := r.clock()
	if now.Sub(r.sought) < seekEvery {
		return false, nil
	}
	r.sought = now
	err := r.fetch(ctx)
	return r.renewed(entityID, p), err
}

// renewed reports whether a key of the provider is listed that p does not have.
func (r *Registry) renewed(entityID string, p *Provider) bool {
	listed := r.listing.Load().providers.Find(entityID)
	if listed == nil || p == nil {
		return listed != nil
	}
	return slices.ContainsFunc(listed.Certificates, func(c *x509.Certificate) bool {
		return !slices.ContainsFunc(p.Certificates, c.Equal)
	})
}

// take waits for the turn to change the listing.
func (r *Registry) take(ctx context.Context) error {
	select {
	case r.turn <- struct{}{}:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

func (r *Registry) yield() { <-r.turn }

func (r *Registry) reload(ctx context.Context) error {
	raw, at, err := r.source.Memory.Aggregate(ctx)
	if err != nil {
		return fmt.Errorf("reading the identity providers kept: %w", err)
	}
	held := r.Aggregate()
	if raw == nil || held != nil && !at.After(held.FetchedAt) {
		return nil
	}
	if err := r.use(raw, at); err != nil {
		return fmt.Errorf("reading the identity providers kept: %w", err)
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
	if err := r.source.Memory.KeepAggregate(ctx, raw, now); err != nil {
		return fmt.Errorf("keeping the identity providers: %w", err)
	}
	return nil
}

// use checks an aggregate and makes it the listing. One made before that which
// is there is refused, since its signature would bring back keys that have been
// withdrawn.
func (r *Registry) use(raw []byte, fetchedAt time.Time) error {
	now := r.clock()
	a, err := ParseAggregate(raw, r.source.Signers, now)
	if err != nil {
		return err
	}
	if held := r.Aggregate(); held != nil && a.CreatedAt.Before(held.CreatedAt) {
		return fmt.Errorf("older than what is in use: made %s, not %s",
			a.CreatedAt.Format(time.RFC3339), held.CreatedAt.Format(time.RFC3339))
	}
	// A clock that is ahead would have us take our copy for fresh.
	a.FetchedAt = fetchedAt
	if fetchedAt.After(now) {
		a.FetchedAt = now
	}
	r.listing.Store(r.listing.Load().next(a, now))
	return nil
}
