package workflow

import (
	"context"
	"math/rand/v2"
	"time"
)

// Jitter returns d plus up to a quarter of it, at random, so that what failed together is
// not repeated together.
func Jitter(d time.Duration) time.Duration { return d + rand.N(d/4) }

// recordInterval is the time between two tries to write a result.
const recordInterval = 100 * time.Millisecond

// RecordResult writes the result of a job's work outside the database, such as a mail that
// was sent. It repeats write until it succeeds or the timeout is over, also if ctx ends:
// a job without a result is repeated. It returns the last error.
func RecordResult(ctx context.Context, timeout time.Duration, write func(context.Context) error) error {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), timeout)
	defer cancel()
	for {
		err := write(ctx)
		if err == nil {
			return nil
		}
		select {
		case <-time.After(recordInterval):
		case <-ctx.Done():
			return err
		}
	}
}
