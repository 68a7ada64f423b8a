package store

import (
	"context"
	"fmt"
	"time"

	"github.com/jackc/pgx/v5"

	"stella/workflow"
)

// unhurried begins a transaction whose commit does not wait for the disk. What
// a crash of the database takes with it is half a second of counting.
var unhurried = pgx.TxOptions{BeginQuery: `begin; set local synchronous_commit = off`}

// Spend takes from what a limit allows; a LimitError where nothing is left.
func (s *Store) Spend(ctx context.Context, sp workflow.Spend) error {
	return pgx.BeginTxFunc(ctx, s.pool, unhurried, func(tx pgx.Tx) error { return spend(ctx, tx, sp) })
}

// spend is one statement, so that of any number at once no more get through
// than there is room for. One that is refused writes nothing, and is told the
// time by a second: the first has locked the row.
func spend(ctx context.Context, tx pgx.Tx, s workflow.Spend) error {
	done, err := tx.Exec(ctx, `
		insert into limits (name, subject, arrival) values ($1, $2, $3::timestamptz + $4::interval)
		on conflict (name, subject) do update
		set arrival = case when limits.arrival between $3 and $5 then limits.arrival else $3 end + $4
		where limits.arrival <= $5 or limits.arrival > $6`,
		s.Limit.Name, s.Subject, s.At, s.Cost(), s.Latest(), s.Believed())
	if err != nil {
		return fmt.Errorf("counting %s: %w", s.Limit.Name, err)
	}
	if done.RowsAffected() > 0 {
		return nil
	}
	var arrival time.Time
	err = tx.QueryRow(ctx, `select arrival from limits where name = $1 and subject = $2`, s.Limit.Name, s.Subject).Scan(&arrival)
	if err != nil {
		return fmt.Errorf("reading %s: %w", s.Limit.Name, err)
	}
	return s.Refused(arrival)
}

// sweepLimits deletes what is whole again.
func sweepLimits(ctx context.Context, tx pgx.Tx, now time.Time) error {
	if _, err := tx.Exec(ctx, `delete from limits where arrival < $1`, now); err != nil {
		return fmt.Errorf("sweeping limits: %w", err)
	}
	return nil
}
