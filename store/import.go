package store

import (
	"context"
	"encoding/json"
	"fmt"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"stella/workflow"
	"stella/workflow/qualification"
)

// ImportMailboxes creates mailboxes, and changes mailboxes without a star, in one
// transaction with a few statements. The result has one entry for each element of
// all. It is empty for a mailbox that must be changed by a step, or that another
// process changes at the same time. With dryRun it writes nothing. All records must
// have the same ImportedBy and ImportedAt.
//
// To avoid deadlocks between two imports, it creates mailboxes in the order of their
// addresses, and then locks those that it changes in the order of their IDs.
func (s *Store) ImportMailboxes(ctx context.Context, all []workflow.Registration, dryRun bool) ([]qualification.ImportResult, error) {
	i := importBatch{all: all, done: make([]qualification.ImportResult, len(all))}
	do := []func(context.Context, pgx.Tx) error{i.load, i.insert, i.compare, i.update}
	if dryRun {
		do = []func(context.Context, pgx.Tx) error{i.load, i.compare, i.predict}
	}
	if len(all) == 0 {
		return nil, nil
	}
	err := pgx.BeginFunc(ctx, s.pool, func(tx pgx.Tx) error {
		for _, step := range do {
			if err := step(ctx, tx); err != nil {
				return err
			}
		}
		return nil
	})
	if err != nil {
		return nil, fmt.Errorf("recording mailboxes: %w", err)
	}
	return i.done, nil
}

// importBatch contains the mailboxes to import and the result for each.
type importBatch struct {
	all     []workflow.Registration
	done    []qualification.ImportResult // by index in all
	starred []int                        // indexes of mailboxes that a step must change
	plain   []int                        // indexes of mailboxes to change here
}

// load copies all into a temporary table, which the commit empties.
//
// It also makes the planner prefer the index of mailboxes in this transaction. This is
// cheaper than reading the whole table for every batch, unless the table is small.
func (i *importBatch) load(ctx context.Context, tx pgx.Tx) error {
	_, err := tx.Exec(ctx, `
		set local random_page_cost = 0.1;
		set local plan_cache_mode = auto; -- see planned
		create temporary table if not exists incoming (
			n               int not null,
			address         text not null,
			id              uuid not null, -- of the record
			kind            text not null,
			name            text not null,
			fiscal_code     text not null,
			vat_number      text not null,
			representatives jsonb not null,
			email           text not null,
			status          text not null
		) on commit delete rows`, pgx.QueryExecModeSimpleProtocol)
	if err != nil {
		return err
	}
	columns := []string{"n", "address", "id", "kind", "name", "fiscal_code", "vat_number", "representatives", "email", "status"}
	_, err = tx.CopyFrom(ctx, pgx.Identifier{"incoming"}, columns, pgx.CopyFromSlice(len(i.all), func(n int) ([]any, error) {
		r := &i.all[n].Record
		representatives := []byte("[]")
		if len(r.Representatives) > 0 {
			var err error
			if representatives, err = json.Marshal(r.Representatives); err != nil {
				return nil, err
			}
		}
		return []any{n, i.all[n].Address, [16]byte(r.ID), string(r.Kind), r.Name, r.FiscalCode, r.VATNumber,
			representatives, r.Email, string(r.Status)}, nil
	}))
	return err
}

// planned makes PostgreSQL plan a statement on every execution. A cached plan from
// the beginning of an import may assume empty tables; every later batch would then
// scan the tables from end to end.
const planned = pgx.QueryExecModeExec

// The columns that are compared, and written to records.
const (
	recordValues   = `r.kind, r.name, r.fiscal_code, r.vat_number, r.representatives, r.email, r.status`
	incomingValues = `i.kind, i.name, i.fiscal_code, i.vat_number, i.representatives, i.email, i.status`
)

