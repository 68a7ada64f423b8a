// Package webhook sends events about mailboxes to the clients' webhooks, with POST
// requests that are signed as Standard Webhooks requires. Start with [Sender].
//
//   - sender.go: the job that sends the deliveries of a webhook and records the
//     results
//   - queue.go: the concurrency limits, and the periodic job that starts the others
//   - retry.go: when a delivery is repeated, and when it is given up
//   - client.go, event.go: the signed request
//   - result.go: the result of an attempt
//   - guard.go: the addresses and ports to which nothing is sent
//   - metrics.go: the metrics
//
// A delivery is a row, written in the transaction of the step that causes the
// event. It is sent at least once: a repeated delivery has the same webhook-id and
// the same body. Events of one mailbox are sent in order: the next one is sent
// after the previous one was accepted or given up. A slow or unreachable receiver
// does not delay deliveries to other receivers.
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

// Outbox stores the deliveries. Package store implements it.
type Outbox interface {
	ClaimDelivery(ctx context.Context, webhook int64, now, until time.Time, atOnce int) (workflow.Webhook, workflow.Delivery, error)
	Delivered(ctx context.Context, d workflow.Delivery, outcome string, at time.Time) error
	DeliveryFailed(ctx context.Context, d workflow.Delivery, outcome string, at, due, resume time.Time) error
	DeliveryRefused(ctx context.Context, d workflow.Delivery, outcome string, at time.Time, why workflow.DisabledWhy) error
	WakeWebhook(ctx context.Context, id int64) error
	WakeWebhooks(ctx context.Context, now time.Time) error
}

// Sender is the worker for the jobs that send a webhook's deliveries.
type Sender struct {
	river.WorkerDefaults[workflow.Deliver]

	Outbox    Outbox
	Deliverer *Deliverer
	Now       func() time.Time
	Log       *slog.Logger

	timeout time.Duration // of an attempt; 0 means SendTimeout
	metrics *metrics      // nil until EnableMetrics
}

// If a job runs for longer than JobTimeout, the queue assumes that its process
// crashed and runs it again, and another job may claim its delivery. So a job must
// end earlier: it begins its last attempt within startWithin, the attempt ends
// within SendTimeout, and its result is recorded within recordTimeout.
const (
	JobTimeout    = 20 * time.Second
	startWithin   = 2 * time.Second
	SendTimeout   = 14 * time.Second // the whole attempt
	recordTimeout = 3 * time.Second
)

// Timeout implements [river.Worker].
func (*Sender) Timeout(*river.Job[workflow.Deliver]) time.Duration { return JobTimeout }

// Work sends the due deliveries of a webhook, one after another. After startWithin
// it adds another job to the queue and ends, so that other webhooks get a worker. It
// never returns an error that makes the job fail: the Waker starts another job for
// the deliveries that are left.
func (s *Sender) Work(ctx context.Context, job *river.Job[workflow.Deliver]) error {
	for began := time.Now(); ; {
		now := s.Now()
		w, d, err := s.Outbox.ClaimDelivery(ctx, job.Args.Webhook, now, now.Add(JobTimeout), maxConcurrent)
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
		if time.Since(began) > startWithin {
			if err := s.Outbox.WakeWebhook(ctx, job.Args.Webhook); err != nil {
				s.Log.WarnContext(ctx, "a webhook could not be continued", "webhook", job.Args.Webhook, "error", err)
			}
			return nil
		}
	}
}

// attempt sends a delivery once and handles the result.
func (s *Sender) attempt(ctx context.Context, w workflow.Webhook, d workflow.Delivery) {
	sending, cancel := context.WithTimeout(ctx, cmp.Or(s.timeout, SendTimeout))
	defer cancel()
	result := s.Deliverer.Send(sending, w, Event(d.EventPayload), s.Now())
	switch {
	case result.Delivered():
		s.deliver(ctx, w, d, result)
	case ctx.Err() != nil:
		// The process is stopping, so this is not a failure of the receiver.
	case result.Status == http.StatusGone:
		s.disable(ctx, d, result, workflow.DisabledGone)
	case s.shouldDisable(w):
		s.disable(ctx, d, result, workflow.DisabledFailing)
	default:
		s.reschedule(ctx, w, d, result)
	}
}

func (s *Sender) deliver(ctx context.Context, w workflow.Webhook, d workflow.Delivery, result Result) {
	s.metrics.delivered(s.Now().Sub(d.At))
	if w.Failures > 1 {
		s.Log.InfoContext(ctx, "a webhook takes deliveries again", "webhook", w.ID)
	}
	s.recordWithRetry(ctx, d, func(ctx context.Context) error {
		return s.Outbox.Delivered(ctx, d, result.String(), s.Now())
	})
}

// disable disables a webhook and logs an error, because an operator must act.
func (s *Sender) disable(ctx context.Context, d workflow.Delivery, result Result, why workflow.DisabledWhy) {
	s.metrics.count("disabled")
	s.Log.ErrorContext(ctx, "a webhook is disabled: see \"stella webhook list\"", "webhook", d.Webhook, "why", why, "answer", result.String())
	s.recordWithRetry(ctx, d, func(ctx context.Context) error {
		return s.Outbox.DeliveryRefused(ctx, d, result.String(), s.Now(), why)
	})
}

// reschedule sets the time at which a failed delivery is repeated, or gives it up.
func (s *Sender) reschedule(ctx context.Context, w workflow.Webhook, d workflow.Delivery, result Result) {
	now := s.Now()
	resume := now.Add(max(s.pause(w), min(result.RetryAfter, maxRetryAfter)))
	var due time.Time // zero if the delivery is given up
	if now.Sub(d.AskedAt) < giveUpAfter {
		due = now.Add(s.retryDelay(d))
		s.metrics.count("failed")
	} else {
		s.metrics.count("given_up")
		s.Log.ErrorContext(ctx, "a delivery could not be made in time, and is given up", "webhook", d.Webhook, "delivery", d.ID,
			"attempts", d.Attempts, "answer", result.String())
	}
	if w.Failures == 1 { // this is the second failure: it is not only one delivery
		s.Log.WarnContext(ctx, "a webhook takes no deliveries for now", "webhook", d.Webhook, "answer", result.String())
	}
	s.recordWithRetry(ctx, d, func(ctx context.Context) error {
		return s.Outbox.DeliveryFailed(ctx, d, result.String(), now, due, resume)
	})
}

// recordWithRetry stores the result of an attempt: a delivery without a result is sent
// again.
func (s *Sender) recordWithRetry(ctx context.Context, d workflow.Delivery, write func(context.Context) error) {
	if err := workflow.RecordResult(ctx, recordTimeout, write); err != nil {
		s.Log.ErrorContext(ctx, "what became of a delivery could not be recorded", "webhook", d.Webhook, "delivery", d.ID, "error", err)
	}
}
