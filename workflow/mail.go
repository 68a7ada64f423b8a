package workflow

import (
	"time"

	"github.com/google/uuid"
)

// MailKind names a mail's text.
type MailKind string

// The mails.
const (
	MailCode                MailKind = "code"
	MailInvitation          MailKind = "invitation"
	MailInvitationDeclined  MailKind = "invitation_declined"  // to the delegate, at the certified mailbox
	MailInvitationQualified MailKind = "invitation_qualified" // the same
	MailContactsChanged     MailKind = "contacts_changed"
	MailUnderReview         MailKind = "under_review"
	MailQualified           MailKind = "qualified"
	MailQualifiedPEC        MailKind = "qualified_pec" // to the certified mailbox, with who, how and what
	MailRejected            MailKind = "rejected"
	MailRevoked             MailKind = "revoked"
)

// The queues of mails. Each is worked by senders of its own, so that a code
// never waits behind another mail, nor a mail behind those of another relay.
const (
	QueueCodes = "codes"
	QueueMails = "mails"
	QueuePEC   = "pec" // to certified mailboxes, which may have a relay of their own
)

// queueOf is the queue of a mail of some mailbox's case.
func queueOf(k MailKind, to, mailbox string) string {
	switch {
	case k == MailCode:
		return QueueCodes
	case to == mailbox:
		return QueuePEC
	}
	return QueueMails
}

// Mail is a mail that a step asks for. It holds neither code nor link: these
// are computed when it is written.
type Mail struct {
	ID            uuid.UUID
	Qualification uuid.UUID
	Kind          MailKind
	Queue         string
	To            string
	Locale        string
	Code          uuid.NullUUID
	Invitation    uuid.NullUUID
	Details       MailDetails
	RequestedAt   time.Time
}

// MailDetails is what a mail tells beside what its kind says, as it was when
// the step was made.
type MailDetails struct {
	Reason    Reason `json:"reason,omitempty"`
	Remark    string `json:"remark,omitempty"`
	NewMasked string `json:"new_masked,omitempty"`
	Invited   bool   `json:"invited,omitempty"` // the mail is for an invited holder
	Holder    string `json:"holder,omitempty"`  // on record
	Person    string `json:"person,omitempty"`
	Provider  string `json:"provider,omitempty"`
	Level     string `json:"level,omitempty"`
	Contract  string `json:"contract,omitempty"` // SHA-256 of the notice
}

// mail asks for a mail, where there is somebody to write to.
func (c *Case) mail(k MailKind, to string, d MailDetails) {
	if to != "" {
		c.add(c.newMail(k, to, d))
	}
}

func (c *Case) newMail(k MailKind, to string, d MailDetails) Mail {
	return Mail{ID: newID(), Qualification: c.Qualification.ID, Kind: k, Queue: queueOf(k, to, c.Mailbox.Address), To: to,
		Locale: c.localeOf(to), Details: d, RequestedAt: c.Now}
}

func (c *Case) mailCode(code Code) {
	m := c.newMail(MailCode, c.Qualification.Declaration.Email, MailDetails{})
	m.Code = uuid.NullUUID{UUID: code.ID, Valid: true}
	c.add(m)
}

func (c *Case) mailInvitation(i Invitation) {
	m := c.newMail(MailInvitation, i.Email, MailDetails{})
	m.Invitation = uuid.NullUUID{UUID: i.ID, Valid: true}
	c.add(m)
}

// PendingMail is a mail about to be written, with all it needs.
type PendingMail struct {
	Mail
	Mailbox  string
	Number   int64 // of the case
	At       time.Time
	Attempts int
	Nonce    []byte // of the code or the invitation
	Expires  time.Time
	Useless  bool     // a code that was replaced, or an invitation that ended
	Notice   Document // that was acknowledged; none if it has no digest
}

// SendMail is the job that sends one mail.
type SendMail struct {
	Mail uuid.UUID `json:"mail"`
}

// Kind names the job in the queue.
func (SendMail) Kind() string { return "send_mail" }
