package store

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/jackc/pgx/v5"

	"stella/workflow"
)

// MailboxByAddress finds a mailbox.
func (s *Store) MailboxByAddress(ctx context.Context, address string) (int64, error) {
	var id int64
	err := s.pool.QueryRow(ctx, `select id from mailboxes where address = $1`, address).Scan(&id)
	if err != nil {
		return 0, fmt.Errorf("mailbox %s: %w", address, found(err))
	}
	return id, nil
}

// RecordMailbox makes the mailbox of an address, with its first record, unless
// it is there already.
func (s *Store) RecordMailbox(ctx context.Context, address string, r workflow.Record) (id int64, made bool, err error) {
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
		return s.send(ctx, tx, b)
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
	State   workflow.State // of the newest qualification; empty without one
	Number  int64
	Since   time.Time
	Starred bool
}

// Mailboxes lists the mailboxes by address; only those whose newest
// qualification is in the state given, unless it is empty.
func (s *Store) Mailboxes(ctx context.Context, state workflow.State) ([]Listed, error) {
	rows, err := s.pool.Query(ctx, `
		select m.address, m.status, r.kind, coalesce(q.state, ''), coalesce(q.number, 0), q.stepped_at, m.star is not null
		from mailboxes m
		join records r on r.id = m.record_id
		left join lateral (select q.state, q.number, q.stepped_at from qualifications q where q.mailbox_id = m.id `+current+`) q on true
		where $1 = '' or q.state = $1
		order by m.address`, state)
	if err != nil {
		return nil, fmt.Errorf("listing mailboxes: %w", err)
	}
	return pgx.CollectRows(rows, func(row pgx.CollectableRow) (Listed, error) {
		var l Listed
		var since *time.Time
		err := row.Scan(&l.Address, &l.Status, &l.Kind, &l.State, &l.Number, &since, &l.Starred)
		l.Since = timeOf(since)
		return l, err
	})
}

// Stale lists the mailboxes whose unfinished qualification, not under review,
// made its last step before the time given.
func (s *Store) Stale(ctx context.Context, before time.Time) ([]int64, error) {
	rows, err := s.pool.Query(ctx, `
		select mailbox_id from qualifications
		where state not in ('qualified', 'revoked', 'expired', 'under_review') and stepped_at < $1`, before)
	if err != nil {
		return nil, fmt.Errorf("listing stale qualifications: %w", err)
	}
	return pgx.CollectRows(rows, pgx.RowTo[int64])
}
