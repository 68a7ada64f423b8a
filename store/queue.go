package store

import (
	"context"
	"fmt"
	"time"

	"github.com/jackc/pgx/v5"
)

// Backlog is the number of unfinished jobs of one kind in one state: "due" for a
// worker, "running", or "waiting" for the time of the next attempt. The sending of a mail
// counts as a job.
type Backlog struct {
	Queue, Kind, State string
	Jobs               int
	Oldest             time.Duration // age of the oldest: in this state, or since creation if waiting
}

// Backlogs counts the unfinished jobs by queue, kind and state. It does not use the
// states of River: there, a job that is retried within seconds is already
// "available", and a due job stays "scheduled" until the leader has seen it. A mail whose
// claim has expired is due again.
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
		      from river_job where state in ('available', 'retryable', 'scheduled') and scheduled_at > now()
		      union all
		      select queue, 'send_mail', 'running', claimed_at
		      from mail_queue where claimed_until > now()
		      union all
		      select queue, 'send_mail', 'due', greatest(due_at, claimed_until)
		      from mail_queue where coalesce(claimed_until <= now(), true) and due_at <= now()
		      union all
		      select queue, 'send_mail', 'waiting', queued_at
		      from mail_queue where coalesce(claimed_until <= now(), true) and due_at > now()) x
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
