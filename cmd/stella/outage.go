package main

import (
	"context"
	"log/slog"
	"sync"
	"sync/atomic"
	"time"
)

// outage tells when the database goes away and when it is back: once each,
// however many requests and jobs meet it meanwhile.
type outage struct {
	ping func(context.Context) error
	log  *slog.Logger
	away atomic.Bool

	mu    sync.Mutex // of a look
	since time.Time
}

const (
	lookEvery = time.Second
	lookFor   = 3 * time.Second
)

// follow looks at the database until ctx ends.
func (o *outage) follow(ctx context.Context) {
	for ctx.Err() == nil {
		o.look(ctx)
		select {
		case <-ctx.Done():
		case <-time.After(lookEvery):
		}
	}
}

// look asks the database, and tells what changed since the last look.
func (o *outage) look(ctx context.Context) {
	o.mu.Lock()
	defer o.mu.Unlock()
	began := time.Now()
	timed, cancel := context.WithTimeout(ctx, lookFor)
	defer cancel()
	err := o.ping(timed)
	switch away := o.away.Load(); {
	case ctx.Err() != nil: // we stop
	case err != nil && !away:
		o.since = began
		o.away.Store(true)
		o.log.Error("the database is away: pages say so, and nothing is lost", "error", err)
	case err == nil && away:
		o.away.Store(false)
		o.log.Info("the database is back", "away", time.Since(o.since).Round(time.Millisecond))
	}
}

// quiet leaves out what the job queue says when all is well, and what it says
// while the database is away.
type quiet struct {
	slog.Handler
	outage *outage
}

// Enabled implements [slog.Handler].
func (h quiet) Enabled(ctx context.Context, l slog.Level) bool {
	return l >= slog.LevelWarn && !h.outage.away.Load() && h.Handler.Enabled(ctx, l)
}

// Handle implements [slog.Handler]. A first complaint may be of a database that
// has just gone away.
func (h quiet) Handle(ctx context.Context, r slog.Record) error {
	if h.outage.look(context.WithoutCancel(ctx)); h.outage.away.Load() {
		return nil
	}
	return h.Handler.Handle(ctx, r)
}
