package config

import (
	"context"
	"fmt"
	"time"

	"filippo.io/age"
	"github.com/jackc/pgx/v5"

	"stella/store"
	"stella/store/localpg"
)

// ServiceRole is the role with which Stella uses the private PostgreSQL. The tables
// belong to the superuser postgres, which is used only for migrations.
const ServiceRole = "stella"

// OpenPrivate starts the private PostgreSQL, or uses the one that another process
// started, migrates its schema and connects as serviceRole. It returns the number of
// applied migrations.
func (d Database) OpenPrivate(ctx context.Context, recipient age.Recipient) (*OpenDatabase, int, error) {
	cluster, err := localpg.Start(ctx, localpg.Options{Dir: d.Folder()})
	if err != nil {
		return nil, 0, fmt.Errorf("starting the private PostgreSQL: %w", err)
	}
	done, err := PreparePrivate(ctx, cluster)
	if err != nil {
		return nil, 0, fmt.Errorf("%w (and stopping it: %v)", err, cluster.Stop())
	}
	s, err := store.Open(ctx, cluster.RoleURL(ServiceRole, "stella"), recipient)
	if err != nil {
		return nil, 0, fmt.Errorf("%w (and stopping it: %v)", err, cluster.Stop())
	}
	return &OpenDatabase{Store: s, Cluster: cluster, Where: "private PostgreSQL in " + d.Folder()}, done, nil
}

// PreparePrivate creates the service's role and the database if they do not exist, and
// migrates. It returns the number of applied migrations.
func PreparePrivate(ctx context.Context, cluster *localpg.Cluster) (int, error) {
	admin, err := pgx.Connect(ctx, cluster.URL("postgres"))
	if err != nil {
		return 0, fmt.Errorf("reaching the private PostgreSQL: %w", err)
	}
	defer admin.Close(ctx)
	// The lock is needed if two commands start at the same time on an empty PostgreSQL.
	if _, err := admin.Exec(ctx, `select pg_advisory_lock(7357)`); err != nil {
		return 0, fmt.Errorf("locking the private PostgreSQL: %w", err)
	}
	for _, object := range []struct{ exists, create string }{
		{`select exists (select from pg_roles where rolname = 'stella')`, `create role stella login`},
		{`select exists (select from pg_database where datname = 'stella')`, `create database stella`},
	} {
		var exists bool
		err := admin.QueryRow(ctx, object.exists).Scan(&exists)
		if err == nil && !exists {
			_, err = admin.Exec(ctx, object.create)
		}
		if err != nil {
			return 0, fmt.Errorf("creating the database: %w", err)
		}
	}
	owner, err := store.Open(ctx, cluster.URL("stella"), nil)
	if err != nil {
		return 0, err
	}
	defer owner.Close()
	// Before PostgreSQL 15 every role may create tables.
	if _, err := owner.Pool().Exec(ctx, `revoke create on schema public from public`); err != nil {
		return 0, fmt.Errorf("closing the schema: %w", err)
	}
	return owner.Migrate(ctx, ServiceRole)
}

// OpenExclusive opens the database for a long-running process. A private PostgreSQL
// stops with the process that started it, so this must be our own process. If another
// process runs it, OpenExclusive waits, since that may be a short command, and returns
// an error after waitTimeout.
func (d Database) OpenExclusive(ctx context.Context, recipient age.Recipient) (*OpenDatabase, error) {
	const waitTimeout = 5 * time.Second
	for began := time.Now(); ; time.Sleep(200 * time.Millisecond) {
		db, err := d.Open(ctx, recipient)
		if err != nil || db.Cluster == nil || !db.Cluster.Joined() {
			return db, err
		}
		if err := db.Close(); err != nil {
			return nil, err
		}
		if time.Since(began) > waitTimeout {
			return nil, fmt.Errorf("another stella runs on the data in %s: stop it, or use another --dir", d.Folder())
		}
	}
}
