package mail

import (
	"context"
	"log/slog"
	"sync"
	"time"

	"stella/workflow"
)

// The number of mails that one instance sends at the same time. Each queue has
// its own senders, so that a code never waits for other mails, and a relay that
// hangs delays only its own mails. If the relay needs 200 ms for a mail, the
// codes of 32 simultaneous requests are sent within 400 ms.
const (
	codeSenders = 16
	mailSenders = 4
	pecSenders  = 4
)

// Queues sends the mails of all queues. Several processes may do so with one
// database. The step that requests a mail notifies them.
type Queues struct {
	sender *Sender
	log    *slog.Logger // for failures of the database
	outage outageLog
	all    map[string]*queue

	lease, lookEvery time.Duration // as the constants; tests set others

	running sync.WaitGroup // queues, attempts, and the connection that listens
	stop    context.CancelFunc
}

// NewQueues returns the queues of a sender. If the database is unavailable, they
// log that to the given logger.
func NewQueues(s *Sender, log *slog.Logger) *Queues {
	q := &Queues{sender: s, log: log, all: map[string]*queue{}, lease: Lease, lookEvery: lookEvery}
	for name, senders := range map[string]int{
		workflow.QueueCodes: codeSenders,
		workflow.QueueMails: mailSenders,
		workflow.QueuePEC:   pecSenders,
	} {
		q.all[name] = newQueue(q, name, senders)
	}
	return q
}

// Start begins to send mails.
func (q *Queues) Start() {
	ctx, stop := context.WithCancel(context.Background())
	q.stop = stop
	for _, one := range q.all {
		q.running.Go(func() { one.run(ctx) })
	}
	q.running.Go(func() { q.listen(ctx) })
}

// Stop stops claiming mails and waits for the running attempts. If ctx ends first,
// it returns its error.
func (q *Queues) Stop(ctx context.Context) error {
	q.stop()
	ended := make(chan struct{})
	go func() {
		q.running.Wait()
		close(ended)
	}()
	select {
	case <-ended:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

// reconnectDelay is the time after which the database is tried again.
const reconnectDelay = 400 * time.Millisecond

// listen wakes a queue when a mail is requested. After each connection it wakes
// all, because a mail may have been requested before.
func (q *Queues) listen(ctx context.Context) {
	for {
		err := q.sender.Outbox.ListenForMails(ctx, func() {
			for _, one := range q.all {
				one.wake()
			}
		}, func(name string) {
			if one := q.all[name]; one != nil {
				one.wake()
			}
		})
		if ctx.Err() != nil {
			return
		}
		q.logFailure(ctx, err)
		select {
		case <-time.After(workflow.Jitter(reconnectDelay)):
		case <-ctx.Done():
			return
		}
	}
}

func (q *Queues) logFailure(ctx context.Context, err error) {
	if q.outage.shouldLog(q.sender.Now()) {
		q.log.WarnContext(ctx, "the queue of mails cannot be read", "error", err)
	}
}
