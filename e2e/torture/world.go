package main

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"net"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"time"

	"stella/spid/spidtest"
)

// A world is Stella and everything that it needs: two instances behind a balancer,
// PostgreSQL, the relay, the identity provider, and links from each instance to
// PostgreSQL and to the relay.
type world struct {
	options
	dir      string
	site     string // Stella's public URL
	provider string // the identity provider's
	auditor  string // the auditor's age recipient

	database  *postgres
	standby   *postgres // nil if there is none
	promoted  bool      // the standby is the primary now
	release   release
	relay     *daemon
	inbox     *inbox
	balancer  *balancer
	instances []*instance
	operator  *operator
	webmail   *webmail
	people    []person
	mailboxes []*mailbox
	recorder  *recorder

	logs    []*os.File
	closers []func() error
}

// open starts a world and everything in it. close stops everything.
func open(ctx context.Context, o options) (w *world, err error) {
	w = &world{options: o, recorder: newRecorder()}
	w.release.set(cmp.Or(o.previous, o.binary))
	defer func() {
		if err != nil {
			err = errors.Join(err, w.close())
		}
	}()
	if w.dir, err = os.MkdirTemp("", "stella-torture-"); err != nil {
		return w, err
	}
	if err := os.Chmod(w.dir, 0o755); err != nil { // PostgreSQL does not run as root
		return w, err
	}
	for _, part := range []func(context.Context) error{
		w.openDatabase, w.openRelay, w.openSite, w.openProvider, w.openInstances, w.seedData,
	} {
		if err := part(ctx); err != nil {
			return w, err
		}
	}
	return w, nil
}

// close stops everything that open started. It deletes the files unless w.keep is
// set.
func (w *world) close() error {
	var all error
	for i := len(w.closers) - 1; i >= 0; i-- {
		all = errors.Join(all, w.closers[i]())
	}
	for _, l := range w.logs {
		l.Close()
	}
	if w.dir != "" && !w.keep {
		all = errors.Join(all, os.RemoveAll(w.dir))
	}
	return all
}

func (w *world) onClose(f func() error) { w.closers = append(w.closers, f) }

func (w *world) file(name string) string { return filepath.Join(w.dir, name) }

// logOf opens the log file of a part.
func (w *world) logOf(name string) (*os.File, error) {
	f, err := os.OpenFile(w.file(name+".log"), os.O_CREATE|os.O_WRONLY|os.O_APPEND, 0o644)
	if err == nil {
		w.logs = append(w.logs, f)
	}
	return f, err
}

func (w *world) openDatabase(ctx context.Context) error {
	log, err := w.logOf("postgres")
	if err != nil {
		return err
	}
	if w.database, err = startPostgres(ctx, w.file("primary"), w.unsafe, log); err != nil {
		return err
	}
	w.onClose(func() error {
		w.database.stop() // if it was killed, its socket is still there
		return os.RemoveAll(w.database.socket)
	})
	if err := w.database.create(ctx); err != nil {
		return err
	}
	if !w.replicated {
		return nil
	}
	if err := os.Mkdir(w.file("standby"), 0o755); err != nil {
		return err
	}
	if log, err = w.logOf("standby"); err != nil {
		return err
	}
	if w.standby, err = w.database.standby(ctx, w.file("standby"), log); err != nil {
		return err
	}
	w.onClose(w.standby.stop)
	return nil
}

// supervise keeps a program running until the world is closed.
func (w *world) supervise(d *daemon) {
	ctx, cancel := context.WithCancel(context.Background())
	d.start(ctx)
	w.onClose(func() error {
		cancel()
		<-d.ended
		return nil
	})
}

