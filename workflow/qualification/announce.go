package qualification

import "stella/workflow"

// announced maps each state that is announced to its kind. The other states are steps
// of the holder, which clients do not need to know.
var announced = map[State]workflow.AnnouncementKind{
	Invited:     workflow.AnnounceInvited,
	UnderReview: workflow.AnnounceUnderReview,
	Qualified:   workflow.AnnounceCompleted,
	Rejected:    workflow.AnnounceRejected,
	Revoked:     workflow.AnnounceRevoked,
	Expired:     workflow.AnnounceExpired,
}

// announce adds an announcement of the newest step.
func (c *Case) announce(k workflow.AnnouncementKind) {
	q := c.Qualification
	c.add(workflow.Announcement{ID: workflow.NewID(), Kind: k, Mailbox: c.Mailbox.ID, Subject: q.ID, Version: q.Version,
		Active: c.Mailbox.Status == workflow.Active, At: c.Now})
}

// announceStateChange announces the new state of the case if it differs from the
// previous one and is one of the announced states.
func (c *Case) announceStateChange(from State) {
	to := c.Qualification.State
	if k, ok := announced[to]; ok && from != to {
		c.announce(k)
	}
}
