package templates

import (
	"html/template"
	"time"
)

// Site is what the configuration says of the provider; it is the same on
// every page and in every mail.
type Site struct {
	SampleContract bool // the contract notice is not the provider's own

	Provider         string // who runs the mailboxes, "Posta Esempio"
	Service          string // what the mailboxes are called, "PEC Esempio"
	WebmailURL       string // where a holder starts from
	PrivacyURL       string
	AccessibilityURL string
	HelpURL          string
	HelpContact      string // an address or a telephone number, as people read it
	ReviewDays       int    // within how many working days a review is answered; zero for no word of it
	MailSender       string // the address codes come from, told on the code page
	CIE              bool   // one can log in with CIE too, not with SPID alone
}

// Page is what a handler hands to a page's template.
type Page struct {
	Locale  string // "it" or "en"
	Path    string // where the page is shown again in another language
	Mailbox string // the mailbox in hand; empty where there is none
	Opener  string // the page from which this one was opened, whose step it shows; empty for its own
	Form    Form
	Leave   bool // a session is open: offer Esci
	// IdleSeconds is after how long without a request the session ends; zero
	// for pages that need no warning of it.
	IdleSeconds int
	SecondsLeft int // of the session: less than IdleSeconds if it is old
	// IdentifiedUntil is when the login that was made in this session expires;
	// zero if the page does not depend on one.
	IdentifiedUntil time.Time
	Back            bool              // a step back is possible: offer Indietro
	BackTo          string            // where Indietro leads if it is no step; empty for nowhere
	Notice          string            // a message id, shown above the page; empty for none
	Errors          []FieldError      // what is wrong with the input, in the order of the fields
	Values          map[string]string // what is typed, or prefilled, by field name
	Data            any               // the page's own type, named in pages
}

// Form binds a form to the state it was made for, so that a stale one is
// recognised.
type Form struct {
	Qualification string
	Version       int
}

// FieldError is one fault of the input: the message stands in the summary at
// the top of the page and at the field.
type FieldError struct {
	Field   string         // the name of the input
	Message string         // a message id
	Args    map[string]any // for the message
}

// HolderChoice is the first page.
type HolderChoice struct {
	Declined string // the address of the person who was invited and does not know the mailbox; empty if there is none
}

// Invited is for the delegate, who sees of an invitation only that it is out.
type Invited struct {
	To        string // masked once the holder has taken it up
	Expires   time.Time
	Accepted  bool   // the holder has taken it up: it cannot be sent again
	Expired   bool   // nobody took it up in time
	Rejected  bool   // the invited holder's request was rejected; they may try again, or it may be withdrawn
	Mail      string // what became of the mail: "waiting", "accepted", "refused" or "dropped"
	ReturnURL string // back to the webmail
}

// Failed reports whether the mail reached no one, so that another address is
// wanted, or another attempt.
func (i Invited) Failed() bool {
	return !i.Accepted && !i.Expired && (i.Mail == "refused" || i.Mail == "dropped")
}

// Waiting reports whether the mail is still on its way to the relay.
func (i Invited) Waiting() bool { return !i.Accepted && !i.Expired && i.Mail == "waiting" }

// Invitation is for who opens the link of an invitation.
type Invitation struct {
	Mailbox string
	Holder  string // the holder on record, masked; empty when unknown
	Sent    time.Time
	Expires time.Time
	Resume  bool // already accepted: the link leads back in
}

// Ended says why a link or a session leads nowhere.
type Ended struct {
	Why string // invitations: "expired", "withdrawn", "declined", "replaced", "finished", "unknown"; starts: "expired"
}

// Summary repeats what was entered.
type Summary struct {
	Company     bool
	CompanyName string
	CompanyCode string
	Email       string
	Phone       string
}

// Identification tells who must identify, and why one is here again.
type Identification struct {
	Company   bool
	Purpose   string // of the identity that SPID is asked for, as in LoginFailed
	Lapsed    bool   // an earlier login was made elsewhere, or is too old: the data are kept
	Begun     bool   // the earlier login has identified nobody yet
	Suspended bool   // it lapsed because its provider is no longer believed
}

// Identified shows who was identified, for confirmation.
type Identified struct {
	Name     string
	CodeEnd  string // the last four characters of the fiscal code
	Provider string
	Level    string // "SpidL2", "CieL3"
	Email    string // where the code will go
}

// Contract is the notice to acknowledge.
type Contract struct {
	Version  string
	Date     time.Time
	SHA256   string
	Document template.HTML // in the page's language, from our own or the operator's file
}

