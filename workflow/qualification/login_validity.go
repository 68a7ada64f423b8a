package qualification

import (
	"time"

	"stella/workflow"
)

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
