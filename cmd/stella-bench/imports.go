package main

import (
	"context"
	"errors"
	"fmt"
	"os/exec"
	"path/filepath"
	"syscall"
	"time"

	"github.com/jackc/pgx/v5"

	"stella/cmd/stella-bench/floor"
)

// imports imports a file of mailboxes into an empty database. For the floor, psql copies
// the same file.
var imports = mode{name: "import", n: 100_000, measure: measureImport}

func measureImport(ctx context.Context, of *subject, m mode, o options) (r report, err error) {
	if of.cluster == nil {
		return r, errors.New("an import is measured on a PostgreSQL of its own: without -url")
	}
	if o.n == 0 {
		o.n = m.n
	}
	file := of.world.file("import.csv")
	if err := writeMailboxFile(file, o.n); err != nil {
		return r, err
	}
	s := &subject{name: of.name, world: of.world, binary: of.binary, cluster: of.cluster, observed: of.observed,
		metadata: of.metadata, database: "import"}
	if err := s.cluster.do(ctx, "postgres", "create database "+s.database); err != nil {
		return r, err
	}
	defer func() {
		err = errors.Join(err, s.cluster.do(ctx, "postgres", "drop database "+s.database+" with (force)"))
	}()
	s.url = s.cluster.URL(s.database)
	if s.proxy = of.proxy; s.proxy != nil {
		if s.url, err = s.proxy.URL(s.url); err != nil {
			return r, err
		}
	}
	command, err := s.importCommand(ctx, file)
	if err != nil {
		return r, err
	}
	if err := s.resetStatements(ctx); err != nil {
		return r, err
	}
	before, err := s.count(ctx)
	if err != nil {
		return r, err
	}
	turns, postgres, driver, begun := s.turns(), cpuOfTree(s.cluster.pid), ownCPU(), time.Now()
	if err := command.Run(); err != nil {
		return r, fmt.Errorf("the import into %s failed: see %s: %w", s.name, s.world.log.Name(), err)
	}
	took := time.Since(begun)
	after, err := s.count(ctx)
	if err != nil {
		return r, err
	}
	used := cpu{program: command.ProcessState.UserTime() + command.ProcessState.SystemTime(),
		postgres: cpuOfTree(s.cluster.pid) - postgres, driver: ownCPU() - driver}
	r = report{Program: s.name, Mode: m.name, AtOnce: 1, Unit: "1000 mailboxes", Done: o.n, Seconds: took.Seconds(),
		PerSecond: float64(o.n) / took.Seconds(), RoundTrips: each(s.turns()-turns, o.n/1000)}
	r.spent(used, before, after, o.n/1000)
	if u, ok := command.ProcessState.SysUsage().(*syscall.Rusage); ok && canMeasure {
		r.PeakMB = float64(u.Maxrss) / 1024
	}
	if o.statements > 0 {
		r.Top, err = s.topStatements(ctx, o.statements, o.n/1000)
	}
	return r, err
}

// importCommand prepares an empty database, and returns the command of the import.
func (s *subject) importCommand(ctx context.Context, file string) (*exec.Cmd, error) {
	if s.binary != "" {
		_, err := s.run(ctx, "migrate")
		return s.command(ctx, "mailbox", "import", file), err
	}
	if err := s.cluster.do(ctx, s.database, floor.ImportTable); err != nil {
		return nil, err
	}
	var programs string // folder
	err := s.observing(ctx, func(db *pgx.Conn) error {
		return db.QueryRow(ctx, `select setting from pg_config where name = 'BINDIR'`).Scan(&programs)
	})
	c := exec.CommandContext(ctx, filepath.Join(programs, "psql"), s.url, "--no-psqlrc", "--command",
		`\copy mailbox_rows (address,kind,name,fiscal_code,representatives,email,status) from `+file+
			` csv header force not null name,fiscal_code,representatives,email`)
	c.Stderr = s.world.log
	return c, err
}
