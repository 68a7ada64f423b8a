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
	if c.toInvited(to) && c.Qualification.InvitedLocale != "" {
		return c.Qualification.InvitedLocale
	}
	return c.Qualification.Locale
}

// toInvited reports whether a mail to an address is for an invited holder, who may
// have no webmail.
func (c *Case) toInvited(to string) bool {
	return c.Qualification.Owner == OwnedByInvited && to == c.contact()
}

// LocaleOf returns the language in which the case was last shown to a visitor, or an
// empty string if it was not shown yet.
func (c *Case) LocaleOf(v Visitor) string {
	if v.Invited() {
		return c.Qualification.InvitedLocale
	}
	return c.Qualification.Locale
}
