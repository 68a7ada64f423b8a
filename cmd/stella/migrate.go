package main

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"stella/cmd/stella/config"
	"stella/store"
)

type migrateCommand struct {
	config.Database
	Grant []string `placeholder:"ROLE" help:"PostgreSQL role with which \"stella serve\" and the other commands connect. It gets only the rights that they need. Later migrations renew them."`
}

func (migrateCommand) Help() string {
	return "Connects as the owner of the tables. The service connects with another role, which cannot delete or change evidence: " +
		"name it with --grant. The private PostgreSQL already has both roles."
}

func (c migrateCommand) Run(ctx context.Context) error {
	where, done, err := c.migrate(ctx)
	if err != nil {
		return err
	}
	switch done {
	case 0:
		fmt.Printf("%s: the schema is up to date\n", where)
	default:
		fmt.Printf("%s: %d migrations applied\n", where, done)
	}
	if len(c.Grant) > 0 {
		fmt.Printf("%s has the rights of the service\n", strings.Join(c.Grant, ", "))
	}
	return nil
}

// migrate migrates the database. It returns a description of the database and the
// number of applied migrations.
func (c migrateCommand) migrate(ctx context.Context) (where string, done int, err error) {
	if c.URL == "" {
		if len(c.Grant) > 0 {
			return "", 0, errors.New("the private PostgreSQL already has its roles: --grant is only for your own PostgreSQL")
		}
		db, done, err := c.OpenPrivate(ctx, nil)
		if err != nil {
			return "", 0, err
		}
		return db.Where, done, db.Close()
	}
	if err := c.Check(); err != nil {
		return "", 0, fmt.Errorf("STELLA_DATABASE_URL: %w", err)
	}
	db, err := store.Open(ctx, c.URL, nil)
	if err != nil {
		return "", 0, err
	}
	defer db.Close()
	done, err = db.Migrate(ctx, c.Grant...)
	return "PostgreSQL at " + store.Where(db.Pool().Config()), done, err
}