func (w *world) openRelay(ctx context.Context) error {
	if err := makeRelayKeys(w.dir); err != nil {
		return err
	}
	if err := os.Mkdir(w.file("inbox"), 0o755); err != nil {
		return err
	}
	log, err := w.logOf("relay")
	if err != nil {
		return err
	}
	address, err := freeAddress()
	if err != nil {
		return err
	}
	self, err := os.Executable()
	if err != nil {
		return err
	}
	w.relay = &daemon{name: "the relay", address: address, log: log, check: connectable(address), command: func() *exec.Cmd {
		config := []string{address, w.file("relay.pem"), w.file("relay.key"), w.file("inbox")}
		c := exec.Command(self)
		c.Env = []string{relayVariable + "=" + strings.Join(config, ",")}
		return c
	}}
	w.supervise(w.relay)
	w.inbox = openInbox(w.file("inbox"))
	watching, cancel := context.WithCancel(context.Background())
	go w.inbox.watch(watching)
	w.onClose(func() error { cancel(); return nil })
	return w.relay.await(ctx)
}

// openSite starts the balancer, which has the public URL, and chooses the addresses
// of the instances.
func (w *world) openSite(context.Context) error {
	var addresses []string
	for range 2 {
		a, err := freeAddress()
		if err != nil {
			return err
		}
		addresses = append(addresses, a)
	}
	watching, cancel := context.WithCancel(context.Background())
	w.onClose(func() error { cancel(); return nil })
	w.balancer = newBalancer(watching, addresses)
	l, err := w.serve(w.balancer)
	if err != nil {
		return err
	}
	w.site = "http://" + l.Addr().String()
	return nil
}

// openProvider starts the identity provider, on another site than Stella
// (localhost instead of 127.0.0.1).
func (w *world) openProvider(context.Context) error {
	seeded := rand.New(rand.NewPCG(w.seed, 0))
	w.people = generatePeople(seeded)
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return err
	}
	w.provider = strings.Replace("http://"+l.Addr().String(), "127.0.0.1", "localhost", 1)
	metadata := sync.OnceValues(func() ([]byte, error) { return w.stella(context.Background(), "spid", "metadata") })
	idp, err := spidtest.New(spidtest.Config{BaseURL: w.provider, People: asSPID(w.people), ServiceProvider: metadata})
	if err != nil {
		return err
	}
	w.serveOn(l, idp)
	return os.WriteFile(w.file("providers.xml"), idp.Metadata(), 0o644)
}

// stella runs a command of the stella program and returns its output.
func (w *world) stella(ctx context.Context, args ...string) ([]byte, error) {
	return w.run(ctx, w.release.current(), args...)
}

func (w *world) run(ctx context.Context, program string, args ...string) ([]byte, error) {
	c := exec.CommandContext(ctx, program, args...)
	c.Env = w.environment(w.primary().url(), "")
	out, err := c.Output()
	var exit *exec.ExitError
	if errors.As(err, &exit) {
		err = fmt.Errorf("stella %s: %w: %s", strings.Join(args, " "), err, exit.Stderr)
	}
	return out, err
}

func (w *world) indexOf(p *person) int {
	for i := range w.people {
		if &w.people[i] == p {
			return i
		}
	}
	return -1
}

// databaseURL returns the database URL of an instance, with all its links.
func databaseURL(links []*link) string {
	var hosts []string
	for _, k := range links {
		hosts = append(hosts, k.address())
	}
	u := url.URL{Scheme: "postgres", User: url.User("postgres"), Host: strings.Join(hosts, ","), Path: "/" + databaseName,
		RawQuery: "sslmode=disable&target_session_attrs=read-write"}
	return u.String()
}

// primary is the server that has the data now.
func (w *world) primary() *postgres {
	if w.promoted {
		return w.standby
	}
	return w.database
}

// awaitReady waits until the instances and the relay are ready.
func (w *world) awaitReady(ctx context.Context) error {
	for ctx.Err() == nil {
		all := true
		for _, one := range w.balancer.backends {
			all = all && w.balancer.isReady(ctx, one.address)
		}
		if all {
			return w.relay.await(ctx)
		}
		pause(ctx, 50*time.Millisecond)
	}
	return errors.New("the instances are not ready in time")
}
