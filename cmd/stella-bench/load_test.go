package main

import (
	"context"
	"errors"
	"io"
	"net"
	"path/filepath"
	"sync/atomic"
	"testing"
	"time"
)

func TestRepeatEndsAfterTheNumberOrTheTime(t *testing.T) {
	t.Parallel()
	var done atomic.Int64
	work := func(context.Context, int) error { done.Add(1); return nil }
	if n, _, err := repeat(t.Context(), 3, 10, 0, work); n != 10 || done.Load() != 10 || err != nil {
		t.Errorf("%d of 10 are done (%d), %v", n, done.Load(), err)
	}
	slow := func(ctx context.Context, _ int) error { return pause(ctx, 5*time.Millisecond) }
	n, took, err := repeat(t.Context(), 2, 0, 20*time.Millisecond, slow)
	if n < 2 || took < 20*time.Millisecond || err != nil {
		t.Errorf("%d are done in %v, %v", n, took, err)
	}
}

func TestRepeatStopsAtAnError(t *testing.T) {
	t.Parallel()
	broken := errors.New("broken")
	n, _, err := repeat(t.Context(), 2, 1000, 0, func(_ context.Context, i int) error {
		if i == 5 {
			return broken
		}
		return nil
	})
	if !errors.Is(err, broken) || n > 999 {
		t.Errorf("%d are done, %v", n, err)
	}
}

// A round trip is a request after an answer, however many packets they have.
func TestProxyCountsRoundTrips(t *testing.T) {
	t.Parallel()
	socket := filepath.Join(t.TempDir(), "s")
	server, err := net.Listen("unix", socket)
	must(t, err)
	defer server.Close()
	go func() { // answers each line of three letters
		c, err := server.Accept()
		if err != nil {
			return
		}
		defer c.Close()
		b := make([]byte, 3)
		for {
			if _, err := io.ReadFull(c, b); err != nil {
				return
			}
			if _, err := c.Write(b); err != nil {
				return
			}
		}
	}()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	must(t, err)
	defer l.Close()
	p := &proxy{listener: l, socket: socket, latency: 10 * time.Millisecond}
	go p.serve()
	c, err := net.Dial("tcp", l.Addr().String())
	must(t, err)
	defer c.Close()
	begun := time.Now()
	for range 4 {
		for _, part := range []string{"a", "bc"} {
			_, err := c.Write([]byte(part))
			must(t, err)
			time.Sleep(time.Millisecond)
		}
		_, err := io.ReadFull(c, make([]byte, 3))
		must(t, err)
	}
	if p.turns.Load() != 4 {
		t.Errorf("%d round trips were counted, want 4", p.turns.Load())
	}
	if took := time.Since(begun); took < 40*time.Millisecond {
		t.Errorf("four round trips took %v, with 10 ms each", took)
	}
}