// CodeStatus says where the newest code stands.
type CodeStatus string

// The code page's states.
const (
	CodeSending CodeStatus = "sending" // the relay has not accepted it yet
	CodeSent    CodeStatus = "sent"    // the 60 seconds run
	CodeExpired CodeStatus = "expired"
	CodeRefused CodeStatus = "refused" // the relay refuses the address for good
	CodeDropped CodeStatus = "dropped" // it could not be sent in time
	CodePaused  CodeStatus = "paused"  // too many wrong codes
	CodeSpent   CodeStatus = "spent"   // no live code: none asked for since a pause, or since the address changed
)

// Code is the page where the code is typed.
type Code struct {
	Status      CodeStatus
	To          string
	SecondsLeft int       // of the code's life, when sent
	PausedUntil time.Time // when paused
	ResendIn    int       // seconds, zero when it may be asked for at once
	LoginFirst  bool      // the login expires before another code may be requested
}

// ResendMinutes is ResendIn in minutes, rounded up, if it is more than one: then
// too many codes were asked for. Otherwise it is zero.
func (c Code) ResendMinutes() int {
	if c.ResendIn <= 60 {
		return 0
	}
	return (c.ResendIn + 59) / 60
}

// EditContacts is the page on which the contacts are changed.
type EditContacts struct {
	Action string    // where its form posts to
	CodeAt time.Time // from when a code may be sent to another address; zero for at once
}

// UnderReview gives the number to ask after.
type UnderReview struct {
	Number int64
	Own    bool // the visitor is who was identified, and not a user of the webmail who invited them
}

// Rejected tells why, and which ways on there are.
type Rejected struct {
	Reason     string // "company_differs", "holder_differs", "review_refused"
	Remark     string // the operator's own words, after a review
	LoginAgain bool   // another identity may mend it
	Invite     bool   // the holder may be invited
	Invited    bool   // the visitor comes by an invitation, and not by the webmail
}

// WrongPerson reports whether the person who logged in is what differs, so that
// the data need no correction.
func (r Rejected) WrongPerson() bool { return r.Reason == "holder_differs" && r.LoginAgain }

// Closed is for the states that end a qualification.
type Closed struct {
	Since     time.Time
	ReturnURL string // back to the webmail; empty for who was invited
}

// Qualified is a receipt too.
type Qualified struct {
	Closed
	Number int64  // of the case
	Level  string // "SpidL2", "CieL3"
	Notice string // version of the contract notice acknowledged
}

// Start is the page with one button, behind a hand-off's link.
type Start struct {
	Action  string // where the button posts to
	Mailbox string // whose procedure it opens
}

// WhichMailbox asks whether to leave a mailbox's procedure for another's.
type WhichMailbox struct {
	Former string // whose procedure the browser is in
	Next   string // whose procedure it came for
	// Session is the short ID of the session of Next: the answer applies to it only.
	Session string
}

// SessionEnded says why a session ended and how to come back.
type SessionEnded struct {
	Why     string // "idle", "old", "left", "replaced", "used_twice", "client_disabled", "operator"; empty if that is not known
	Webmail bool   // the visitor came from the webmail
	Invited bool   // the visitor came by an invitation
	Kept    bool   // what was typed was kept just now
}

// Guide is the public guide of the procedure.
type Guide struct {
	URL    string // its own address, to be opened on another device
	Resume bool   // the browser may be in a procedure: offer the way back
}

// Fault is a page for what went wrong on our side or was refused.
type Fault struct {
	Kind      string // "not_found", "forbidden", "too_large", "method", "logout", "too_many", "unavailable", "internal"
	Reference string
	Until     string // from when it may be tried again, of too_many
}

// Mail is what a mail's template is given.
type Mail struct {
	Locale    string
	Mailbox   string
	Number    int64 // of the case
	At        time.Time
	Code      string    // code
	Link      string    // invitation
	Guide     string    // invitation: the guide's address
	Expires   time.Time // invitation
	Person    string    // qualified_pec: who was identified
	Provider  string    // qualified_pec: by which identity provider
	Level     string    // qualified, qualified_pec
	Holder    string    // qualified_pec: on record
	Notice    *Document // qualified, qualified_pec: acknowledged; it comes with the mail
	Reason    string    // rejected: as in Rejected; revoked: empty
	Remark    string    // rejected after a review, revoked: the operator's words
	NewMasked string    // contacts_changed: the new address, masked
	Invited   bool      // rejected, revoked: the reader was invited, and may have no webmail
}
