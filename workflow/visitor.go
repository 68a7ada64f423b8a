package workflow

import (
	"net/netip"

	"github.com/google/uuid"
)

// Visitor is the user of a page: a user of the mailbox, handed off by the webmail, or
// an invited holder. It is stored in the browser session.
type Visitor struct {
	Mailbox    int64     `json:"mailbox"`
	Client     string    `json:"client,omitempty"`     // the webmail's name
	User       string    `json:"user,omitempty"`       // the webmail's own reference to its user
	Invitation uuid.UUID `json:"invitation,omitempty"` // of the invited holder; uuid.Nil for a webmail's user
	Locale     string    `json:"locale,omitempty"`     // of the pages; in a stored session, the one it began with
	ReturnURL  string    `json:"return_url,omitempty"` // of the webmail

	// Data of the current request, which are not stored.
	Session []byte     `json:"-"` // digest of the session's secret
	Address netip.Addr `json:"-"`
	Request string     `json:"-"`
}

// Invited reports whether the visitor came by an invitation.
func (v Visitor) Invited() bool { return v.Invitation != uuid.Nil }

func (v Visitor) Actor() Actor {
	a := Actor{Kind: ByWebmail, Client: v.Client, Name: v.User, Address: v.Address, Request: v.Request}
	if v.Invited() {
		a.Kind = ByHolder
		a.Name = v.Invitation.String()
	}
	return a
}
