package store

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"

	"stella/workflow"
)

// Spend counts an event against a rate limit. It returns a workflow.LimitError if the
// limit is exceeded. It checks and counts in one statement, so that concurrent calls
// cannot exceed the limit, and block each other only while the server runs it. The commit
// does not wait for the disk: a crash of the database loses at most about half a second
// of counting.
func (s *Store) Spend(ctx context.Context, sp workflow.Spend) error {
	done, err := s.pool.Exec(ctx, `
		insert into limits (name, subject, arrival)
		select $1, $2, $3::timestamptz + $4::interval
		from (select set_config('synchronous_commit', 'off', true)) of_this_transaction
		on conflict (name, subject) do update set arrival = `+arrival+`
		where `+allowed, spendArgs(sp)...)
	if err == nil && done.RowsAffected() == 0 {
		err = s.refusal(ctx, sp)
	}
	if err != nil {
		return fmt.Errorf("counting %s: %w", sp.Limit.Name, err)
	}
	return nil
}

const (
	// allowed is the condition for a use: the stored arrival time is not too late, or so
	// late that it does not count.
	allowed = `(limits.arrival <= $5 or limits.arrival > $6)`
	arrival = `case when limits.arrival between $3 and $5 then limits.arrival else $3 end + $4`
)

func spendArgs(s workflow.Spend) []any {
	return []any{s.Limit.Name, s.Subject, s.At, s.Cost(), s.Latest(), s.Believed()}
}

// spend adds a use to the statements of a step. If the limit is exceeded, the statement
// fails, because the column refuses null: so the step needs no answer before its commit.
func spend(b *batch, s workflow.Spend) {
	b.spends = append(b.spends, s)
	b.Queue(`
		insert into limits (name, subject, arrival) values ($1, $2, $3::timestamptz + $4::interval)
		on conflict (name, subject) do update set arrival = case when `+allowed+` then `+arrival+` end`, spendArgs(s)...)
}

// isExceeded reports whether a statement of spend failed because the limit is exceeded.
func isExceeded(err error) bool {
	var pgErr *pgconn.PgError
	return errors.As(err, &pgErr) && pgErr.Code == "23502" && pgErr.TableName == "limits" // not_null_violation
}

// refusal returns the LimitError of the first of some uses that is refused.
func (s *Store) refusal(ctx context.Context, uses ...workflow.Spend) error {
	for _, sp := range uses {
		var arrival time.Time
		err := s.pool.QueryRow(ctx, `
			select arrival from limits where name = $1 and subject = $2`, sp.Limit.Name, sp.Subject).Scan(&arrival)
		if err != nil && !errors.Is(err, pgx.ErrNoRows) {
			return err
		}
		if arrival.After(sp.Latest()) {
			return sp.Refused(arrival)
		}
	}
	return uses[0].Refused(uses[0].Latest()) // its row was swept since: it would be allowed now
}
