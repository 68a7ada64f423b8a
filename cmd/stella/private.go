package main

import (
	"context"
	"fmt"

	"filippo.io/age"
	"github.com/jackc/pgx/v5"

	"stella/store"
	"stella/store/localpg"
)

// serviceRole is as whom Stella uses the private PostgreSQL. Its tables belong to
// the superuser postgres, who only migrates.
const serviceRole = "stella"

// openPrivate starts the private PostgreSQL, or joins it, brings its schema up to
// date and connects as the service. It returns how many migrations it applied.
func (d database) openPrivate(ctx context.Context, recipient age.Recipient) (*opened, int, error) {
	cluster, err := localpg.Start(ctx, localpg.Options{Dir: d.dir()})
	if err != nil {
		return nil, 0, fmt.Errorf("starting the private PostgreSQL: %w", err)
	}
	done, err := preparePrivate(ctx, cluster)
	if err != nil {
		return nil, 0, fmt.Errorf("%w (and stopping it: %v)", err, cluster.Stop())
	}
	s, err := store.Open(ctx, cluster.RoleURL(serviceRole, "stella"), recipient)
	if err != nil {
		return nil, 0, fmt.Errorf("%w (and stopping it: %v)", err, cluster.Stop())
	}
	return &opened{Store: s, cluster: cluster, where: "private PostgreSQL in " + d.dir()}, done, nil
}

// preparePrivate makes the service's role and the database if they are not there,
// and migrates.
func preparePrivate(ctx context.Context, cluster *localpg.Cluster) (int, error) {
	admin, err := pgx.Connect(ctx, cluster.URL("postgres"))
	if err != nil {
		return 0, fmt.Errorf("reaching the private PostgreSQL: %w", err)
	}
	defer admin.Close(ctx)
	// One at a time: two commands may be the first ones at once.
	if _, err := admin.Exec(ctx, `select pg_advisory_lock(7357)`); err != nil {
		return 0, fmt.Errorf("locking the private PostgreSQL: %w", err)
	}
	for _, missing := range []struct{ is, make string }{
		{`select exists (select from pg_roles where rolname = 'stella')`, `create role stella login`},
		{`select exists (select from pg_database where datname = 'stella')`, `create database stella`},
	} {
		var there bool
		err := admin.QueryRow(ctx, missing.is).Scan(&there)
		if err == nil && !there {
			_, err = admin.Exec(ctx, missing.make)
		}
		if err != nil {
			return 0, fmt.Errorf("making the database: %w", err)
		}
	}
	owner, err := store.Open(ctx, cluster.URL("stella"), nil)
	if err != nil {
		return 0, err
	}
	defer owner.Close()
	// Before PostgreSQL 15 every role may make tables.
	if _, err := owner.Pool().Exec(ctx, `revoke create on schema public from public`); err != nil {
		return 0, fmt.Errorf("closing the schema: %w", err)
	}
	return owner.Migrate(ctx, serviceRole)
}
