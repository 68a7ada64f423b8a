package workflow

import (
	"context"
	"time"

	"github.com/google/uuid"
)

// Directory is the part of Store that operators and auditors read. Of what is
// not of the domains given, or of a mailbox that was deleted, it knows nothing.
type Directory interface {
	// MailboxOfCase finds the mailbox of a case; ErrUnknown when there is none.
	MailboxOfCase(ctx context.Context, domains []string, number int64) (int64, error)
	// History reads a qualification of a mailbox: the one with this case number,
	// or for zero the one in force.
	History(ctx context.Context, mailbox, number int64) (*History, error)
	// Qualifications lists them, the newest case first.
	Qualifications(ctx context.Context, f QualificationFilter) ([]ListedQualification, error)

	// SentInvitation reads one; ErrUnknown when there is none.
	SentInvitation(ctx context.Context, domains []string, id uuid.UUID) (SentInvitation, error)
	// SentInvitations lists them, the newest first.
	SentInvitations(ctx context.Context, f InvitationFilter) ([]SentInvitation, error)
}

// History is a qualification as an operator or an auditor reads it: the log,
// and all that it refers to.
type History struct {
	Case         *Case // its qualification is the one told of; nil where there was none
	Steps        []Step
	Records      []Record // of the mailbox, whatever the qualification
	Declarations []Declaration
	Invitations  []Invitation
	Identities   []Identity
	Decisions    []Decision
	Mails        []SentMail
	Others       []int64 // the case numbers of the mailbox's other qualifications
}

// Verdict is how the person identified compared with the record when that was
// last judged; empty while nobody is.
func (h *History) Verdict() Verdict {
	last := Verdict("")
	if h.Case.Qualification.Identity == nil {
		return last
	}
	for _, s := range h.Steps {
		if v, ok := s.Refs["verdict"]; ok {
			last = Verdict(v)
		}
	}
	return last
}

// QualificationFilter says which qualifications are listed. A case keeps its
// number, so that a list that goes on after one repeats nothing, and misses
// nothing that was there when it began.
type QualificationFilter struct {
	Domains []string
	Mailbox string // its address; empty for any
	State   State  // empty for any
	Before  int64  // only cases with lower numbers; 0 for any
	Limit   int
}

// ListedQualification is a qualification in a list.
type ListedQualification struct {
	Mailbox   string // its address
	Number    int64
	Version   int
	State     State
	Owner     Owner
	Reason    Reason
	OpenedAt  time.Time
	SteppedAt time.Time
}

// Qualifications lists those of the client's mailboxes, the newest case first.
func (p *Procedure) Qualifications(ctx context.Context, client Client, f QualificationFilter) ([]ListedQualification, error) {
	f.Domains = client.Domains
	if f.Mailbox != "" {
		address, err := client.parse(f.Mailbox)
		if err != nil { // nobody's, or another's: there is nothing to list
			return nil, nil
		}
		f.Mailbox = address
	}
	return p.Store.Qualifications(ctx, f)
}

// History reads a case of the client's mailboxes; ErrUnknown for any other.
func (p *Procedure) History(ctx context.Context, client Client, number int64) (*History, error) {
	mailbox, err := p.Store.MailboxOfCase(ctx, client.Domains, number)
	if err != nil {
		return nil, err
	}
	return p.Store.History(ctx, mailbox, number)
}

// InvitationFilter says which invitations are listed.
type InvitationFilter struct {
	Domains []string
	Mailbox string          // its address; empty for any
	State   InvitationState // as of Now; empty for any
	Now     time.Time
	Limit   int

	// Only those sent before this time, or at it with lower ids; zero for any.
	SentBefore time.Time
	Before     uuid.UUID
}

// SentInvitation is an invitation in a list, without what its link is made of.
type SentInvitation struct {
	Invitation
	Mailbox int64
	Address string // of the mailbox
	Number  int64  // of the case
}

// SentInvitations lists those of the client's mailboxes, the newest first.
func (p *Procedure) SentInvitations(ctx context.Context, client Client, f InvitationFilter) ([]SentInvitation, error) {
	f.Domains, f.Now = client.Domains, p.Now()
	if f.Mailbox != "" {
		address, err := client.parse(f.Mailbox)
		if err != nil {
			return nil, nil
		}
		f.Mailbox = address
	}
	return p.Store.SentInvitations(ctx, f)
}
