package workflow

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"stella/workflow/fiscal"
)

// Recorded tells what an import did to a mailbox.
type Recorded string

// What an import can do to a mailbox.
const (
	RecordMade      Recorded = "made"
	RecordChanged   Recorded = "changed"
	RecordUnchanged Recorded = "unchanged"
	RecordRevoked   Recorded = "revoked" // changed, and the star with it
)

// Record takes what the provider says of a mailbox. Where the holder on record
// is no more the one who was identified, the star goes in the same step.
func (p *Procedure) Record(ctx context.Context, operator, address string, s Status, r Record) (Recorded, error) {
	parsed, err := ParseAddress(strings.ToLower(address))
	if err != nil {
		return "", fmt.Errorf("%q: %w", address, err)
	}
	if err := checkRecord(s, &r); err != nil {
		return "", err
	}
	r.ID, r.Status, r.ImportedBy, r.ImportedAt = newID(), s, operator, p.Now()
	mailbox, made, err := p.Store.RecordMailbox(ctx, parsed, r)
	if err != nil || made {
		return RecordMade, err
	}
	done := RecordUnchanged
	err = p.update(ctx, mailbox, func(c *Case) error {
		c.Now, c.actor = p.Now(), Actor{Kind: ByOperator, Name: operator}
		if c.Mailbox.Record.Same(r) {
			return nil
		}
		c.Mailbox.Record, c.Mailbox.Status, done = r, s, RecordChanged
		c.add(r)
		if c.Mailbox.Star == nil || c.Qualification.State != Qualified || c.judge() != Differs {
			return nil
		}
		done = RecordRevoked
		return c.revoke(c.recordRef(), "")
	})
	return done, err
}

// checkRecord refuses what could never match, and writes codes as they are compared.
func checkRecord(s Status, r *Record) error {
	switch s {
	case Active, MailboxExpired, Cancelled, MailboxRevoked:
	default:
		return fmt.Errorf("status %q: want active, expired, cancelled or revoked", s)
	}
	if r.Email != "" {
		email, err := ParseAddress(r.Email)
		if err != nil {
			return fmt.Errorf("email %q: %w", r.Email, err)
		}
		r.Email = email
	}
	var err error
	switch r.Kind {
	case KindUnknown:
		if r.FiscalCode != "" || r.VATNumber != "" || len(r.Representatives) > 0 {
			err = errors.New("a fiscal code or representatives, but no kind")
		}
	case KindPerson:
		if r.VATNumber != "" || len(r.Representatives) > 0 {
			err = errors.New("a person with a company's data")
		} else if r.FiscalCode != "" {
			r.FiscalCode, err = personCode(r.FiscalCode)
		}
	case KindCompany:
		err = checkCompany(r)
	default:
		err = fmt.Errorf("kind %q: want person, company or nothing", r.Kind)
	}
	return err
}

func checkCompany(r *Record) error {
	var err error
	if r.FiscalCode != "" {
		code, err := fiscal.ParseCompany(r.FiscalCode)
		if err != nil {
			return fmt.Errorf("the company's fiscal code: %w", err)
		}
		r.FiscalCode = string(code)
	}
	if r.VATNumber != "" {
		vat, err := fiscal.ParseCompany(r.VATNumber)
		if err != nil {
			return fmt.Errorf("the VAT number: %w", err)
		}
		if _, person := vat.Person(); person {
			return errors.New("the VAT number: that is a person's fiscal code")
		}
		r.VATNumber = string(vat)
	}
	for i, p := range r.Representatives {
		if r.Representatives[i].FiscalCode, err = personCode(p.FiscalCode); err != nil {
			return fmt.Errorf("representative %d: %w", i+1, err)
		}
	}
	return nil
}

func personCode(s string) (string, error) {
	code, err := fiscal.ParsePerson(s)
	return string(code), err
}
