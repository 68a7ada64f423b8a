package spid

import (
	"slices"
	"time"
)

// A Registry holds the identity providers one may log in with, as they are now.
// It may be used from many goroutines at once.
type Registry struct {
	fixed Providers
}

// NewRegistry makes a registry of providers that are configured and stay.
func NewRegistry(fixed Providers) *Registry {
	return &Registry{fixed: slices.Clone(fixed)}
}

// Providers returns those that logins may start at.
func (r *Registry) Providers() Providers { return r.fixed }

// Find returns the provider of that entity ID as a request made at the time
// asked knew it, or nil: keys that were changed since then are still good for
// its answer.
func (r *Registry) Find(entityID string, asked time.Time) *Provider {
	return r.fixed.Find(entityID)
}
