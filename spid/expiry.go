package spid

import (
	"crypto/x509"
	"math"
	"slices"
	"time"
)

// An Expiry is the expiry date of a certificate. After our certificate expires,
// providers may refuse our requests. After a provider's certificate expires,
// its answers are still accepted and the expiry is logged.
type Expiry struct {
	Owner       string // entity ID
	Fingerprint Fingerprint
	NotAfter    time.Time
	Days        int // whole days left; negative after the expiry
}

// Expiries returns the expiries of our certificates and of those of all
// providers, the soonest first.
func Expiries(sp *ServiceProvider, providers Providers, now time.Time) []Expiry {
	var all []Expiry
	add := func(owner string, certificates ...*x509.Certificate) {
		for _, c := range certificates {
			if c == nil {
				continue
			}
			days := int(math.Floor(c.NotAfter.Sub(now).Hours() / 24))
			all = append(all, Expiry{owner, FingerprintOf(c), c.NotAfter, days})
		}
	}
	add(sp.EntityID, sp.Certificate, sp.Other)
	for _, p := range providers {
		add(p.EntityID, p.Certificates...)
	}
	slices.SortStableFunc(all, func(a, b Expiry) int { return a.NotAfter.Compare(b.NotAfter) })
	return all
}

// Near returns the last threshold that has been reached: 60, 30 or 15 days
// before the expiry, or 0 after it. It returns false before the first
// threshold. A caller that remembers the last result can warn once per
// threshold.
func (e Expiry) Near() (threshold int, near bool) {
	switch {
	case e.Days < 0:
		return 0, true
	case e.Days <= 15:
		return 15, true
	case e.Days <= 30:
		return 30, true
	case e.Days <= 60:
		return 60, true
	}
	return 0, false
}
