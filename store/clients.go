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

// ErrExists means that the name of a client, or the URL of a webhook, is already used.
var ErrExists = errors.New("already exists")

// clientColumns are the columns of clientInto, from a client c.
const clientColumns = `c.id, c.name, c.domains, c.return_urls, c.scopes`

func clientInto(c *workflow.Client) []any {
	return []any{&c.ID, &c.Name, &c.Domains, &c.ReturnURLs, &c.Scopes}
}

// ClientByToken returns the client with a valid token, given the token's digest. It
// returns workflow.ErrUnauthorized if there is none or if the client is disabled.
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

// AddClient writes a client with the digest of its token. It returns ErrExists if the
// name or the token is already used.
func (s *Store) AddClient(ctx context.Context, c workflow.Client, token []byte, now time.Time) error {
	_, err := s.pool.Exec(ctx, `
		insert into clients (name, token, domains, return_urls, scopes, created_at) values ($1, $2, $3, $4, $5, $6)`,
		c.Name, token, c.Domains, returnURLs(c), c.Scopes, now)
	var pgErr *pgconn.PgError
	if errors.As(err, &pgErr) && pgErr.Code == "23505" {
		return fmt.Errorf("client %q: %w", c.Name, ErrExists)
	}
	if err != nil {
		return fmt.Errorf("adding a client: %w", err)
	}
	return nil
}

// PutClient writes a client with the digest of its token, or updates the client with
// that name.
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

// RotateToken gives a client a new token. The previous token remains valid until the
// given time; an older one is no longer valid.
func (s *Store) RotateToken(ctx context.Context, name string, token []byte, until time.Time) error {
	done, err := s.pool.Exec(ctx, `
		update clients set former_token = token, former_until = $3, token = $2 where name = $1`, name, token, until)
	return changed(done, err, "rotating the token of client", name)
}

// DisableClient disables a client with all its tokens, and ends the sessions that it
// handed over. EnableClient makes the tokens valid again.
func (s *Store) DisableClient(ctx context.Context, name string, now time.Time) error {
	done, err := s.pool.Exec(ctx, `
		with ended as (
			update sessions set ended = 'client_disabled', expires_at = $2, draft = null
			where client = $1 and ended = '' and expires_at > $2)
		update clients set disabled_at = coalesce(disabled_at, $2) where name = $1`, name, now)
	return changed(done, err, "disabling client", name)
}

// EnableClient enables a disabled client.
func (s *Store) EnableClient(ctx context.Context, name string) error {
	done, err := s.pool.Exec(ctx, `update clients set disabled_at = null where name = $1`, name)
	return changed(done, err, "enabling client", name)
}

// changed wraps the error of a statement that changes the row with this name. It
// returns workflow.ErrUnknown if no row was changed.
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
	FormerUntil time.Time // when the previous token expires; zero if there is none
	DisabledAt  time.Time // zero if the client is enabled
}

// Clients lists the clients by name.
func (s *Store) Clients(ctx context.Context) ([]ListedClient, error) {
	all, err := list(ctx, s, func(row pgx.CollectableRow) (l ListedClient, err error) {
		err = row.Scan(append(clientInto(&l.Client), &l.CreatedAt, zeroIfNull(&l.FormerUntil), zeroIfNull(&l.DisabledAt))...)
		return l, err
	}, `select `+clientColumns+`, c.created_at, c.former_until, c.disabled_at from clients c order by c.name`)
	if err != nil {
		return nil, fmt.Errorf("listing clients: %w", err)
	}
	return all, nil
}

// returnURLs returns a slice that is never nil, because the column is not null. Only
// webmails have return URLs.
func returnURLs(c workflow.Client) []string {
	if c.ReturnURLs == nil {
		return []string{}
	}
	return c.ReturnURLs
}
