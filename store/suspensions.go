package store

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/jackc/pgx/v5"

	"stella/workflow"
	"stella/workflow/qualification"
)

// Suspend records that an identity provider is suspended.
func (s *Store) Suspend(ctx context.Context, x workflow.Suspension) error {
	return s.writeSuspension(ctx, x.Provider, &x.Since, x.Reason, x.Operator, x.SuspendedAt)
}

// Resume records that the suspension of an identity provider ends.
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

// Suspensions lists the past and current suspensions of identity providers. If
// several suspensions follow each other without a resumption, each corrects the
// one before, and the list contains only the newest.
func (s *Store) Suspensions(ctx context.Context) (workflow.Suspensions, error) {
	all, err := list(ctx, s, scanSuspension, suspensions)
	if err != nil {
		return nil, fmt.Errorf("reading the suspensions: %w", err)
	}
	return all, nil
}

const suspensions = `
	select provider, since, until, reason, operator, decided_at as suspendedat
	from (select provider, since, reason, operator, decided_at,
	             lead(decided_at) over newer as until, lead(since) over newer is not null as corrected
	      from suspensions window newer as (partition by provider order by id)) x
	where since is not null and not corrected
	order by provider, decided_at`

func scanSuspension(row pgx.CollectableRow) (x workflow.Suspension, err error) {
	err = row.Scan(&x.Provider, &x.Since, zeroIfNull(&x.Until), &x.Reason, &x.Operator, &x.SuspendedAt)
	return x, err
}

// LoggedInWith returns the names of all identity providers for which a login was
// started, by identifier.
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

// Given is a star that is based on an identity from an identity provider.
type Given struct {
	Address      string
	Number       int64
	IdentifiedAt time.Time
	QualifiedAt  time.Time
	State        qualification.State // qualified or revoked
}

// GivenBy lists the stars that are based on identities from a provider since the
// given time. A step that was running when the provider was suspended may still
// give a star, so GivenBy first waits until all running transactions have ended.
// It returns ErrUnsettled if they do not.
func (s *Store) GivenBy(ctx context.Context, provider string, since time.Time) ([]Given, error) {
	if err := s.waitForRunningTransactions(ctx); err != nil {
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

// ErrUnsettled means that a running transaction did not end within about ten seconds.
var ErrUnsettled = errors.New("a transaction that was running does not end")

// waitForRunningTransactions waits until all transactions that are now running
// have ended. A step takes milliseconds. A lock would also delay transactions that
// begin later.
func (s *Store) waitForRunningTransactions(ctx context.Context) error {
	var last string // running transactions have lower IDs
	if err := s.pool.QueryRow(ctx, `select pg_current_xact_id()::text`).Scan(&last); err != nil {
		return fmt.Errorf("reading the running transactions: %w", err)
	}
	for range 1000 {
		var ended bool
		err := s.pool.QueryRow(ctx, `select pg_snapshot_xmin(pg_current_snapshot()) > $1::text::xid8`, last).Scan(&ended)
		if err != nil {
			return fmt.Errorf("reading the running transactions: %w", err)
		}
		if ended {
			return nil
		}
		time.Sleep(10 * time.Millisecond)
	}
	return ErrUnsettled
}
