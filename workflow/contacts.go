package workflow

import (
	"context"
	"strings"
	"time"
)

// EnterContacts takes the address the code will go to, and a telephone number.
func (p *Procedure) EnterContacts(ctx context.Context, v Visitor, f Form, email, phone string) error {
	return p.contacts(ctx, v, f, ContactsEntered, email, phone)
}

// CorrectContacts changes the contacts from the summary.
func (p *Procedure) CorrectContacts(ctx context.Context, v Visitor, f Form, email, phone string) error {
	return p.contacts(ctx, v, f, DataCorrected, email, phone)
}

// RedirectCode changes the contacts after the login: where the identified
// person is shown, or at the code, which then goes to the new address.
func (p *Procedure) RedirectCode(ctx context.Context, v Visitor, f Form, email, phone string) error {
	if err := p.admit(ctx, codesPerNetwork, v.Address); err != nil {
		return err
	}
	return p.contacts(ctx, v, f, ContactsCorrected, email, phone)
}

func (p *Procedure) contacts(ctx context.Context, v Visitor, f Form, e Event, email, phone string) error {
	typed, err := p.ordinary(ctx, email)
	if err != nil {
		return err
	}
	address := typed.address
	number, badPhone := parsePhone(phone)
	return p.step(ctx, v, func(c *Case) error {
		d := c.Qualification.Declaration
		same := d != nil && d.Email == address && d.Phone == number
		if err := c.guard(v, f, same, e); err != nil {
			return err
		}
		if err := faults(typed.of(c.Mailbox), badPhone); err != nil {
			return err
		}
		redirects := e == ContactsCorrected && address != c.Qualification.Declaration.Email
		if redirects {
			if err := c.limitContacts("email", address); err != nil {
				return err
			}
		}
		err := c.declare(e, func(d *Declaration) { d.Email, d.Phone = address, number })
		if err != nil || !redirects {
			return err
		}
		c.tellContacts(address)
		if c.Qualification.State == CodeEntry {
			return c.redirectCode(p)
		}
		return nil
	})
}

// ConfirmData saves what is on the summary. From then on the code goes to the
// address that stands there.
func (p *Procedure) ConfirmData(ctx context.Context, v Visitor, f Form) error {
	return p.step(ctx, v, func(c *Case) error {
		same := c.Qualification.State != Summary // otherwise it is another summary
		if err := c.guard(v, f, same, DataConfirmed); err != nil {
			return err
		}
		address := c.Qualification.Declaration.Email
		if err := c.limitContacts("", address); err != nil {
			return err
		}
		if err := c.fire(DataConfirmed, c.standingRefs()); err != nil {
			return err
		}
		c.tellContacts(address)
		return nil
	})
}

// tellContacts writes to the address on record and to the certified mailbox that
// the code goes elsewhere, in the step that saves the new address.
func (c *Case) tellContacts(address string) {
	if !c.mustTell(address) {
		return
	}
	details := MailDetails{NewMasked: MaskEmail(address)}
	if recorded := c.Mailbox.OrdinaryAddress(); recorded != "" && recorded != c.Mailbox.Address {
		c.mail(MailContactsChanged, recorded, details)
	}
	c.mail(MailContactsChanged, c.Mailbox.Address, details)
}

// mustTell reports whether an address is neither the one on record nor the one
// that was saved last, of which they know.
func (c *Case) mustTell(address string) bool {
	return address != c.SavedEmail && !strings.EqualFold(address, c.Mailbox.OrdinaryAddress())
}

// contactChangesPerDay bounds the mails that changes of the contacts make us
// write. One more change is refused, since each must be made known.
const contactChangesPerDay = 5

// limitContacts refuses an address that would be one change too many. The one on
// record is taken at any time: that is a way out, unless it is a certified one.
func (c *Case) limitContacts(field, address string) error {
	until := nextOf(c.ToldContacts, contactChangesPerDay, c.Now)
	if !until.After(c.Now) || !c.mustTell(address) {
		return nil
	}
	return &InputError{Faults: []Fault{{Field: field, Code: "contacts_limit", Until: until, Recorded: c.recordedEmail() != ""}}}
}

// nextOf is from when on there are fewer than so many in a day again; the times
// are newest first.
func nextOf(times []time.Time, perDay int, now time.Time) time.Time {
	if len(times) < perDay {
		return now
	}
	return times[perDay-1].Add(24 * time.Hour)
}

// SuggestedEmail is what the contact field is filled with beforehand: what was
// entered before, or the invitation's address, or the one on record if it is an
// ordinary one.
func (c *Case) SuggestedEmail(v Visitor) string {
	q := c.Qualification
	switch {
	case q.Declaration != nil && q.Declaration.Email != "":
		return q.Declaration.Email
	case v.Invited():
		return q.Invitation.Email
	}
	return c.recordedEmail()
}

// recordedEmail is the ordinary address on record; empty for a certified one,
// which would be refused.
func (c *Case) recordedEmail() string {
	recorded := c.Mailbox.OrdinaryAddress()
	if _, domain, _ := strings.Cut(recorded, "@"); c.RecordedCertified || certified(domain) {
		return ""
	}
	return recorded
}

// contact is where the holder is written to: an address that was entered counts
// from when it was saved.
func (c *Case) contact() string {
	q := c.Qualification
	switch {
	case q.Declaration != nil && q.Declaration.Email != "" && q.Declaration.Email == c.SavedEmail:
		return q.Declaration.Email
	case q.Owner == OwnedByInvited && q.Invitation != nil:
		return q.Invitation.Email
	}
	return c.Mailbox.OrdinaryAddress()
}
