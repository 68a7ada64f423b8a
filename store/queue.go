package store

import (
	"context"
	"fmt"
	"time"

	"github.com/jackc/pgx/v5"
)

// Backlog is the jobs of one kind that are not done, in one state of River's:
// "available", "running", "retryable" or "scheduled".
type Backlog struct {
	Queue, Kind, State string
	Jobs               int
	Oldest             time.Duration // since the oldest was asked for
}

// Backlogs counts the jobs that are not done.
func (s *Store) Backlogs(ctx context.Context) ([]Backlog, error) {
	rows, err := s.pool.Query(ctx, `
		select queue, kind, state::text, count(*), extract(epoch from now() - min(created_at))::float8
		from river_job where state in ('available', 'running', 'retryable', 'scheduled')
		group by queue, kind, state`)
	if err != nil {
		return nil, fmt.Errorf("counting the jobs: %w", err)
	}
	return pgx.CollectRows(rows, func(row pgx.CollectableRow) (Backlog, error) {
		var b Backlog
		var seconds float64
		err := row.Scan(&b.Queue, &b.Kind, &b.State, &b.Jobs, &seconds)
		b.Oldest = time.Duration(seconds * float64(time.Second))
		return b, err
	})
}
