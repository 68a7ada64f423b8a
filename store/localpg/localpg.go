// Package localpg runs a private PostgreSQL, so that the program works on a
// machine where nobody has configured a database.
//
//	localpg.go    Start, join, stop
//	data.go       the cluster's folder, and how a new one is made
//	lock.go       which process the server belongs to
//	socket.go     where the server is reached
//	programs.go   which of the installed PostgreSQL programs to run
//	account.go    as whom, since PostgreSQL refuses to run as root
//	server.go     the server process, which dies with ours
//
// The cluster is the folder "postgres" inside Options.Dir. It is reached by a
// unix socket alone, in a folder that only its account and root can enter:
// that folder is the password. It stays an ordinary PostgreSQL cluster,
// which pg_dump and pg_upgrade understand.
//
// The server belongs to the process that started it and ends with it, even
// when that process is killed. Who joined it loses it at that moment.
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
	poll     = 2 * time.Millisecond
	patience = 20 * time.Second // for a former server to leave, or ours to stop
)

// Options say where the cluster lives and how its server runs.
type Options struct {
	// Dir holds the cluster, in its folder "postgres". It is made if
	// missing. As root, other accounts must be able to pass through it.
	Dir string

	// Settings are further PostgreSQL settings, by name. With "fsync" set
	// to "off", for tests, creating the cluster skips the disk as well.
	Settings map[string]string

	// Log receives what the server prints, if not nil.
	Log io.Writer
}

// A Cluster is a running server, started or joined.
type Cluster struct {
	folder string       // of the socket
	server *server      // nil when joined
	stop   func() error // once
}

// Start joins the running server of o.Dir or starts one, first creating the
// cluster if there is none, and returns when it accepts connections. Of
// several processes that start at once, one starts the server and the others
// join it. Recovery after a crash may take long; ctx limits the wait, not the
// server's life.
//
// A cluster of a major version that is not installed is refused untouched, and
// where no cluster can be made nothing is left behind.
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
	data, who, err := place(ctx, o.Dir)
	if err != nil {
		return nil, err
	}
	held, err := openLock(data+".lock", who)
	if err != nil {
		return nil, err
	}
	keep := false
	defer func() {
		if !keep {
			held.Close()
		}
	}()
	for {
		if mine, err := try(held); err != nil {
			return nil, err
		} else if mine {
			break
		}
		if p, ok := running(data, who); ok {
			return &Cluster{folder: p.folder}, nil
		}
		// Who holds the lock is starting the server, or stopping it.
		if err := sleep(ctx, poll); err != nil {
			return nil, fmt.Errorf("waiting for the process that holds %s: %w", held.Name(), err)
		}
	}
	c, err := launch(ctx, o, data, who)
	if err != nil {
		return nil, err
	}
	keep = true
	c.stop = sync.OnceValue(func() error {
		defer held.Close()
		return c.halt()
	})
	return c, nil
}

// URL returns the address of a database of the cluster, for pgx, as the
// superuser "postgres". A new cluster has the database "postgres" only.
func (c *Cluster) URL(database string) string { return c.RoleURL("postgres", database) }

// RoleURL is URL for another role, which can be any of the cluster: who reaches
// the socket is believed.
func (c *Cluster) RoleURL(role, database string) string {
	u := url.URL{Scheme: "postgres", User: url.User(role), Path: "/" + database}
	u.RawQuery = url.Values{"host": {c.folder}, "port": {port}}.Encode()
	return u.String()
}

// Joined reports whether the server was running already, and so is not ours
// to stop.
func (c *Cluster) Joined() bool { return c.server == nil }

// Stop ends the server if this process started it, and its connections with
// it. It fails if the server had ended by itself before. A second Stop does
// nothing and returns the same.
func (c *Cluster) Stop() error {
	if c.Joined() {
		return nil
	}
	return c.stop()
}

// launch starts the server of data, first creating the cluster if missing.
// The caller holds the lock.
func launch(ctx context.Context, o Options, data string, who account) (*Cluster, error) {
	bin, err := programsFor(ctx, data, who)
	if err != nil {
		return nil, err
	}
	if _, err := os.Stat(data); errors.Is(err, os.ErrNotExist) {
		if err := create(ctx, bin, data, who, o.Settings["fsync"] == "off"); err != nil {
			return nil, fmt.Errorf("creating the cluster: %w", err)
		}
	}
	for until := time.Now().Add(patience); ; {
		c, err := open(ctx, o, bin, data, who)
		if !errors.Is(err, errOccupied) || time.Now().After(until) {
			return c, err
		}
		// The server of a process that was killed has not left yet, or
		// where the kernel does not do that, was never told to.
		if p, ok := running(data, who); ok {
			syscall.Kill(p.pid, syscall.SIGINT)
		}
		if err := sleep(ctx, 50*time.Millisecond); err != nil {
			return nil, err
		}
	}
}

// open starts the server and waits until it accepts connections.
func open(ctx context.Context, o Options, bin, data string, who account) (*Cluster, error) {
	folder, err := socketFolder(data, who)
	if err != nil {
		return nil, err
	}
	// Not under ctx, which is for the start only.
	cmd := who.command(context.Background(), "/", filepath.Join(bin, "postgres"), settings(o.Settings, data, folder)...)
	c := &Cluster{folder: folder}
	if c.server, err = serve(cmd, o.Log); err != nil {
		os.Remove(folder)
		return nil, fmt.Errorf("starting the server: %w", err)
	}
	if err := c.server.await(ctx, data); err != nil {
		c.halt()
		return nil, fmt.Errorf("waiting for the server to start: %w", err)
	}
	return c, nil
}

func (c *Cluster) halt() error {
	err := c.server.stop()
	os.Remove(c.folder) // which is empty, unless a server is still there
	return err
}

// settings are the server's arguments. The last word on a setting counts, so
// those that keep the server private stand after the caller's.
func settings(more map[string]string, data, folder string) []string {
	args := []string{
		"-D", data,
		// A failed statement is our error to report; the server would
		// print the values of its row, which are people's data.
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
