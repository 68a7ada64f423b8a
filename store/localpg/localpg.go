// Package localpg runs a private PostgreSQL server, so that the program works on a
// machine without a configured database. It needs the PostgreSQL server programs.
//
//	localpg.go    starts, joins and stops a server
//	data.go       finds, creates and removes the cluster
//	lock.go       the lock of the process that runs the server
//	socket.go     the folder of the server's unix socket
//	programs.go   finds the installed PostgreSQL programs
//	account.go    the user account of the server, which cannot be root
//	server.go     the server process
//
// The cluster is the folder "postgres" inside Options.Dir. The server accepts
// connections only on a unix socket, in a folder that only its account and root can
// enter. It requires no password. The cluster is an ordinary PostgreSQL cluster,
// which pg_dump and pg_upgrade can process.
//
// The server belongs to the process that started it and ends with that process,
// even if the process is killed. Processes that joined then lose the server.
package localpg

import (
	"context"
	"errors"
	"fmt"
	"io"
	"maps"
	"net/url"
	"os"
	"path/filepath"
	"slices"
	"sync"
	"syscall"
	"time"
)

const (
	poll        = 2 * time.Millisecond
	stopTimeout = 20 * time.Second // for a previous server to end, or for ours to stop
)

// Options are the location of the cluster and the settings of its server.
type Options struct {
	// Dir is the folder that contains the cluster, as "postgres". Start creates
	// it if it is missing. If we are root, the account of the server must be
	// able to enter it.
	Dir string

	// Settings are additional PostgreSQL settings, by name. If "fsync" is "off",
	// for tests, the new cluster is not synced to disk either.
	Settings map[string]string

	// Log receives the output of the server, if not nil.
	Log io.Writer
}

// Cluster is a running server, started or joined by this process.
type Cluster struct {
	folder string       // of the socket
	server *server      // nil if joined
	stop   func() error // stops the server once
}

// Start joins the running server of o.Dir, or starts one. It creates the cluster if
// there is none, and returns when the server accepts connections. If several
// processes start at the same time, one starts the server and the others join it.
// Recovery after a crash may take long; ctx limits the wait, not the lifetime of
// the server.
//
// Start returns an error, and does not change the cluster, if the major version of
// the cluster is not installed. If it cannot create a cluster, it leaves no files.
func Start(ctx context.Context, o Options) (*Cluster, error) {
	if len(installed()) == 0 {
		return nil, fmt.Errorf("private PostgreSQL in %q: %w", o.Dir, notInstalled(nil))
	}
	c, err := start(ctx, o)
	if err != nil {
		return nil, fmt.Errorf("private PostgreSQL in %q: %w", o.Dir, err)
	}
	return c, nil
}

func start(ctx context.Context, o Options) (*Cluster, error) {
	data, acct, err := locate(ctx, o.Dir)
	if err != nil {
		return nil, err
	}
	lock, err := openLock(data+".lock", acct)
	if err != nil {
		return nil, err
	}
	keep := false
	defer func() {
		if !keep {
			lock.Close()
		}
	}()
	for {
		if mine, err := tryLock(lock); err != nil {
			return nil, err
		} else if mine {
			break
		}
		if p, ok := runningServer(data, acct); ok {
			return &Cluster{folder: p.folder}, nil
		}
		// The process that holds the lock is starting or stopping the server.
		if err := sleep(ctx, poll); err != nil {
			return nil, fmt.Errorf("waiting for the process that holds %s: %w", lock.Name(), err)
		}
	}
	c, err := startCluster(ctx, o, data, acct)
	if err != nil {
		return nil, err
	}
	keep = true
	c.stop = sync.OnceValue(func() error {
		defer lock.Close()
		return c.shutDown()
	})
	return c, nil
}

// URL returns the URL of a database of the cluster, for pgx, with the superuser
// "postgres". A new cluster contains only the database "postgres".
func (c *Cluster) URL(database string) string { return c.RoleURL("postgres", database) }

// RoleURL returns the same as URL for another role. A client that can reach the
// socket can use any role of the cluster, without a password.
func (c *Cluster) RoleURL(role, database string) string {
	u := url.URL{Scheme: "postgres", User: url.User(role), Path: "/" + database}
	u.RawQuery = url.Values{"host": {c.folder}, "port": {port}}.Encode()
	return u.String()
}

// Joined reports whether another process started the server. If so, Stop does
// nothing.
func (c *Cluster) Joined() bool { return c.server == nil }

// Stop stops the server and its connections, if this process started it. It returns
// an error if the server had already stopped unexpectedly. A second call does nothing
// and returns the same result.
func (c *Cluster) Stop() error {
	if c.Joined() {
		return nil
	}
	return c.stop()
}

// startCluster starts the server of data. It creates the cluster if it is missing.
// The caller holds the lock.
func startCluster(ctx context.Context, o Options, data string, acct account) (*Cluster, error) {
	bin, err := programsFor(ctx, data, acct)
	if err != nil {
		return nil, err
	}
	if _, err := os.Stat(data); errors.Is(err, os.ErrNotExist) {
		if err := create(ctx, bin, data, acct, o.Settings["fsync"] == "off"); err != nil {
			return nil, fmt.Errorf("creating the cluster: %w", err)
		}
	}
	for until := time.Now().Add(stopTimeout); ; {
		c, err := startServer(ctx, o, bin, data, acct)
		if !errors.Is(err, errOccupied) || time.Now().After(until) {
			return c, err
		}
		// The process of the previous server was killed, and the server has not
		// ended yet, or the system does not stop it (see setPdeathsig).
		if p, ok := runningServer(data, acct); ok {
			syscall.Kill(p.pid, syscall.SIGINT)
		}
		if err := sleep(ctx, 50*time.Millisecond); err != nil {
			return nil, err
		}
	}
}

// startServer starts the server and waits until it accepts connections.
func startServer(ctx context.Context, o Options, bin, data string, acct account) (*Cluster, error) {
	folder, err := socketFolder(data, acct)
	if err != nil {
		return nil, err
	}
	// Not with ctx, which limits only the start.
	cmd := acct.command(context.Background(), "/", filepath.Join(bin, "postgres"), settings(o.Settings, data, folder)...)
	c := &Cluster{folder: folder}
	if c.server, err = startProcess(cmd, o.Log); err != nil {
		os.Remove(folder)
		return nil, fmt.Errorf("starting the server: %w", err)
	}
	if err := c.server.waitReady(ctx, data); err != nil {
		_ = c.shutDown() // its error is about the same failure
		return nil, fmt.Errorf("waiting for the server to start: %w", err)
	}
	return c, nil
}

func (c *Cluster) shutDown() error {
	err := c.server.stop()
	os.Remove(c.folder) // fails if a server still uses it
	return err
}

// settings returns the server's arguments. The last value of a setting counts, so
// the settings that keep the server private come after the caller's.
func settings(more map[string]string, data, folder string) []string {
	args := []string{
		"-D", data,
		// We report failed statements ourselves. The server would print the
		// values of the row, which are personal data.
		"-c", "log_error_verbosity=terse",
		"-c", "log_min_error_statement=panic",
	}
	for _, name := range slices.Sorted(maps.Keys(more)) {
		args = append(args, "-c", name+"="+more[name])
	}
	return append(args,
		"-c", "listen_addresses=",
		"-c", "unix_socket_directories="+folder,
		"-c", "unix_socket_permissions=0700",
		"-c", "port="+port,
		"-c", "logging_collector=off",
	)
}

func sleep(ctx context.Context, d time.Duration) error {
	select {
	case <-ctx.Done():
		return ctx.Err()
	case <-time.After(d):
		return nil
	}
}
