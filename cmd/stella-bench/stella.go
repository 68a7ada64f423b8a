package main

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"sync/atomic"
	"time"

	"stella/store/pgproxy"
)

// A subject is a program that is measured: a Stella, or the floor.
type subject struct {
	name     string
	world    *world
	binary   string         // empty for the floor
	cluster  *cluster       // nil if it is not ours
	observed string         // URL with which the server is observed; empty if it cannot be
	postgres int            // its first process; zero if unknown
	database string         // name of the database
	url      string         // of the database, as the program uses it
	proxy    *pgproxy.Proxy // to the database; nil if there is none
	provider *child
	metadata string       // file of the provider's metadata
	tokens   []string     // of the webmail's clients
	used     atomic.Int64 // number of mailboxes that holders have used
	imported int          // number of mailboxes
	server   *child       // nil while the program does not run
	pid      int          // of the program
	serve    func() *exec.Cmd
}

const databaseName = "stella"

// newStella prepares a Stella: a private PostgreSQL, an identity provider, the keys.
func newStella(ctx context.Context, w *world, name, binary string) (s *subject, err error) {
	if binary, err = filepath.Abs(binary); err != nil {
		return nil, err
	}
	s = &subject{name: name, world: w, binary: binary, database: databaseName, metadata: w.file(name + ".xml")}
	if err := s.useCluster(ctx); err != nil {
		return nil, err
	}
	if s.provider, _, err = startPart(ctx, w.log, "provider", "-site", w.site, "-metadata", s.metadata); err != nil {
		return nil, err
	}
	w.onClose(s.provider.stop)
	s.serve = func() *exec.Cmd { return s.command(context.WithoutCancel(ctx), "serve") }
	if err := s.makeKeys(ctx); err != nil {
		return nil, err
	}
	_, err = s.run(ctx, "migrate")
	return s, err
}

// useCluster starts the private PostgreSQL of a program and creates its database.
func (s *subject) useCluster(ctx context.Context) (err error) {
	if s.cluster = s.world.shared; s.cluster == nil {
		if s.cluster, err = startCluster(ctx, s.world.file(s.name), s.world.trial, s.world.log); err != nil {
			return err
		}
		s.world.onClose(s.cluster.Stop)
	}
	if s.world.trial {
		s.world.shared = s.cluster
	}
	s.observed, s.postgres, s.url = s.cluster.URL("postgres"), s.cluster.pid, s.cluster.URL(s.database)
	return s.cluster.do(ctx, "postgres", "create database "+s.database)
}

// command returns a command of the program.
func (s *subject) command(ctx context.Context, args ...string) *exec.Cmd {
	c := exec.CommandContext(ctx, s.binary, args...)
	c.Env, c.Stderr = s.world.environment(s.url, s.metadata), s.world.log
	return c
}

// run runs a command of the program and returns the last line of its output.
func (s *subject) run(ctx context.Context, args ...string) (last string, err error) {
	c := s.command(ctx, args...)
	c.Stderr = nil
	out, err := c.Output()
	var exit *exec.ExitError
	if errors.As(err, &exit) {
		err = fmt.Errorf("stella %s: %w: %s", strings.Join(args, " "), err, exit.Stderr)
	}
	lines := strings.Split(strings.TrimSpace(string(out)), "\n")
	return lines[len(lines)-1], err
}

// addProxy connects the program with PostgreSQL through a proxy.
func (s *subject) addProxy(latency time.Duration) (err error) {
	if s.proxy, err = pgproxy.New(s.cluster.URL(s.database), latency); err != nil {
		return err
	}
	s.world.onClose(s.proxy.Close)
	s.url, err = s.proxy.URL(s.cluster.URL(s.database))
	return err
}

// turns returns the number of round trips so far; zero without a proxy.
func (s *subject) turns() int64 {
	if s.proxy == nil {
		return 0
	}
	return s.proxy.RoundTrips()
}

// makeKeys makes the keys of SPID and of the auditor, which all subjects share.
func (s *subject) makeKeys(ctx context.Context) (err error) {
	if s.world.auditor != "" {
		return nil
	}
	if _, err := s.run(ctx, "spid", "keygen", s.world.file("spid.key"), "--self-signed"); err != nil {
		return err
	}
	s.world.auditor, err = s.run(ctx, "archive", "keygen", s.world.file("auditor.key"))
	return err
}

// addMailboxes imports mailboxes and registers the webmail's clients. The API limits the
// calls of a client, so a load needs several.
func (s *subject) addMailboxes(ctx context.Context, mailboxes, clients int) error {
	if s.serve == nil { // it has them already
		return nil
	}
	if s.binary == "" {
		return s.addRows(ctx, mailboxes)
	}
	if s.imported < mailboxes {
		file := s.world.file("mailboxes.csv")
		if err := writeMailboxFile(file, mailboxes); err != nil {
			return err
		}
		if _, err := s.run(ctx, "mailbox", "import", file); err != nil {
			return err
		}
		s.imported = mailboxes
	}
	for len(s.tokens) < clients {
		token, err := s.run(ctx, "client", "add", "webmail-"+strconv.Itoa(len(s.tokens)), "--domain", domain, "--return-url", returnURL)
		if err != nil {
			return err
		}
		s.tokens = append(s.tokens, token)
	}
	return nil
}

// readyTimeout is how long a program may need to be ready.
const readyTimeout = 30 * time.Second

// start starts the program and waits until it is ready.
func (s *subject) start(ctx context.Context) (err error) {
	if s.serve == nil { // it runs already
		return nil
	}
	if s.server, err = start(s.name, s.serve()); err != nil {
		return err
	}
	s.pid = s.server.pid()
	ctx, cancel := context.WithTimeout(ctx, readyTimeout)
	defer cancel()
	for {
		select {
		case <-s.server.ended:
			return fmt.Errorf("%s has ended: see %s", s.name, s.world.log.Name())
		default:
		}
		if ready(ctx, s.world.site+"/readyz") {
			return nil
		}
		if err := pause(ctx, 20*time.Millisecond); err != nil {
			return fmt.Errorf("%s is not ready in time: see %s", s.name, s.world.log.Name())
		}
	}
}

func ready(ctx context.Context, url string) bool {
	r, err := http.NewRequestWithContext(ctx, http.MethodGet, url, nil)
	if err != nil {
		return false
	}
	answer, err := http.DefaultClient.Do(r)
	if err != nil {
		return false
	}
	answer.Body.Close()
	return answer.StatusCode == http.StatusOK
}

// stop stops the program.
func (s *subject) stop() error {
	if s.server == nil {
		return nil
	}
	defer func() { s.server = nil }()
	http.DefaultClient.CloseIdleConnections()
	return s.server.stop()
}

// take returns the first of n mailboxes that no holder has used.
func (s *subject) take(n int) (mailbox, error) {
	used := int(s.used.Add(int64(n)))
	if used > s.imported {
		return 0, fmt.Errorf("all %d mailboxes are used: import more (-mailboxes)", s.imported)
	}
	return mailbox(used - n), nil
}
