package webhook

import (
	"context"
	"time"

	"github.com/riverqueue/river"

	"stella/workflow"
)

// workers is how many jobs of this queue an instance runs at once. Most of the time
// they wait for receivers.
const workers = 32

// maxConcurrent is how many deliveries of one webhook all instances together send
// at once. If its last delivery failed, they send one at a time. So a few
// receivers that do not answer leave workers for the others.
const maxConcurrent = 4

// Queues returns the configuration of the Sender's queue.
func Queues() map[string]river.QueueConfig {
	return map[string]river.QueueConfig{
		workflow.QueueWebhooks: {MaxWorkers: workers},
	}
}

// WakeEvery is how often the Waker runs. A repeated delivery is late by at most
// this time.
const WakeEvery = 5 * time.Second

// Waker is the periodic job that inserts a job for each webhook with due
// deliveries: failed deliveries to repeat, deliveries that an operator repeats, and
// deliveries of an instance that crashed. New deliveries do not wait for it: the
// step that causes them inserts a job too.
type Waker struct {
	river.WorkerDefaults[workflow.WakeWebhooks]

	Outbox Outbox
	Now    func() time.Time
}

// Work implements [river.Worker].
func (w *Waker) Work(ctx context.Context, _ *river.Job[workflow.WakeWebhooks]) error {
	return w.Outbox.WakeWebhooks(ctx, w.Now())
}
