package main

import (
	"context"
	"fmt"
)

type migrateCommand struct {
	database
}

func (c migrateCommand) Run(ctx context.Context) error {
	db, err := c.open(ctx, nil)
	if err != nil {
		return err
	}
	defer db.close()
	done, err := db.Migrate(ctx)
	if err != nil {
		return err
	}
	if done == 0 {
		fmt.Printf("%s: the schema is up to date\n", db.where)
		return nil
	}
	fmt.Printf("%s: %d migrations applied\n", db.where, done)
	return nil
}
