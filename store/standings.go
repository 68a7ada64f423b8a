package store

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/jackc/pgx/v5"

	"stella/workflow"
)

// standing reads what may be known of a mailbox m.
const standing = `m.id, m.status, q.state, q.stepped_at, i.level, m.star is not null`

// newest joins the qualification that a mailbox m stands for.
const newest = `
	left join lateral (select q.state, q.stepped_at, q.identity_id from qualifications q where q.mailbox_id = m.id ` + current + `) q on true
	left join identities i on i.id = q.identity_id`

// standingRow is scanned from the columns of standing, which are all null where
// there is no mailbox.
type standingRow struct {
	mailbox              *int64
	status, state, level *string
	since                *time.Time
	starred              *bool
}

func (r *standingRow) columns() []any {
	return []any{&r.mailbox, &r.status, &r.state, &r.since, &r.level, &r.starred}
}

func (r *standingRow) standing() *workflow.Standing {
	if r.mailbox == nil {
		return nil
	}
	s := &workflow.Standing{Mailbox: *r.mailbox, Status: workflow.Status(*r.status), Starred: *r.starred, Since: timeOf(r.since)}
	if r.state != nil {
		s.State = workflow.State(*r.state)
	}
	if r.level != nil {
		s.Level = *r.level
	}
	return s
}

// Standing reads client and mailbox in one query: webmails ask at every login
// of their users.
func (s *Store) Standing(ctx context.Context, token []byte, address string, now time.Time) (workflow.Client, *workflow.Standing, error) {
	var c workflow.Client
	var row standingRow
	err := s.pool.QueryRow(ctx, `
		select `+client+`, `+standing+`
		from clients c
		left join mailboxes m on m.address = $3`+newest+`
		where `+goodToken, token, now, address).Scan(append(clientColumns(&c), row.columns()...)...)
	if errors.Is(err, pgx.ErrNoRows) {
		return c, nil, workflow.ErrUnauthorized
	}
	if err != nil {
		return c, nil, fmt.Errorf("reading a mailbox's standing: %w", err)
	}
	return c, row.standing(), nil
}

// StandingOf reads a mailbox alone; nil where the address is not known.
func (s *Store) StandingOf(ctx context.Context, address string) (*workflow.Standing, error) {
	all, err := s.StandingsOf(ctx, []string{address})
	return all[address], err
}

// StandingsOf reads several mailboxes, by address; those not known are left out.
func (s *Store) StandingsOf(ctx context.Context, addresses []string) (map[string]*workflow.Standing, error) {
	all := make(map[string]*workflow.Standing, len(addresses))
	rows, err := s.pool.Query(ctx, `
		select m.address, `+standing+`
		from mailboxes m`+newest+`
		where m.address = any($1)`, addresses)
	if err != nil {
		return nil, fmt.Errorf("reading the standing of mailboxes: %w", err)
	}
	var address string
	var row standingRow
	_, err = pgx.ForEachRow(rows, append([]any{&address}, row.columns()...), func() error {
		all[address] = row.standing()
		return nil
	})
	if err != nil {
		return nil, fmt.Errorf("reading the standing of mailboxes: %w", err)
	}
	return all, nil
}
