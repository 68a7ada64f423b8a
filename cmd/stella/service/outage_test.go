package service

import (
	"context"
	"errors"
	"log/slog"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"stella/store/storetest"
)

// An outage is logged once at its beginning and once at its end. During the outage,
// messages of the job queue are not logged.
func TestOutageIsLoggedOnce(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		var log, queueLog storetest.Log
		var away atomic.Bool
		o := &outage{log: slog.New(slog.NewTextHandler(&log, nil)), ping: func(context.Context) error {
			if away.Load() {
				return errors.New("gone")
			}
			return nil
		}}
		jobs := slog.New(filterHandler{slog.NewTextHandler(&queueLog, nil), o})
		ctx, stop := context.WithCancel(t.Context())
		defer stop()
		go o.watch(ctx)
		time.Sleep(time.Minute)
		away.Store(true)
		for range 100 {
			jobs.Warn("no job could be fetched")
			time.Sleep(100 * time.Millisecond)
		}
		text := log.String()
		if strings.Count(text, "\n") != 1 || !strings.Contains(text, `level=ERROR msg="the database cannot be reached"`) ||
			queueLog.String() != "" {
			t.Errorf("during the outage, the log is %q and the queue's log %q", text, queueLog.String())
		}
		away.Store(false)
		time.Sleep(time.Minute)
		text = log.String()
		if strings.Count(text, "\n") != 2 || !strings.Contains(text, `msg="the database can be reached again" away=1`) {
			t.Errorf("after the outage, the log is %q", text)
		}
		jobs.Warn("a job is stuck")
		if text := queueLog.String(); !strings.Contains(text, "a job is stuck") {
			t.Errorf("after the outage, the queue's log is %q", text)
		}
	})
}

// A database that does not answer within checkTimeout counts as unreachable.
func TestDatabaseCheckTimeout(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		o := &outage{log: slog.New(slog.DiscardHandler), ping: func(ctx context.Context) error {
			<-ctx.Done()
			return ctx.Err()
		}}
		began := time.Now()
		o.check(t.Context())
		if took := time.Since(began); took != checkTimeout || !o.away.Load() {
			t.Errorf("after %v the database is unavailable: %v", took, o.away.Load())
		}
	})
}
