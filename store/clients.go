package store

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/jackc/pgx/v5/pgconn"

	"stella/workflow"
)

// ErrExists is returned for a name that is taken.
var ErrExists = errors.New("already exists")

// AddClient registers a webmail by the digest of its token.
func (s *Store) AddClient(ctx context.Context, c workflow.Client, token []byte, now time.Time) error {
	_, err := s.pool.Exec(ctx, `
		insert into clients (name, token, domains, return_urls, created_at) values ($1, $2, $3, $4, $5)`,
		c.Name, token, c.Domains, c.ReturnURLs, now)
	var clash *pgconn.PgError
	if errors.As(err, &clash) && clash.Code == "23505" {
		return fmt.Errorf("client %q: %w", c.Name, ErrExists)
	}
	if err != nil {
		return fmt.Errorf("adding a client: %w", err)
	}
	return nil
}

// PutClient registers a webmail, or brings it up to date.
func (s *Store) PutClient(ctx context.Context, c workflow.Client, token []byte, now time.Time) error {
	_, err := s.pool.Exec(ctx, `
		insert into clients (name, token, domains, return_urls, created_at) values ($1, $2, $3, $4, $5)
		on conflict (name) do update set token = $2, domains = $3, return_urls = $4`,
		c.Name, token, c.Domains, c.ReturnURLs, now)
	if err != nil {
		return fmt.Errorf("registering a client: %w", err)
	}
	return nil
}
