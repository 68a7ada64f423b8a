package workflow

import (
	"context"
	"time"

	"github.com/google/uuid"
)

// SentMail is a mail that a step asked for, with what became of it.
type SentMail struct {
	ID            uuid.UUID
	Qualification uuid.UUID
	Mailbox       string // its address
	Number        int64  // of the case
	Kind          MailKind
	To            string
	RequestedAt   time.Time
	Attempts      int
	Outcome       MailOutcome
	EndedAt       time.Time // when that was known; zero while it waits
	Reply         string    // the relay's last
	Useless       bool      // nobody can do anything with it any more
}

// MailOutcome is what became of a mail.
type MailOutcome string

// The outcomes of a mail.
const (
	MailWaiting  MailOutcome = "waiting"  // it is still being tried
	MailAccepted MailOutcome = "accepted" // by the relay
	MailRefused  MailOutcome = "refused"  // by the relay, which says that the address is wrong
	MailDropped  MailOutcome = "dropped"  // it could not be sent in time, or is of no use any more
)

// Mails is the part of Store that knows what became of them.
type Mails interface {
	// SentMail reads a mail with what became of it, and RetryMail lets one that
	// was refused or dropped be tried again; ErrUnknown for any other.
	SentMail(ctx context.Context, id uuid.UUID) (SentMail, error)
	RetryMail(ctx context.Context, id uuid.UUID, queue string, d Decision) error
}

// MailRetried is in the log of decisions, and moves no qualification.
const MailRetried Event = "mail_retried"

// RetryMail lets a mail that was refused or dropped be tried again, all over. A
// code never is, since its page offers a new one. ErrUnknown if there is no such
// mail, a RetryError if it stays as it is.
func (p *Procedure) RetryMail(ctx context.Context, operator string, id uuid.UUID) error {
	m, err := p.Store.SentMail(ctx, id)
	if err != nil {
		return err
	}
	if why := m.staysAsItIs(); why != "" {
		return &RetryError{Why: why}
	}
	return p.Store.RetryMail(ctx, id, queueOf(m.Kind, m.To, m.Mailbox), Decision{ID: newID(), Qualification: m.Qualification,
		Operator: operator, Event: MailRetried, Reason: string(m.Kind) + " " + id.String(), DecidedAt: p.Now()})
}

// RetryError tells why a mail is not tried again.
type RetryError struct{ Why string }

func (e *RetryError) Error() string { return "the mail is not tried again: " + e.Why }

// staysAsItIs tells why a mail is not to be tried again, if that is so.
func (m SentMail) staysAsItIs() string {
	switch {
	case m.Kind == MailCode:
		return "a code is not sent again, since its page offers a new one"
	case m.Outcome == MailAccepted:
		return "the relay took it"
	case m.Outcome == MailWaiting:
		return "it is still being tried"
	case m.Useless:
		return "its invitation has ended"
	}
	return ""
}
