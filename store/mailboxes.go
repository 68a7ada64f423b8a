package store

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/jackc/pgx/v5"

	"stella/workflow"
	"stella/workflow/qualification"
)

// MailboxByAddress returns the ID of the mailbox with an address, also if it was
// deleted. It returns workflow.ErrUnknown if there is none.
func (s *Store) MailboxByAddress(ctx context.Context, address string) (int64, error) {
	var id int64
	err := s.pool.QueryRow(ctx, `select id from mailboxes where address = $1`, address).Scan(&id)
	if err != nil {
		return 0, fmt.Errorf("mailbox %s: %w", address, noRowsToUnknown(err))
	}
	return id, nil
}

// AddMailbox creates the mailbox of an address with its first record, unless it
// exists, and returns its ID. It reports whether it created the mailbox.
func (s *Store) AddMailbox(ctx context.Context, address string, r workflow.Record) (id int64, made bool, err error) {
	err = pgx.BeginFunc(ctx, s.pool, func(tx pgx.Tx) error {
		err := tx.QueryRow(ctx, `
			insert into mailboxes (address, status, record_id) values ($1, $2, $3)
			on conflict (address) do nothing returning id`, address, r.Status, r.ID).Scan(&id)
		if errors.Is(err, pgx.ErrNoRows) {
			return tx.QueryRow(ctx, `select id from mailboxes where address = $1`, address).Scan(&id)
		}
		if err != nil {
			return err
		}
		made = true
		b := &batch{}
		writeRecord(b, id, r)
		return send(ctx, tx, b)
	})
	if err != nil {
		return 0, false, fmt.Errorf("recording mailbox %s: %w", address, err)
	}
	return id, made, nil
}

// Listed is a mailbox in a list.
type Listed struct {
	Address string
	Status  workflow.Status
	Kind    workflow.Kind
	State   qualification.State // of the current qualification; empty if there is none
	Number  int64               // its case number
	Since   time.Time
	Starred bool
}

// MailboxFilter selects mailboxes.
type MailboxFilter struct {
	State qualification.State // of the current qualification; empty for any
	Cases bool                // only mailboxes that have a qualification
	After string              // the last address of the previous page; empty for the first page
	Limit int
}

// Mailboxes lists mailboxes by address, including deleted ones.
func (s *Store) Mailboxes(ctx context.Context, f MailboxFilter) ([]Listed, error) {
	all, err := list(ctx, s, scanMailbox, `
		select m.address, m.status, r.kind, coalesce(q.state, ''), coalesce(q.number, 0), q.stepped_at, m.star is not null
		from mailboxes m
		join records r on r.id = m.record_id
		left join qualifications q on q.id = m.current_id
		where m.address > $1 and ($2 = '' or q.state = $2) and (not $3 or m.current_id is not null)
		order by m.address limit $4`, f.After, f.State, f.Cases, f.Limit)
	if err != nil {
		return nil, fmt.Errorf("listing mailboxes: %w", err)
	}
	return all, nil
}

func scanMailbox(row pgx.CollectableRow) (l Listed, err error) {
	err = row.Scan(&l.Address, &l.Status, &l.Kind, &l.State, &l.Number, zeroIfNull(&l.Since), &l.Starred)
	return l, err
}

// Stale returns the IDs of the mailboxes with an unfinished qualification whose last
// step was before the given time. It leaves out qualifications under review.
func (s *Store) Stale(ctx context.Context, before time.Time) ([]int64, error) {
	all, err := list(ctx, s, pgx.RowTo[int64], `
		select q.mailbox_id from qualifications q
		where q.stale_since <= ($1::timestamptz at time zone 'UTC')::date and q.stepped_at < $1`, before)
	if err != nil {
		return nil, fmt.Errorf("listing stale qualifications: %w", err)
	}
	return all, nil
}
