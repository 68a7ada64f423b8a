package qualification

import (
	"context"
	"strings"

	"stella/workflow"
	"stella/workflow/contact"
)

// EnterContacts stores the address that the code is sent to, and a phone number.
func (p *Procedure) EnterContacts(ctx context.Context, v workflow.Visitor, f Form, email, phone string) error {
	return p.saveContacts(ctx, v, f, ContactsEntered, email, phone)
}

// CorrectContacts changes the contacts from the summary page.
func (p *Procedure) CorrectContacts(ctx context.Context, v workflow.Visitor, f Form, email, phone string) error {
	return p.saveContacts(ctx, v, f, DataCorrected, email, phone)
}

// RedirectCode changes the contacts after the login, on the page of the identified
// person or on the page of the code. On the latter a new code is sent to the new
// address.
func (p *Procedure) RedirectCode(ctx context.Context, v workflow.Visitor, f Form, email, phone string) error {
	return p.saveContacts(ctx, v, f, ContactsCorrected, email, phone)
}

func (p *Procedure) saveContacts(ctx context.Context, v workflow.Visitor, f Form, e Event, email, phone string) error {
	typed, err := p.parseOrdinary(ctx, email)
	if err != nil {
		return err
	}
	address := typed.address
	number, badPhone := parsePhone(phone)
	return p.step(ctx, v, func(v workflow.Visitor, c *Case) error {
		d := c.Qualification.Declaration
		same := d != nil && d.Email == address && d.Phone == number
		if err := c.guard(v, f, same, e); err != nil {
			return err
		}
		if err := workflow.JoinFaults(typed.validFor(c.Mailbox), badPhone); err != nil {
			return err
		}
		redirects := e == ContactsCorrected && address != c.Qualification.Declaration.Email
		if redirects {
			c.spend(p.limiter(), codesPerNetwork, v)
			if err := c.limitContacts("email", address); err != nil {
				return err
			}
		}
		err := c.declare(e, func(d *Declaration) { d.Email, d.Phone = address, number })
		if err != nil || !redirects {
			return err
		}
		c.notifyContactsChanged(address)
		if c.Qualification.State == CodeEntry {
			return c.redirectCode(p)
		}
		return nil
	})
}

// ConfirmData saves the data of the summary. After that, codes are sent to the saved
// address.
func (p *Procedure) ConfirmData(ctx context.Context, v workflow.Visitor, f Form) error {
	return p.step(ctx, v, func(v workflow.Visitor, c *Case) error {
		same := c.Qualification.State != Summary // otherwise it is another summary
		if err := c.guard(v, f, same, DataConfirmed); err != nil {
			return err
		}
		address := c.Qualification.Declaration.Email
		if err := c.limitContacts("", address); err != nil {
			return err
		}
		if err := c.fire(DataConfirmed, c.currentRefs()); err != nil {
			return err
		}
		c.notifyContactsChanged(address)
		return nil
	})
}

// notifyContactsChanged sends a mail to the address on record and to the certified
// mailbox if codes are sent to another address. It runs in the step that saves the
// address.
func (c *Case) notifyContactsChanged(address string) {
	if !c.mustNotify(address) {
		return
	}
	details := workflow.MailDetails{NewMasked: contact.MaskAddress(address)}
	if recorded := c.Mailbox.OrdinaryAddress(); recorded != "" && recorded != c.Mailbox.Address {
		c.mail(workflow.MailContactsChanged, recorded, details)
	}
	c.mail(workflow.MailContactsChanged, c.Mailbox.Address, details)
}

// mustNotify reports whether an address is neither the one on record nor the one that
// was saved last, about which they were notified.
func (c *Case) mustNotify(address string) bool {
	return address != c.SavedEmail && !strings.EqualFold(address, c.Mailbox.OrdinaryAddress())
}

// contactChangesPerDay bounds the mails that changes of the contacts cause. A further
// change is refused, because each one must be notified.
const contactChangesPerDay = 5

// limitContacts returns an InputError if an address exceeds contactChangesPerDay. The
// address on record is always accepted, unless it is certified, so that the user is not
// blocked.
func (c *Case) limitContacts(field, address string) error {
	until := nextAllowed(c.ContactMails, contactChangesPerDay, c.Now)
	if !until.After(c.Now) || !c.mustNotify(address) {
		return nil
	}
	return &workflow.InputError{Faults: []workflow.Fault{{Field: field, Code: "contacts_limit", Until: until, Recorded: c.recordedEmail() != ""}}}
}

// SuggestedEmail returns the initial value of the e-mail field: the address entered
// before, or the address of the invitation, or the one on record if it is an ordinary
// address.
func (c *Case) SuggestedEmail(v workflow.Visitor) string {
	q := c.Qualification
	switch {
	case q.Declaration != nil && q.Declaration.Email != "":
		return q.Declaration.Email
	case v.Invited():
		return q.Invitation.Email
	}
	return c.recordedEmail()
}

// recordedEmail returns the ordinary address on record, or "" if it is certified, since
// a certified address would be refused.
func (c *Case) recordedEmail() string {
	recorded := c.Mailbox.OrdinaryAddress()
	if _, domain, _ := strings.Cut(recorded, "@"); c.RecordedCertified || contact.IsCertified(domain) {
		return ""
	}
	return recorded
}
