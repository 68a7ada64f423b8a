package store

import (
	"cmp"
	"context"
	"errors"

	"github.com/jackc/pgx/v5"

	"stella/workflow"
)

// batch is a list of statements that are sent in one round trip, because round trips
// take most of the time of a step. The server runs the statements in order; each sees
// the effects of those before it.
type batch struct {
	pgx.Batch
	spends []workflow.Spend // the limits that the statements count against
}

// inTransaction sends read, whose first statement begins a transaction, and calls do.
// Then it sends the statements that do returns, together with the commit: that makes two
// round trips. If anything fails, and if do returns no statements, the transaction is
// rolled back. It returns a workflow.LimitError if a limit is exceeded.
func (s *Store) inTransaction(ctx context.Context, read *batch, do func() (write *batch, err error)) error {
	conn, err := s.pool.Acquire(ctx)
	if err != nil {
		return err
	}
	var write *batch
	err = func() error {
		defer conn.Release() // closes the connection if the transaction has not ended
		err := conn.SendBatch(ctx, &read.Batch).Close()
		if err == nil {
			write, err = do()
		}
		if err == nil && write != nil {
			write.Queue(`commit`)
			err = conn.SendBatch(ctx, &write.Batch).Close()
		}
		if conn.Conn().PgConn().TxStatus() != idle {
			_, failed := conn.Exec(ctx, `rollback`)
			err = cmp.Or(err, failed)
		}
		return err
	}()
	if write != nil && isExceeded(err) {
		return s.refusal(ctx, write.spends...)
	}
	return err
}

// idle is the status of a connection without a transaction.
const idle = 'I'

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

// send runs the statements of a batch in a transaction.
func send(ctx context.Context, tx pgx.Tx, b *batch) error {
	return tx.SendBatch(ctx, &b.Batch).Close()
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
