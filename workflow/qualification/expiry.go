package qualification

import (
	"context"
	"errors"
	"time"

	"stella/workflow"
)

// UnfinishedLife is how long an unfinished qualification waits for its next step before
// it expires.
const UnfinishedLife = 30 * 24 * time.Hour

// Expire is the periodic job that ends stale qualifications.
type Expire struct{}

// Kind returns the name of the job in the queue.
func (Expire) Kind() string { return "expire" }

// ExpireStale ends the qualifications without a step for UnfinishedLife, and returns
// their number. It skips one that moved since it was listed.
func (s *Cases) ExpireStale(ctx context.Context) (int, error) {
	before := s.Now().Add(-UnfinishedLife)
	mailboxes, err := s.Store.Stale(ctx, before)
	if err != nil {
		return 0, err
	}
	expired := 0
	var failed error
	for _, m := range mailboxes {
		err := s.update(ctx, m, workflow.Actor{Kind: workflow.BySystem}, func(c *Case) error {
			if c.Qualification == nil || !c.Qualification.SteppedAt.Before(before) {
				return ErrNotAllowed
			}
			return c.expire()
		})
		switch {
		case err == nil:
			expired++
		case !errors.Is(err, ErrNotAllowed):
			failed = errors.Join(failed, err)
		}
	}
	return expired, failed
}

// expire ends an unfinished qualification.
func (c *Case) expire() error {
	if err := c.fire(TimedOut, c.currentRefs()); err != nil {
		return err
	}
	c.endInvitation("expired")
	c.spendCodes()
	return nil
}
