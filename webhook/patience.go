package webhook

import (
	"math/rand/v2"
	"time"

	"stella/workflow"
)

// A delivery that failed is made again after a quarter of the time that it has
// waited already, and the longer a webhook has failed, the longer nothing at all
// is sent to it: so a short outage costs little time, and a long one little
// work. Each wait is spread, since whatever failed together need not come back
// together.
const (
	retryAfter  = 5 * time.Second
	retryWithin = time.Hour

	pauseAfter   = 5 * time.Second
	pauseWithin  = 10 * time.Minute
	longestPause = time.Hour // that a receiver may ask for, by Retry-After

	// patience is for how long a delivery is tried, since it was asked for; and
	// after which time without any delivery a webhook is disabled, if it was tried
	// often enough to be sure.
	patience   = 3 * 24 * time.Hour
	sureOfAway = 20
)

// untilRetry is how long a delivery waits that failed.
func (s *Sender) untilRetry(d workflow.Delivery) time.Duration {
	return spread(min(max(s.Now().Sub(d.AskedAt)/4, retryAfter), retryWithin))
}

// pause is for how long nothing is sent to a webhook after a failure. The first
// one may be of that delivery alone, and others are tried at once.
func (s *Sender) pause(w workflow.Webhook) time.Duration {
	if w.Failures == 0 {
		return 0
	}
	return spread(min(max(s.Now().Sub(w.FailingSince)/4, pauseAfter), pauseWithin))
}

// hopeless reports whether a webhook that failed again is to be disabled.
func (s *Sender) hopeless(w workflow.Webhook) bool {
	return w.Failures+1 >= sureOfAway && s.Now().Sub(w.FailingSince) >= patience
}

// spread adds up to a quarter.
func spread(d time.Duration) time.Duration { return d + rand.N(d/4) }
