package workflow

import (
	"context"
	"slices"
)

// Register is the part of Store that keeps mailboxes as their providers know them.
type Register interface {
	// MailboxByAddress finds a mailbox, also one that was deleted; ErrUnknown
	// when there is none.
	MailboxByAddress(ctx context.Context, address string) (int64, error)
	// RecordMailbox makes the mailbox of an address if there is none, with this
	// record.
	RecordMailbox(ctx context.Context, address string, r Record) (mailbox int64, made bool, err error)
	// RecordMailboxes does in one transaction what it can: it makes mailboxes,
	// and changes those that have no star. It says what it did with each, in the
	// order given; nothing for those that must be changed by a step. A trial says
	// the same, and writes nothing. No address may be there twice.
	RecordMailboxes(ctx context.Context, all []Registration, trial bool) ([]Recorded, error)
	// RegisteredAs reads one mailbox, and Registered lists those a filter says,
	// by domain and in each as they were made; none that was deleted.
	RegisteredAs(ctx context.Context, address string) (*Registered, error)
	Registered(ctx context.Context, f RegisterFilter) ([]Registered, error)
	// IsCertified reports whether a domain is one of certified mail here: that of
	// a mailbox, also one that was deleted, or of a client.
	IsCertified(ctx context.Context, domain string) (bool, error)
}

// Registration is what a provider says of a mailbox.
type Registration struct {
	Address string
	Record  Record // its Status is the mailbox's standing
}

// Registered is a mailbox on record, and what a webmail may know of it.
type Registered struct {
	Mailbox  Mailbox
	Standing Standing
}

// RegisterFilter says which mailboxes are listed.
type RegisterFilter struct {
	Domains  []string
	After    int64 // the last mailbox of the page before; 0 for the first page
	Limit    int
	Statuses []Status // none for any
	States   []State  // of the qualification in force, none for any; "" is a mailbox that has no qualification
}

var statuses = []Status{Active, MailboxExpired, Cancelled, MailboxRevoked}

// Choose has only those listed that have a status and of which this is told, each
// "" for any; false where there are none such. Of a mailbox that is not active
// nothing else is told.
func (f *RegisterFilter) Choose(status Status, told Outward) bool {
	f.Statuses = slices.DeleteFunc(slices.Clone(statuses), func(s Status) bool {
		return status != "" && s != status || told != "" && (s == Active) == (told == OutwardNotEligible)
	})
	if told != "" && told != OutwardNotEligible {
		f.States = slices.DeleteFunc(append([]State{""}, States...), func(s State) bool { return s.outward() != told })
	}
	return len(f.Statuses) > 0
}

// RecordOf finds a mailbox of the client's domains.
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

// mailbox finds the mailbox of an address, also one that was deleted.
func (p *Procedure) mailbox(ctx context.Context, address string) (int64, error) {
	address, _ = parseMailbox(address) // "" for what is no address, and so nobody's
	return p.Store.MailboxByAddress(ctx, address)
}

// PutRecord makes or changes the record of a mailbox, as change says: it is
// given the mailbox as it stands, under lock, or nil where there is none, and
// its error undoes all. Where another makes the mailbox at the same time, change
// is called again.
func (p *Procedure) PutRecord(ctx context.Context, client Client, address string, change func(*Mailbox) (Record, error)) (Recorded, *Mailbox, error) {
	address, err := client.parse(address)
	if err != nil {
		return "", nil, err
	}
	return p.record(ctx, client.registrar(), address, change)
}

// DeleteRecord deletes a mailbox of the client's domains, unless check, which
// may be nil, returns an error of the mailbox as it stands.
func (p *Procedure) DeleteRecord(ctx context.Context, client Client, address string, check func(*Mailbox) error) error {
	address, err := client.parse(address)
	if err != nil {
		return err
	}
	return p.delete(ctx, client.registrar(), address, check)
}

// RecordAll takes what a client says of many mailboxes. Each is done or not: an
// outcome says of each, in the order given, and repeating all is harmless.
func (p *Procedure) RecordAll(ctx context.Context, client Client, all []Registration) ([]Outcome, error) {
	outcomes := make([]Outcome, len(all))
	good := make([]Checked, 0, len(all))
	places := make([]int, 0, len(all)) // of the good ones
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
		good, places = append(good, c), append(places, i)
	}
	done, err := p.recordAll(ctx, client.registrar(), good, false)
	for i, what := range done {
		outcomes[places[i]].Recorded = what
	}
	return outcomes, err
}

// Outcome is what became of a registration.
type Outcome struct {
	Recorded Recorded
	Err      error // a RecordError, or ErrUnknown where the mailbox is none of the client's
}

// Import is RecordAll by an operator: it says what was done with each. A trial
// says what would be done, and changes nothing.
func (p *Procedure) Import(ctx context.Context, operator string, all []Checked, trial bool) ([]Recorded, error) {
	return p.recordAll(ctx, Actor{Kind: ByOperator, Name: operator}, all, trial)
}

// recordAll does most at once, and the others each in a step of its own.
func (p *Procedure) recordAll(ctx context.Context, by Actor, all []Checked, trial bool) ([]Recorded, error) {
	registrations := make([]Registration, len(all))
	now := p.Now()
	for i, c := range all {
		registrations[i] = c.r
		registrations[i].Record.imported(by, now)
	}
	done, err := p.Store.RecordMailboxes(ctx, registrations, trial)
	if err != nil {
		return nil, err
	}
	for i, what := range done {
		if what != "" {
			continue
		}
		if done[i], err = p.recordOne(ctx, by, registrations[i], trial); err != nil {
			return nil, err
		}
	}
	return done, nil
}

// recordOne changes a mailbox by a step.
func (p *Procedure) recordOne(ctx context.Context, by Actor, r Registration, trial bool) (Recorded, error) {
	if !trial {
		what, _, err := p.record(ctx, by, r.Address, func(*Mailbox) (Record, error) { return r.Record, nil })
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
	return c.record(r.Record) // what it changes is written nowhere
}

// registrar is the client as who keeps the register.
func (c Client) registrar() Actor {
	return Actor{Kind: ByOperator, Client: c.Name, Name: c.Name}
}
