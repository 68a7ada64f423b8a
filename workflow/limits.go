package workflow

import (
	"context"
	"net/netip"
	"strings"
	"time"
)

// Limit bounds how often something may happen: Burst times at once, and then
// once more whenever another Burst-th part of Span is over. It is the generic
// cell rate algorithm (ITU-T I.371): of each subject one time is kept, its
// theoretical arrival time, up to which everything is spent.
type Limit struct {
	Name  string
	Burst int
	Span  time.Duration
}

// The limits. Instances count together, in the database. Phones share their
// addresses with hundreds of others, so that a limit of a network bounds a flood
// and no crowd. What else bounds a mailbox is counted from the rows of its steps:
// codes and wrong tries (otp.Limits), invitations, changes of the contacts.
var (
	codesPerAddress       = Limit{"codes_per_address", 20, time.Hour}            // written to
	codesPerNetwork       = Limit{"codes_per_network", 600, 15 * time.Minute}    // asked for
	triesPerNetwork       = Limit{"tries_per_network", 1200, 15 * time.Minute}   // of codes
	invitationsPerAddress = Limit{"invitations_per_address", 10, 24 * time.Hour} // whatever mailbox they are for
	invitationsPerNetwork = Limit{"invitations_per_network", 200, time.Hour}
	handOffsPerMailbox    = Limit{"handoffs_per_mailbox", 30, time.Hour}
	startsPerNetwork      = Limit{"starts_per_network", 600, 15 * time.Minute}  // of sessions, by a hand-off or an invitation
	loginsPerMailbox      = Limit{"logins_per_mailbox", 30, time.Hour}          // started
	loginsPerNetwork      = Limit{"logins_per_network", 600, 15 * time.Minute}  // started, trials too
	answersPerNetwork     = Limit{"answers_per_network", 600, 15 * time.Minute} // of identity providers, brought by browsers
	logoutsPerNetwork     = Limit{"logouts_per_network", 600, 15 * time.Minute} // that identity providers ask for
	callsPerClient        = Limit{"calls_per_client", 30000, time.Minute}       // of the API
)

// LimitError refuses what was done too often.
type LimitError struct {
	Limit string    // its name
	Until time.Time // when it may be tried again
}

func (e *LimitError) Error() string { return "over the limit: " + e.Limit }

// Spend takes from what a limit allows. A step that adds one is refused as a
// whole where nothing is left, and one that is refused or undone spends nothing.
type Spend struct {
	Limit   Limit
	Subject []byte // of which is counted: a keyed digest, from which nobody is known
	Times   int    // at most the limit's Burst
	At      time.Time
}

// spend takes once.
func (p *Procedure) spend(l Limit, subject string) Spend {
	digest := keyed(p.Keys.first(), "limit "+l.Name+" ", []byte(strings.ToLower(subject)))
	return Spend{Limit: l, Subject: digest[:16], Times: 1, At: p.Now()}
}

// Cost is by how much the arrival time moves.
func (s Spend) Cost() time.Duration {
	return s.Limit.Span / time.Duration(s.Limit.Burst) * time.Duration(s.Times)
}

// Latest is the latest arrival time that leaves room.
func (s Spend) Latest() time.Time { return s.At.Add(s.Limit.Span - s.Cost()) }

// Believed is the latest arrival time that counts. One that is later was written
// by a clock that was ahead of ours by more than Span, and would shut somebody
// out until ours has caught up.
func (s Spend) Believed() time.Time { return s.At.Add(2 * s.Limit.Span) }

// Refused is the answer where the arrival time is after Latest.
func (s Spend) Refused(arrival time.Time) *LimitError {
	return &LimitError{Limit: s.Limit.Name, Until: s.At.Add(arrival.Sub(s.Latest()))}
}

// admit spends once of what a limit allows the network of an address, before
// anything else is done. Loopback is no network: it is a proxy on our own
// machine that does not tell whom it serves.
func (p *Procedure) admit(ctx context.Context, l Limit, from netip.Addr) error {
	if !from.IsValid() || from.IsLoopback() {
		return nil
	}
	return p.observed(p.Store.Spend(ctx, p.spend(l, network(from).String())))
}

// AdmitAnswer counts an answer that a browser brings from an identity provider,
// before any of it is read.
func (p *Procedure) AdmitAnswer(ctx context.Context, from netip.Addr) error {
	return p.admit(ctx, answersPerNetwork, from)
}

// AdmitLogout is AdmitAnswer for the request of a logout.
func (p *Procedure) AdmitLogout(ctx context.Context, from netip.Addr) error {
	return p.admit(ctx, logoutsPerNetwork, from)
}

// network is what one client has: an IPv4 address, or the /64 of an IPv6 one.
func network(a netip.Addr) netip.Prefix {
	a = a.Unmap().WithZone("")
	bits := a.BitLen()
	if a.Is6() {
		bits = 64
	}
	return netip.PrefixFrom(a, bits).Masked()
}
