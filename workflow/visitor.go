package workflow

import (
	"net/netip"
	"time"

	"github.com/google/uuid"
)

// Visitor is who stands before the page: a user of the mailbox, handed over by
// the webmail, or an invited holder. A browser session keeps it.
type Visitor struct {
	Mailbox    int64     `json:"mailbox"`
	Client     string    `json:"client,omitempty"`     // the webmail's name
	User       string    `json:"user,omitempty"`       // the webmail's own reference
	Invitation uuid.UUID `json:"invitation,omitempty"` // the invited holder's; zero for a webmail's user
	Locale     string    `json:"locale,omitempty"`     // of the pages; in a session, the one it began with
	ReturnURL  string    `json:"return_url,omitempty"` // back to the webmail

	// Of the request in hand, not of the session.
	Session []byte     `json:"-"` // digest of the session's id
	Address netip.Addr `json:"-"`
	Request string     `json:"-"`
}

// Invited reports whether the visitor came in by an invitation.
func (v Visitor) Invited() bool { return v.Invitation != uuid.Nil }

func (v Visitor) actor() Actor {
	a := Actor{Kind: ByWebmail, Client: v.Client, Name: v.User, Address: v.Address, Request: v.Request}
	if v.Invited() {
		a.Kind = ByHolder
		a.Name = v.Invitation.String()
	}
	return a
}

// LoginLife is for how long a login counts, in the browser session that made it.
const LoginLife = 30 * time.Minute

// Owns reports whether the visitor may take the qualification further: a
// webmail's user until somebody invited accepts, and then that holder alone.
func (c *Case) Owns(v Visitor) bool {
	q := c.Qualification
	if q == nil {
		return false
	}
	if !v.Invited() {
		return q.Owner == OwnedByWebmail
	}
	return q.Owner == OwnedByInvited && q.Invitation != nil && q.Invitation.ID == v.Invitation
}

// Knows reports whether the visitor may see anything of the case: a webmail's
// user always, an invited holder while the invitation is theirs.
func (c *Case) Knows(v Visitor) bool {
	return c.Qualification != nil && (!v.Invited() || c.Owns(v))
}

// Stage is the state as the visitor is to see it. A delegate sees of somebody
// else's procedure only that the invitation is out; and a login counts only in
// the session that made it, so that any other is back at identification.
func (c *Case) Stage(v Visitor) State {
	q := c.Qualification
	if q.State.Settled() {
		return q.State
	}
	if !c.Owns(v) {
		return Invited
	}
	if c.loginNeeded() && !c.loggedIn(v) {
		return Identification
	}
	return q.State
}

// Lapsed reports whether the visitor is at identification again because a
// login was made elsewhere, or too long ago, or with a provider that is not
// believed.
func (c *Case) Lapsed(v Visitor) bool {
	return c.Owns(v) && c.loginNeeded() && !c.loggedIn(v)
}

// lapse takes a login that does not count any more back to identification,
// and ends the code that hung on it.
func (c *Case) lapse(refs Refs) error {
	if refs == nil {
		refs = c.standingRefs()
	}
	if l := c.Qualification.Login; l != nil {
		refs["login"] = l.ID
		if c.ProviderSuspended() {
			refs["suspended"] = l.Provider
		}
	}
	if err := c.fire(IdentityLapsed, refs); err != nil {
		return err
	}
	c.spendCodes()
	return nil
}

// loginNeeded tells the states that hang on a login.
func (c *Case) loginNeeded() bool {
	switch c.Qualification.State {
	case AtProvider, Identified, Contract, CodeEntry:
		return true
	}
	return false
}

// loggedIn reports whether the newest login was made in the visitor's session,
// is young enough, and with a provider that is believed.
func (c *Case) loggedIn(v Visitor) bool {
	return c.ownsLogin(v) && !c.ProviderSuspended()
}

// ownsLogin is loggedIn whatever the provider.
func (c *Case) ownsLogin(v Visitor) bool {
	return c.Now.Before(c.loginEnd(v))
}

// loginEnd is when the login that was made in the visitor's session expires; zero if
// there is none. Its age is counted from its start while it is in progress, and
// from its end after that.
func (c *Case) loginEnd(v Visitor) time.Time {
	q := c.Qualification
	switch {
	case q.Login == nil || len(v.Session) == 0 || string(q.Login.Session) != string(v.Session):
		return time.Time{}
	case q.State == AtProvider:
		return q.Login.StartedAt.Add(LoginLife)
	case q.Identity == nil:
		return time.Time{}
	}
	return q.Identity.IdentifiedAt.Add(LoginLife)
}

// IdentifiedUntil is when the identification of the visitor in this session expires;
// zero if they are not identified, or if no step depends on it any more.
func (c *Case) IdentifiedUntil(v Visitor) time.Time {
	switch c.Stage(v) {
	case Identified, Contract, CodeEntry:
		return c.loginEnd(v)
	}
	return time.Time{}
}
