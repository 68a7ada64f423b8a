package store

import (
	"context"
	"errors"

	"github.com/jackc/pgx/v5"
	"github.com/riverqueue/river"
)

// batch is statements that go to the server together, in one round trip: a step
// has two dozen of them, and what takes its time are the trips. The server makes
// one after the other, and each sees what those before it did.
type batch struct {
	pgx.Batch
	jobs    []river.InsertManyParams // that follow from the statements
	refused error                    // by a limit
}

// transact sends a batch that begins a transaction, calls do, and commits. Where
// anything fails, nothing was done.
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

// send makes the statements of a batch and adds its jobs.
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

// readAll reads the rows of a query.
func readAll[T any](b *batch, into *[]T, scan pgx.RowToFunc[T], sql string, args ...any) {
	b.Queue(sql, args...).Query(func(rows pgx.Rows) (err error) {
		*into, err = pgx.CollectRows(rows, scan)
		return err
	})
}

// readOne reads the row of a query; nil where there is none.
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
