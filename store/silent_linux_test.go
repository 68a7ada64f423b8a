package store_test

import (
	"context"
	"errors"
	"io"
	"net"
	"net/url"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"
	"golang.org/x/sys/unix"

	"stella/store"
	"stella/store/storetest"
	"stella/workflow"
)

// host is a way by TCP to a database that is at a socket. It can fall silent.
type host struct {
	net.Listener
	socket string

	mu     sync.Mutex
	silent bool
	conns  []net.Conn
}

func startHost(t *testing.T, database string) *host {
	t.Helper()
	u, err := url.Parse(database)
	storetest.Must(t, err)
	// With little room for what it does not read.
	narrow := net.ListenConfig{Control: func(_, _ string, c syscall.RawConn) error {
		return c.Control(func(fd uintptr) { unix.SetsockoptInt(int(fd), unix.SOL_SOCKET, unix.SO_RCVBUF, 4096) })
	}}
	l, err := narrow.Listen(t.Context(), "tcp", "127.0.0.1:0")
	storetest.Must(t, err)
	h := &host{Listener: l, socket: u.Query().Get("host") + "/.s.PGSQL." + u.Query().Get("port")}
	t.Cleanup(h.close)
	go func() {
		for {
			c, err := l.Accept()
			if err != nil {
				return
			}
			go h.lead(c)
		}
	}()
	return h
}

func (h *host) lead(c net.Conn) {
	to, err := net.Dial("unix", h.socket)
	h.mu.Lock()
	defer h.mu.Unlock()
	h.conns = append(h.conns, c)
	if err != nil || h.silent {
		return
	}
	h.conns = append(h.conns, to)
	go io.Copy(c, to)
	go func() {
		io.Copy(to, c)
		h.mu.Lock()
		defer h.mu.Unlock()
		if !h.silent {
			to.Close()
			c.Close()
		}
	}()
}

// fallSilent has it read no more, answer nothing and end nothing.
func (h *host) fallSilent() {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.silent = true
	for _, c := range h.conns {
		c.SetReadDeadline(time.Now())
	}
}

func (h *host) close() {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.Close()
	for _, c := range h.conns {
		c.Close()
	}
}

// urlOf names the database that hosts lead to.
func urlOf(database string, first, second *host) string {
	u, _ := url.Parse(database)
	return "postgres://postgres@" + first.Addr().String() + "," + second.Addr().String() + u.Path + "?sslmode=disable"
}

// A host that falls silent, and resets nothing, holds nothing for minutes: not
// what would wait for it without an end of its own, and not the people who can
// be served by another host.
func TestAHostThatFallsSilent(t *testing.T) {
	t.Parallel()
	database := storetest.URL(t)
	first, second := startHost(t, database), startHost(t, database)
	s, err := store.Open(t.Context(), urlOf(database, first, second), nil)
	storetest.Must(t, err)
	defer s.Close()
	defer first.close()                // for which that would wait
	conns := make([]*pgxpool.Conn, 20) // as after a busy moment
	for i := range conns {
		conns[i], err = s.Pool().Acquire(t.Context())
		storetest.Must(t, err)
	}
	for _, c := range conns[1:] {
		c.Release()
	}

	first.fallSilent()
	began := time.Now()
	const tooLong = 20 * time.Second
	var waiting sync.WaitGroup
	waiting.Go(func() {
		patient, cancel := context.WithTimeout(t.Context(), tooLong)
		defer cancel()
		_, err := conns[0].Exec(patient, `select '`+strings.Repeat("x", 8<<20)+`'`, pgx.QueryExecModeSimpleProtocol) // which it does not take
		if !store.Away(err) || errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("who waits without an end: after %v: %v", time.Since(began), err)
		}
		conns[0].Release()
	})
	served := make(chan time.Duration, 3)
	follow, stop := context.WithCancel(t.Context())
	waiting.Go(func() { // as the service does
		for ; follow.Err() == nil; time.Sleep(time.Second) {
			look, cancel := context.WithTimeout(follow, 3*time.Second)
			s.Ping(look)
			cancel()
		}
	})
	for range 3 { // people, of whom there are few
		time.Sleep(3 * time.Second)
		waiting.Go(func() {
			page, cancel := context.WithTimeout(t.Context(), 10*time.Second)
			defer cancel()
			_, err := s.MailboxByAddress(page, "nobody@pec.example")
			switch {
			case errors.Is(err, workflow.ErrUnknown):
				served <- time.Since(began)
			case !store.Away(err):
				t.Error(err)
			}
		})
	}
	stop()
	waiting.Wait()
	t.Logf("nobody waits after %v", time.Since(began))
	select {
	case after := <-served:
		t.Logf("the other host serves after %v", after)
	default:
		t.Error("the other host serves nobody")
	}
}
