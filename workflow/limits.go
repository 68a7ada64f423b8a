package workflow

import (
	"context"
	"errors"
	"net/netip"
	"strings"
	"time"
)

// Limit is a rate limit: Burst times at once, then once per Span/Burst. It implements
// the generic cell rate algorithm (ITU-T I.371), which stores one time per subject: the
// theoretical arrival time (TAT).
type Limit struct {
	Name  string
	Burst int
	Span  time.Duration
}

// The limits that all procedures share. All instances share the counters, in the
// database. Many phones share one network address, so the limits per network stop
// floods only.
var (
	handOffsPerMailbox = Limit{Name: "handoffs_per_mailbox", Burst: 30, Span: time.Hour}
	LoginsPerNetwork   = Limit{Name: "logins_per_network", Burst: 600, Span: 15 * time.Minute}  // started, including test logins
	answersPerNetwork  = Limit{Name: "answers_per_network", Burst: 600, Span: 15 * time.Minute} // of identity providers, posted by browsers
	logoutsPerNetwork  = Limit{Name: "logouts_per_network", Burst: 600, Span: 15 * time.Minute} // requested by identity providers
	callsPerClient     = Limit{Name: "calls_per_client", Burst: 30000, Span: time.Minute}       // to the API
)

// LimitError is returned if a limit is exceeded.
type LimitError struct {
	Limit string    // the name of the limit
	Until time.Time // when to try again
}

func (e *LimitError) Error() string { return "over the limit: " + e.Limit }

// Spend is a use of a limit. If nothing is left, the step that adds it fails as a
// whole. A step that fails or is rolled back spends nothing.
type Spend struct {
	Limit   Limit
	Subject []byte // a keyed digest, so that the row does not identify the subject
	Times   int    // at most Limit.Burst
	At      time.Time
}

func (Spend) IsRow() {}

// Spend returns one use of a limit by a subject.
func (k Keys) Spend(l Limit, subject string, at time.Time) Spend {
	digest := keyedHash(k.first(), "limit "+l.Name+" ", []byte(strings.ToLower(subject)))
	return Spend{Limit: l, Subject: digest[:16], Times: 1, At: at}
}

// Cost is the time by which this use moves the arrival time.
func (s Spend) Cost() time.Duration {
	return s.Limit.Span / time.Duration(s.Limit.Burst) * time.Duration(s.Times)
}

// Latest is the latest stored arrival time at which this use is still allowed.
func (s Spend) Latest() time.Time { return s.At.Add(s.Limit.Span - s.Cost()) }

// Believed is the latest stored arrival time that counts. A later one was written by a
// clock that was more than Span ahead, and would block the subject until our clock has
// caught up. It is ignored.
func (s Spend) Believed() time.Time { return s.At.Add(2 * s.Limit.Span) }

// Refused returns the error for an arrival time after Latest.
func (s Spend) Refused(arrival time.Time) *LimitError {
	return &LimitError{Limit: s.Limit.Name, Until: s.At.Add(arrival.Sub(s.Latest()))}
}

// network returns the network that counts as one client: an IPv4 address, or the /64 of
// an IPv6 address.
func network(a netip.Addr) netip.Prefix {
	a = a.Unmap().WithZone("")
	bits := a.BitLen()
	if a.Is6() {
		bits = 64
	}
	return netip.PrefixFrom(a, bits).Masked()
}

// Limiter counts uses of limits outside any step.
type Limiter struct {
	Store interface {
		// Spend counts a use. It returns a LimitError if nothing is left.
		Spend(ctx context.Context, s Spend) error
	}
	Keys     Keys
	Now      func() time.Time
	Observer Observer
}

// Use counts one use of a limit by a subject.
func (l Limiter) Use(ctx context.Context, limit Limit, subject string) error {
	return l.Observer.ObserveLimit(l.Store.Spend(ctx, l.Keys.Spend(limit, subject, l.Now())))
}

// Admit counts one use of a limit by the network of an address, before any other work.
// It does not count loopback addresses: they belong to a proxy on the same machine that
// does not forward the client's address.
func (l Limiter) Admit(ctx context.Context, limit Limit, from netip.Addr) error {
	s, counts := l.Spend(limit, from)
	if !counts {
		return nil
	}
	return l.Observer.ObserveLimit(l.Store.Spend(ctx, s))
}

// Spend returns the use of a limit that Admit counts, for a step that counts it itself.
// It reports false for an address that does not count.
func (l Limiter) Spend(limit Limit, from netip.Addr) (Spend, bool) {
	if !from.IsValid() || from.IsLoopback() {
		return Spend{}, false
	}
	return l.Keys.Spend(limit, network(from).String(), l.Now()), true
}

// Observer receives callbacks for metrics. They contain no personal data that is kept.
// Each field may be nil.
type Observer struct {
	Refused func(provider string) // each response of an identity provider that failed verification
	Limited func(limit string)    // each refusal by a limit
}

// ObserveLimit reports an error that is the refusal by a rate limit, and returns err.
func (o Observer) ObserveLimit(err error) error {
	var refused *LimitError
	if errors.As(err, &refused) && o.Limited != nil {
		o.Limited(refused.Limit)
	}
	return err
}
