package main

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strconv"

	"github.com/jackc/pgx/v5"

	"stella/store/localpg"
)

// A cluster is a private PostgreSQL with its default settings, in which statements are
// counted.
type cluster struct {
	*localpg.Cluster
	pid int // of the first process
}

func startCluster(ctx context.Context, dir string, log io.Writer) (*cluster, error) {
	// localpg gives the folder to the account that runs PostgreSQL.
	server, err := localpg.Start(ctx, localpg.Options{Dir: dir, Log: log, Settings: map[string]string{
		"shared_preload_libraries": "pg_stat_statements",
		"pg_stat_statements.track": "all",
		"pg_stat_statements.save":  "off",
		"log_checkpoints":          "off",
	}})
	if err != nil {
		return nil, err
	}
	c := &cluster{Cluster: server}
	file, err := os.ReadFile(filepath.Join(dir, "postgres", "postmaster.pid"))
	if err != nil {
		return nil, err
	}
	first, _, _ := bytes.Cut(file, []byte("\n"))
	if c.pid, err = strconv.Atoi(string(first)); err != nil {
		return nil, err
	}
	return c, c.do(ctx, "postgres", "create extension pg_stat_statements")
}

// do executes statements in a database.
func (c *cluster) do(ctx context.Context, database string, statements ...string) error {
	db, err := pgx.Connect(ctx, c.URL(database))
	if err != nil {
		return err
	}
	defer db.Close(ctx)
	for _, sql := range statements {
		if _, err := db.Exec(ctx, sql); err != nil {
			return fmt.Errorf("%s: %w", sql, err)
		}
	}
	return nil
}
