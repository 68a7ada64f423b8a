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

// contactAddress returns the address for mails to the holder. An address that was entered
// counts once it is saved.
func (c *Case) contactAddress() string {
	q := c.Qualification
	switch {
	case q.Declaration != nil && q.Declaration.Email != "" && q.Declaration.Email == c.SavedEmail:
		return q.Declaration.Email
	case q.Owner == OwnedByInvited && q.Invitation != nil:
		return q.Invitation.Email
	}
	return c.Mailbox.OrdinaryAddress()
}

// setLocale records the language in which the visitor sees the pages. It is stored with
// the visitor's step.
func (q *Qualification) setLocale(v workflow.Visitor) {
	switch {
	case v.Locale == "":
	case v.Invited():
		q.InvitedLocale = v.Locale
	default:
		q.Locale = v.Locale
	}
}

// localeOf returns the language of a mail to an address. Mails to the contact address
// are for the invited holder, if there is one; all others are for the users of the
// mailbox.
func (c *Case) localeOf(to string) string {
	if c.toInvited(to) && c.Qualification.InvitedLocale != "" {
		return c.Qualification.InvitedLocale
	}
	return c.Qualification.Locale
}

// toInvited reports whether a mail to an address is for an invited holder, who may not
// use the webmail.
func (c *Case) toInvited(to string) bool {
	return c.Qualification.Owner == OwnedByInvited && to == c.contactAddress()
}

// LocaleOf returns the language in which the case was last shown to the visitor, or ""
// if it was not shown yet.
func (c *Case) LocaleOf(v workflow.Visitor) string {
	if v.Invited() {
		return c.Qualification.InvitedLocale
	}
	return c.Qualification.Locale
}
