package main

import (
	"context"
	"errors"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"strings"
)

// A world is what the measured programs share: the address at which they run in turns,
// the relay, the keys and the files.
type world struct {
	dir     string
	listen  string // the address of the measured program
	site    string // its URL
	log     *os.File
	relay   *child
	smtp    string // the relay's address
	inbox   inbox
	auditor string
	trial   bool     // for tests: all programs share one PostgreSQL, with fsync off
	shared  *cluster // in a trial
	closers []func() error
}

// newWorld starts what the programs share. close stops it, also after an error.
func newWorld(ctx context.Context) (w *world, err error) {
	w = &world{}
	if w.dir, err = os.MkdirTemp("", "stella-bench-"); err != nil {
		return w, err
	}
	if err := os.Chmod(w.dir, 0o755); err != nil { // PostgreSQL does not run as root
		return w, err
	}
	if w.log, err = os.Create(w.file("log")); err != nil {
		return w, err
	}
	if w.listen, err = freeAddress(); err != nil {
		return w, err
	}
	w.site = "http://" + w.listen
	relay, line, err := startPart(ctx, w.log, "relay", "-ca", w.file("relay.pem"))
	if err != nil {
		return w, err
	}
	w.relay = relay
	w.onClose(relay.stop)
	smtp, url, _ := strings.Cut(line, " ")
	w.smtp, w.inbox = smtp, newInbox(url)
	return w, w.writeFiles()
}

func newInbox(url string) inbox {
	return inbox{url, &http.Client{Transport: &http.Transport{MaxIdleConnsPerHost: 256}}}
}

func (w *world) file(name string) string { return filepath.Join(w.dir, name) }

func (w *world) onClose(f func() error) { w.closers = append(w.closers, f) }

// close stops everything. It deletes the files unless they are kept for a look at the
// logs.
func (w *world) close(keep bool) error {
	var all error
	for i := len(w.closers) - 1; i >= 0; i-- {
		all = errors.Join(all, w.closers[i]())
	}
	if w.log != nil {
		w.log.Close()
	}
	if w.dir != "" && !keep {
		all = errors.Join(all, os.RemoveAll(w.dir))
	}
	return all
}

// freeAddress returns an address of this machine that nothing uses.
func freeAddress() (string, error) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return "", err
	}
	defer l.Close()
	return l.Addr().String(), nil
}
