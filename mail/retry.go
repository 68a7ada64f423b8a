package mail

import (
	"time"

	"github.com/riverqueue/river"

	"stella/workflow"
)

// A mail that was not accepted is retried. A code is retried every two seconds.
// The delay of other mails is a quarter of the time since the job was created:
// a short outage delays them little, and a long one causes about 450 attempts in
// three days. Each delay has a jitter, because thousands of mails may wait for
// the same relay.
const (
	minRetryDelay = 2 * time.Second
	maxRetryDelay = 10 * time.Minute

	// A mail that the relay may have accepted is repeated after at least
	// minRepeatDelay, the time that a client should wait for the reply to the
	// final dot (RFC 5321, section 4.5.3.2.6), and after at least the current
	// age of the job. So it is repeated at most nine times in three days. A code
	// cannot wait for so long: it is repeated once, after minRetryDelay.
	minRepeatDelay = 10 * time.Minute
)

// NextRetry returns the time at which River runs a job again whose attempt
// returned an error. See Work for when that happens.
func (s *Sender) NextRetry(*river.Job[workflow.SendMail]) time.Time {
	return s.Now().Add(workflow.Jitter(minRetryDelay))
}

// retryDelay returns the delay before the next attempt to send a mail that was
// not sent. The job was created at since.
func (s *Sender) retryDelay(m workflow.PendingMail, since time.Time) time.Duration {
	if m.Kind.Type().Urgent {
		return workflow.Jitter(minRetryDelay)
	}
	return workflow.Jitter(min(max(s.Now().Sub(since)/4, minRetryDelay), maxRetryDelay))
}

// repeatDelay returns the delay before a mail is repeated that was perhaps sent.
// A code was already repeated once; it waits until Work drops it as too late.
func (s *Sender) repeatDelay(m workflow.PendingMail, since time.Time) time.Duration {
	if t := m.Kind.Type(); t.Urgent {
		return t.Lifetime + time.Second
	}
	return workflow.Jitter(max(s.Now().Sub(since), minRepeatDelay))
}

// tooLate reports whether a mail is too old to be sent.
func (s *Sender) tooLate(m workflow.PendingMail, since time.Time) bool {
	t := m.Kind.Type()
	if t.Urgent {
		since = m.RequestedAt
	}
	return s.Now().Sub(since) > t.Lifetime
}
