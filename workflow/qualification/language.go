package qualification

import "stella/workflow"

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
