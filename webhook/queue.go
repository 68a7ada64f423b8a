package webhook

import (
	"context"
	"time"

	"github.com/riverqueue/river"

	"stella/workflow"
)

// Jobs at once, of one instance, in a queue of their own. They wait for others'
// machines most of the time.
const workers = 32

// atOnce is how many deliveries of one webhook are made at once, by all
// instances, while it takes them; where the last one failed, one is. So a few
// receivers that hang leave room for the others.
const atOnce = 4

// Queues are the queues that a Sender works.
func Queues() map[string]river.QueueConfig {
	return map[string]river.QueueConfig{
		workflow.QueueWebhooks: {MaxWorkers: workers, FetchPollInterval: time.Second},
	}
}

// WakeEvery is how often a Waker looks for what is due: so late is another
// attempt at the most.
const WakeEvery = 5 * time.Second

// Waker is the periodic job that sends a job to each webhook with something
// due: an attempt to be made again, deliveries that an operator asked for, what
// an instance left that died. Of a new delivery its step tells at once.
type Waker struct {
	river.WorkerDefaults[workflow.WakeWebhooks]

	Outbox Outbox
	Now    func() time.Time
}

// Work looks once.
func (w *Waker) Work(ctx context.Context, _ *river.Job[workflow.WakeWebhooks]) error {
	return w.Outbox.WakeWebhooks(ctx, w.Now())
}
