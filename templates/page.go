package templates

import (
	"html/template"
	"time"
)

// Site is the provider's configuration, which is the same for all pages and mails.
type Site struct {
	SampleContract bool // the contract notice is the sample, not the provider's own

	Provider         string // the provider's name, for example "Posta Esempio"
	Service          string // the name of its mailboxes, for example "PEC Esempio"
	WebmailURL       string // a holder starts from the webmail
	PrivacyURL       string
	AccessibilityURL string
	HelpURL          string
	HelpContact      string // free text with e-mail addresses or telephone numbers
	ReviewDays       int    // maximum working days of a review; 0 if the pages do not mention it
	MailSender       string // the sender of the codes, shown on the code page
	CIE              bool   // logins with CIE are on
}

// Page is the data of a page's template.
type Page struct {
	Locale  string // "it" or "en"
	Path    string // the path of the language links
	Mailbox string // the mailbox of the procedure; empty for none
	Opener  string // the name of the page that opened this one, whose step is shown; empty to show this page's step
	Form    Form
	Leave   bool // the visitor has a session: show the button Esci
	// IdleSeconds is the time without requests after which the session ends; 0 for
	// pages that do not warn before that.
	IdleSeconds int
	SecondsLeft int // of the session; less than IdleSeconds near its absolute limit
	// IdentifiedUntil is the time at which the login of this session expires; zero
	// if the page does not depend on a login.
	IdentifiedUntil time.Time
	Back            bool              // the procedure can go one step back: show the button Indietro
	BackTo          string            // URL of a link Indietro; empty for none
	Notice          string            // ID of a message that is shown above the page; empty for none
	Errors          []FieldError      // in the order of the fields
	Values          map[string]string // values of the inputs, by input name
	Data            any               // the type that belongs to the page, for example Summary
}

// Form identifies the state for which a form was rendered, so that a stale form is
// recognized.
type Form struct {
	Qualification string
	Version       int
}

// FieldError is one error in the input. The page shows it in the summary at the top
// and at the field.
type FieldError struct {
	Field   string         // name of the input
	Message string         // message ID
	Args    map[string]any // arguments of the message
}

// HolderChoice is the page that asks whether the visitor is the holder.
type HolderChoice struct {
	Declined string // address of the invited person who declined the invitation; empty for none
}

// Invited is the page of the delegate after the invitation. It shows only the
// status of the invitation.
type Invited struct {
	To        string // masked after the holder has accepted
	Expires   time.Time
	Accepted  bool   // the holder has accepted: the invitation cannot be sent again
	Expired   bool   // it was not accepted in time
	Rejected  bool   // the invited holder was rejected: they may try again, or the delegate may withdraw the invitation
	Mail      string // status of the mail: "waiting", "accepted", "refused" or "dropped"
	ReturnURL string // back to the webmail
}

// Failed reports whether the mail could not be delivered, so that the delegate
// should try another address, or try again.
func (i Invited) Failed() bool {
	return !i.Accepted && !i.Expired && (i.Mail == "refused" || i.Mail == "dropped")
}

// Waiting reports whether the mail is still on its way to the relay.
func (i Invited) Waiting() bool { return !i.Accepted && !i.Expired && i.Mail == "waiting" }

// Invitation is the page behind the link of an invitation.
type Invitation struct {
	Mailbox string
	Holder  string // name of the holder on record, masked; empty if unknown
	Sent    time.Time
	Expires time.Time
	Resume  bool // it was accepted before: the link continues the procedure
}

// Ended is the page of a link that is no longer valid.
type Ended struct {
	Why string // invitations: "expired", "withdrawn", "declined", "replaced", "finished", "unknown"; hand-offs: "expired"
}

// Summary is the page that shows the declared data for confirmation.
type Summary struct {
	Company     bool
	CompanyName string
	CompanyCode string
	Email       string
	Phone       string
}

// Identification is the page before the login. It says who must identify, and why
// the login must be repeated.
type Identification struct {
	Company   bool
	Purpose   string // of the required professional identity, as in LoginFailed
	Lapsed    bool   // an earlier login was made in another session, or has expired; the data are kept
	Begun     bool   // the earlier login was not completed
	Suspended bool   // it lapsed because its provider is suspended
}

// Identified is the page that shows the identified person, for confirmation.
type Identified struct {
	Name     string
	CodeEnd  string // the last four characters of the fiscal code
	Provider string
	Level    string // for example "SpidL2" or "CieL3"
	Email    string // the address to which the code will be sent
}

// Contract is the page with the contract notice, which the holder acknowledges.
type Contract struct {
	Version  string
	Date     time.Time
	SHA256   string
	Document template.HTML // in the page's language
}

// CodeStatus is the status of the newest code.
type CodeStatus string

