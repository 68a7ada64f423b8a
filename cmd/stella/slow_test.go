package main

import (
	"io"
	"log/slog"
	"net"
	"net/http"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"stella/store/storetest"
)

// single is a listener to which one client comes.
type single chan net.Conn

func (s single) Accept() (net.Conn, error) {
	if c, ok := <-s; ok {
		return c, nil
	}
	return nil, net.ErrClosed
}

func (single) Close() error   { return nil }
func (single) Addr() net.Addr { return &net.TCPAddr{} }

// noted is a connection that tells when the server ends it.
type noted struct {
	net.Conn
	ended chan<- time.Time
}

func (n noted) Close() error {
	select {
	case n.ended <- time.Now():
	default: // it was ended before
	}
	return n.Conn.Close()
}

// A client that does not go on is ended, wherever it stops.
func TestSlowClientsAreEnded(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		name   string
		sends  string
		reads  bool
		ending time.Duration
	}{
		{"says nothing", "", true, headerTimeout},
		{"stops in the header", halfHeader, true, headerTimeout},
		{"stops in the body", halfBody, true, readTimeout},
		{"does not read", page, false, writeTimeout},
		{"asks for nothing more", page, true, idleTimeout},
	} {
		t.Run(test.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				server := newServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
					if _, err := io.ReadAll(r.Body); err == nil {
						io.WriteString(w, strings.Repeat("x", 100_000))
					}
				}), slog.New(slog.DiscardHandler))
				client, conn := net.Pipe()
				defer client.Close()
				l, ended := make(single, 1), make(chan time.Time, 1)
				l <- noted{conn, ended}
				defer close(l)
				go server.Serve(l)
				began := time.Now()
				_, err := io.WriteString(client, test.sends)
				storetest.Must(t, err)
				if test.reads {
					go io.Copy(io.Discard, client)
				}
				if took := (<-ended).Sub(began); took != test.ending {
					t.Errorf("it is ended after %v, want %v", took, test.ending)
				}
			})
		})
	}
}
