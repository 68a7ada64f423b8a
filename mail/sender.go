// Package mail sends the mails that steps of the procedure ask for.
//
//   - sender.go: the job that sends one mail, and what becomes of it
//   - message.go: the message itself
//   - relay.go: the SMTP server, over connections that are kept
//
// A mail is a row, written with the step, and a job that names it. It is sent
// at least once; a repeated one has the same Message-ID and the same words.
package mail

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"time"

	"github.com/google/uuid"
	"github.com/riverqueue/river"

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
	Key       []byte // from which codes and links are computed
	PublicURL string
	FromName  string
	From      string
	Now       func() time.Time
	Log       *slog.Logger
}

// One attempt is bounded by JobTimeout; a job that ran longer is taken for
// crashed. What became of it is recorded within recordTimeout, even after that.
const (
	JobTimeout    = 20 * time.Second
	recordTimeout = 5 * time.Second
)

// Timeout bounds one attempt.
func (*Sender) Timeout(*river.Job[workflow.SendMail]) time.Duration { return JobTimeout }

// NextRetry waits two seconds after the first failures, while a code is still
// of use, and up to five minutes after that.
func (s *Sender) NextRetry(job *river.Job[workflow.SendMail]) time.Time {
	wait := 2 * time.Second
	if n := len(job.Errors); n > 10 {
		wait = min(wait<<min(n-10, 10), 5*time.Minute)
	}
	return s.Now().Add(wait)
}

// Work makes one attempt to send a mail.
func (s *Sender) Work(ctx context.Context, job *river.Job[workflow.SendMail]) error {
	m, err := s.Outbox.StartMail(ctx, job.Args.Mail, s.Now())
	if errors.Is(err, workflow.ErrUnknown) {
		return nil // done before
	}
	if err != nil {
		return err
	}
	if s.useless(m) {
		return s.Outbox.MailDropped(ctx, m.ID, s.Now())
	}
	reply, err := s.send(ctx, m)
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), recordTimeout)
	defer cancel()
	var refused *RefusedError
	switch {
	case err == nil:
		return s.Outbox.MailAccepted(ctx, m.ID, reply, s.Now())
	case errors.As(err, &refused):
		s.Log.WarnContext(ctx, "the relay refused a mail", "mail", m.ID, "kind", m.Kind)
		return s.Outbox.MailRefused(ctx, m.ID, refused.Reply, s.Now())
	}
	err = errors.Join(err, s.Outbox.MailDeferred(ctx, m.ID, err.Error(), errors.Is(err, ErrFateUnknown)))
	if job.Attempt >= job.MaxAttempts {
		s.Log.ErrorContext(ctx, "a mail could not be sent, and is given up", "mail", m.ID, "kind", m.Kind, "attempts", job.Attempt)
		err = errors.Join(err, s.Outbox.MailDropped(ctx, m.ID, s.Now()))
	}
	return err
}

func (s *Sender) send(ctx context.Context, m workflow.PendingMail) (reply string, err error) {
	message, err := s.compose(m)
	if err != nil {
		return "", fmt.Errorf("writing a mail %q: %w", m.Kind, err)
	}
	return s.relayFor(m).Send(ctx, message)
}

// useless tells the mails that nobody can do anything with any more: a code
// that was replaced or comes too late, an invitation that ended.
func (s *Sender) useless(m workflow.PendingMail) bool {
	return m.Useless || m.Kind == workflow.MailCode && s.Now().After(m.RequestedAt.Add(workflow.CodeUseful))
}

func (s *Sender) relayFor(m workflow.PendingMail) *Relay {
	if s.PECRelay != nil && m.To == m.Mailbox {
		return s.PECRelay
	}
	return s.Relay
}
