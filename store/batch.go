package store

import (
	"context"
	"errors"

	"github.com/jackc/pgx/v5"
	"github.com/riverqueue/river"
)

// batch is a list of statements that are sent in one round trip. A step has about
// two dozen statements, and round trips take most of its time. The server runs
// the statements in order; each sees the effects of those before it.
type batch struct {
	pgx.Batch
	jobs    []river.InsertManyParams // to insert after the statements
	refused error                    // the LimitError, if a limit was exceeded
}

// transact sends a batch that begins a transaction, calls do, and commits. If
// anything fails, the transaction is rolled back.
func (s *Store) transact(ctx context.Context, b *batch, do func(pgx.Tx) error) error {
	results := s.pool.SendBatch(ctx, &b.Batch)
	tx := results.Tx()
	defer tx.Rollback(ctx)
	if err := results.Close(); err != nil {
		return err
	}
	if err := do(tx); err != nil {
		return err
	}
	return tx.Commit(ctx)
}

// send runs the statements of a batch and inserts its jobs. If a limit was
// exceeded, it returns that error and inserts no jobs.
func (s *Store) send(ctx context.Context, tx pgx.Tx, b *batch) error {
	if err := tx.SendBatch(ctx, &b.Batch).Close(); err != nil {
		return err
	}
	if b.refused != nil || len(b.jobs) == 0 {
		return b.refused
	}
	_, err := s.jobs.InsertManyTx(ctx, tx, b.jobs)
	return err
}

// readAll adds a query whose rows are stored in *into.
func readAll[T any](b *batch, into *[]T, scan pgx.RowToFunc[T], sql string, args ...any) {
	b.Queue(sql, args...).Query(func(rows pgx.Rows) (err error) {
		*into, err = pgx.CollectRows(rows, scan)
		return err
	})
}

// readOne adds a query whose row is stored in *into, or nil if there is none.
func readOne[T any](b *batch, into **T, scan pgx.RowToFunc[T], sql string, args ...any) {
	b.Queue(sql, args...).Query(func(rows pgx.Rows) error {
		row, err := pgx.CollectOneRow(rows, scan)
		switch {
		case err == nil:
			*into = &row
		case errors.Is(err, pgx.ErrNoRows):
			*into, err = nil, nil
		}
		return err
	})
}
