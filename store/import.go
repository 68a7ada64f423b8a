package store

import (
	"context"
	"encoding/json"
	"fmt"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"stella/workflow"
)

// RecordMailboxes makes mailboxes, and changes those that have no star, in one
// transaction and a handful of statements, however many there are. Those that
// must be changed by a step, and those that somebody else changes meanwhile, are
// left: nothing is said of them. All are recorded by one, at one time.
//
// It makes mailboxes in the order of their addresses, and after that locks those
// that it changes in the order of their ids, so that two of these never wait for
// each other.
func (s *Store) RecordMailboxes(ctx context.Context, all []workflow.Registration, trial bool) ([]workflow.Recorded, error) {
	i := incoming{all: all, done: make([]workflow.Recorded, len(all))}
	do := []func(context.Context, pgx.Tx) error{i.stage, i.make, i.compare, i.change}
	if trial {
		do = []func(context.Context, pgx.Tx) error{i.stage, i.compare, i.foresee}
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

// incoming is what is to be recorded, by its number, and what was done of it.
type incoming struct {
	all     []workflow.Registration
	done    []workflow.Recorded
	starred []int // to be changed by a step
	plain   []int // to be changed here
}

// stage copies all into a table of the connection, which the commit empties.
//
// From then on each mailbox is looked for in the index: it is cheaper than to read
// them all for every few thousand, unless they are few.
func (i *incoming) stage(ctx context.Context, tx pgx.Tx) error {
	_, err := tx.Exec(ctx, `
		set local random_page_cost = 0.1;
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
		return []any{n, i.all[n].Address, [16]byte(r.ID), string(r.Kind), r.Name, r.FiscalCode, r.VATNumber, representatives, r.Email, string(r.Status)}, nil
	}))
	return err
}

// planned has a statement planned each time. A plan that is kept was made for the
// tables as they were when an import began: empty, perhaps, and then each of its
// chunks would read them from end to end.
const planned = pgx.QueryExecModeExec

// what a record says, in columns.
const (
	ofRecord   = `r.kind, r.name, r.fiscal_code, r.vat_number, r.representatives, r.email, r.status`
	ofIncoming = `i.kind, i.name, i.fiscal_code, i.vat_number, i.representatives, i.email, i.status`
)

// make makes the mailboxes that are not there, with their first records.
func (i *incoming) make(ctx context.Context, tx pgx.Tx) error {
	return i.write(ctx, tx, workflow.RecordMade, i.left(), `
		with written as (
			insert into mailboxes (address, status, record_id)
			select i.address, i.status, i.id from incoming i
			where i.n = any($1)
			order by i.address
			on conflict (address) do nothing
			returning id, record_id)`)
}

// left are those of which nothing was said.
func (i *incoming) left() (numbers []int) {
	for n, what := range i.done {
		if what == "" {
			numbers = append(numbers, n)
		}
	}
	return numbers
}

// compare looks at the mailboxes that are there.
func (i *incoming) compare(ctx context.Context, tx pgx.Tx) error {
	left := i.left()
	if len(left) == 0 {
		return nil
	}
	rows, err := tx.Query(ctx, `
		select i.n, m.deleted_at is null and (`+ofRecord+`) = (`+ofIncoming+`), m.deleted_at is null and m.star is null
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
			i.done[n] = workflow.RecordUnchanged
		case plain:
			i.plain = append(i.plain, n)
		default:
			i.starred = append(i.starred, n)
		}
		return nil
	})
	return err
}

// change puts other records in force.
func (i *incoming) change(ctx context.Context, tx pgx.Tx) error {
	return i.write(ctx, tx, workflow.RecordChanged, i.plain, `
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

// foresee says what make and change would do.
func (i *incoming) foresee(context.Context, pgx.Tx) error {
	for _, n := range i.left() {
		i.done[n] = workflow.RecordMade
	}
	for _, n := range i.plain {
		i.done[n] = workflow.RecordChanged
	}
	for _, n := range i.starred {
		i.done[n] = ""
	}
	return nil
}

// write runs a statement that writes mailboxes, and adds their records.
func (i *incoming) write(ctx context.Context, tx pgx.Tx, what workflow.Recorded, numbers []int, written string) error {
	if len(numbers) == 0 {
		return nil
	}
	rows, err := tx.Query(ctx, written+`
		insert into records (id, mailbox_id, kind, name, fiscal_code, vat_number, representatives, email, status, imported_by, imported_at)
		select i.id, w.id, `+ofIncoming+`, $2, $3
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
