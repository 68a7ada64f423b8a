package workflow

import (
	"time"

	"github.com/google/uuid"
)

// MailKind identifies the template of a mail.
type MailKind string

// The kinds of mail.
const (
	MailCode                MailKind = "code"
	MailInvitation          MailKind = "invitation"
	MailInvitationDeclined  MailKind = "invitation_declined"  // to the delegate, at the certified mailbox
	MailInvitationQualified MailKind = "invitation_qualified" // to the delegate, at the certified mailbox
	MailContactsChanged     MailKind = "contacts_changed"
	MailUnderReview         MailKind = "under_review"
	MailQualified           MailKind = "qualified"
	MailQualifiedPEC        MailKind = "qualified_pec" // to the certified mailbox, with the details of the qualification
	MailRejected            MailKind = "rejected"
	MailRevoked             MailKind = "revoked"
)

// The mail queues. Each has its own senders, so that a code does not wait behind other
// mails, and the mails of one relay do not wait for another relay.
const (
	QueueCodes = "codes"
	QueueMails = "mails"
	QueuePEC   = "pec" // to certified mailboxes, which may have a separate relay
)

// queueOf returns the queue of a mail about a mailbox.
func queueOf(k MailKind, to, mailbox string) string {
	switch {
	case k == MailCode:
		return QueueCodes
	case to == mailbox:
		return QueuePEC
	}
	return QueueMails
}

// Mail is a mail that a step requests. It does not contain the code or the link: they
// are computed when the mail is written.
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

// MailDetails is the additional content of a mail, as of the step that requests it.
type MailDetails struct {
	Reason    Reason `json:"reason,omitempty"`
	Remark    string `json:"remark,omitempty"`
	NewMasked string `json:"new_masked,omitempty"`
	Invited   bool   `json:"invited,omitempty"` // the recipient is an invited holder
	Holder    string `json:"holder,omitempty"`  // on record
	Person    string `json:"person,omitempty"`
	Provider  string `json:"provider,omitempty"`
	Level     string `json:"level,omitempty"`
	Contract  string `json:"contract,omitempty"` // SHA-256 of the notice, in hexadecimal
}

// mail requests a mail, if there is an address.
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

// PendingMail is a mail to be written, with all its data.
type PendingMail struct {
	Mail
	Mailbox  string
	Number   int64 // case number
	At       time.Time
	Attempts int
	Nonce    []byte // of the code or the invitation
	Expires  time.Time
	Useless  bool     // the code was replaced, or the invitation has ended
	Notice   Document // the notice that was acknowledged; if there is none, its digest is empty
}

// SendMail is the job that sends one mail.
type SendMail struct {
	Mail uuid.UUID `json:"mail"`
}

// Kind returns the name of the job in the queue.
func (SendMail) Kind() string { return "send_mail" }
