package store

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/jackc/pgx/v5"

	"stella/workflow"
)

// Suspend writes that an identity provider is not believed.
func (s *Store) Suspend(ctx context.Context, x workflow.Suspension) error {
	return s.writeSuspension(ctx, x.Provider, &x.Since, x.Reason, x.Operator, x.SuspendedAt)
}

// Resume writes that an identity provider is believed again.
func (s *Store) Resume(ctx context.Context, provider, operator, reason string, at time.Time) error {
	return s.writeSuspension(ctx, provider, nil, reason, operator, at)
}

func (s *Store) writeSuspension(ctx context.Context, provider string, since *time.Time, reason, operator string, at time.Time) error {
	_, err := s.pool.Exec(ctx, `
		insert into suspensions (provider, since, reason, operator, decided_at) values ($1, $2, $3, $4, $5)`,
		provider, since, reason, operator, at)
	if err != nil {
		return fmt.Errorf("writing a suspension: %w", err)
	}
	return nil
}

// Suspensions lists when identity providers were not believed, or are not. Of
// several suspensions with no resumption between them the newest holds.
func (s *Store) Suspensions(ctx context.Context) ([]workflow.Suspension, error) {
	all, err := list(ctx, s, scanSuspension, suspensions)
	if err != nil {
		return nil, fmt.Errorf("reading the suspensions: %w", err)
	}
	return all, nil
}

const suspensions = `
	select provider, since, until, reason, operator, decided_at
	from (select provider, since, reason, operator, decided_at,
	             lead(decided_at) over newer as until, lead(since) over newer is not null as corrected
	      from suspensions window newer as (partition by provider order by id)) x
	where since is not null and not corrected
	order by provider, decided_at`

func scanSuspension(row pgx.CollectableRow) (x workflow.Suspension, err error) {
	err = row.Scan(&x.Provider, &x.Since, orZero(&x.Until), &x.Reason, &x.Operator, &x.SuspendedAt)
	return x, err
}

// LoggedInWith are the names of the identity providers that anybody set out to
// log in with, by their identifiers.
func (s *Store) LoggedInWith(ctx context.Context) (map[string]string, error) {
	rows, _ := s.pool.Query(ctx, `select provider, max(provider_name) from logins group by provider`) // the rows have its error
	names := map[string]string{}
	var id, name string
	_, err := pgx.ForEachRow(rows, []any{&id, &name}, func() error {
		names[id] = name
		return nil
	})
	if err != nil {
		return nil, fmt.Errorf("listing the identity providers: %w", err)
	}
	return names, nil
}

// Given is a star that an identity provider's word gave.
type Given struct {
	Address      string
	Number       int64
	IdentifiedAt time.Time
	QualifiedAt  time.Time
	State        workflow.State // qualified, or revoked since
}

// GivenBy lists the stars that rest on identities established with a provider
// since the time given. A step that was under way when the provider was
// suspended may give one still: the list waits for it.
func (s *Store) GivenBy(ctx context.Context, provider string, since time.Time) ([]Given, error) {
	if err := s.settle(ctx); err != nil {
		return nil, err
	}
	all, err := list(ctx, s, pgx.RowToStructByPos[Given], `
		select m.address, q.number, i.identified_at, t.at, q.state
		from identities i
		join qualifications q on q.identity_id = i.id
		join steps t on t.qualification_id = q.id and t.to_state = 'qualified'
		join mailboxes m on m.id = q.mailbox_id
		where i.provider = $1 and i.identified_at >= $2
		order by i.identified_at, q.number`, provider, since)
	if err != nil {
		return nil, fmt.Errorf("listing the stars of %s: %w", provider, err)
	}
	return all, nil
}

// ErrUnsettled is returned when a transaction does not end.
var ErrUnsettled = errors.New("a transaction that was under way does not end")

// settle waits until every transaction that was under way has ended, which for
// a step takes milliseconds. Those that begin meanwhile are not held up, as they
// would be by a lock.
func (s *Store) settle(ctx context.Context) error {
	var last string // those under way have lower numbers
	if err := s.pool.QueryRow(ctx, `select pg_current_xact_id()::text`).Scan(&last); err != nil {
		return fmt.Errorf("reading the transactions under way: %w", err)
	}
	for range 1000 {
		var ended bool
		err := s.pool.QueryRow(ctx, `select pg_snapshot_xmin(pg_current_snapshot()) > $1::text::xid8`, last).Scan(&ended)
		if err != nil {
			return fmt.Errorf("reading the transactions under way: %w", err)
		}
		if ended {
			return nil
		}
		time.Sleep(10 * time.Millisecond)
	}
	return ErrUnsettled
}
