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

// A world is Stella with everything around it: two instances behind a balancer,
// PostgreSQL, the relay, the identity provider, and a link between each two
// that a network would stand between.
type world struct {
	options
	dir      string
	site     string // Stella's public URL
	provider string // the identity provider's
	auditor  string // its public key

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
	ledger    *ledger

	logs    []*os.File
	closers []func() error
}

// open starts a world and everything in it. Whatever it started ends with ctx
// or with close.
func open(ctx context.Context, o options) (w *world, err error) {
	w = &world{options: o, ledger: newLedger()}
	w.release.becomes(cmp.Or(o.former, o.binary))
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
	for _, part := range []func(context.Context) error{w.openDatabase, w.openRelay, w.openSite, w.openProvider, w.openInstances, w.populate} {
		if err := part(ctx); err != nil {
			return w, err
		}
	}
	return w, nil
}

// close ends what open started, and forgets it unless it is to be kept.
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

func (w *world) later(f func() error) { w.closers = append(w.closers, f) }

func (w *world) file(name string) string { return filepath.Join(w.dir, name) }

// logOf opens the log of a part.
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
	w.later(func() error {
		w.database.stop() // it may have been killed for good, and have left its socket behind
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
	w.later(w.standby.stop)
	return nil
}

// daemonise keeps a program running until the world ends.
func (w *world) daemonise(d *daemon) {
	ctx, cancel := context.WithCancel(context.Background())
	d.start(ctx)
	w.later(func() error {
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
	w.relay = &daemon{name: "the relay", address: address, log: log, answers: connectable(address), command: func() *exec.Cmd {
		c := exec.Command(self)
		c.Env = []string{asRelay + "=" + strings.Join([]string{address, w.file("relay.pem"), w.file("relay.key"), w.file("inbox")}, ",")}
		return c
	}}
	w.daemonise(w.relay)
	w.inbox = openInbox(w.file("inbox"))
	watching, cancel := context.WithCancel(context.Background())
	go w.inbox.watch(watching)
	w.later(func() error { cancel(); return nil })
	return w.relay.await(ctx)
}

// openSite chooses the public URL, and the addresses behind it.
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
	w.later(func() error { cancel(); return nil })
	w.balancer = newBalancer(watching, addresses)
	l, err := w.serve(w.balancer)
	if err != nil {
		return err
	}
	w.site = "http://" + l.Addr().String()
	return nil
}

// openProvider starts the identity provider, on another site than Stella.
func (w *world) openProvider(context.Context) error {
	seeded := rand.New(rand.NewPCG(w.seed, 0))
	w.people = invent(seeded)
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
	return errors.Join(w.serveOn(l, idp), os.WriteFile(w.file("providers.xml"), idp.Metadata(), 0o644))
}

// stella runs a command of the program to its end, and returns what it printed.
func (w *world) stella(ctx context.Context, args ...string) ([]byte, error) {
	return w.run(ctx, w.release.runs(), args...)
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

// databaseURL is what an instance is given, by its links.
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

// settle waits until everything works, or ctx ends.
func (w *world) settle(ctx context.Context) error {
	for ctx.Err() == nil {
		all := true
		for _, one := range w.balancer.backends {
			all = all && w.balancer.asks(ctx, one.address)
		}
		if all {
			return w.relay.await(ctx)
		}
		pause(ctx, 50*time.Millisecond)
	}
	return errors.New("the instances do not get ready")
}
