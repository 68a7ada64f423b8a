// Package mail sends the mails that steps of the procedure request. A mail is a
// row and a job with its ID. Both are written in the transaction of the step. A
// mail is sent at least once; a repeated mail has the same Message-ID and the
// same text. Start at Sender, the worker of these jobs.
//
//   - sender.go: the job that sends one mail and records the result
//   - queues.go: the queues, and how many mails are sent at once
//   - retry.go: when a mail is retried, and when it is dropped; how long each kind is
//     tried is in workflow/mail.go
//   - message.go, dkim.go: the message and its signature
//   - relay.go, connection.go: the SMTP client and its connections
//   - failure.go: the classification of failed attempts
//   - outage_log.go, metrics.go: logging and metrics
package mail

import (
	"context"
	"errors"
	"log/slog"
	"time"

	"github.com/google/uuid"
	"github.com/riverqueue/river"
	"github.com/riverqueue/river/rivertype"

	"stella/templates"
	"stella/workflow"
)

// Outbox stores the mails. Package store implements it. StartMail returns
// workflow.ErrUnknown if the mail already has a result.
type Outbox interface {
	StartMail(ctx context.Context, id uuid.UUID, now time.Time) (workflow.PendingMail, error)
	MailAccepted(ctx context.Context, id uuid.UUID, reply string, at time.Time) error
	MailRefused(ctx context.Context, id uuid.UUID, reply string, at time.Time) error
	MailDropped(ctx context.Context, id uuid.UUID, at time.Time) error
	MailDeferred(ctx context.Context, id uuid.UUID, reply string, perhapsSent bool) error
}

// Sender is the River worker of the jobs that send mails.
type Sender struct {
	river.WorkerDefaults[workflow.SendMail]

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

// River considers a job that runs for longer than JobTimeout as crashed and runs
// it again. An attempt ends before that: sending takes at most sendTimeout, and
// recording the result at most recordTimeout, which is longer than a restart of
// the database.
const (
	JobTimeout    = 20 * time.Second
	recordTimeout = 4 * time.Second
)

// Timeout returns JobTimeout, the maximum duration of one attempt.
func (*Sender) Timeout(*river.Job[workflow.SendMail]) time.Duration { return JobTimeout }

// Work makes one attempt to send a mail. If nothing was sent, the job is snoozed,
// which leaves no error in it. An error in the job therefore means that the mail
// was perhaps sent: the relay did not reply to the final dot, the result could
// not be recorded, or the process crashed.
func (s *Sender) Work(ctx context.Context, job *river.Job[workflow.SendMail]) error {
	sending, cancel := context.WithTimeout(ctx, sendTimeout)
	defer cancel()
	m, err := s.Outbox.StartMail(sending, job.Args.Mail, s.Now())
	switch {
	case errors.Is(err, workflow.ErrUnknown):
		return nil // it already has a result
	case err != nil:
		s.Log.WarnContext(ctx, "a mail could not be started", "mail", job.Args.Mail, "error", err)
		return river.JobSnooze(workflow.Jitter(minRetryDelay))
	case m.Useless, s.tooLate(m, job.CreatedAt):
		return s.drop(ctx, m)
	}
	reply, f := s.send(sending, m)
	switch {
	case f == nil:
		return s.accept(ctx, m, reply)
	case f.Refused():
		return s.refuse(ctx, m, f)
	}
	return s.reschedule(ctx, m, f, job.JobRow)
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
		return s.Outbox.MailAccepted(ctx, m.ID, reply, s.Now())
	})
}

func (s *Sender) refuse(ctx context.Context, m workflow.PendingMail, f *Failure) error {
	s.metrics.count(m.Kind, "refused")
	s.Log.WarnContext(ctx, "the relay refused a mail", "mail", m.ID, "kind", m.Kind, "code", f.Code())
	return s.recordWithRetry(ctx, m, func(ctx context.Context) error {
		return s.Outbox.MailRefused(ctx, m.ID, f.String(), s.Now())
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
		return s.Outbox.MailDropped(ctx, m.ID, s.Now())
	})
}

// reschedule records a failed attempt and decides when the mail is retried. If an
// earlier attempt may have sent a code, its lifetime is already running, and it
// is not repeated a second time.
func (s *Sender) reschedule(ctx context.Context, m workflow.PendingMail, f *Failure, job *rivertype.JobRow) error {
	sentBefore := len(job.Errors) > 0
	err := s.recordWithRetry(ctx, m, func(ctx context.Context) error {
		return s.Outbox.MailDeferred(ctx, m.ID, f.String(), f.Unknown() || sentBefore)
	})
	switch {
	case err != nil:
		return err
	case !f.Unknown():
		s.metrics.count(m.Kind, f.outcome())
		return river.JobSnooze(s.retryDelay(m, job.CreatedAt))
	case m.Kind.Type().Urgent && !sentBefore:
		s.metrics.count(m.Kind, "unknown")
		return errors.New(f.String()) // repeats the code soon: see NextRetry
	}
	s.metrics.count(m.Kind, "unknown")
	return river.JobSnooze(s.repeatDelay(m, job.CreatedAt))
}

// recordWithRetry stores the result of an attempt: a mail without a result is sent again.
func (s *Sender) recordWithRetry(ctx context.Context, m workflow.PendingMail, write func(context.Context) error) error {
	err := workflow.RecordResult(ctx, recordTimeout, write)
	if err != nil {
		s.Log.ErrorContext(ctx, "the result of a mail could not be recorded", "mail", m.ID, "kind", m.Kind, "error", err)
	}
	return err
}
