// Package localpg runs a private PostgreSQL, so that the program works on a
// machine where nobody has configured a database.
//
//	localpg.go    Start, join, stop
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
	"bytes"
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"io"
	"maps"
	"net"
	"net/url"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"sync"
	"syscall"
	"time"
)

const (
	port       = "5432"
	socketName = "/.s.PGSQL." + port
	socketMax  = 107 // bytes in a unix socket's path, by the kernel

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
// A cluster of a major version that is not installed is refused untouched.
func Start(ctx context.Context, o Options) (*Cluster, error) {
	c, err := start(ctx, o)
	if err != nil {
		return nil, fmt.Errorf("private PostgreSQL in %q: %w", o.Dir, err)
	}
	return c, nil
}

func start(ctx context.Context, o Options) (*Cluster, error) {
	if o.Dir == "" {
		return nil, errors.New("no folder given")
	}
	if err := os.MkdirAll(o.Dir, 0o755); err != nil {
		return nil, err
	}
	dir, err := filepath.Abs(o.Dir)
	if err != nil {
		return nil, err
	}
	// One cluster, one name: the socket's folder is derived from it.
	if dir, err = filepath.EvalSymlinks(dir); err != nil {
		return nil, err
	}
	data := filepath.Join(dir, "postgres")
	if err := check(data); err != nil {
		return nil, err
	}
	who, err := accountFor(data)
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

// check refuses a folder that holds something else than a cluster.
func check(data string) error {
	files, err := os.ReadDir(data)
	if errors.Is(err, os.ErrNotExist) {
		return nil
	}
	if err == nil && !slices.ContainsFunc(files, func(f os.DirEntry) bool { return f.Name() == "PG_VERSION" }) {
		err = fmt.Errorf("%s is not a PostgreSQL cluster: move it away", data)
	}
	return err
}

// URL returns the address of a database of the cluster, for pgx. A new
// cluster has the database "postgres" only.
func (c *Cluster) URL(database string) string {
	u := url.URL{Scheme: "postgres", User: url.User("postgres"), Path: "/" + database}
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

// create makes the cluster beside its place and moves it there when complete,
// so that a crash on the way leaves no half cluster.
func create(ctx context.Context, bin, data string, who account, nosync bool) error {
	unfinished := data + ".new"
	if err := os.RemoveAll(unfinished); err != nil { // of a crash; we hold the lock
		return err
	}
	if err := os.Mkdir(unfinished, 0o700); err != nil {
		return err
	}
	defer os.RemoveAll(unfinished)
	if err := who.give(unfinished); err != nil {
		return err
	}
	ctype := "C" // bytes are sorted as they are, on any machine and any release of its library
	if runtime.GOOS == "linux" {
		ctype = "C.UTF-8" // but È is the capital of è
	}
	args := []string{"-D", unfinished, "-U", "postgres",
		"--auth-local=trust", "--auth-host=reject", "--data-checksums",
		"--encoding=UTF8", "--locale=C", "--lc-ctype=" + ctype}
	if nosync {
		args = append(args, "--no-sync")
	}
	// The thread stays ours for as long as initdb runs: see die.
	runtime.LockOSThread()
	defer runtime.UnlockOSThread()
	cmd := who.command(ctx, "/", filepath.Join(bin, "initdb"), args...)
	die(cmd.SysProcAttr, syscall.SIGKILL)
	if out, err := cmd.CombinedOutput(); err != nil {
		return fmt.Errorf("initdb: %w\n%s", err, bytes.TrimSpace(out))
	}
	return os.Rename(unfinished, data) // fails if anything stands there
}

// running returns what the server that runs on data says of itself, believing
// it only if the server accepts connections: a killed one leaves its word.
func running(data string, who account) (p postmaster, ok bool) {
	p = readPostmaster(data)
	if !p.ready || p.port != port || !who.owns(p.folder) {
		return p, false
	}
	conn, err := net.Dial("unix", p.folder+socketName)
	if err != nil {
		return p, false
	}
	conn.Close()
	return p, true
}

// socketFolder makes the folder of the socket, which only who and root can
// enter. Its name is short, since the data folder's may be too long for a
// socket, and the same after a crash, so that nothing piles up.
func socketFolder(data string, who account) (string, error) {
	name := fmt.Sprintf("stella-%x", sha256.Sum256([]byte(data)))[:len("stella-")+16]
	base := os.TempDir()
	if info, err := os.Stat("/run"); os.Getuid() == 0 && err == nil && info.IsDir() {
		base = "/run" // where nobody else can take the name before us
	} else if len(filepath.Join(base, name)+socketName) > socketMax {
		base = "/tmp"
	}
	folder := filepath.Join(base, name)
	err := os.Mkdir(folder, 0o700)
	if err == nil {
		err = who.give(folder)
	} else if errors.Is(err, os.ErrExist) {
		err = nil
	}
	if err != nil {
		return "", fmt.Errorf("making the socket's folder: %w", err)
	}
	if !who.owns(folder) {
		return "", fmt.Errorf("the socket's folder %s is not %s's alone: remove it", folder, who.name)
	}
	return folder, nil
}

// openLock opens the file whose lock is held for as long as the server is
// ours, and which the kernel releases when we die. A server with nobody
// holding it is on its way out, and not to be joined.
func openLock(path string, who account) (*os.File, error) {
	f, err := os.OpenFile(path, os.O_RDWR|os.O_CREATE|syscall.O_NOFOLLOW, 0o600)
	if err != nil {
		return nil, err
	}
	if err := who.give(path); err != nil {
		f.Close()
		return nil, err
	}
	return f, nil
}

// try takes the lock of f, unless another has it.
func try(f *os.File) (mine bool, err error) {
	for {
		switch err := syscall.Flock(int(f.Fd()), syscall.LOCK_EX|syscall.LOCK_NB); err {
		case nil:
			return true, nil
		case syscall.EWOULDBLOCK:
			return false, nil
		case syscall.EINTR:
		default:
			return false, fmt.Errorf("locking %s: %w", f.Name(), err)
		}
	}
}

func sleep(ctx context.Context, d time.Duration) error {
	select {
	case <-ctx.Done():
		return ctx.Err()
	case <-time.After(d):
		return nil
	}
}
