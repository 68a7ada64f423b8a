// Package mail sends the mails that steps of the procedure ask for.
//
//   - sender.go: the job that sends one mail, and what becomes of it
//   - lanes.go: how many are sent at once
//   - patience.go: when it is tried again, and until when
//   - message.go, dkim.go: the message itself, and its signature
//   - relay.go, connection.go: the SMTP server, over connections that are kept
//   - failure.go: what follows from a mail that was not taken
//   - trouble.go, metrics.go: what is told of all this
//
// A mail is a row, written with the step, and a job that names it. It is sent
// at least once; a repeated one has the same Message-ID and the same words.
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

// Outbox keeps the mails. Package store does; this package may not see it.
type Outbox interface {
	StartMail(ctx context.Context, id uuid.UUID, now time.Time) (workflow.PendingMail, error)
	MailAccepted(ctx context.Context, id uuid.UUID, reply string, at time.Time) error
	MailRefused(ctx context.Context, id uuid.UUID, reply string, at time.Time) error
	MailDropped(ctx context.Context, id uuid.UUID, at time.Time) error
	MailDeferred(ctx context.Context, id uuid.UUID, reply string, perhapsSent bool) error
}

// Sender works the jobs that send mails.
type Sender struct {
	river.WorkerDefaults[workflow.SendMail]

	Outbox    Outbox
	Relay     *Relay
	PECRelay  *Relay // for certified mailboxes, which may refuse ordinary mail; nil for the same
	Templates *templates.Templates
	Keys      workflow.Keys // from which codes and links are computed
	PublicURL string
	FromName  string
	From      string
	DKIM      *DKIM // nil where the relay signs
	Now       func() time.Time
	Log       *slog.Logger

	metrics   *metrics // nil until Measure
	unwritten trouble
}

// A job that runs for longer than JobTimeout is taken for crashed, and run
// again. So an attempt ends before: what the relay said within sendTimeout is
// recorded within recordTimeout, which spans a restart of the database.
const (
	JobTimeout    = 20 * time.Second
	recordTimeout = 4 * time.Second
	recordEvery   = 100 * time.Millisecond
)

// Timeout bounds one attempt.
func (*Sender) Timeout(*river.Job[workflow.SendMail]) time.Duration { return JobTimeout }

// Work makes one attempt to send a mail. One that sent nothing is put off, and
// leaves no trace in the job; so an error of the job tells that the mail was
// perhaps sent: the final dot was not answered, the answer could not be
// recorded, or the process died.
func (s *Sender) Work(ctx context.Context, job *river.Job[workflow.SendMail]) error {
	sending, cancel := context.WithTimeout(ctx, sendTimeout)
	defer cancel()
	m, err := s.Outbox.StartMail(sending, job.Args.Mail, s.Now())
	switch {
	case errors.Is(err, workflow.ErrUnknown):
		return nil // done before
	case err != nil:
		s.Log.WarnContext(ctx, "a mail could not be begun", "mail", job.Args.Mail, "error", err)
		return river.JobSnooze(spread(retryAfter))
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
	return s.putOff(ctx, m, f, job.JobRow)
}

func (s *Sender) send(ctx context.Context, m workflow.PendingMail) (reply string, f *Failure) {
	message, err := s.compose(m)
	if err != nil {
		if s.unwritten.begins(s.Now()) {
			s.Log.ErrorContext(ctx, "a mail cannot be written", "mail", m.ID, "kind", m.Kind, "error", err)
		}
		return "", &Failure{writing, err}
	}
	r := s.Relay
	if s.PECRelay != nil && m.To == m.Mailbox {
		r = s.PECRelay
	}
	reply, f = r.Send(ctx, s.From, m.To, message)
	s.tell(ctx, r, f)
	return reply, f
}

func (s *Sender) accept(ctx context.Context, m workflow.PendingMail, reply string) error {
	s.metrics.accepted(m.Kind, s.Now().Sub(m.RequestedAt))
	return s.record(ctx, m, func(ctx context.Context) error {
		return s.Outbox.MailAccepted(ctx, m.ID, reply, s.Now())
	})
}

func (s *Sender) refuse(ctx context.Context, m workflow.PendingMail, f *Failure) error {
	s.metrics.count(m.Kind, "refused")
	s.Log.WarnContext(ctx, "the relay refused a mail", "mail", m.ID, "kind", m.Kind, "code", f.Code())
	return s.record(ctx, m, func(ctx context.Context) error {
		return s.Outbox.MailRefused(ctx, m.ID, f.String(), s.Now())
	})
}

// drop ends a mail that nobody can do anything with any more: a code that was
// replaced, an invitation that ended, or one that could not be sent in time.
func (s *Sender) drop(ctx context.Context, m workflow.PendingMail) error {
	s.metrics.count(m.Kind, "dropped")
	if !m.Useless {
		s.Log.ErrorContext(ctx, "a mail could not be sent in time, and is given up", "mail", m.ID, "kind", m.Kind, "attempts", m.Attempts)
	}
	return s.record(ctx, m, func(ctx context.Context) error {
		return s.Outbox.MailDropped(ctx, m.ID, s.Now())
	})
}

// putOff decides when a mail is tried again. Of a code, an earlier attempt is
// remembered that perhaps sent it: its life runs, and it is not repeated twice.
func (s *Sender) putOff(ctx context.Context, m workflow.PendingMail, f *Failure, job *rivertype.JobRow) error {
	sentBefore := len(job.Errors) > 0
	err := s.record(ctx, m, func(ctx context.Context) error {
		return s.Outbox.MailDeferred(ctx, m.ID, f.String(), f.Unknown() || sentBefore)
	})
	switch {
	case err != nil:
		return err
	case !f.Unknown():
		s.metrics.count(m.Kind, f.outcome())
		return river.JobSnooze(s.untilRetry(m, job.CreatedAt))
	case m.Kind == workflow.MailCode && !sentBefore:
		s.metrics.count(m.Kind, "unknown")
		return errors.New(f.String()) // which has it repeated at once, by NextRetry
	}
	s.metrics.count(m.Kind, "unknown")
	return river.JobSnooze(s.untilRepeat(m, job.CreatedAt))
}

// record insists: what is not recorded is done again.
func (s *Sender) record(ctx context.Context, m workflow.PendingMail, write func(context.Context) error) error {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), recordTimeout)
	defer cancel()
	for {
		err := write(ctx)
		if err == nil {
			return nil
		}
		select {
		case <-time.After(recordEvery):
		case <-ctx.Done():
			s.Log.ErrorContext(ctx, "what became of a mail could not be recorded", "mail", m.ID, "kind", m.Kind, "error", err)
			return err
		}
	}
}
