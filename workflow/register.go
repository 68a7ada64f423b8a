package workflow

import (
	"context"
	"slices"
)

// Register is the part of Store for mailboxes and their records.
type Register interface {
	// MailboxByAddress returns a mailbox, also a deleted one, or ErrUnknown.
	MailboxByAddress(ctx context.Context, address string) (int64, error)
	// RecordMailbox makes the mailbox of an address with this record, if there is none.
	RecordMailbox(ctx context.Context, address string, r Record) (mailbox int64, made bool, err error)
	// RecordMailboxes makes mailboxes and changes those without a star, in one
	// transaction. It returns the result for each registration, in order; "" means that
	// the mailbox must be changed by a step. If trial is true, it returns the same and
	// writes nothing. The addresses must be distinct.
	RecordMailboxes(ctx context.Context, all []Registration, trial bool) ([]Recorded, error)
	// RegisteredAs returns one mailbox. Registered lists those that match a filter, by
	// domain and then in order of creation. Neither returns deleted mailboxes.
	RegisteredAs(ctx context.Context, address string) (*Registered, error)
	Registered(ctx context.Context, f RegisterFilter) ([]Registered, error)
	// IsCertified reports whether the domain belongs to a mailbox, also a deleted one,
	// or to a client.
	IsCertified(ctx context.Context, domain string) (bool, error)
}

// Registration is a provider's record for a mailbox.
type Registration struct {
	Address string
	Record  Record // its Status is the status of the mailbox
}

// Registered is a mailbox on record, and its summary for webmails.
type Registered struct {
	Mailbox  Mailbox
	Standing Standing
}

// RegisterFilter selects the mailboxes of a list.
type RegisterFilter struct {
	Domains  []string
	After    int64 // the last mailbox of the previous page; 0 for the first page
	Limit    int
	Statuses []Status // empty matches any
	States   []State  // of the qualification in force; empty matches any. "" is a mailbox without a qualification
}

var statuses = []Status{Active, MailboxExpired, Cancelled, MailboxRevoked}

// Choose restricts the filter to mailboxes with the given status and public state; ""
// matches any. It returns false if nothing can match: the public state of a mailbox
// that is not active is always OutwardNotEligible.
func (f *RegisterFilter) Choose(status Status, public PublicState) bool {
	f.Statuses = slices.DeleteFunc(slices.Clone(statuses), func(s Status) bool {
		return status != "" && s != status || public != "" && (s == Active) == (public == OutwardNotEligible)
	})
	if public != "" && public != OutwardNotEligible {
		f.States = slices.DeleteFunc(append([]State{""}, States...), func(s State) bool { return s.publicState() != public })
	}
	return len(f.Statuses) > 0
}

// RecordOf returns a mailbox of the client's domains.
func (p *Procedure) RecordOf(ctx context.Context, client Client, address string) (*Registered, error) {
	address, err := client.parse(address)
	if err != nil {
		return nil, err
	}
	return p.Store.RegisteredAs(ctx, address)
}

// Registered lists mailboxes of the client's domains.
func (p *Procedure) Registered(ctx context.Context, client Client, f RegisterFilter) ([]Registered, error) {
	f.Domains = client.Domains
	return p.Store.Registered(ctx, f)
}

// mailbox returns the mailbox of an address, also a deleted one.
func (p *Procedure) mailbox(ctx context.Context, address string) (int64, error) {
	address, _ = parseMailbox(address) // "" on error, which matches no mailbox
	return p.Store.MailboxByAddress(ctx, address)
}

// PutRecord makes or changes the record of a mailbox. change returns the new record,
// given the current mailbox under lock, or nil if there is none. An error of change
// rolls the transaction back. If another transaction makes the mailbox at the same
// time, change is called again.
func (p *Procedure) PutRecord(
	ctx context.Context, client Client, address string, change func(*Mailbox) (Record, error),
) (Recorded, *Mailbox, error) {
	address, err := client.parse(address)
	if err != nil {
		return "", nil, err
	}
	return p.putRecord(ctx, client.registrar(), address, change)
}

// DeleteRecord deletes a mailbox of the client's domains. If check is not nil, it is
// called with the current mailbox, and an error stops the deletion.
func (p *Procedure) DeleteRecord(ctx context.Context, client Client, address string, check func(*Mailbox) error) error {
	address, err := client.parse(address)
	if err != nil {
		return err
	}
	return p.delete(ctx, client.registrar(), address, check)
}

// RecordAll records many mailboxes of a client. Each one succeeds or fails separately:
// the outcomes are in the order of all. It is safe to repeat the call.
func (p *Procedure) RecordAll(ctx context.Context, client Client, all []Registration) ([]Outcome, error) {
	outcomes := make([]Outcome, len(all))
	valid := make([]Checked, 0, len(all))
	indexes := make([]int, 0, len(all)) // indexes of the valid ones in all
	seen := make(map[string]bool, len(all))
	for i, r := range all {
		c, err := r.Check()
		switch {
		case err != nil:
		case !client.serves(c.Address()):
			err = ErrUnknown
		case seen[c.Address()]:
			err = &RecordError{Faults: []RecordFault{{"address", "it is in the list already"}}}
		}
		if err != nil {
			outcomes[i].Err = err
			continue
		}
		seen[c.Address()] = true
		valid, indexes = append(valid, c), append(indexes, i)
	}
	done, err := p.importAll(ctx, client.registrar(), valid, false)
	for i, what := range done {
		outcomes[indexes[i]].Recorded = what
	}
	return outcomes, err
}

// Outcome is the result for one registration.
type Outcome struct {
	Recorded Recorded
	Err      error // a RecordError, or ErrUnknown if the mailbox is not in the client's domains
}

// Import records many mailboxes for an operator, and returns the result for each. If
// trial is true, it returns what would be done and writes nothing.
func (p *Procedure) Import(ctx context.Context, operator string, all []Checked, trial bool) ([]Recorded, error) {
	return p.importAll(ctx, Actor{Kind: ByOperator, Name: operator}, all, trial)
}

// importAll records most mailboxes in one transaction, and each of the others in a
// step.
func (p *Procedure) importAll(ctx context.Context, by Actor, all []Checked, trial bool) ([]Recorded, error) {
	registrations := make([]Registration, len(all))
	now := p.Now()
	for i, c := range all {
		registrations[i] = c.r
		registrations[i].Record.stamp(by, now)
	}
	done, err := p.Store.RecordMailboxes(ctx, registrations, trial)
	if err != nil {
		return nil, err
	}
	for i, what := range done {
		if what != "" {
			continue
		}
		if done[i], err = p.importOne(ctx, by, registrations[i], trial); err != nil {
			return nil, err
		}
	}
	return done, nil
}

// importOne changes a mailbox by a step.
func (p *Procedure) importOne(ctx context.Context, by Actor, r Registration, trial bool) (Recorded, error) {
	if !trial {
		what, _, err := p.putRecord(ctx, by, r.Address, func(*Mailbox) (Record, error) { return r.Record, nil })
		return what, err
	}
	mailbox, err := p.Store.MailboxByAddress(ctx, r.Address)
	if err != nil {
		return "", err
	}
	c, err := p.Store.View(ctx, mailbox)
	if err != nil {
		return "", err
	}
	return c.replaceRecord(r.Record) // the change is not written
}

// registrar returns the client as the actor of changes to the register.
func (c Client) registrar() Actor {
	return Actor{Kind: ByOperator, Client: c.Name, Name: c.Name}
}