// insert creates the mailboxes that do not exist, with their first records.
func (i *importBatch) insert(ctx context.Context, tx pgx.Tx) error {
	return i.write(ctx, tx, qualification.ImportMade, i.undecided(), `
		with written as (
			insert into mailboxes (address, status, record_id)
			select i.address, i.status, i.id from incoming i
			where i.n = any($1)
			order by i.address
			on conflict (address) do nothing
			returning id, record_id)`)
}

// undecided returns the indexes of the mailboxes that have no result yet.
func (i *importBatch) undecided() (numbers []int) {
	for n, what := range i.done {
		if what == "" {
			numbers = append(numbers, n)
		}
	}
	return numbers
}

// compare finds the existing mailboxes that do not change, and sorts the others into
// plain and starred. A deleted mailbox goes to starred.
func (i *importBatch) compare(ctx context.Context, tx pgx.Tx) error {
	left := i.undecided()
	if len(left) == 0 {
		return nil
	}
	rows, err := tx.Query(ctx, `
		select i.n, m.deleted_at is null and (`+recordValues+`) = (`+incomingValues+`), m.deleted_at is null and m.star is null
		from incoming i
		join mailboxes m on m.address = i.address
		join records r on r.id = m.record_id
		where i.n = any($1)`, planned, left)
	if err != nil {
		return fmt.Errorf("comparing: %w", err)
	}
	var n int
	var same, plain bool
	_, err = pgx.ForEachRow(rows, []any{&n, &same, &plain}, func() error {
		switch {
		case same:
			i.done[n] = qualification.ImportUnchanged
		case plain:
			i.plain = append(i.plain, n)
		default:
			i.starred = append(i.starred, n)
		}
		return nil
	})
	return err
}

// update gives the plain mailboxes their new records.
func (i *importBatch) update(ctx context.Context, tx pgx.Tx) error {
	return i.write(ctx, tx, qualification.ImportChanged, i.plain, `
		with locked as (
			select m.id, i.id as record_id, i.status
			from incoming i
			join mailboxes m on m.address = i.address
			join records r on r.id = m.record_id -- no longer, where another changed it while this waited
			where i.n = any($1) and m.star is null and m.deleted_at is null
			order by m.id for no key update of m),
		written as (
			update mailboxes m set record_id = l.record_id, status = l.status
			from locked l where m.id = l.id
			returning m.id, m.record_id)`)
}

// predict sets the results that insert and update would set.
func (i *importBatch) predict(context.Context, pgx.Tx) error {
	for _, n := range i.undecided() {
		i.done[n] = qualification.ImportMade
	}
	for _, n := range i.plain {
		i.done[n] = qualification.ImportChanged
	}
	for _, n := range i.starred {
		i.done[n] = ""
	}
	return nil
}

// write runs the statement "written", which writes mailboxes, adds their records, and
// sets the result of those written to what.
func (i *importBatch) write(ctx context.Context, tx pgx.Tx, what qualification.ImportResult, numbers []int, written string) error {
	if len(numbers) == 0 {
		return nil
	}
	rows, err := tx.Query(ctx, written+`
		insert into records (id, mailbox_id, kind, name, fiscal_code, vat_number, representatives, email, status, imported_by, imported_at)
		select i.id, w.id, `+incomingValues+`, $2, $3
		from written w join incoming i on i.id = w.record_id
		returning id`, planned, numbers, i.all[0].Record.ImportedBy, i.all[0].Record.ImportedAt)
	if err != nil {
		return fmt.Errorf("writing those %s: %w", what, err)
	}
	ids, err := pgx.CollectRows(rows, pgx.RowTo[uuid.UUID])
	if err != nil {
		return fmt.Errorf("writing those %s: %w", what, err)
	}
	is := make(map[uuid.UUID]bool, len(ids))
	for _, id := range ids {
		is[id] = true
	}
	for _, n := range numbers {
		if is[i.all[n].Record.ID] {
			i.done[n] = what
		}
	}
	return nil
}
