package spid

import (
	"context"
	"errors"
	"net/http"
	"slices"
	"sync/atomic"
	"time"
)

// A Registry is the current list of identity providers for logins. It is safe
// for concurrent use.
type Registry struct {
	fixed   Providers
	clock   func() time.Time
	listing atomic.Pointer[listing]

	// Only if the registry follows a source; see refresh.go.
	source *Source
	client *http.Client
	mutex  chan struct{} // locked while the listing is replaced; a channel, to wait with a context
	// lastUnknownKeyFetch is when RefreshFor last fetched. mutex guards it.
	lastUnknownKeyFetch time.Time
}

// A Source is the origin of a federation's signed aggregate of providers.
type Source struct {
	// Location is an https URL, an http URL on this machine, or a file name. It
	// is fetched directly, never through a proxy.
	Location string
	Signers  []Fingerprint // accepted signing certificates; for SPID, that of AgID
	Store    AggregateStore
	Now      func() time.Time // time.Now if nil
}

// AggregateStore stores the last valid aggregate. It survives restarts and is shared
// between instances.
type AggregateStore interface {
	// Aggregate returns the aggregate stored last, unchanged, and the time of
	// its fetch. raw is nil if there is none.
	Aggregate(ctx context.Context) (raw []byte, fetchedAt time.Time, err error)
	// SaveAggregate stores an aggregate, unless a later fetch is already stored.
	SaveAggregate(ctx context.Context, raw []byte, fetchedAt time.Time) error
}

// NewRegistry makes a registry of configured providers that never change. If
// clock is nil, it uses time.Now.
func NewRegistry(fixed Providers, clock func() time.Time) *Registry {
	if clock == nil {
		clock = time.Now
	}
	r := &Registry{fixed: slices.Clone(fixed), clock: clock, mutex: make(chan struct{}, 1)}
	r.listing.Store(&listing{})
	return r
}

// Follow makes a registry of fixed providers and of those in a source's
// aggregate. The aggregate is empty until [Registry.Refresh] or
// [Registry.Reload] is called. If an entity ID is in both, the fixed provider
// is used.
func Follow(source Source, fixed Providers) (*Registry, error) {
	if len(source.Signers) == 0 {
		return nil, errors.New("registry of identity providers: no signer is configured")
	}
	if source.Store == nil {
		return nil, errors.New("registry of identity providers: no store for the aggregate")
	}
	if err := checkLocation(source.Location); err != nil {
		return nil, err
	}
	r := NewRegistry(fixed, source.Now)
	r.source, r.client = &source, newClient()
	return r, nil
}

// Providers returns the providers at which a login can start. It leaves out
// those with no certificate that may sign, see [Provider.Unusable].
func (r *Registry) Providers() Providers {
	providers := slices.Clone(r.fixed)
	now := r.clock()
	for _, p := range r.listing.Load().providers {
		if r.fixed.Find(p.EntityID) == nil && !hasExpired(p.validUntil, now) {
			providers = append(providers, p)
		}
	}
	return slices.DeleteFunc(providers, func(p *Provider) bool { return p.Unusable(now) != nil })
}

// Find returns the provider with that entity ID, as needed to verify the answer
// to a request made at the time asked, or nil. The answer may be signed with
// any key listed at that time or later. The provider may have left the
// aggregate after the request: the user was already on its pages. Both
// exceptions last half an hour, the duration of a login. So a key that is
// withdrawn because it was stolen is accepted for at most half an hour, and
// never for a later request.
func (r *Registry) Find(entityID string, asked time.Time) *Provider {
	if p := r.fixed.Find(entityID); p != nil {
		return p
	}
	current, now := r.listing.Load(), r.clock()
	found := current.providers.Find(entityID)
	if found != nil && !accepted(found.validUntil, asked, now) {
		found = nil
	}
	for _, previous := range current.previous {
		if !accepted(previous.until, asked, now) {
			continue
		}
		if p := previous.providers.Find(entityID); p != nil {
			found = found.withKeysOf(p)
		}
	}
	return found
}

// Aggregate returns the aggregate that is in use, or nil.
func (r *Registry) Aggregate() *Aggregate { return r.listing.Load().aggregate }

// gracePeriod is how long an entry is accepted, after it has left the
// aggregate, for answers to earlier requests.
const gracePeriod = 30 * time.Minute

// A listing is the content of the current aggregate and of those replaced
// within gracePeriod. It is immutable.
type listing struct {
	aggregate *Aggregate // nil before the first
	providers Providers
	previous  []previousProviders // newest first
}

// previousProviders are the providers of an aggregate that was replaced.
type previousProviders struct {
	providers Providers
	until     time.Time // when it was replaced
}

// next returns the listing that follows l.
func (l *listing) next(a *Aggregate, now time.Time) *listing {
	n := &listing{aggregate: a, providers: a.Providers, previous: []previousProviders{{l.providers, now}}}
	for _, p := range l.previous {
		if now.Sub(p.until) <= gracePeriod {
			n.previous = append(n.previous, p)
		}
	}
	return n
}

// accepted reports whether an entry that was valid until the given time can be
// used for the answer to a request made at the time asked.
func accepted(until, asked, now time.Time) bool {
	return !hasExpired(until, now) || asked.Before(until) && now.Sub(until) <= gracePeriod
}

// withKeysOf returns p with the additional certificates of its previous
// version. p may be nil.
func (p *Provider) withKeysOf(previous *Provider) *Provider {
	if p == nil {
		return previous
	}
	all := *p
	all.Certificates = slices.Clone(p.Certificates)
	for _, certificate := range previous.Certificates {
		if !slices.ContainsFunc(all.Certificates, certificate.Equal) {
			all.Certificates = append(all.Certificates, certificate)
		}
	}
	return &all
}
