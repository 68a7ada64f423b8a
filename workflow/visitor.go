package workflow

import (
	"net/netip"
	"time"

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

func (v Visitor) actor() Actor {
	a := Actor{Kind: ByWebmail, Client: v.Client, Name: v.User, Address: v.Address, Request: v.Request}
	if v.Invited() {
		a.Kind = ByHolder
		a.Name = v.Invitation.String()
	}
	return a
}

// LoginLife is how long a login is valid, in the browser session that made it.
const LoginLife = 30 * time.Minute

// CanAct reports whether the visitor may continue the qualification. That is a webmail's
// user until an invited holder accepts, and then only that holder.
func (c *Case) CanAct(v Visitor) bool {
	q := c.Qualification
	if q == nil {
		return false
	}
	if !v.Invited() {
		return q.Owner == OwnedByWebmail
	}
	return q.Owner == OwnedByInvited && q.Invitation != nil && q.Invitation.ID == v.Invitation
}

// CanView reports whether the visitor may see the case. A webmail's user always may; an
// invited holder may while the invitation is valid.
func (c *Case) CanView(v Visitor) bool {
	return c.Qualification != nil && (!v.Invited() || c.CanAct(v))
}

// Stage returns the state that the visitor sees. If an invited holder owns the
// procedure, the delegate sees only that the invitation was sent. A login is valid only
// in the session that made it; any other session sees the identification page.
func (c *Case) Stage(v Visitor) State {
	q := c.Qualification
	if q.State.Settled() {
		return q.State
	}
	if !c.CanAct(v) {
		return Invited
	}
	if c.loginNeeded() && !c.loggedIn(v) {
		return Identification
	}
	return q.State
}

// LoginExpired reports whether the visitor has to log in again, because the login was made in
// another session, is too old, or is from a suspended provider.
func (c *Case) LoginExpired(v Visitor) bool {
	return c.CanAct(v) && c.loginNeeded() && !c.loggedIn(v)
}

// lapse moves the case from an expired login back to identification, and invalidates
// its code.
func (c *Case) lapse(refs Refs) error {
	if refs == nil {
		refs = c.currentRefs()
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

// loginNeeded reports whether the state depends on a login.
func (c *Case) loginNeeded() bool {
	switch c.Qualification.State {
	case AtProvider, Identified, Contract, CodeEntry:
		return true
	}
	return false
}

// loggedIn reports whether the newest login was made in the visitor's session, is
// recent enough, and is from a trusted provider.
func (c *Case) loggedIn(v Visitor) bool {
	return c.ownsLogin(v) && !c.ProviderSuspended()
}

// ownsLogin is loggedIn without the check of the provider.
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
