package service

import (
	"io"
	"log/slog"
	"net"
	"net/http"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"stella/cmd/stella/programtest"
	"stella/store/storetest"
)

// oneConnListener is a listener that accepts one connection.
type oneConnListener chan net.Conn

func (s oneConnListener) Accept() (net.Conn, error) {
	if c, ok := <-s; ok {
		return c, nil
	}
	return nil, net.ErrClosed
}

func (oneConnListener) Close() error   { return nil }
func (oneConnListener) Addr() net.Addr { return &net.TCPAddr{} }

// closeRecorder is a connection that records when the server closes it.
type closeRecorder struct {
	net.Conn
	ended chan<- time.Time
}

func (n closeRecorder) Close() error {
	select {
	case n.ended <- time.Now():
	default: // it was closed before
	}
	return n.Conn.Close()
}

// The server closes the connection of a client that stops sending or reading, at every
// stage of a request.
func TestSlowClientsAreClosed(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		name    string
		sends   string
		reads   bool
		timeout time.Duration
	}{
		{"sends nothing", "", true, headerTimeout},
		{"stops in the header", programtest.HalfHeader, true, headerTimeout},
		{"stops in the body", programtest.HalfBody, true, readTimeout},
		{"does not read", programtest.Page, false, writeTimeout},
		{"is idle after a request", programtest.Page, true, idleTimeout},
	} {
		t.Run(test.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				server := NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
					if _, err := io.ReadAll(r.Body); err == nil {
						io.WriteString(w, strings.Repeat("x", 100_000))
					}
				}), slog.New(slog.DiscardHandler))
				client, conn := net.Pipe()
				defer client.Close()
				l, ended := make(oneConnListener, 1), make(chan time.Time, 1)
				l <- closeRecorder{conn, ended}
				defer close(l)
				go server.Serve(l)
				began := time.Now()
				_, err := io.WriteString(client, test.sends)
				storetest.Must(t, err)
				if test.reads {
					go io.Copy(io.Discard, client)
				}
				if took := (<-ended).Sub(began); took != test.timeout {
					t.Errorf("the connection is closed after %v, want %v", took, test.timeout)
				}
			})
		})
	}
}
