package workflow

import "github.com/google/uuid"

// mail requests a mail, if there is an address.
func (c *Case) mail(k MailKind, to string, d MailDetails) {
	if to != "" {
		c.add(c.newMail(k, to, d))
	}
}

func (c *Case) newMail(k MailKind, to string, d MailDetails) Mail {
	return Mail{ID: newID(), Qualification: c.Qualification.ID, Kind: k, Queue: queueOf(k, to, c.Mailbox.Address), To: to,
		Locale: c.localeOf(to), Details: d, RequestedAt: c.Now}
}

func (c *Case) mailCode(code Code) {
	m := c.newMail(MailCode, c.Qualification.Declaration.Email, MailDetails{})
	m.Code = uuid.NullUUID{UUID: code.ID, Valid: true}
	c.add(m)
}

func (c *Case) mailInvitation(i Invitation) {
	m := c.newMail(MailInvitation, i.Email, MailDetails{})
	m.Invitation = uuid.NullUUID{UUID: i.ID, Valid: true}
	c.add(m)
}
