package mail

import (
	"context"
	"runtime/debug"
	"time"

	"stella/workflow"
)

// queue sends the mails of one queue. It claims as many due mails as it has free
// senders: when it is woken, and when the next mail is due.
type queue struct {
	*Queues
	name    string
	senders int
	woken   chan struct{}  // has an element if a mail may be due
	ended   chan time.Time // gets a value when a sender is free: when its mail is due again, or zero
}

const (
	// Lease is the duration of a claim. If a process crashes, its mails can be
	// claimed again after that time. An attempt ends before: claiming and sending
	// take at most sendTimeout, and recording the result at most recordTimeout,
	// which is longer than a restart of the database.
	Lease         = 20 * time.Second
	claimTimeout  = 5 * time.Second
	recordTimeout = 4 * time.Second

	// lookEvery is the longest time between two claims. They find the mails of a
	// process that crashed, and those whose notification was lost.
	lookEvery = 16 * time.Second
)

func newQueue(all *Queues, name string, senders int) *queue {
	return &queue{Queues: all, name: name, senders: senders, woken: make(chan struct{}, 1), ended: make(chan time.Time, senders)}
}

// wake makes the queue look for due mails.
func (q *queue) wake() {
	select {
	case q.woken <- struct{}{}:
	default: // it will look anyway
	}
}

// run sends mails until ctx ends. Attempts that have begun continue.
func (q *queue) run(ctx context.Context) {
	free, look := q.senders, true
	var next time.Time // when to look, unless something happens before
	timer := time.NewTimer(0)
	defer timer.Stop()
	for {
		if look && free > 0 {
			var begun int
			begun, next = q.beginDue(free)
			free -= begun
			look = free == 0 // there may be more
		}
		timer.Reset(min(next.Sub(q.sender.Now()), q.lookEvery)) // also if the clock was set back
		select {
		case <-q.woken:
			look = true
		case due := <-q.ended:
			free++
			if !due.IsZero() && due.Before(next) {
				next = due
			}
		case <-timer.C:
			look, next = true, q.sender.Now().Add(q.lookEvery)
		case <-ctx.Done():
			return
		}
	}
}

// beginDue claims up to n due mails and begins their attempts. It returns their
// number, and when to look again. It does not stop with the queue: a mail that is
// claimed and not sent would wait until the claim expires.
func (q *queue) beginDue(n int) (begun int, next time.Time) {
	began, now := time.Now(), q.sender.Now()
	until := now.Add(q.lease)
	ctx, cancel := context.WithTimeout(context.Background(), claimTimeout)
	defer cancel()
	mails, due, err := q.sender.Outbox.ClaimMails(ctx, q.name, now, until, n)
	if err != nil {
		q.logFailure(ctx, err)
		return 0, now.Add(workflow.Jitter(reconnectDelay))
	}
	for _, m := range mails {
		q.running.Go(func() { q.ended <- q.attempt(m, began, until) })
	}
	next = now.Add(q.lookEvery)
	if !due.IsZero() && due.Before(next) {
		next = due
	}
	return len(mails), next
}

// attempt makes an attempt whose claim began at a time and expires at another. It
// returns when the mail can be claimed again, or zero if it has a result.
func (q *queue) attempt(m workflow.PendingMail, began, until time.Time) (due time.Time) {
	ctx, cancel := context.WithDeadline(context.Background(), began.Add(sendTimeout))
	defer cancel()
	defer func() {
		if p := recover(); p != nil { // one mail must not stop the others
			q.sender.Log.ErrorContext(ctx, "sending a mail panicked", "mail", m.ID, "kind", m.Kind,
				"panic", p, "stack", string(debug.Stack()))
			due = until
		}
	}()
	due, err := q.sender.Attempt(ctx, m)
	if err != nil {
		return until
	}
	return due
}
