package store

import (
	"context"
	"database/sql"
	"embed"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"slices"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/stdlib"
	"github.com/pressly/goose/v3"
	"github.com/riverqueue/river/riverdriver/riverpgxv5"
	"github.com/riverqueue/river/rivermigrate"
)

//go:embed migrations/*.sql
var migrations embed.FS

// migrationLock is the key of an advisory lock. The number is arbitrary.
const migrationLock = 7_357_002

// ErrPending means that the schema of the database is older than the program.
var ErrPending = errors.New("the database has pending migrations")

// Migrate applies the pending migrations of Stella's schema and of the job queue's.
// It then grants the rights of the service to the given roles, and again to the
// roles that already have them. The role of the connection must own the tables.
// Concurrent calls wait for each other. It returns the number of migrations applied.
func (s *Store) Migrate(ctx context.Context, roles ...string) (int, error) {
	if err := s.CheckServer(ctx); err != nil {
		return 0, err
	}
	unlock, err := s.lockMigrations(ctx)
	if err != nil {
		return 0, err
	}
	defer unlock()
	if err := s.checkOwner(ctx); err != nil {
		return 0, err
	}
	done, err := s.migrate(ctx)
	if err != nil {
		return 0, err
	}
	before, err := s.grantedRoles(ctx)
	if err != nil {
		return 0, err
	}
	all := append(before, roles...)
	slices.Sort(all)
	return done, s.grant(ctx, slices.Compact(all))
}

func (s *Store) migrate(ctx context.Context) (int, error) {
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

// checkOwner returns an error if the role of the connection does not own the
// tables. In an empty database every role passes: it becomes the owner.
func (s *Store) checkOwner(ctx context.Context) error {
	var role, owner string
	var owns bool
	err := s.pool.QueryRow(ctx, `
		select current_user, pg_get_userbyid(relowner), pg_has_role(relowner, 'usage')
		from pg_class where oid = to_regclass('steps')`).Scan(&role, &owner, &owns)
	switch {
	case errors.Is(err, pgx.ErrNoRows):
		return nil
	case err != nil:
		return fmt.Errorf("looking for the owner of the tables: %w", err)
	case !owns:
		return fmt.Errorf("the role %q does not own the tables: connect as %q to migrate", role, owner)
	}
	return nil
}

// lockMigrations waits until no other process migrates. A separate connection
// holds the lock; unlock closes that connection.
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

// CheckSchema returns ErrPending if the schema is not up to date, and ErrRights
// if the role of the connection lacks a right that the service needs.
func (s *Store) CheckSchema(ctx context.Context) error {
	pending, err := s.pending(ctx)
	switch {
	case isPermissionDenied(err):
		return fmt.Errorf("%w: %w", ErrRights, err)
	case err != nil:
		return err
	case pending:
		return ErrPending
	}
	return s.checkRights(ctx)
}

func (s *Store) pending(ctx context.Context) (bool, error) {
	db := stdlib.OpenDBFromPool(s.pool)
	defer db.Close()
	provider, err := provider(db)
	if err != nil {
		return false, err
	}
	pending, err := provider.HasPending(ctx)
	if err != nil {
		return false, fmt.Errorf("reading the schema's version: %w", err)
	}
	queue, err := s.queueMigrator()
	if err != nil {
		return false, err
	}
	res, err := queue.Validate(ctx, nil)
	if err != nil {
		return false, fmt.Errorf("reading the job queue's version: %w", err)
	}
	return pending || !res.OK, nil
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
