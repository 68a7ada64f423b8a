package workflow

import (
	"encoding/base64"
	"time"

	"github.com/google/uuid"

	"stella/otp"
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

// MailType is what the kinds of mail differ in, apart from their text.
type MailType struct {
	// Lifetime is how long the service tries to send the mail; after that it is dropped.
	// Three days cover an outage from Friday night to Monday morning.
	Lifetime time.Duration
	// Urgent is true for a mail that its reader waits for, on a page. It is retried
	// every few seconds, and its lifetime is counted from the request; that of other
	// mails from when they were queued, so that an operator can retry them later.
	Urgent bool
	// Secret computes what the mail contains and no row does, from a nonce; nil for
	// most kinds. It returns "" if the key that the nonce names is no longer configured.
	Secret func(Keys, []byte) string
}

// MailTypes describes all kinds of mail. The name of a kind is also that of its template.
var MailTypes = map[MailKind]MailType{
	MailCode:                {Lifetime: CodeMailLifetime, Urgent: true, Secret: CodeDigits},
	MailInvitation:          {Lifetime: mailLifetime, Secret: InvitationSecret},
	MailInvitationDeclined:  {Lifetime: mailLifetime},
	MailInvitationQualified: {Lifetime: mailLifetime},
	MailContactsChanged:     {Lifetime: mailLifetime},
	MailUnderReview:         {Lifetime: mailLifetime},
	MailQualified:           {Lifetime: mailLifetime},
	MailQualifiedPEC:        {Lifetime: mailLifetime},
	MailRejected:            {Lifetime: mailLifetime},
	MailRevoked:             {Lifetime: mailLifetime},
}

// CodeMailLifetime is how long after its request a code may still be sent. After that
// its page offers another code.
const CodeMailLifetime = 90 * time.Second

const mailLifetime = 3 * 24 * time.Hour

// Type returns the properties of the kind.
func (k MailKind) Type() MailType { return MailTypes[k] }

// The mail queues. Each has its own senders, so that a code does not wait behind other
// mails, and the mails of one relay do not wait for another relay.
const (
	QueueCodes = "codes"
	QueueMails = "mails"
	QueuePEC   = "pec" // to certified mailboxes, which may have a separate relay
)

// QueueOf returns the queue of a mail about a mailbox.
func QueueOf(k MailKind, to, mailbox string) string {
	switch {
	case k.Type().Urgent:
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

func (Mail) IsRow() {}

// MailDetails is the additional content of a mail, as of the step that requests it.
type MailDetails struct {
	Reason    string `json:"reason,omitempty"`
	Remark    string `json:"remark,omitempty"`
	NewMasked string `json:"new_masked,omitempty"`
	Invited   bool   `json:"invited,omitempty"` // the recipient is an invited holder
	Holder    string `json:"holder,omitempty"`  // on record
	Person    string `json:"person,omitempty"`
	Provider  string `json:"provider,omitempty"`
	Level     string `json:"level,omitempty"`
	Contract  string `json:"contract,omitempty"` // SHA-256 of the notice, in hexadecimal
}

// PendingMail is a mail to be written, with all its data.
type PendingMail struct {
	Mail
	Mailbox     string
	Number      int64     // case number
	Attempts    int       // with the present one
	QueuedAt    time.Time // by the step, or by an operator who retries it
	PerhapsSent bool      // by an earlier attempt
	Nonce       []byte    // of the code or the invitation
	Expires     time.Time
	Useless     bool     // the code was replaced, or the invitation has ended
	Notice      Document // the notice that was acknowledged; if there is none, its digest is empty
}

// Attempt returns the attempt for which the mail was claimed.
func (m PendingMail) Attempt() MailAttempt { return MailAttempt{m.ID, m.Attempts} }

// MailAttempt identifies an attempt to send a mail. The result of an attempt that has
// crashed does not overwrite that of a later one.
type MailAttempt struct {
	Mail   uuid.UUID
	Number int // the first one is 1
}

// CodeDigits computes the code that belongs to a nonce. It returns "" if the key that
// the nonce names is no longer configured.
func CodeDigits(keys Keys, nonce []byte) string {
	key := keys.KeyFor(nonce)
	if key == nil {
		return ""
	}
	return otp.Key(key).Code(nonce)
}

// InvitationSecret computes the secret of an invitation's link. It returns "" if the
// key that the nonce names is no longer configured.
func InvitationSecret(keys Keys, nonce []byte) string {
	key := keys.KeyFor(nonce)
	if key == nil {
		return ""
	}
	return base64.RawURLEncoding.EncodeToString(keyedHash(key, "invitation", nonce))
}
