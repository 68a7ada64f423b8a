package spid

import (
	"context"
	"errors"
	"net/http"
	"slices"
	"sync/atomic"
	"time"
)

// A Registry holds the identity providers one may log in with, as they are now.
// It may be used from many goroutines at once.
type Registry struct {
	fixed   Providers
	clock   func() time.Time
	listing atomic.Pointer[listing]

	// For a registry that follows a source; see refresh.go.
	source *Source
	client *http.Client
	turn   chan struct{} // held by whoever makes a new listing
	sought time.Time     // when RefreshFor last fetched; for the holder of turn
}

// A Source is where the signed aggregate of a federation's providers comes from.
type Source struct {
	// Location is an https URL, one with http on this machine, or a file.
	// It is fetched directly, never through a proxy.
	Location string
	Signers  []Fingerprint // whose signature counts; for SPID, AgID
	Memory   Memory
	Now      func() time.Time // time.Now if nil
}

// Memory keeps the last good aggregate across restarts and between instances.
type Memory interface {
	// Aggregate returns what was kept last, byte by byte, and when it was
	// fetched; raw is nil if there is none.
	Aggregate(ctx context.Context) (raw []byte, fetchedAt time.Time, err error)
	KeepAggregate(ctx context.Context, raw []byte, fetchedAt time.Time) error
}

// NewRegistry makes a registry of providers that are configured and stay. The
// clock is time.Now if nil.
func NewRegistry(fixed Providers, clock func() time.Time) *Registry {
	if clock == nil {
		clock = time.Now
	}
	r := &Registry{fixed: slices.Clone(fixed), clock: clock, turn: make(chan struct{}, 1)}
	r.listing.Store(&listing{})
	return r
}

// Follow makes a registry of fixed providers and of those in the aggregate of a
// source, of which it has none until [Registry.Refresh] or [Registry.Reload].
// An entity ID that is in both is the fixed one's.
func Follow(source Source, fixed Providers) (*Registry, error) {
	if len(source.Signers) == 0 {
		return nil, errors.New("registry of identity providers: nobody's signature counts")
	}
	if source.Memory == nil {
		return nil, errors.New("registry of identity providers: no memory")
	}
	if err := checkLocation(source.Location); err != nil {
		return nil, err
	}
	r := NewRegistry(fixed, source.Now)
	r.source, r.client = &source, newClient()
	return r, nil
}

// Providers returns those that logins may start at. One whose answers cannot
// count is not among them, see [Provider.Unusable].
func (r *Registry) Providers() Providers {
	providers := slices.Clone(r.fixed)
	now := r.clock()
	for _, p := range r.listing.Load().providers {
		if r.fixed.Find(p.EntityID) == nil && !lapsed(p.validUntil, now) {
			providers = append(providers, p)
		}
	}
	return slices.DeleteFunc(providers, func(p *Provider) bool { return p.Unusable(now) != nil })
}

// Find returns the provider of that entity ID as it was known to a request made
// at the time asked, or nil. An answer to it may be signed with any key that was
// listed then or has been since, and may come from a provider that has left the
// aggregate since: the person was on its pages when it did, and did nothing
// wrong. That lasts for half an hour, as a login does, so that a key withdrawn
// because it was stolen is good for no longer, and for no request made after.
func (r *Registry) Find(entityID string, asked time.Time) *Provider {
	if p := r.fixed.Find(entityID); p != nil {
		return p
	}
	current, now := r.listing.Load(), r.clock()
	found := current.providers.Find(entityID)
	if found != nil && !answers(found.validUntil, asked, now) {
		found = nil
	}
	for _, former := range current.former {
		if !answers(former.until, asked, now) {
			continue
		}
		if p := former.providers.Find(entityID); p != nil {
			found = found.withKeysOf(p)
		}
	}
	return found
}

// Aggregate returns the aggregate that is in use, or nil.
func (r *Registry) Aggregate() *Aggregate { return r.listing.Load().aggregate }

// overlap is for how long what was listed when a request was made is good for
// its answer.
const overlap = 30 * time.Minute

// A listing is what the aggregate lists, now and shortly before. It is not
// changed: a new one takes its place.
type listing struct {
	aggregate *Aggregate // nil before the first
	providers Providers
	former    []former // newest first
}

type former struct {
	providers Providers
	until     time.Time
}

// next returns the listing that follows l.
func (l *listing) next(a *Aggregate, now time.Time) *listing {
	n := &listing{aggregate: a, providers: a.Providers, former: []former{{l.providers, now}}}
	for _, f := range l.former {
		if now.Sub(f.until) <= overlap {
			n.former = append(n.former, f)
		}
	}
	return n
}

// answers reports whether what was good until then is good for the answer to a
// request made at the time asked.
func answers(until, asked, now time.Time) bool {
	return !lapsed(until, now) || asked.Before(until) && now.Sub(until) <= overlap
}

// withKeysOf returns p, which may be nil, with the certificates of its former
// self.
func (p *Provider) withKeysOf(former *Provider) *Provider {
	if p == nil {
		return former
	}
	all := *p
	all.Certificates = slices.Clone(p.Certificates)
	for _, certificate := range former.Certificates {
		if !slices.ContainsFunc(all.Certificates, certificate.Equal) {
			all.Certificates = append(all.Certificates, certificate)
		}
	}
	return &all
}
