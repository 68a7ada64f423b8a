package store

import (
	"context"
	"fmt"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"

	"stella/workflow"
)

// Spend counts an event against a rate limit. It returns a workflow.LimitError if
// the limit is exceeded. The batch is one transaction in one round trip, so that
// concurrent calls for one subject block each other only while the server runs the
// statements. The commit does not wait for the disk: a crash of the database loses
// at most about half a second of counting.
func (s *Store) Spend(ctx context.Context, sp workflow.Spend) error {
	b := &batch{}
	b.Queue(`select set_config('synchronous_commit', 'off', true)`) // for this transaction only
	spend(b, sp)
	err := s.pool.SendBatch(ctx, &b.Batch).Close()
	if err != nil {
		return fmt.Errorf("counting %s: %w", sp.Limit.Name, err)
	}
	return b.refused
}

// spend adds the statements of Spend to a batch. The first checks the limit and
// counts in one statement, so that concurrent calls cannot exceed the limit. If it
// refuses, it writes nothing but locks the row, and the second statement reads the
// time at which to retry.
func spend(b *batch, s workflow.Spend) {
	spent := false
	b.spends = true
	b.Queue(`
		insert into limits (name, subject, arrival) values ($1, $2, $3::timestamptz + $4::interval)
		on conflict (name, subject) do update
		set arrival = case when limits.arrival between $3 and $5 then limits.arrival else $3 end + $4
		where limits.arrival <= $5 or limits.arrival > $6`,
		s.Limit.Name, s.Subject, s.At, s.Cost(), s.Latest(), s.Believed()).Exec(func(done pgconn.CommandTag) error {
		spent = done.RowsAffected() > 0
		return nil
	})
	b.Queue(`
		select arrival from limits where name = $1 and subject = $2`, s.Limit.Name, s.Subject).QueryRow(func(row pgx.Row) error {
		var arrival time.Time
		err := row.Scan(&arrival)
		if err == nil && !spent {
			b.refused = s.Refused(arrival)
		}
		return err
	})
}
