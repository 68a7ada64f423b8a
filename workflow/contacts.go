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
	return p.step(ctx, v, f, e, func(c *Case) error {
		address, badEmail := c.Mailbox.ordinaryAddress(email)
		number, badPhone := parsePhone(phone)
		if err := faults(badEmail, badPhone); err != nil {
			return err
		}
		var before string
		if d := c.Qualification.Declaration; d != nil {
			before = d.Email
		}
		if until := nextOf(c.ToldContacts, contactChangesPerDay, c.Now); c.mustTell(before, address) && until.After(c.Now) {
			return wrongUntil("email", "contacts_limit", until)
		}
		err := c.declare(e, func(d *Declaration) { d.Email, d.Phone = address, number })
		if err != nil {
			return err
		}
		c.tellContacts(before, address)
		if c.Qualification.State == CodeEntry && address != before {
			return c.replaceCode(p)
		}
		return nil
	})
}

// tellContacts tells the address on record and the certified mailbox that the
// code goes elsewhere, in the step that made it so.
func (c *Case) tellContacts(before, now string) {
	if !c.mustTell(before, now) {
		return
	}
	details := MailDetails{NewMasked: MaskEmail(now)}
	if recorded := c.Mailbox.OrdinaryAddress(); recorded != "" {
		c.mail(MailContactsChanged, recorded, details)
	}
	c.mail(MailContactsChanged, c.Mailbox.Address, details)
}

// contactChangesPerDay bounds the mails that changes of the contacts make us
// write. One more change is refused, since none may go untold.
const contactChangesPerDay = 5

func (c *Case) mustTell(before, now string) bool {
	return now != before && !strings.EqualFold(now, c.Mailbox.OrdinaryAddress())
}

// nextOf is from when on there are fewer than so many in a day again; the times
// are newest first.
func nextOf(times []time.Time, perDay int, now time.Time) time.Time {
	if len(times) < perDay {
		return now
	}
	return times[perDay-1].Add(24 * time.Hour)
}

// ConfirmData: the summary is right.
func (p *Procedure) ConfirmData(ctx context.Context, v Visitor, f Form) error {
	return p.act(ctx, v, f, DataConfirmed)
}

// SuggestedEmail is what the contact field is filled with beforehand: what was
// entered before, or the invitation's address, or the one on record.
func (c *Case) SuggestedEmail(v Visitor) string {
	q := c.Qualification
	switch {
	case q.Declaration != nil && q.Declaration.Email != "":
		return q.Declaration.Email
	case v.invited():
		return q.Invitation.Email
	}
	return c.Mailbox.OrdinaryAddress()
}

// contact is where the holder is written to.
func (c *Case) contact() string {
	q := c.Qualification
	switch {
	case q.Declaration != nil && q.Declaration.Email != "":
		return q.Declaration.Email
	case q.Owner == OwnedByInvited && q.Invitation != nil:
		return q.Invitation.Email
	}
	return c.Mailbox.OrdinaryAddress()
}
