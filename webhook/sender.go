// Package webhook tells clients of their mailboxes, by POST to where they want
// to be told.
//
//   - sender.go: the job that sees to a webhook, and what becomes of a delivery
//   - queue.go: how many are made at once, and who wakes the job
//   - patience.go: when a delivery is made again, and until when
//   - courier.go, event.go: the request itself, signed (Standard Webhooks)
//   - answer.go: what came back
//   - guard.go: where nothing is ever sent to
//   - metrics.go: what is told of all this
//
// A delivery is a row, written with the step that it tells of. It is made at
// least once; a repeated one has the same webhook-id and the same words. A later
// one of a mailbox is not made before an earlier one was, or was given up. One
// receiver that is slow, or dead, is nothing to the others.
package webhook

import (
	"cmp"
	"context"
	"errors"
	"log/slog"
	"net/http"
	"time"

	"github.com/riverqueue/river"

	"stella/workflow"
)

// Outbox keeps the deliveries. Package store does; this package may not see it.
type Outbox interface {
	ClaimDelivery(ctx context.Context, webhook int64, now, until time.Time, atOnce int) (workflow.Webhook, workflow.Delivery, error)
	Delivered(ctx context.Context, d workflow.Delivery, outcome string, at time.Time) error
	DeliveryFailed(ctx context.Context, d workflow.Delivery, outcome string, at, due, resume time.Time) error
	DeliveryRefused(ctx context.Context, d workflow.Delivery, outcome string, at time.Time, why workflow.DisabledWhy) error
	WakeWebhooks(ctx context.Context, now time.Time) error
}

// Sender works the jobs that see to webhooks.
type Sender struct {
	river.WorkerDefaults[workflow.Deliver]

	Outbox  Outbox
	Courier *Courier
	Now     func() time.Time
	Log     *slog.Logger

	timeout time.Duration // of an attempt; 0 for SendTimeout
	metrics *metrics      // nil until Measure
}

// A job that runs for longer than JobTimeout is taken for crashed, and run
// again; the delivery that it had claimed is another's from then on. So it ends
// before: within turn it begins its last attempt, which ends within SendTimeout
// and is recorded within recordTimeout.
const (
	JobTimeout    = 20 * time.Second
	turn          = 2 * time.Second
	SendTimeout   = 14 * time.Second // of an attempt, as a whole
	recordTimeout = 3 * time.Second
	recordEvery   = 100 * time.Millisecond
)

// Timeout bounds a job.
func (*Sender) Timeout(*river.Job[workflow.Deliver]) time.Duration { return JobTimeout }

// Work makes the deliveries of a webhook that are due, one after another, for
// its turn; then it is another webhook's. A job does not fail: what it leaves is
// found by the next, which the Waker sends.
func (s *Sender) Work(ctx context.Context, job *river.Job[workflow.Deliver]) error {
	for began := time.Now(); ; {
		now := s.Now()
		w, d, err := s.Outbox.ClaimDelivery(ctx, job.Args.Webhook, now, now.Add(JobTimeout), atOnce)
		switch {
		case errors.Is(err, workflow.ErrUnknown):
			return nil // nothing is due
		case err != nil:
			s.Log.WarnContext(ctx, "no delivery could be begun", "webhook", job.Args.Webhook, "error", err)
			return nil
		}
		s.attempt(ctx, w, d)
		if ctx.Err() != nil {
			return nil
		}
		if time.Since(began) > turn {
			return river.JobSnooze(0)
		}
	}
}

// attempt makes one attempt at a delivery.
func (s *Sender) attempt(ctx context.Context, w workflow.Webhook, d workflow.Delivery) {
	sending, cancel := context.WithTimeout(ctx, cmp.Or(s.timeout, SendTimeout))
	defer cancel()
	a := s.Courier.Send(sending, w, event(d.Told), s.Now())
	switch {
	case a.Delivered():
		s.deliver(ctx, w, d, a)
	case ctx.Err() != nil:
		// The process is being stopped: nothing is to be learnt from that.
	case a.Status == http.StatusGone:
		s.refuse(ctx, d, a, workflow.DisabledGone)
	case s.hopeless(w):
		s.refuse(ctx, d, a, workflow.DisabledFailing)
	default:
		s.putOff(ctx, w, d, a)
	}
}

func (s *Sender) deliver(ctx context.Context, w workflow.Webhook, d workflow.Delivery, a Answer) {
	s.metrics.delivered(s.Now().Sub(d.At))
	if w.Failures > 1 {
		s.Log.InfoContext(ctx, "a webhook takes deliveries again", "webhook", w.ID)
	}
	s.record(ctx, d, func(ctx context.Context) error {
		return s.Outbox.Delivered(ctx, d, a.String(), s.Now())
	})
}

// refuse disables a webhook, which somebody has to see to.
func (s *Sender) refuse(ctx context.Context, d workflow.Delivery, a Answer, why workflow.DisabledWhy) {
	s.metrics.count("disabled")
	s.Log.ErrorContext(ctx, "a webhook is disabled: see \"stella webhook list\"", "webhook", d.Webhook, "why", why, "answer", a.String())
	s.record(ctx, d, func(ctx context.Context) error {
		return s.Outbox.DeliveryRefused(ctx, d, a.String(), s.Now(), why)
	})
}

// putOff decides when a delivery is made again, if it is.
func (s *Sender) putOff(ctx context.Context, w workflow.Webhook, d workflow.Delivery, a Answer) {
	now := s.Now()
	resume := now.Add(max(s.pause(w), min(a.RetryAfter, longestPause)))
	var due time.Time
	if now.Sub(d.AskedAt) < patience {
		due = now.Add(s.untilRetry(d))
		s.metrics.count("failed")
	} else {
		s.metrics.count("given_up")
		s.Log.ErrorContext(ctx, "a delivery could not be made in time, and is given up", "webhook", d.Webhook, "delivery", d.ID,
			"attempts", d.Attempts, "answer", a.String())
	}
	if w.Failures == 1 { // not one delivery alone
		s.Log.WarnContext(ctx, "a webhook takes no deliveries for now", "webhook", d.Webhook, "answer", a.String())
	}
	s.record(ctx, d, func(ctx context.Context) error {
		return s.Outbox.DeliveryFailed(ctx, d, a.String(), now, due, resume)
	})
}

// record insists: what is not recorded is done again.
func (s *Sender) record(ctx context.Context, d workflow.Delivery, write func(context.Context) error) {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), recordTimeout)
	defer cancel()
	for {
		err := write(ctx)
		if err == nil {
			return
		}
		select {
		case <-time.After(recordEvery):
		case <-ctx.Done():
			s.Log.ErrorContext(ctx, "what became of a delivery could not be recorded", "webhook", d.Webhook, "delivery", d.ID, "error", err)
			return
		}
	}
}
