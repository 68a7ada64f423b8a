package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"time"

	"github.com/jackc/pgx/v5"

	"stella/store/localpg"
)

// A postgres is a PostgreSQL of our own, which ends with us. It listens on a
// unix socket alone; a link leads there.
type postgres struct {
	dir    string
	unsafe bool // with fsync off
	log    io.Writer

	mu      sync.Mutex // of the server's life: one start or end at a time
	cluster *localpg.Cluster

	// These stay what they are from the first start on.
	admin  string // URL of the database "postgres"
	socket string // its folder
	bin    string // of PostgreSQL's programs
}

// startPostgres starts the cluster in a folder, and makes it if there is none.
func startPostgres(ctx context.Context, dir string, unsafe bool, log io.Writer) (*postgres, error) {
	p := &postgres{dir: dir, unsafe: unsafe, log: log}
	if err := p.start(ctx); err != nil {
		return nil, err
	}
	p.admin = p.cluster.URL("postgres")
	u, err := url.Parse(p.admin)
	if err != nil {
		return nil, err
	}
	p.socket = u.Query().Get("host")
	return p, nil
}

func (p *postgres) start(ctx context.Context) (err error) {
	// The log is to hold no numbers that could be taken for codes.
	settings := map[string]string{"log_line_prefix": "%m ", "log_checkpoints": "off"}
	if p.unsafe {
		settings["fsync"] = "off"
	}
	p.cluster, err = localpg.Start(ctx, localpg.Options{Dir: p.dir, Settings: settings, Log: p.log})
	return err
}

// url is that of the database, past every link.
func (p *postgres) url() string {
	return strings.Replace(p.admin, "/postgres?", "/"+databaseName+"?", 1)
}

const databaseName = "stella"

// dial connects to the server, for a link.
func (p *postgres) dial() (net.Conn, error) {
	return net.Dial("unix", filepath.Join(p.socket, ".s.PGSQL.5432"))
}

// crash ends the server with a signal, and starts it again after a while:
// SIGKILL for its main process, which the others follow, or SIGQUIT, by which
// it drops everything.
func (p *postgres) crash(ctx context.Context, s syscall.Signal, rest time.Duration) error {
	p.mu.Lock()
	defer p.mu.Unlock()
	if err := p.end(s); err != nil {
		return err
	}
	pause(ctx, rest)
	return p.start(context.WithoutCancel(ctx))
}

// end ends the server with a signal, for good.
func (p *postgres) end(s syscall.Signal) error {
	file, err := os.ReadFile(filepath.Join(p.dir, "postgres", "postmaster.pid"))
	if err != nil {
		return err
	}
	first, _, _ := bytes.Cut(file, []byte("\n"))
	pid, err := strconv.Atoi(string(first))
	if err != nil {
		return err
	}
	if err := syscall.Kill(pid, s); err != nil {
		return err
	}
	p.cluster.Stop() // it is gone, which this is told with an error
	return nil
}

// crashBackend kills one of the server's processes that serve Stella. The
// server then ends all the others, as it cannot trust what they share.
func (p *postgres) crashBackend(ctx context.Context) error {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.do(ctx, func(db *pgx.Conn) error {
		var pid int
		err := db.QueryRow(ctx, `select pid from pg_stat_activity where datname = $1 and pid <> pg_backend_pid() order by random() limit 1`,
			databaseName).Scan(&pid)
		if err != nil {
			return err
		}
		return syscall.Kill(pid, syscall.SIGKILL)
	})
}

func (p *postgres) stop() error {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.cluster.Stop()
}

// do has a connection of the harness's own.
func (p *postgres) do(ctx context.Context, f func(*pgx.Conn) error) error {
	db, err := pgx.Connect(ctx, p.url())
	if err != nil {
		return err
	}
	defer db.Close(context.WithoutCancel(ctx))
	return f(db)
}

// create makes the database, without a schema.
func (p *postgres) create(ctx context.Context) error {
	admin, err := pgx.Connect(ctx, p.admin)
	if err != nil {
		return err
	}
	defer admin.Close(ctx)
	if err := admin.QueryRow(ctx, `select setting from pg_config where name = 'BINDIR'`).Scan(&p.bin); err != nil {
		return fmt.Errorf("asking PostgreSQL where its programs are: %w", err)
	}
	_, err = admin.Exec(ctx, `create database `+databaseName)
	return err
}

// program prepares one of PostgreSQL's own programs, to run on this server as
// the account that owns it.
func (p *postgres) program(ctx context.Context, name string, args ...string) (*exec.Cmd, error) {
	info, err := os.Stat(filepath.Join(p.dir, "postgres"))
	if err != nil {
		return nil, err
	}
	owner := info.Sys().(*syscall.Stat_t)
	c := exec.CommandContext(ctx, filepath.Join(p.bin, name), append([]string{"--host", p.socket, "--username", "postgres"}, args...)...)
	c.Dir, c.Env = "/", []string{"LC_ALL=C"}
	if os.Geteuid() == 0 {
		c.SysProcAttr = &syscall.SysProcAttr{Credential: &syscall.Credential{Uid: owner.Uid, Gid: owner.Gid}}
	}
	return c, nil
}

// dump writes the whole database as pg_dump does.
func (p *postgres) dump(ctx context.Context) ([]byte, error) {
	c, err := p.program(ctx, "pg_dump", databaseName)
	if err != nil {
		return nil, err
	}
	out, err := c.Output()
	var exit *exec.ExitError
	if errors.As(err, &exit) {
		err = fmt.Errorf("%w: %s", err, exit.Stderr)
	}
	return out, err
}

// standby makes a second server in another folder, that follows this one and
// without which this one commits nothing.
func (p *postgres) standby(ctx context.Context, dir string, log io.Writer) (*postgres, error) {
	c, err := p.program(ctx, "pg_basebackup", "--pgdata", filepath.Join(dir, "postgres"), "--write-recovery-conf", "--checkpoint", "fast")
	if err != nil {
		return nil, err
	}
	if c.SysProcAttr != nil {
		if err := os.Chown(dir, int(c.SysProcAttr.Credential.Uid), int(c.SysProcAttr.Credential.Gid)); err != nil {
			return nil, err
		}
	}
	if said, err := c.CombinedOutput(); err != nil {
		return nil, fmt.Errorf("pg_basebackup: %w: %s", err, said)
	}
	follower, err := startPostgres(ctx, dir, p.unsafe, log)
	if err != nil {
		return nil, err
	}
	follower.bin = p.bin
	return follower, p.do(ctx, func(db *pgx.Conn) error {
		for _, sql := range []string{`alter system set synchronous_standby_names = '*'`, `select pg_reload_conf()`} {
			if _, err := db.Exec(ctx, sql); err != nil {
				return err
			}
		}
		for ctx.Err() == nil {
			var follows bool
			err := db.QueryRow(ctx, `select exists (select from pg_stat_replication where sync_state = 'sync')`).Scan(&follows)
			if follows || err != nil {
				return err
			}
			pause(ctx, 20*time.Millisecond)
		}
		return ctx.Err()
	})
}

// promote makes a standby the primary.
func (p *postgres) promote(ctx context.Context) error {
	return p.do(ctx, func(db *pgx.Conn) error {
		var done bool
		err := db.QueryRow(ctx, `select pg_promote()`).Scan(&done)
		if err == nil && !done {
			err = errors.New("the standby was not promoted in time")
		}
		return err
	})
}
