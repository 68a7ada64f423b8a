package main

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"net"
	"net/http"
	"sync/atomic"
	"syscall"
	"time"
)

// serve serves HTTP until the world is closed.
func (w *world) serve(h http.Handler) (net.Listener, error) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return nil, err
	}
	w.serveOn(l, h)
	return l, nil
}

func (w *world) serveOn(l net.Listener, h http.Handler) {
	s := &http.Server{Handler: h}
	go s.Serve(l)
	w.onClose(s.Close)
}

// link returns a new link, which is closed with the world.
func (w *world) link(name string, dial func() (net.Conn, error)) (*link, error) {
	k, err := newLink(name, dial)
	if err == nil {
		w.onClose(func() error {
			k.cut()
			return k.Close()
		})
	}
	return k, err
}

// connectable returns a check that an address accepts connections.
func connectable(address string) func(context.Context) error {
	return func(ctx context.Context) error {
		conn, err := (&net.Dialer{Timeout: time.Second}).DialContext(ctx, "tcp", address)
		if err != nil {
			return err
		}
		return conn.Close()
	}
}

// freeAddress returns a loopback address that is not in use. Its port is below the
// range of outgoing connections, so that the port stays free while the program that
// uses it is not running.
func freeAddress() (string, error) {
	for {
		l, err := net.Listen("tcp", fmt.Sprintf("127.0.0.1:%d", 16000+rand.IntN(16000)))
		if err == nil {
			return l.Addr().String(), l.Close()
		}
		if !errors.Is(err, syscall.EADDRINUSE) {
			return "", err
		}
	}
}

var lastAddress atomic.Uint32

// newAddress returns a client address for X-Forwarded-For. Each is in a different
// network, because Stella's limits apply to networks.
func newAddress() string {
	n := lastAddress.Add(1)
	return fmt.Sprintf("203.%d.%d.%d", n>>8&255, n&255, n>>16&255)
}
