package qualification

import (
	"context"
	"time"

	"github.com/google/uuid"

	"stella/workflow"
)

// Directory is the part of Store that operators and auditors read. Mailboxes outside
// the given domains and deleted mailboxes are unknown to it.
type Directory interface {
	// MailboxOfCase returns the mailbox of a case, or ErrUnknown.
	MailboxOfCase(ctx context.Context, domains []string, number int64) (int64, error)
	// History returns the qualification of a mailbox with this case number; 0 is the
	// one in force.
	History(ctx context.Context, mailbox, number int64) (*History, error)
	// Qualifications lists qualifications, newest case first.
	Qualifications(ctx context.Context, f QualificationFilter) ([]ListedQualification, error)

	// SentInvitation returns one invitation, or ErrUnknown.
	SentInvitation(ctx context.Context, domains []string, id uuid.UUID) (SentInvitation, error)
	// SentInvitations lists invitations, newest first.
	SentInvitations(ctx context.Context, f InvitationFilter) ([]SentInvitation, error)
}

// History is a qualification as operators and auditors read it: its log, and everything
// that the log refers to.
type History struct {
	Case         *Case // with this qualification; nil if there is none
	Steps        []Step
	Records      []workflow.Record // of the mailbox, whatever the qualification
	Declarations []Declaration
	Invitations  []Invitation
	Identities   []Identity
	Decisions    []workflow.Decision
	Mails        []workflow.SentMail
	Others       []int64 // case numbers of the mailbox's other qualifications
}

// Verdict returns the result of the last comparison of the identified person with the
// record, or "" if no person is identified.
func (h *History) Verdict() workflow.Verdict {
	last := workflow.Verdict("")
	if h.Case.Qualification.Identity == nil {
		return last
	}
	for _, s := range h.Steps {
		if v, ok := s.Refs["verdict"]; ok {
			last = workflow.Verdict(v)
		}
	}
	return last
}

// QualificationFilter selects the qualifications of a list. Case numbers never change,
// so paging with Before neither repeats nor skips a case that existed when the list
// began.
type QualificationFilter struct {
	Domains []string
	Mailbox string // its address; "" matches any
	State   State  // "" matches any
	Before  int64  // only cases with lower numbers; 0 matches any
	Limit   int
}

// ListedQualification is one entry of a list of qualifications.
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

// Qualifications lists the qualifications of the client's mailboxes, newest case first.
func (s *Cases) Qualifications(ctx context.Context, client workflow.Client, f QualificationFilter) ([]ListedQualification, error) {
	f.Domains = client.Domains
	if f.Mailbox != "" {
		address, err := client.ParseMailbox(f.Mailbox)
		if err != nil { // not a mailbox of this client: the list is empty
			return nil, nil
		}
		f.Mailbox = address
	}
	return s.Store.Qualifications(ctx, f)
}

// History returns a case of the client's mailboxes, or ErrUnknown for any other case.
func (s *Cases) History(ctx context.Context, client workflow.Client, number int64) (*History, error) {
	mailbox, err := s.Store.MailboxOfCase(ctx, client.Domains, number)
	if err != nil {
		return nil, err
	}
	return s.Store.History(ctx, mailbox, number)
}

// InvitationFilter selects the invitations of a list.
type InvitationFilter struct {
	Domains []string
	Mailbox string          // its address; "" matches any
	State   InvitationState // at the time Now; "" matches any
	Now     time.Time
	Limit   int

	// Only invitations sent before this time, or at this time with a lower ID; zero
	// matches any.
	SentBefore time.Time
	Before     uuid.UUID
}

// SentInvitation is an invitation in a list. It omits the data of its link.
type SentInvitation struct {
	Invitation
	Mailbox int64
	Address string // of the mailbox
	Number  int64  // case number
}

// SentInvitations lists the invitations of the client's mailboxes, newest first.
func (s *Cases) SentInvitations(ctx context.Context, client workflow.Client, f InvitationFilter) ([]SentInvitation, error) {
	f.Domains, f.Now = client.Domains, s.Now()
	if f.Mailbox != "" {
		address, err := client.ParseMailbox(f.Mailbox)
		if err != nil {
			return nil, nil
		}
		f.Mailbox = address
	}
	return s.Store.SentInvitations(ctx, f)
}
