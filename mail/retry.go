package mail

import (
	"time"

	"stella/workflow"
)

// A mail that was not accepted is retried. A code is retried every two seconds.
// The delay of another mail is a quarter of the time since it was queued: a short
// outage delays it little, and a long one causes about 450 attempts in three days.
// Each delay has a jitter, because thousands of mails may wait for the same relay.
const (
	minRetryDelay = 2 * time.Second
	maxRetryDelay = 10 * time.Minute

	// A mail that the relay may have accepted is repeated after at least
	// minRepeatDelay, the time that a client should wait for the reply to the
	// final dot (RFC 5321, section 4.5.3.2.6), and after at least the time since it
	// was queued. So it is repeated at most nine times in three days. A code cannot
	// wait for so long: it is repeated once, after minRetryDelay.
	minRepeatDelay = 10 * time.Minute
)

// retryDelay returns the delay before the next attempt to send a mail that was
// not sent.
func (s *Sender) retryDelay(m workflow.PendingMail) time.Duration {
	if m.Kind.Type().Urgent {
		return workflow.Jitter(minRetryDelay)
	}
	return workflow.Jitter(min(max(s.Now().Sub(m.QueuedAt)/4, minRetryDelay), maxRetryDelay))
}

// repeatDelay returns the delay before a mail is repeated that was perhaps sent. A
// code that was already repeated once waits until Attempt drops it as too late.
func (s *Sender) repeatDelay(m workflow.PendingMail) time.Duration {
	switch t := m.Kind.Type(); {
	case t.Urgent && m.PerhapsSent:
		return t.Lifetime + time.Second
	case t.Urgent:
		return workflow.Jitter(minRetryDelay)
	}
	return workflow.Jitter(max(s.Now().Sub(m.QueuedAt), minRepeatDelay))
}

// tooLate reports whether a mail is too old to be sent.
func (s *Sender) tooLate(m workflow.PendingMail) bool {
	t, since := m.Kind.Type(), m.QueuedAt
	if t.Urgent {
		since = m.RequestedAt
	}
	return s.Now().Sub(since) > t.Lifetime
}
