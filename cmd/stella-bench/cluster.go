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

func startCluster(ctx context.Context, dir string, unsafe bool, log io.Writer) (*cluster, error) {
	settings := map[string]string{
		"shared_preload_libraries": "pg_stat_statements",
		"pg_stat_statements.track": "all",
		"pg_stat_statements.save":  "off",
		"log_checkpoints":          "off",
	}
	if unsafe {
		settings["fsync"] = "off"
	}
	server, err := localpg.Start(ctx, localpg.Options{Dir: dir, Log: log, Settings: settings})
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
