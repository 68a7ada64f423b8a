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

// A postgres is a PostgreSQL server that is stopped when this process ends. It
// listens on a Unix socket only; links connect to that socket.
type postgres struct {
	dir    string
	unsafe bool // with fsync off
	log    io.Writer

	mu      sync.Mutex // held while the server is started or stopped
	cluster *localpg.Cluster

	// Set at the first start.
	admin  string // URL of the database "postgres"
	socket string // folder of the socket
	bin    string // folder of PostgreSQL's programs
}

// startPostgres starts the cluster in a folder. It creates the cluster if there is
// none.
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
	// The log must not contain numbers that look like codes.
	settings := map[string]string{"log_line_prefix": "%m ", "log_checkpoints": "off"}
	if p.unsafe {
		settings["fsync"] = "off"
	}
	p.cluster, err = localpg.Start(ctx, localpg.Options{Dir: p.dir, Settings: settings, Log: p.log})
	return err
}

// url returns the URL of the database for a direct connection, without a link.
func (p *postgres) url() string {
	return strings.Replace(p.admin, "/postgres?", "/"+databaseName+"?", 1)
}

const databaseName = "stella"

// dial connects to the server, for a link.
func (p *postgres) dial() (net.Conn, error) {
	return net.Dial("unix", filepath.Join(p.socket, ".s.PGSQL.5432"))
}

// crash ends the server with a signal and starts it again after downtime. The
// signal is SIGKILL (the main process is killed, and the others exit) or SIGQUIT
// (immediate shutdown without a checkpoint).
func (p *postgres) crash(ctx context.Context, s syscall.Signal, downtime time.Duration) error {
	p.mu.Lock()
	defer p.mu.Unlock()
	if err := p.kill(s); err != nil {
		return err
	}
	pause(ctx, downtime)
	return p.start(context.WithoutCancel(ctx))
}

// kill ends the server with a signal and does not start it again.
func (p *postgres) kill(s syscall.Signal) error {
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
	p.cluster.Stop() // releases its resources; returns an error because the server was killed
	return nil
}

// crashBackend kills one of the backend processes that serve Stella. The server
// then ends all others, because their shared memory may be corrupt.
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

// do runs f with a direct connection to the database.
func (p *postgres) do(ctx context.Context, f func(*pgx.Conn) error) error {
	db, err := pgx.Connect(ctx, p.url())
	if err != nil {
		return err
	}
	defer db.Close(context.WithoutCancel(ctx))
	return f(db)
}

// create creates the database, without a schema.
func (p *postgres) create(ctx context.Context) error {
	admin, err := pgx.Connect(ctx, p.admin)
	if err != nil {
		return err
	}
	defer admin.Close(ctx)
	if err := admin.QueryRow(ctx, `select setting from pg_config where name = 'BINDIR'`).Scan(&p.bin); err != nil {
		return fmt.Errorf("reading the folder of PostgreSQL's programs: %w", err)
	}
	_, err = admin.Exec(ctx, `create database `+databaseName)
	return err
}

// program returns a command that runs one of PostgreSQL's programs on this server,
// as the user that owns the cluster.
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

// dump returns the output of pg_dump.
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

// standby starts a synchronous streaming standby of this server in another folder.
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

// promote promotes a standby to primary.
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
