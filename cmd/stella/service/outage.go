package service

import (
	"context"
	"log/slog"
	"sync"
	"sync/atomic"
	"time"
)

// outage logs when the database becomes unreachable and when it is reachable again,
// once each, however many requests and jobs fail.
type outage struct {
	ping func(context.Context) error
	log  *slog.Logger
	away atomic.Bool

	mu    sync.Mutex // held during a check
	since time.Time
}

const (
	checkEvery   = time.Second
	checkTimeout = 3 * time.Second
)

// watch checks the database every checkEvery until ctx ends.
func (o *outage) watch(ctx context.Context) {
	for ctx.Err() == nil {
		o.check(ctx)
		select {
		case <-ctx.Done():
		case <-time.After(checkEvery):
		}
	}
}

// check pings the database and logs a change since the last check.
func (o *outage) check(ctx context.Context) {
	o.mu.Lock()
	defer o.mu.Unlock()
	began := time.Now()
	timed, cancel := context.WithTimeout(ctx, checkTimeout)
	defer cancel()
	err := o.ping(timed)
	switch away := o.away.Load(); {
	case ctx.Err() != nil: // the service stops
	case err != nil && !away:
		o.since = began
		o.away.Store(true)
		o.log.Error("the database cannot be reached", "error", err)
	case err == nil && away:
		o.away.Store(false)
		o.log.Info("the database can be reached again", "away", time.Since(o.since).Round(time.Millisecond))
	}
}

// filterHandler drops the job queue's messages below Warn, and all of its messages
// while the database cannot be reached.
type filterHandler struct {
	slog.Handler
	outage *outage
}

// Enabled implements [slog.Handler].
func (h filterHandler) Enabled(ctx context.Context, l slog.Level) bool {
	return l >= slog.LevelWarn && !h.outage.away.Load() && h.Handler.Enabled(ctx, l)
}

// Handle implements [slog.Handler]. It checks the database first, because the message may
// be the first sign of an outage.
func (h filterHandler) Handle(ctx context.Context, r slog.Record) error {
	if h.outage.check(context.WithoutCancel(ctx)); h.outage.away.Load() {
		return nil
	}
	return h.Handler.Handle(ctx, r)
}
