package webhook

import (
	"time"

	"stella/workflow"
)

// A failed delivery is repeated after a quarter of the time since it was
// requested. If a webhook fails repeatedly, nothing is sent to it for a quarter of
// the time since its first failure. So a short outage delays events only a little,
// and a long outage causes few requests. Each wait gets a random addition, so that
// deliveries that failed together are not all repeated at the same time.
const (
	minRetry = 5 * time.Second
	maxRetry = time.Hour

	minPause      = 5 * time.Second
	maxPause      = 10 * time.Minute
	maxRetryAfter = time.Hour // longer values of Retry-After are reduced to this

	// A delivery is given up if it still fails this long after it was requested.
	// A webhook that accepts nothing for this long is disabled, after at least
	// failuresBeforeDisable failures in a row.
	giveUpAfter           = 3 * 24 * time.Hour
	failuresBeforeDisable = 20
)

// retryDelay returns how long to wait before a failed delivery is repeated.
func (s *Sender) retryDelay(d workflow.Delivery) time.Duration {
	return workflow.Jitter(min(max(s.Now().Sub(d.AskedAt)/4, minRetry), maxRetry))
}

// pause returns how long nothing is sent to a webhook after a failure. After the
// first failure it returns 0, because the cause may be that one delivery: others
// are sent at once.
func (s *Sender) pause(w workflow.Webhook) time.Duration {
	if w.Failures == 0 {
		return 0
	}
	return workflow.Jitter(min(max(s.Now().Sub(w.FailingSince)/4, minPause), maxPause))
}

// shouldDisable reports whether a webhook must be disabled after another failure.
func (s *Sender) shouldDisable(w workflow.Webhook) bool {
	return w.Failures+1 >= failuresBeforeDisable && s.Now().Sub(w.FailingSince) >= giveUpAfter
}
