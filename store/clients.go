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

// ErrExists is returned for a name that is taken.
var ErrExists = errors.New("already exists")

// clientColumns are what clientInto scans, of a client c.
const clientColumns = `c.id, c.name, c.domains, c.return_urls, c.scopes`

func clientInto(c *workflow.Client) []any {
	return []any{&c.ID, &c.Name, &c.Domains, &c.ReturnURLs, &c.Scopes}
}

// ClientByToken finds a client by the digest of one of its tokens.
func (s *Store) ClientByToken(ctx context.Context, token []byte, now time.Time) (workflow.Client, error) {
	var c workflow.Client
	err := s.pool.QueryRow(ctx, `
		select `+clientColumns+` from clients c
		where (c.token = $1 or c.former_token = $1 and c.former_until > $2) and c.disabled_at is null`, token, now).Scan(clientInto(&c)...)
	if errors.Is(err, pgx.ErrNoRows) {
		return c, workflow.ErrUnauthorized
	}
	if err != nil {
		return c, fmt.Errorf("reading a client: %w", err)
	}
	return c, nil
}

// AddClient registers a client by the digest of its token.
func (s *Store) AddClient(ctx context.Context, c workflow.Client, token []byte, now time.Time) error {
	_, err := s.pool.Exec(ctx, `
		insert into clients (name, token, domains, return_urls, scopes, created_at) values ($1, $2, $3, $4, $5, $6)`,
		c.Name, token, c.Domains, returnURLs(c), c.Scopes, now)
	var clash *pgconn.PgError
	if errors.As(err, &clash) && clash.Code == "23505" {
		return fmt.Errorf("client %q: %w", c.Name, ErrExists)
	}
	if err != nil {
		return fmt.Errorf("adding a client: %w", err)
	}
	return nil
}

// PutClient registers a client, or brings it up to date.
func (s *Store) PutClient(ctx context.Context, c workflow.Client, token []byte, now time.Time) error {
	_, err := s.pool.Exec(ctx, `
		insert into clients (name, token, domains, return_urls, scopes, created_at) values ($1, $2, $3, $4, $5, $6)
		on conflict (name) do update set token = $2, domains = $3, return_urls = $4, scopes = $5`,
		c.Name, token, c.Domains, returnURLs(c), c.Scopes, now)
	if err != nil {
		return fmt.Errorf("registering a client: %w", err)
	}
	return nil
}

// RotateToken gives a client a new token. The one before is good until the
// time given, and the one before that no longer.
func (s *Store) RotateToken(ctx context.Context, name string, token []byte, until time.Time) error {
	done, err := s.pool.Exec(ctx, `
		update clients set former_token = token, former_until = $3, token = $2 where name = $1`, name, token, until)
	return changed(done, err, "rotating the token of client", name)
}

// DisableClient turns a client away from now on, whatever its tokens, and ends
// the sessions that it handed over; enabling it lets the tokens be good again.
func (s *Store) DisableClient(ctx context.Context, name string, now time.Time) error {
	done, err := s.pool.Exec(ctx, `
		with ended as (
			update sessions set ended = 'client_disabled', expires_at = $2, draft = null
			where client = $1 and ended = '' and expires_at > $2)
		update clients set disabled_at = coalesce(disabled_at, $2) where name = $1`, name, now)
	return changed(done, err, "disabling client", name)
}

// EnableClient lets a disabled client in again.
func (s *Store) EnableClient(ctx context.Context, name string) error {
	done, err := s.pool.Exec(ctx, `update clients set disabled_at = null where name = $1`, name)
	return changed(done, err, "enabling client", name)
}

// changed is the error of a statement that was to change what has this name.
func changed(done pgconn.CommandTag, err error, what, name string) error {
	if err == nil && done.RowsAffected() == 0 {
		err = workflow.ErrUnknown
	}
	if err != nil {
		return fmt.Errorf("%s %q: %w", what, name, err)
	}
	return nil
}

// ListedClient is a client in a list.
type ListedClient struct {
	workflow.Client
	CreatedAt   time.Time
	FormerUntil time.Time // of a rotation; zero without a former token
	DisabledAt  time.Time // zero while it is not
}

// Clients lists the clients by name.
func (s *Store) Clients(ctx context.Context) ([]ListedClient, error) {
	all, err := list(ctx, s, func(row pgx.CollectableRow) (l ListedClient, err error) {
		err = row.Scan(append(clientInto(&l.Client), &l.CreatedAt, orZero(&l.FormerUntil), orZero(&l.DisabledAt))...)
		return l, err
	}, `select `+clientColumns+`, c.created_at, c.former_until, c.disabled_at from clients c order by c.name`)
	if err != nil {
		return nil, fmt.Errorf("listing clients: %w", err)
	}
	return all, nil
}

// returnURLs are never null: only webmails have any.
func returnURLs(c workflow.Client) []string {
	if c.ReturnURLs == nil {
		return []string{}
	}
	return c.ReturnURLs
}
