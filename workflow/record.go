package workflow

import (
	"context"
	"errors"
	"slices"
	"time"
)

// Recorded tells what became of a mailbox when its provider said something of it.
type Recorded string

// What can become of a mailbox.
const (
	RecordMade      Recorded = "made"
	RecordChanged   Recorded = "changed"
	RecordUnchanged Recorded = "unchanged"
	RecordRevoked   Recorded = "revoked" // changed, and the star with it
)

// Record takes what the provider says of a mailbox. Where the holder on record
// is no more the one who was identified, the star goes in the same step.
func (p *Procedure) Record(ctx context.Context, operator, address string, s Status, r Record) (Recorded, error) {
	r.Status = s
	what, _, err := p.record(ctx, Actor{Kind: ByOperator, Name: operator}, address, func(*Mailbox) (Record, error) { return r, nil })
	return what, err
}

// record makes or changes the record of a mailbox, as want says of the mailbox
// as it stands, nil for none.
func (p *Procedure) record(ctx context.Context, by Actor, address string, want func(*Mailbox) (Record, error)) (Recorded, *Mailbox, error) {
	wanted := func(current *Mailbox) (Registration, error) {
		r, err := want(current)
		if err != nil {
			return Registration{}, err
		}
		checked, err := Registration{Address: address, Record: r}.Check()
		checked.r.Record.imported(by, p.Now())
		return checked.r, err
	}
	made, r := false, Registration{}
	id, err := p.mailbox(ctx, address)
	if errors.Is(err, ErrUnknown) {
		if r, err = wanted(nil); err == nil {
			id, made, err = p.Store.RecordMailbox(ctx, r.Address, r.Record)
		}
	}
	if err != nil {
		return "", nil, err
	}
	if made {
		return RecordMade, &Mailbox{ID: id, Address: r.Address, Status: r.Record.Status, Record: r.Record}, nil
	}
	var done Recorded
	var mailbox Mailbox
	err = p.update(ctx, id, by, func(c *Case) error {
		current := &c.Mailbox
		if current.Deleted() {
			current = nil
		}
		r, err := wanted(current)
		if err != nil {
			return err
		}
		done, err = c.record(r.Record)
		mailbox = c.Mailbox
		return err
	})
	if err != nil {
		return "", nil, err
	}
	return done, &mailbox, nil
}

// record puts another record in force. The star stays while the record names
// the person and the company that it was given to.
func (c *Case) record(r Record) (Recorded, error) {
	m, was := &c.Mailbox, c.Mailbox
	if !was.Deleted() && was.Record.Same(r) {
		return RecordUnchanged, nil
	}
	m.Record, m.Status, m.DeletedAt = r, r.Status, time.Time{}
	c.add(r)
	switch {
	case was.Deleted():
		return RecordMade, nil
	case was.Star == nil || c.Qualification.State != Qualified || c.stillHeld(was.Record):
		return RecordChanged, nil
	}
	return RecordRevoked, c.revoke(c.recordRef(), "")
}

// Delete ends a mailbox: it is unknown to every client, its star is revoked, and
// so is what was under way. All that was recorded of it is kept, and a new record
// brings it back, without star. ErrUnknown for one that is not there.
func (p *Procedure) Delete(ctx context.Context, operator, address string) error {
	return p.delete(ctx, Actor{Kind: ByOperator, Name: operator}, address, nil)
}

func (p *Procedure) delete(ctx context.Context, by Actor, address string, check func(*Mailbox) error) error {
	id, err := p.mailbox(ctx, address)
	if err != nil {
		return err
	}
	return p.update(ctx, id, by, func(c *Case) error {
		m, q := &c.Mailbox, c.Qualification
		if m.Deleted() {
			return ErrUnknown
		}
		if check != nil {
			if err := check(m); err != nil {
				return err
			}
		}
		m.Status, m.Record.Status, m.DeletedAt = Cancelled, Cancelled, c.Now
		m.Record.imported(by, c.Now)
		c.add(m.Record)
		switch {
		case q == nil:
			return nil
		case q.State == Qualified:
			return c.revoke(c.recordRef(), "")
		}
		// The address may come to another holder, who must not find what this one
		// entered. A review is left to an operator, who cannot approve it.
		if _, err := next(q.State, TimedOut); err != nil {
			return nil
		}
		return c.expire()
	})
}

// stillHeld reports whether the record in force still names those whom the star
// was given to, where another was in force before.
func (c *Case) stillHeld(before Record) bool {
	q, now := c.Qualification, c.Mailbox.Record
	if q.Identity == nil || q.Declaration == nil || now.kindDiffers(q.Declaration.Kind) {
		return false
	}
	return now.keepsPerson(before, q.Identity.FiscalNumber) &&
		(q.Declaration.Kind != KindCompany || now.keepsCompany(before, q.Declaration.CompanyCode))
}

// keepsPerson reports whether a record, after another, still names a person, or
// still does not say who the holder is. One who was named, be it with a code that
// differs by omocodia or is provisional, and is no more, is gone.
func (r Record) keepsPerson(before Record, fiscalNumber string) bool {
	named := r.holders()
	switch compare(fiscalNumber, named...) {
	case Matched:
		return true
	case Differs:
		return false
	}
	for _, h := range before.holders() {
		if compare(fiscalNumber, h) != Differs && !slices.Contains(named, h) {
			return false
		}
	}
	return true
}

// keepsCompany reports whether a record, after another, is of the same company:
// it has the fiscal code that it had, or the code that was declared, or it says
// no more than before that it knows none.
func (r Record) keepsCompany(before Record, declared string) bool {
	if r.FiscalCode == "" && r.VATNumber == "" {
		return before.FiscalCode == "" && before.VATNumber == ""
	}
	return r.FiscalCode != "" && r.FiscalCode == before.FiscalCode || !r.companyDiffers(declared)
}
