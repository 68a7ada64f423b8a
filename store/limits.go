package store

import (
	"context"
	"fmt"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"

	"stella/workflow"
)

// Spend takes from what a limit allows; a LimitError where nothing is left. A
// batch is a transaction by itself: of those who spend of one subject, each
// holds the others up for no longer than the server takes. The commit does not
// wait for the disk: what a crash of the database takes with it is half a second
// of counting.
func (s *Store) Spend(ctx context.Context, sp workflow.Spend) error {
	b := &batch{}
	b.Queue(`select set_config('synchronous_commit', 'off', true)`) // for this transaction
	spend(b, sp)
	err := s.pool.SendBatch(ctx, &b.Batch).Close()
	if err != nil {
		return fmt.Errorf("counting %s: %w", sp.Limit.Name, err)
	}
	return b.refused
}

// spend is one statement, so that of any number at once no more get through
// than there is room for. One that is refused writes nothing, and is told the
// time by a second: the first has locked the row.
func spend(b *batch, s workflow.Spend) {
	spent := false
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
