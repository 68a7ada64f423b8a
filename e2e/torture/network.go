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

// serve serves until the world ends.
func (w *world) serve(h http.Handler) (net.Listener, error) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return nil, err
	}
	return l, w.serveOn(l, h)
}

func (w *world) serveOn(l net.Listener, h http.Handler) error {
	s := &http.Server{Handler: h}
	go s.Serve(l)
	w.later(s.Close)
	return nil
}

// link makes a link, which ends with the world.
func (w *world) link(name string, dial func() (net.Conn, error)) (*link, error) {
	k, err := newLink(name, dial)
	if err == nil {
		w.later(func() error {
			k.cut()
			return k.Close()
		})
	}
	return k, err
}

// connectable asks whether an address takes connections.
func connectable(address string) func(context.Context) error {
	return func(ctx context.Context) error {
		conn, err := (&net.Dialer{Timeout: time.Second}).DialContext(ctx, "tcp", address)
		if err != nil {
			return err
		}
		return conn.Close()
	}
}

// freeAddress finds an address of this machine that nobody listens on, and that
// no outgoing connection is given while the program that will is down.
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

// newAddress is where a person says they come from: each from another network,
// as limits count by these.
func newAddress() string {
	n := lastAddress.Add(1)
	return fmt.Sprintf("203.%d.%d.%d", n>>8&255, n&255, n>>16&255)
}
