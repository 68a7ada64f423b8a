package qualification

import (
	"context"
	"errors"
	"time"

	"stella/workflow"
	"stella/workflow/contact"
)

// Register is the part of Store for mailboxes and their records.
type Register interface {
	// MailboxByAddress returns a mailbox, also a deleted one, or ErrUnknown.
	MailboxByAddress(ctx context.Context, address string) (int64, error)
	// AddMailbox makes the mailbox of an address with this record, if there is none.
	AddMailbox(ctx context.Context, address string, r workflow.Record) (mailbox int64, made bool, err error)
	// ImportMailboxes makes mailboxes and changes those without a star, in one
	// transaction. It returns the result for each registration, in order; "" means that
	// the mailbox must be changed by a step. If trial is true, it returns the same and
	// writes nothing. The addresses must be distinct.
	ImportMailboxes(ctx context.Context, all []workflow.Registration, trial bool) ([]ImportResult, error)
	// IsCertified reports whether the domain belongs to a mailbox, also a deleted one,
	// or to a client.
	IsCertified(ctx context.Context, domain string) (bool, error)
}

// ImportResult is the result of recording a mailbox.
type ImportResult string

// The results of recording a mailbox.
const (
	ImportMade      ImportResult = "made"
	ImportChanged   ImportResult = "changed"
	ImportUnchanged ImportResult = "unchanged"
	ImportRevoked   ImportResult = "revoked" // changed, and the star was revoked
)

// SetRecord stores the provider's record of a mailbox. If the record no longer names the
// person who was identified, the same step revokes the star.
func (s *Cases) SetRecord(ctx context.Context, operator, address string, status workflow.Status, r workflow.Record) (ImportResult, error) {
	r.Status = status
	what, _, err := s.putMailbox(ctx, workflow.Operator(operator), address, func(*workflow.Mailbox) (workflow.Record, error) { return r, nil })
	return what, err
}

// mailbox returns the mailbox of an address, also a deleted one.
func (s *Cases) mailbox(ctx context.Context, address string) (int64, error) {
	address, _ = contact.ParseMailbox(address) // "" on error, which matches no mailbox
	return s.Store.MailboxByAddress(ctx, address)
}

// putMailbox makes a mailbox or changes its record. want returns the new record, given the
// current mailbox, or nil if there is none.
func (s *Cases) putMailbox(
	ctx context.Context, by workflow.Actor, address string, want func(*workflow.Mailbox) (workflow.Record, error),
) (ImportResult, *workflow.Mailbox, error) {
	wanted := func(current *workflow.Mailbox) (workflow.Registration, error) {
		r, err := want(current)
		if err != nil {
			return workflow.Registration{}, err
		}
		checked, err := workflow.Registration{Address: address, Record: r}.Check()
		valid := checked.Registration()
		valid.Record.Stamp(by.Name, s.Now())
		return valid, err
	}
	made, r := false, workflow.Registration{}
	id, err := s.mailbox(ctx, address)
	if errors.Is(err, workflow.ErrUnknown) {
		if r, err = wanted(nil); err == nil {
			id, made, err = s.Store.AddMailbox(ctx, r.Address, r.Record)
		}
	}
	if err != nil {
		return "", nil, err
	}
	if made {
		return ImportMade, &workflow.Mailbox{ID: id, Address: r.Address, Status: r.Record.Status, Record: r.Record}, nil
	}
	var done ImportResult
	var mailbox workflow.Mailbox
	err = s.update(ctx, id, by, func(c *Case) error {
		current := &c.Mailbox
		if current.Deleted() {
			current = nil
		}
		r, err := wanted(current)
		if err != nil {
			return err
		}
		done, err = c.replaceRecord(r.Record)
		mailbox = c.Mailbox
		return err
	})
	if err != nil {
		return "", nil, err
	}
	return done, &mailbox, nil
}

// replaceRecord replaces the record in force. The star stays if the new record still names the
// person and the company that it was given to.
func (c *Case) replaceRecord(r workflow.Record) (ImportResult, error) {
	m, was := &c.Mailbox, c.Mailbox
	if !was.Deleted() && was.Record.Same(r) {
		return ImportUnchanged, nil
	}
	m.Record, m.Status, m.DeletedAt = r, r.Status, time.Time{}
	c.add(r)
	switch {
	case was.Deleted():
		return ImportMade, nil
	case was.Star == nil || c.Qualification.State != Qualified || c.stillNamesHolder(was.Record):
		return ImportChanged, nil
	}
	return ImportRevoked, c.revoke(c.recordRef(), "")
}

// Delete deletes a mailbox: clients no longer see it, its star is revoked, and an
// unfinished qualification expires. The rows are kept. A later record restores the
// mailbox without a star. Delete returns ErrUnknown if there is no such mailbox.
func (s *Cases) Delete(ctx context.Context, operator, address string) error {
	return s.delete(ctx, workflow.Operator(operator), address, nil)
}

func (s *Cases) delete(ctx context.Context, by workflow.Actor, address string, check func(*workflow.Mailbox) error) error {
	id, err := s.mailbox(ctx, address)
	if err != nil {
		return err
	}
	return s.update(ctx, id, by, func(c *Case) error {
		m, q := &c.Mailbox, c.Qualification
		if m.Deleted() {
			return workflow.ErrUnknown
		}
		if check != nil {
			if err := check(m); err != nil {
				return err
			}
		}
		m.Status, m.Record.Status, m.DeletedAt = workflow.Cancelled, workflow.Cancelled, c.Now
		m.Record.Stamp(by.Name, c.Now)
		c.add(m.Record)
		switch {
		case q == nil:
			return nil
		case q.State == Qualified:
			return c.revoke(c.recordRef(), "")
		}
		// The address may get another holder, who must not see what this one entered. A
		// review is left to an operator, who cannot approve it.
		if _, err := next(q.State, TimedOut); err != nil {
			return nil
		}
		return c.expire()
	})
}

// stillNamesHolder reports whether the record in force still names the person, and the
// company, that the star was given to. before is the previous record.
func (c *Case) stillNamesHolder(before workflow.Record) bool {
	q := c.Qualification
	return q.Identity != nil && q.Declaration != nil &&
		c.Mailbox.Record.StillNames(before, q.Declaration.Kind, q.Declaration.CompanyCode, q.Identity.FiscalNumber)
}
