package qualification

import (
	"context"

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

// mailbox returns the mailbox of an address, also a deleted one.
func (s *Cases) mailbox(ctx context.Context, address string) (int64, error) {
	address, _ = contact.ParseMailbox(address) // "" on error, which matches no mailbox
	return s.Store.MailboxByAddress(ctx, address)
}

// PutMailbox makes or changes the record of a mailbox. change returns the new record,
// given the current mailbox under lock, or nil if there is none. An error of change
// rolls the transaction back. If another transaction makes the mailbox at the same
// time, change is called again.
func (s *Cases) PutMailbox(
	ctx context.Context, client workflow.Client, address string, change func(*workflow.Mailbox) (workflow.Record, error),
) (ImportResult, *workflow.Mailbox, error) {
	address, err := client.ParseMailbox(address)
	if err != nil {
		return "", nil, err
	}
	return s.putMailbox(ctx, workflow.OperatorOf(client, client.Name), address, change)
}

// DeleteMailbox deletes a mailbox of the client's domains. If check is not nil, it is
// called with the current mailbox, and an error stops the deletion.
func (s *Cases) DeleteMailbox(ctx context.Context, client workflow.Client, address string, check func(*workflow.Mailbox) error) error {
	address, err := client.ParseMailbox(address)
	if err != nil {
		return err
	}
	return s.delete(ctx, workflow.OperatorOf(client, client.Name), address, check)
}

// PutMailboxes records many mailboxes of a client. Each one succeeds or fails separately:
// the outcomes are in the order of all. It is safe to repeat the call.
func (s *Cases) PutMailboxes(ctx context.Context, client workflow.Client, all []workflow.Registration) ([]PutResult, error) {
	outcomes := make([]PutResult, len(all))
	valid := make([]workflow.ValidRegistration, 0, len(all))
	indexes := make([]int, 0, len(all)) // indexes of the valid ones in all
	seen := make(map[string]bool, len(all))
	for i, r := range all {
		c, err := r.Check()
		switch {
		case err != nil:
		case !client.Serves(c.Address()):
			err = workflow.ErrUnknown
		case seen[c.Address()]:
			err = &workflow.RecordError{Faults: []workflow.RecordFault{{Field: "address", Reason: "it is in the list already"}}}
		}
		if err != nil {
			outcomes[i].Err = err
			continue
		}
		seen[c.Address()] = true
		valid, indexes = append(valid, c), append(indexes, i)
	}
	done, err := s.importAll(ctx, workflow.OperatorOf(client, client.Name), valid, false)
	for i, what := range done {
		outcomes[indexes[i]].Result = what
	}
	return outcomes, err
}

// Outcome is the result for one registration.
type PutResult struct {
	Result ImportResult
	Err    error // a RecordError, or ErrUnknown if the mailbox is not in the client's domains
}

// Import records many mailboxes for an operator, and returns the result for each. If
// trial is true, it returns what would be done and writes nothing.
func (s *Cases) Import(ctx context.Context, operator string, all []workflow.ValidRegistration, trial bool) ([]ImportResult, error) {
	return s.importAll(ctx, workflow.Operator(operator), all, trial)
}

// importAll records most mailboxes in one transaction, and each of the others in a
// step.
func (s *Cases) importAll(ctx context.Context, by workflow.Actor, all []workflow.ValidRegistration, trial bool) ([]ImportResult, error) {
	registrations := make([]workflow.Registration, len(all))
	now := s.Now()
	for i, c := range all {
		registrations[i] = c.Registration()
		registrations[i].Record.Stamp(by.Name, now)
	}
	done, err := s.Store.ImportMailboxes(ctx, registrations, trial)
	if err != nil {
		return nil, err
	}
	for i, what := range done {
		if what != "" {
			continue
		}
		if done[i], err = s.importOne(ctx, by, registrations[i], trial); err != nil {
			return nil, err
		}
	}
	return done, nil
}

// importOne changes a mailbox by a step.
func (s *Cases) importOne(ctx context.Context, by workflow.Actor, r workflow.Registration, trial bool) (ImportResult, error) {
	if !trial {
		what, _, err := s.putMailbox(ctx, by, r.Address, func(*workflow.Mailbox) (workflow.Record, error) { return r.Record, nil })
		return what, err
	}
	mailbox, err := s.Store.MailboxByAddress(ctx, r.Address)
	if err != nil {
		return "", err
	}
	c, err := s.Store.View(ctx, mailbox)
	if err != nil {
		return "", err
	}
	return c.replaceRecord(r.Record) // the change is not written
}
