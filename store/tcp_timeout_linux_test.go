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

// proxy accepts TCP connections and forwards them to the unix socket of a database. It
// can go silent, like a host that disappears.
type proxy struct {
	net.Listener
	socket string

	mu     sync.Mutex
	silent bool
	conns  []net.Conn
}

func startProxy(t *testing.T, database string) *proxy {
	t.Helper()
	u, err := url.Parse(database)
	storetest.Must(t, err)
	// A small receive buffer, so that unread data soon blocks the sender.
	narrow := net.ListenConfig{Control: func(_, _ string, c syscall.RawConn) error {
		return c.Control(func(fd uintptr) { unix.SetsockoptInt(int(fd), unix.SOL_SOCKET, unix.SO_RCVBUF, 4096) })
	}}
	l, err := narrow.Listen(t.Context(), "tcp", "127.0.0.1:0")
	storetest.Must(t, err)
	p := &proxy{Listener: l, socket: u.Query().Get("host") + "/.s.PGSQL." + u.Query().Get("port")}
	t.Cleanup(p.close)
	go func() {
		for {
			c, err := l.Accept()
			if err != nil {
				return
			}
			go p.forward(c)
		}
	}()
	return p
}

func (p *proxy) forward(c net.Conn) {
	to, err := net.Dial("unix", p.socket)
	p.mu.Lock()
	defer p.mu.Unlock()
	p.conns = append(p.conns, c)
	if err != nil || p.silent {
		return
	}
	p.conns = append(p.conns, to)
	go io.Copy(c, to)
	go func() {
		io.Copy(to, c)
		p.mu.Lock()
		defer p.mu.Unlock()
		if !p.silent {
			to.Close()
			c.Close()
		}
	}()
}

// goSilent makes the proxy stop reading and writing. It closes no connections.
func (p *proxy) goSilent() {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.silent = true
	for _, c := range p.conns {
		c.SetReadDeadline(time.Now())
	}
}

func (p *proxy) close() {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.Close()
	for _, c := range p.conns {
		c.Close()
	}
}

// urlThrough returns the URL of the database with two proxies as its hosts.
func urlThrough(database string, first, second *proxy) string {
	u, _ := url.Parse(database)
	return "postgres://postgres@" + first.Addr().String() + "," + second.Addr().String() + u.Path + "?sslmode=disable"
}

// If a host goes silent without resetting connections, nothing waits for minutes: a
// query without a deadline fails, and new queries are served by the other host.
func TestHostGoesSilent(t *testing.T) {
	t.Parallel()
	database := storetest.URL(t)
	first, second := startProxy(t, database), startProxy(t, database)
	s, err := store.Open(t.Context(), urlThrough(database, first, second), nil)
	storetest.Must(t, err)
	defer s.Close()
	defer first.close()                // before s.Close, which would wait for its connections
	conns := make([]*pgxpool.Conn, 20) // as many as after a busy period
	for i := range conns {
		conns[i], err = s.Pool().Acquire(t.Context())
		storetest.Must(t, err)
	}
	for _, c := range conns[1:] {
		c.Release()
	}

	first.goSilent()
	began := time.Now()
	const tooLong = 20 * time.Second
	var waiting sync.WaitGroup
	waiting.Go(func() {
		long, cancel := context.WithTimeout(t.Context(), tooLong)
		defer cancel()
		large := `select '` + strings.Repeat("x", 8<<20) + `'` // more than the proxy's buffer
		_, err := conns[0].Exec(long, large, pgx.QueryExecModeSimpleProtocol)
		if !store.IsUnavailable(err) || errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("a query without a short deadline: after %v: %v", time.Since(began), err)
		}
		conns[0].Release()
	})
	served := make(chan time.Duration, 3)
	follow, stop := context.WithCancel(t.Context())
	waiting.Go(func() { // regular pings, as in the service
		for ; follow.Err() == nil; time.Sleep(time.Second) {
			short, cancel := context.WithTimeout(follow, 3*time.Second)
			s.Ping(short)
			cancel()
		}
	})
	for range 3 { // a few page requests
		time.Sleep(3 * time.Second)
		waiting.Go(func() {
			page, cancel := context.WithTimeout(t.Context(), 10*time.Second)
			defer cancel()
			_, err := s.MailboxByAddress(page, "nobody@pec.example")
			switch {
			case errors.Is(err, workflow.ErrUnknown):
				served <- time.Since(began)
			case !store.IsUnavailable(err):
				t.Error(err)
			}
		})
	}
	stop()
	waiting.Wait()
	t.Logf("all queries have ended after %v", time.Since(began))
	select {
	case after := <-served:
		t.Logf("the other host served the first query after %v", after)
	default:
		t.Error("the other host served no query")
	}
}
