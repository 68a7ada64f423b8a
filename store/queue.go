package store

import (
	"context"
	"fmt"
	"time"

	"github.com/jackc/pgx/v5"
)

// Backlog is the jobs of one kind that are not done, in one state: "due", for a
// worker to take; "running"; or "waiting" for their time to come, which is the
// next try of what could not be done.
type Backlog struct {
	Queue, Kind, State string
	Jobs               int
	Oldest             time.Duration // in this state; of those waiting, since they were asked for
}

// Backlogs counts the jobs that are not done. River calls a job available that
// is to be tried again within seconds, and one scheduled whose time has come
// until its leader has looked.
func (s *Store) Backlogs(ctx context.Context) ([]Backlog, error) {
	all, err := list(ctx, s, scanBacklog, `
		select queue, kind, stands, count(*), extract(epoch from now() - min(since))::float8
		from (select queue, kind, 'running' as stands, attempted_at as since
		      from river_job where state = 'running'
		      union all
		      select queue, kind, 'due', scheduled_at
		      from river_job where state in ('available', 'retryable', 'scheduled') and scheduled_at <= now()
		      union all
		      select queue, kind, 'waiting', created_at
		      from river_job where state in ('available', 'retryable', 'scheduled') and scheduled_at > now()) x
		group by queue, kind, stands`)
	if err != nil {
		return nil, fmt.Errorf("counting the jobs: %w", err)
	}
	return all, nil
}

func scanBacklog(row pgx.CollectableRow) (b Backlog, err error) {
	var seconds float64
	err = row.Scan(&b.Queue, &b.Kind, &b.State, &b.Jobs, &seconds)
	b.Oldest = time.Duration(seconds * float64(time.Second))
	return b, err
}
