package workflow

// shown records the language in which a visitor sees the pages. It is kept with
// the step that the visitor makes.
func (q *Qualification) shown(v Visitor) {
	switch {
	case v.Locale == "":
	case v.Invited():
		q.InvitedLocale = v.Locale
	default:
		q.Locale = v.Locale
	}
}

// localeOf is the language of a mail to an address. An invited holder is written
// to at the contact address; the mailbox's users read all others.
func (c *Case) localeOf(to string) string {
	q := c.Qualification
	if q.Owner == OwnedByInvited && q.InvitedLocale != "" && to == c.contact() {
		return q.InvitedLocale
	}
	return q.Locale
}
