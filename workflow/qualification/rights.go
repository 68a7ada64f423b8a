package qualification

import "stella/workflow"

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
