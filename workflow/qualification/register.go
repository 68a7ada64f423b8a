package qualification

import (
	"context"
	"slices"

	"stella/workflow"
)

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

// PutResult is the result for one registration.
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

// Choose restricts a filter to mailboxes with the given status and public state; ""
// matches any. It returns false if nothing can match: the public state of a mailbox
// that is not active is always PublicNotEligible.
func Choose(f *workflow.RegisterFilter, status workflow.Status, public workflow.PublicState) bool {
	f.Statuses = slices.DeleteFunc(slices.Clone(workflow.Statuses), func(s workflow.Status) bool {
		return status != "" && s != status || public != "" && (s == workflow.Active) == (public == workflow.PublicNotEligible)
	})
	if public != "" && public != workflow.PublicNotEligible {
		for _, s := range append([]State{""}, States...) {
			if s.Public() == public {
				f.States = append(f.States, string(s))
			}
		}
	}
	return len(f.Statuses) > 0
}
