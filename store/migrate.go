package store

import (
	"context"
	"database/sql"
	"embed"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/stdlib"
	"github.com/pressly/goose/v3"
	"github.com/riverqueue/river/riverdriver/riverpgxv5"
	"github.com/riverqueue/river/rivermigrate"
)

//go:embed migrations/*.sql
var migrations embed.FS

// migrationLock is the key of an advisory lock; any number will do.
const migrationLock = 7_357_002

// ErrPending is returned for a database whose schema is older than the program.
var ErrPending = errors.New("the database has pending migrations")

// Migrate brings the schema up to date: ours and the job queue's. Several at
// once wait for one another. It returns how many migrations it applied.
func (s *Store) Migrate(ctx context.Context) (int, error) {
	unlock, err := s.lockMigrations(ctx)
	if err != nil {
		return 0, err
	}
	defer unlock()
	db := stdlib.OpenDBFromPool(s.pool)
	defer db.Close()
	provider, err := provider(db)
	if err != nil {
		return 0, err
	}
	done, err := provider.Up(ctx)
	if err != nil {
		return 0, fmt.Errorf("migrating: %w", err)
	}
	queue, err := s.queueMigrator()
	if err != nil {
		return 0, err
	}
	res, err := queue.Migrate(ctx, rivermigrate.DirectionUp, nil)
	if err != nil {
		return 0, fmt.Errorf("migrating the job queue: %w", err)
	}
	return len(done) + len(res.Versions), nil
}

// lockMigrations waits until nobody else migrates. The lock is held by a
// connection of its own, and ends with it.
func (s *Store) lockMigrations(ctx context.Context) (unlock func(), err error) {
	conn, err := pgx.ConnectConfig(ctx, s.pool.Config().ConnConfig)
	if err != nil {
		return nil, fmt.Errorf("locking the schema: %w", err)
	}
	unlock = func() { conn.Close(context.WithoutCancel(ctx)) }
	if _, err := conn.Exec(ctx, `select pg_advisory_lock($1)`, migrationLock); err != nil {
		unlock()
		return nil, fmt.Errorf("locking the schema: %w", err)
	}
	return unlock, nil
}

// CheckSchema returns ErrPending unless the schema is up to date.
func (s *Store) CheckSchema(ctx context.Context) error {
	db := stdlib.OpenDBFromPool(s.pool)
	defer db.Close()
	provider, err := provider(db)
	if err != nil {
		return err
	}
	pending, err := provider.HasPending(ctx)
	if err != nil {
		return fmt.Errorf("reading the schema's version: %w", err)
	}
	queue, err := s.queueMigrator()
	if err != nil {
		return err
	}
	res, err := queue.Validate(ctx, nil)
	if err != nil {
		return fmt.Errorf("reading the job queue's version: %w", err)
	}
	if pending || !res.OK {
		return ErrPending
	}
	return nil
}

func provider(db *sql.DB) (*goose.Provider, error) {
	files, err := fs.Sub(migrations, "migrations")
	if err != nil {
		return nil, err
	}
	return goose.NewProvider(goose.DialectPostgres, db, files, goose.WithSlog(slog.New(slog.DiscardHandler)))
}

func (s *Store) queueMigrator() (*rivermigrate.Migrator[pgx.Tx], error) {
	return rivermigrate.New(riverpgxv5.New(s.pool), &rivermigrate.Config{Logger: slog.New(slog.DiscardHandler)})
}
