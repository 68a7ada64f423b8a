package qualification

import (
	"time"

	"stella/workflow"
)

// CanAct reports whether the visitor may continue the qualification. That is a webmail's
// user until an invited holder accepts, and then only that holder.
func (c *Case) CanAct(v workflow.Visitor) bool {
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
func (c *Case) CanView(v workflow.Visitor) bool {
	return c.Qualification != nil && (!v.Invited() || c.CanAct(v))
}

// Stage returns the state that the visitor sees. If an invited holder owns the
// procedure, the delegate sees only that the invitation was sent. A login is valid only
// in the session that made it; any other session sees the identification page.
func (c *Case) Stage(v workflow.Visitor) State {
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
func (c *Case) LoginExpired(v workflow.Visitor) bool {
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
func (c *Case) loggedIn(v workflow.Visitor) bool {
	return c.ownsLogin(v) && !c.ProviderSuspended()
}

// ownsLogin is loggedIn without the check of the provider.
func (c *Case) ownsLogin(v workflow.Visitor) bool {
	return c.Now.Before(c.loginEnd(v))
}

// loginEnd is when the login that was made in the visitor's session expires; zero if
// there is none. Its age is counted from its start while it is in progress, and
// from its end after that.
func (c *Case) loginEnd(v workflow.Visitor) time.Time {
	q := c.Qualification
	switch {
	case q.Login == nil || len(v.Session) == 0 || string(q.Login.Session) != string(v.Session):
		return time.Time{}
	case q.State == AtProvider:
		return q.Login.StartedAt.Add(workflow.LoginLife)
	case q.Identity == nil:
		return time.Time{}
	}
	return q.Identity.IdentifiedAt.Add(workflow.LoginLife)
}

// IdentifiedUntil is when the identification of the visitor in this session expires;
// zero if they are not identified, or if no step depends on it any more.
func (c *Case) IdentifiedUntil(v workflow.Visitor) time.Time {
	switch c.Stage(v) {
	case Identified, Contract, CodeEntry:
		return c.loginEnd(v)
	}
	return time.Time{}
}

// ProviderSuspended reports whether the identity of the case, or its login in progress,
// is from a provider that was suspended at that time. For a login in progress, the
// whole time since its start counts.
func (c *Case) ProviderSuspended() bool {
	switch q := c.Qualification; {
	case q.Identity != nil:
		return c.Suspensions.Cover(q.Identity.Provider, q.Identity.IdentifiedAt, q.Identity.IdentifiedAt)
	case q.Login != nil:
		return c.Suspensions.Cover(q.Login.Provider, q.Login.StartedAt, c.Now)
	}
	return false
}
