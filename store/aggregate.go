package store

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/jackc/pgx/v5"
)

// Aggregate returns the stored list of identity providers, byte for byte, and when
// it was fetched. It returns nil if there is none.
func (s *Store) Aggregate(ctx context.Context) ([]byte, time.Time, error) {
	var raw []byte
	var fetched time.Time
	err := s.pool.QueryRow(ctx, `select raw, fetched_at from aggregate`).Scan(&raw, &fetched)
	if errors.Is(err, pgx.ErrNoRows) {
		return nil, time.Time{}, nil
	}
	if err != nil {
		return nil, time.Time{}, fmt.Errorf("reading the identity providers: %w", err)
	}
	return raw, fetched, nil
}

// SaveAggregate stores a list of identity providers, unless the stored list was
// fetched later.
func (s *Store) SaveAggregate(ctx context.Context, raw []byte, fetched time.Time) error {
	_, err := s.pool.Exec(ctx, `
		insert into aggregate (raw, fetched_at) values ($1, $2)
		on conflict (singleton) do update set raw = $1, fetched_at = $2 where aggregate.fetched_at < $2`, raw, fetched)
	if err != nil {
		return fmt.Errorf("keeping the identity providers: %w", err)
	}
	return nil
}