// The statuses of a code.
const (
	CodeSending CodeStatus = "sending" // the relay has not accepted the mail yet
	CodeSent    CodeStatus = "sent"    // the code is valid for 60 seconds
	CodeExpired CodeStatus = "expired"
	CodeRefused CodeStatus = "refused" // the relay permanently refuses the address
	CodeDropped CodeStatus = "dropped" // the mail could not be sent in time
	CodePaused  CodeStatus = "paused"  // too many wrong codes
	CodeSpent   CodeStatus = "spent"   // no valid code: none was requested since a pause or a change of the address
)

// Code is the page with the input for the code.
type Code struct {
	Status      CodeStatus
	To          string
	SecondsLeft int       // until the code expires, if Status is CodeSent
	PausedUntil time.Time // if Status is CodePaused
	ResendIn    int       // seconds until another code may be requested; 0 for now
	LoginFirst  bool      // the login expires before another code may be requested
}

// ResendMinutes returns ResendIn in minutes, rounded up, if it is more than one
// minute: then too many codes were requested. Otherwise it returns 0.
func (c Code) ResendMinutes() int {
	if c.ResendIn <= 60 {
		return 0
	}
	return (c.ResendIn + 59) / 60
}

// EditContacts is the page on which the contacts are changed.
type EditContacts struct {
	Action string    // path of the form
	CodeAt time.Time // time from which a code may be sent to another address; zero for now
}

// UnderReview is the page of a case that an operator reviews.
type UnderReview struct {
	Number int64 // of the case
	Own    bool  // the visitor is the identified person, not the delegate who invited them
}

// Rejected is the page of a rejected case. It explains the reason and offers other
// attempts.
type Rejected struct {
	Reason     string // "company_differs", "holder_differs", "review_refused"
	Remark     string // text that the operator wrote after a review
	LoginAgain bool   // a login with another identity may help
	Invite     bool   // the visitor may invite the holder
	Invited    bool   // the visitor was invited, and does not come from the webmail
}

// WrongPerson reports whether only the identified person is wrong, so that the
// declared data need no correction.
func (r Rejected) WrongPerson() bool { return r.Reason == "holder_differs" && r.LoginAgain }

// Closed is the page of a revoked or expired case.
type Closed struct {
	Since     time.Time
	ReturnURL string // back to the webmail; empty for an invited holder
}

// Qualified is the last page of a successful case. It is a receipt too.
type Qualified struct {
	Closed
	Number int64  // of the case
	Level  string // for example "SpidL2" or "CieL3"
	Notice string // version of the acknowledged contract notice
}

// Start is the page with one button, behind a hand-off's link.
type Start struct {
	Action  string // path of the form
	Mailbox string // mailbox of the procedure that the button opens
}

// WhichMailbox is the page that asks whether to leave the procedure of a mailbox
// for that of another one.
type WhichMailbox struct {
	Former string // mailbox of the current procedure
	Next   string // mailbox of the new session
	// Session is the short ID of the session of Next: the answer applies to it only.
	Session string
}

// SessionEnded is the page that explains why a session ended and how to continue.
type SessionEnded struct {
	Why     string // "idle", "old", "left", "replaced", "used_twice", "client_disabled", "operator"; empty if unknown
	Webmail bool   // the visitor came from the webmail
	Invited bool   // the visitor was invited
	Kept    bool   // the input of this request was stored as a draft
}

// Guide is the public guide of the procedure.
type Guide struct {
	URL    string // of the guide, for another device
	Resume bool   // the browser has a session cookie: link to the procedure
}

// Fault is the page of an internal error or of a refused request.
type Fault struct {
	Kind      string // "not_found", "forbidden", "too_large", "method", "logout", "too_many", "unavailable", "internal"
	Reference string // the request's ID
	Until     string // too_many: the time from which the user may try again
}

// Mail is the data of a mail. Most fields belong to certain kinds of mail, which
// the comments name.
type Mail struct {
	Locale    string
	Mailbox   string
	Number    int64 // of the case
	At        time.Time
	Code      string    // code
	Link      string    // invitation
	Guide     string    // invitation: URL of the guide
	Expires   time.Time // invitation
	Person    string    // qualified_pec: name of the identified person
	Provider  string    // qualified_pec: name of the identity provider
	Level     string    // qualified, qualified_pec
	Holder    string    // qualified_pec: name of the holder on record
	Notice    *Document // qualified, qualified_pec: the acknowledged notice, which is attached
	Reason    string    // rejected: as in Rejected; revoked: empty
	Remark    string    // rejected after a review, revoked: text that the operator wrote
	NewMasked string    // contacts_changed: the new address, masked
	Invited   bool      // rejected, revoked: the recipient was invited, and may have no webmail
}
