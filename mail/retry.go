package mail

import (
	"math/rand/v2"
	"time"

	"github.com/riverqueue/river"

	"stella/workflow"
)

// A mail that was not taken is tried again. A code cannot wait, and is tried
// every two seconds. Anything else waits for a quarter of the time it has
// waited already, so that a short outage costs little time and a long one
// little work: about 450 attempts in three days. Each wait is spread, since
// thousands of mails may wait for the same relay.
const (
	retryAfter  = 2 * time.Second
	retryWithin = 10 * time.Minute

	// patience is for how long a mail that may wait is tried, since the job was
	// made: a relay may be out of order from Friday night to Monday morning, and
	// an operator may have a mail tried all over again.
	patience = 3 * 24 * time.Hour

	// A mail that the relay may have taken is not soon sent again: it waits for
	// as long as RFC 5321, section 4.5.3.2.6, grants the relay to make up its
	// mind, or for as long again as it has waited. So it is repeated nine times
	// in three days, at the worst. A code has no such time: it is repeated at
	// once, and once.
	repeatAfter = 10 * time.Minute
)

// NextRetry is when a mail that was perhaps sent is sent again at once.
func (s *Sender) NextRetry(*river.Job[workflow.SendMail]) time.Time {
	return s.Now().Add(spread(retryAfter))
}

// untilRetry is how long a mail waits that was not sent.
func (s *Sender) untilRetry(m workflow.PendingMail, since time.Time) time.Duration {
	if m.Kind == workflow.MailCode {
		return spread(retryAfter)
	}
	return spread(min(max(s.Now().Sub(since)/4, retryAfter), retryWithin))
}

// untilRepeat is how long one waits that was perhaps sent: a code, which was
// repeated by then, until it is of no use to anybody.
func (s *Sender) untilRepeat(m workflow.PendingMail, since time.Time) time.Duration {
	if m.Kind == workflow.MailCode {
		return workflow.CodeUseful + time.Second
	}
	return spread(max(s.Now().Sub(since), repeatAfter))
}

func (s *Sender) tooLate(m workflow.PendingMail, since time.Time) bool {
	if m.Kind == workflow.MailCode {
		return s.Now().Sub(m.RequestedAt) > workflow.CodeUseful
	}
	return s.Now().Sub(since) > patience
}

// spread adds up to a quarter.
func spread(d time.Duration) time.Duration { return d + rand.N(d/4) }
