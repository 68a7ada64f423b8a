package main

import (
	"context"
	"log/slog"
	"slices"
	"time"

	"stella/spid"
	"stella/web"
)

// certificates watches the certificates: ours, and the identity providers'.
type certificates struct {
	federations []*web.Federation
	log         *slog.Logger
	now         func() time.Time
	told        map[spid.Fingerprint]told
}

type told struct {
	threshold int
	at        time.Time
}

// all are the ends of all certificates, the soonest first, each once: SPID and
// CIE may know us by the same one.
func (c *certificates) all() []spid.Expiry {
	var all []spid.Expiry
	for _, f := range c.federations {
		for _, x := range spid.Expiries(f.ServiceProvider, f.Providers(), c.now()) {
			if !slices.Contains(all, x) {
				all = append(all, x)
			}
		}
	}
	slices.SortStableFunc(all, func(x, y spid.Expiry) int { return x.NotAfter.Compare(y.NotAfter) })
	return all
}

// providers is how many identity providers there are.
func (c *certificates) providers() (n int) {
	for _, f := range c.federations {
		n += len(f.Providers())
	}
	return n
}

// ours reports whether a certificate is one of our own.
func (c *certificates) ours(x spid.Expiry) bool {
	return slices.ContainsFunc(c.federations, func(f *web.Federation) bool { return f.EntityID == x.Owner })
}

// signs reports whether a certificate is that of the key we sign with.
func (c *certificates) signs(x spid.Expiry) bool {
	return slices.ContainsFunc(c.federations, func(f *web.Federation) bool { return spid.FingerprintOf(f.Certificate) == x.Fingerprint })
}

// last are the certificates with which logins end, by owner: the one that we
// sign with, and of each provider the one that lives longest.
func (c *certificates) last(all []spid.Expiry) map[string]spid.Expiry {
	ends := map[string]spid.Expiry{}
	for _, x := range all { // the soonest first
		if !c.ours(x) {
			ends[x.Owner] = x
		} else if c.signs(x) {
			ends["stella"] = x
		}
	}
	return ends
}

// pressing are the certificates whose end calls for an action: ours,
// and of each provider the one that lives longest. Providers list expired ones
// beside it for years.
func (c *certificates) pressing() []spid.Expiry {
	all := c.all()
	ends := c.last(all)
	return slices.DeleteFunc(all, func(x spid.Expiry) bool { return !c.ours(x) && ends[x.Owner] != x })
}

// tell logs each certificate that is near its end, once when it comes to be,
// and then every day.
func (c *certificates) tell(ctx context.Context) {
	all := c.all()
	ends := c.last(all)
	for _, x := range all {
		threshold, near := x.Near()
		before, was := c.told[x.Fingerprint]
		if !near || was && before.threshold == threshold && c.now().Sub(before.at) < 24*time.Hour {
			continue
		}
		c.told[x.Fingerprint] = told{threshold, c.now()}
		level := slog.LevelInfo
		switch urgent := threshold <= 15; {
		case c.signs(x) && urgent:
			level = slog.LevelError
		case c.signs(x), urgent && ends[x.Owner] == x:
			level = slog.LevelWarn
		}
		text := "a certificate ends soon"
		if threshold == 0 {
			text = "a certificate has ended"
		}
		c.log.Log(ctx, level, text, "owner", x.Owner, "not_after", x.NotAfter, "days", x.Days, "sha256", x.Fingerprint.String())
	}
}
