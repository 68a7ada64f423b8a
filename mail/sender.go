// Package mail sends the mails that steps of the procedure request. A mail is a
// row in the database, and until it has a result also a row of a queue. Both are
// written in the transaction of the step. A mail is sent at least once; a repeated
// mail has the same Message-ID and the same text. Start at Queues, which claims the
// mails, and at Sender, which sends one.
//
//   - sender.go: one attempt to send a mail, and its result
//   - queues.go, queue.go: the queues, and how many mails are sent at once
//   - retry.go: when a mail is retried, and when it is dropped; how long each kind is
//     tried is in workflow/mail.go
//   - message.go, dkim.go: the message and its signature
//   - relay.go, connection.go: the SMTP client and its connections
//   - failure.go: the classification of failed attempts
//   - outage_log.go, metrics.go: logging and metrics
package mail

import (
	"context"
	"log/slog"
	"time"

	"stella/templates"
	"stella/workflow"
)

// Outbox stores the mails. Package store implements it.
type Outbox interface {
	ListenForMails(ctx context.Context, listening func(), mail func(queue string)) error
	ClaimMails(ctx context.Context, queue string, now, until time.Time, n int) (mails []workflow.PendingMail, next time.Time, err error)
	MailAccepted(ctx context.Context, a workflow.MailAttempt, reply string, at time.Time) error
	MailRefused(ctx context.Context, a workflow.MailAttempt, reply string, at time.Time) error
	MailDropped(ctx context.Context, a workflow.MailAttempt, at time.Time) error
	MailDeferred(ctx context.Context, a workflow.MailAttempt, reply string, perhapsSent bool, due time.Time) error
}

// Sender sends mails that were claimed.
type Sender struct {
	Outbox    Outbox
	Relay     *Relay
	PECRelay  *Relay // for mails to certified mailboxes; nil for Relay
	Templates *templates.Templates
	Keys      workflow.Keys // from which codes and links are computed
	PublicURL string
	FromName  string
	From      string
	DKIM      *DKIM // nil if the relay signs
	Now       func() time.Time
	Log       *slog.Logger

	metrics       *metrics // nil until EnableMetrics
	composeErrors outageLog
}

// Attempt makes one attempt to send a mail, until ctx ends, and records the result. It
// returns when the mail is due again, or zero if that was the last attempt. If the
// result could not be recorded, it returns an error, and the mail is sent again when its
// claim has expired.
func (s *Sender) Attempt(ctx context.Context, m workflow.PendingMail) (due time.Time, err error) {
	if m.Useless || s.tooLate(m) {
		return time.Time{}, s.drop(ctx, m)
	}
	reply, f := s.send(ctx, m)
	switch {
	case f == nil:
		return time.Time{}, s.accept(ctx, m, reply)
	case f.Refused():
		return time.Time{}, s.refuse(ctx, m, f)
	}
	return s.reschedule(ctx, m, f)
}

func (s *Sender) send(ctx context.Context, m workflow.PendingMail) (reply string, f *Failure) {
	message, err := s.compose(m)
	if err != nil {
		if s.composeErrors.shouldLog(s.Now()) {
			s.Log.ErrorContext(ctx, "a mail cannot be composed", "mail", m.ID, "kind", m.Kind, "error", err)
		}
		return "", &Failure{writing, err}
	}
	r := s.Relay
	if s.PECRelay != nil && m.To == m.Mailbox {
		r = s.PECRelay
	}
	reply, f = r.Send(ctx, s.From, m.To, message)
	s.logOutcome(ctx, r, f)
	return reply, f
}

func (s *Sender) accept(ctx context.Context, m workflow.PendingMail, reply string) error {
	s.metrics.accepted(m.Kind, s.Now().Sub(m.RequestedAt))
	return s.recordWithRetry(ctx, m, func(ctx context.Context) error {
		return s.Outbox.MailAccepted(ctx, m.Attempt(), reply, s.Now())
	})
}

func (s *Sender) refuse(ctx context.Context, m workflow.PendingMail, f *Failure) error {
	s.metrics.count(m.Kind, "refused")
	s.Log.WarnContext(ctx, "the relay refused a mail", "mail", m.ID, "kind", m.Kind, "code", f.Code())
	return s.recordWithRetry(ctx, m, func(ctx context.Context) error {
		return s.Outbox.MailRefused(ctx, m.Attempt(), f.String(), s.Now())
	})
}

// drop ends a mail that has become useless (a replaced code, an invitation that
// ended) or that could not be sent in time.
func (s *Sender) drop(ctx context.Context, m workflow.PendingMail) error {
	s.metrics.count(m.Kind, "dropped")
	if !m.Useless {
		s.Log.ErrorContext(ctx, "a mail could not be sent in time, and is given up",
			"mail", m.ID, "kind", m.Kind, "attempts", m.Attempts)
	}
	return s.recordWithRetry(ctx, m, func(ctx context.Context) error {
		return s.Outbox.MailDropped(ctx, m.Attempt(), s.Now())
	})
}

// reschedule records a failed attempt and when the mail is retried. If an earlier
// attempt may have sent a code, its lifetime is already running, and it is not
// repeated a second time.
func (s *Sender) reschedule(ctx context.Context, m workflow.PendingMail, f *Failure) (due time.Time, err error) {
	delay := s.retryDelay(m)
	outcome := f.outcome()
	if f.Unknown() {
		delay, outcome = s.repeatDelay(m), "unknown"
	}
	due = s.Now().Add(delay)
	err = s.recordWithRetry(ctx, m, func(ctx context.Context) error {
		return s.Outbox.MailDeferred(ctx, m.Attempt(), f.String(), f.Unknown() || m.PerhapsSent, due)
	})
	if err == nil {
		s.metrics.count(m.Kind, outcome)
	}
	return due, err
}

// recordWithRetry stores the result of an attempt: a mail without a result is sent again.
func (s *Sender) recordWithRetry(ctx context.Context, m workflow.PendingMail, write func(context.Context) error) error {
	err := workflow.RecordResult(ctx, recordTimeout, write)
	if err != nil {
		s.Log.ErrorContext(ctx, "the result of a mail could not be recorded", "mail", m.ID, "kind", m.Kind, "error", err)
	}
	return err
}
