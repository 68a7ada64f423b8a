package service

import (
	"context"
	"log/slog"
	"slices"
	"time"

	"stella/spid"
	"stella/web"
)

// certificates reports when our certificates and those of the identity providers
// expire.
type certificates struct {
	federations []*web.Federation
	log         *slog.Logger
	now         func() time.Time
	reported    map[spid.Fingerprint]report
}

// report is a log line about a certificate: its threshold in days, and its time.
type report struct {
	threshold int
	at        time.Time
}

// all returns the expiry of every certificate, in order of time. A certificate
// that we use for both SPID and CIE is listed once.
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

// providers returns the number of identity providers.
func (c *certificates) providers() (n int) {
	for _, f := range c.federations {
		n += len(f.Providers())
	}
	return n
}

// isOurs reports whether a certificate is our own.
func (c *certificates) isOurs(x spid.Expiry) bool {
	return slices.ContainsFunc(c.federations, func(f *web.Federation) bool { return f.EntityID == x.Owner })
}

// isSigning reports whether a certificate belongs to the key that we sign with.
// While the key is changed, our metadata list a second certificate, which does not.
func (c *certificates) isSigning(x spid.Expiry) bool {
	return slices.ContainsFunc(c.federations, func(f *web.Federation) bool { return spid.FingerprintOf(f.Certificate) == x.Fingerprint })
}

// lastByOwner returns, by owner, the certificate whose expiry stops the logins:
// ours that signs (owner "stella"), and each provider's with the latest expiry.
func (c *certificates) lastByOwner(all []spid.Expiry) map[string]spid.Expiry {
	ends := map[string]spid.Expiry{}
	for _, x := range all { // in order of expiry: a later certificate replaces an earlier one
		if !c.isOurs(x) {
			ends[x.Owner] = x
		} else if c.isSigning(x) {
			ends["stella"] = x
		}
	}
	return ends
}

// actionable returns the certificates that must be renewed before they expire:
// all of ours, and each provider's with the latest expiry. Providers go on listing
// expired certificates for years; those need no action.
func (c *certificates) actionable() []spid.Expiry {
	all := c.all()
	ends := c.lastByOwner(all)
	return slices.DeleteFunc(all, func(x spid.Expiry) bool { return !c.isOurs(x) && ends[x.Owner] != x })
}

// logExpiring logs every certificate that is close to its expiry: once when it
// reaches a threshold, and then once a day.
func (c *certificates) logExpiring(ctx context.Context) {
	all := c.all()
	ends := c.lastByOwner(all)
	for _, x := range all {
		threshold, near := x.Near()
		before, was := c.reported[x.Fingerprint]
		if !near || was && before.threshold == threshold && c.now().Sub(before.at) < 24*time.Hour {
			continue
		}
		c.reported[x.Fingerprint] = report{threshold, c.now()}
		level := slog.LevelInfo
		switch urgent := threshold <= 15; {
		case c.isSigning(x) && urgent:
			level = slog.LevelError
		case c.isSigning(x), urgent && ends[x.Owner] == x:
			level = slog.LevelWarn
		}
		text := "a certificate ends soon"
		if threshold == 0 {
			text = "a certificate has ended"
		}
		c.log.Log(ctx, level, text, "owner", x.Owner, "not_after", x.NotAfter, "days", x.Days, "sha256", x.Fingerprint.String())
	}
}
