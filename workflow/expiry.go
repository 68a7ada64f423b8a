package workflow

import (
	"context"
	"errors"
	"time"
)

// UnfinishedLife is for how long an unfinished qualification waits for its
// next step.
const UnfinishedLife = 30 * 24 * time.Hour

// Expire is the periodic job that ends what nobody took further.
type Expire struct{}

// Kind names the job in the queue.
func (Expire) Kind() string { return "expire" }

// ExpireStale ends the qualifications that nobody took further, and returns
// how many there were. One that moves meanwhile is left alone.
func (p *Procedure) ExpireStale(ctx context.Context) (int, error) {
	before := p.Now().Add(-UnfinishedLife)
	mailboxes, err := p.Store.Stale(ctx, before)
	if err != nil {
		return 0, err
	}
	expired := 0
	var failed error
	for _, m := range mailboxes {
		err := p.update(ctx, m, Actor{Kind: BySystem}, func(c *Case) error {
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

// expire ends a qualification that is not finished.
func (c *Case) expire() error {
	if err := c.fire(TimedOut, c.standingRefs()); err != nil {
		return err
	}
	c.endInvitation("expired")
	c.spendCodes()
	return nil
}
