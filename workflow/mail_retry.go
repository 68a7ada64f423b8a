package workflow

import (
	"context"
	"time"

	"github.com/google/uuid"
)

// SentMail is a mail that a step requested, with its outcome.
type SentMail struct {
	ID            uuid.UUID
	Qualification uuid.UUID
	Mailbox       string // its address
	Number        int64  // case number
	Kind          MailKind
	To            string
	RequestedAt   time.Time
	Attempts      int
	Outcome       MailOutcome
	EndedAt       time.Time // time of the outcome; zero while the mail is waiting
	Reply         string    // the relay's last reply
	Useless       bool      // its code or invitation is no longer valid
}

// MailOutcome is the outcome of a mail.
type MailOutcome string

// The outcomes of a mail.
const (
	MailWaiting  MailOutcome = "waiting"  // the service still tries to send it
	MailAccepted MailOutcome = "accepted" // by the relay
	MailRefused  MailOutcome = "refused"  // by the relay, because the address is wrong
	MailDropped  MailOutcome = "dropped"  // not sent in time, or no longer useful
)

// Mails is the part of Store for mails and their outcomes.
type Mails interface {
	// SentMail returns a mail with its outcome, or ErrUnknown. RetryMail queues a mail
	// that was refused or dropped again, and returns ErrUnknown for any other.
	SentMail(ctx context.Context, id uuid.UUID) (SentMail, error)
	RetryMail(ctx context.Context, id uuid.UUID, queue string, d Decision) error
}

// MailRetried is what a Decision to retry a mail is about.
const MailRetried = "mail_retried"

// RetryMail queues a mail that was refused or dropped again. A code is never sent
// again, since its page offers a new one. It returns ErrUnknown if there is no such
// mail, and a RetryError if it cannot be retried.
func (p *Provider) RetryMail(ctx context.Context, operator string, id uuid.UUID) error {
	m, err := p.Store.SentMail(ctx, id)
	if err != nil {
		return err
	}
	if why := m.whyNotRetryable(); why != "" {
		return &RetryError{Why: why}
	}
	return p.Store.RetryMail(ctx, id, QueueOf(m.Kind, m.To, m.Mailbox), Decision{ID: NewID(), Qualification: m.Qualification,
		Operator: operator, Event: MailRetried, Reason: string(m.Kind) + " " + id.String(), DecidedAt: p.Now()})
}

// RetryError reports why a mail cannot be retried.
type RetryError struct{ Why string }

func (e *RetryError) Error() string { return "the mail is not tried again: " + e.Why }

// whyNotRetryable returns why a mail cannot be retried, or "" if it can.
func (m SentMail) whyNotRetryable() string {
	switch {
	case m.Kind.Type().Urgent:
		return "a code is not sent again, since its page offers a new one"
	case m.Outcome == MailAccepted:
		return "the relay accepted it"
	case m.Outcome == MailWaiting:
		return "it is still being tried"
	case m.Useless:
		return "its invitation has ended"
	}
	return ""
}
