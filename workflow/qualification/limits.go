package qualification

import (
	"time"

	"stella/workflow"
)

// The limits of the procedure, apart from those that are counted from the rows of
// steps: codes and wrong codes (otp.Limits), invitations and changes of the contacts.
var (
	codesPerAddress       = workflow.Limit{Name: "codes_per_address", Burst: 20, Span: time.Hour}            // mails sent
	codesPerNetwork       = workflow.Limit{Name: "codes_per_network", Burst: 600, Span: 15 * time.Minute}    // requests
	triesPerNetwork       = workflow.Limit{Name: "tries_per_network", Burst: 1200, Span: 15 * time.Minute}   // codes typed
	invitationsPerAddress = workflow.Limit{Name: "invitations_per_address", Burst: 10, Span: 24 * time.Hour} // from all mailboxes together
	invitationsPerNetwork = workflow.Limit{Name: "invitations_per_network", Burst: 200, Span: time.Hour}
	startsPerNetwork      = workflow.Limit{Name: "starts_per_network", Burst: 600, Span: 15 * time.Minute} // sessions started by a hand-off or an invitation
	loginsPerMailbox      = workflow.Limit{Name: "logins_per_mailbox", Burst: 30, Span: time.Hour}         // started
)

// nextAllowed returns when there are fewer than perDay times within the last 24 hours.
// The times are newest first.
func nextAllowed(times []time.Time, perDay int, now time.Time) time.Time {
	if len(times) < perDay {
		return now
	}
	return times[perDay-1].Add(24 * time.Hour)
}

// spend counts one use of a limit by the visitor's network. The step fails if nothing is
// left. Each step counts a network before a mailbox or an address, so that two steps do
// not wait for each other.
func (c *Case) spend(l workflow.Limiter, limit workflow.Limit, v workflow.Visitor) {
	if s, counts := l.Spend(limit, v.Address); counts {
		c.add(s)
	}
}
