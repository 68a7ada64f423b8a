package qualification

import (
	"github.com/google/uuid"

	"stella/workflow"
)

// mail requests a mail, if there is an address.
func (c *Case) mail(k workflow.MailKind, to string, d workflow.MailDetails) {
	if to != "" {
		c.add(c.newMail(k, to, d))
	}
}

func (c *Case) newMail(k workflow.MailKind, to string, d workflow.MailDetails) workflow.Mail {
	return workflow.Mail{ID: workflow.NewID(), Qualification: c.Qualification.ID, Kind: k, Queue: workflow.QueueOf(k, to, c.Mailbox.Address), To: to,
		Locale: c.localeOf(to), Details: d, RequestedAt: c.Now}
}

func (c *Case) mailCode(code Code) {
	m := c.newMail(workflow.MailCode, c.Qualification.Declaration.Email, workflow.MailDetails{})
	m.Code = uuid.NullUUID{UUID: code.ID, Valid: true}
	c.add(m)
}

func (c *Case) mailInvitation(i Invitation) {
	m := c.newMail(workflow.MailInvitation, i.Email, workflow.MailDetails{})
	m.Invitation = uuid.NullUUID{UUID: i.ID, Valid: true}
	c.add(m)
}
