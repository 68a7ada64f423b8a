package service

import (
	"context"
	"errors"
	"log/slog"
	"time"

	"github.com/riverqueue/river"

	"stella/cmd/stella/config"
	"stella/spid"
	"stella/store"
)

// How often the registry of identity providers is read. One instance fetches it when it
// is due, and stores it in the database. The others load it from there.
const (
	refreshEvery   = 10 * time.Minute // the job checks whether the registry is due, which is every hour
	refreshTimeout = 15 * time.Second // less than the timeout of a job
	reloadEvery    = 20 * time.Second
	retryEvery     = 10 * time.Second // while no registry has been read
)

// newRegistry returns the identity providers of SPID: those of the files, and those of
// the registry if one is configured.
func newRegistry(s *config.Settings, db *store.Store) (*spid.Registry, error) {
	if s.Registry == nil {
		return spid.NewRegistry(s.Providers, nil), nil
	}
	source := *s.Registry
	source.Store = db
	return spid.Follow(source, s.Providers)
}

// refresh is the job that fetches the registry of identity providers.
type refresh struct{}

// Kind implements [river.JobArgs].
func (refresh) Kind() string { return "refresh_registry" }

type refresher struct {
	river.WorkerDefaults[refresh]
	registry *spid.Registry
	log      *slog.Logger
}

// Work fetches the registry if it is due. It never returns an error, since the next job
// tries again soon.
func (r *refresher) Work(ctx context.Context, _ *river.Job[refresh]) error {
	if r.registry.Due() {
		r.refresh(ctx)
	}
	return nil
}

// refresh fetches the registry. If that fails, it logs the error, and the providers
// read before stay in use.
func (r *refresher) refresh(ctx context.Context) {
	timed, cancel := context.WithTimeout(ctx, refreshTimeout)
	defer cancel()
	err := r.registry.Refresh(timed)
	if err == nil || errors.Is(ctx.Err(), context.Canceled) { // the service stops
		return
	}
	level, fields := slog.LevelError, []any{"error", err, "providers", len(r.registry.Providers())}
	if a := r.registry.Aggregate(); a != nil {
		level, fields = slog.LevelWarn, append(fields, "read", a.FetchedAt)
	}
	r.log.Log(ctx, level, "the registry of identity providers cannot be read; the providers read before stay in use", fields...)
}

// reload loads the registry that another instance, or this one before a restart, stored
// in the database.
func (r *refresher) reload(ctx context.Context) {
	err := r.registry.Reload(ctx)
	if err != nil && !store.IsUnavailable(err) && !errors.Is(ctx.Err(), context.Canceled) { // outage logs that the database is unavailable
		r.log.ErrorContext(ctx, "the registry of identity providers cannot be reloaded", "error", err)
	}
}

// watch reloads the registry from the database regularly, and logs changes and expiring
// certificates, until ctx ends. While no registry has been read, every instance fetches
// it itself, without waiting for the job.
func (r *refresher) watch(ctx context.Context, c *certificates) {
	var known *spid.Aggregate
	faults := ""
	for {
		if r.registry.Aggregate() == nil && r.registry.Due() {
			r.refresh(ctx)
		}
		if a := r.registry.Aggregate(); a != known {
			known = a
			r.log.InfoContext(ctx, "the registry of identity providers is in use",
				"providers", len(a.Providers), "made", a.CreatedAt, "read", a.FetchedAt)
			if was := faults; a.Faults == nil {
				faults = ""
			} else if faults = a.Faults.Error(); faults != was {
				r.log.WarnContext(ctx, "some entries of the registry are ignored, as a whole or in part", "error", a.Faults)
			}
		}
		c.logExpiring(ctx)
		wait := reloadEvery
		if known == nil && r.registry.Due() {
			wait = retryEvery
		}
		select {
		case <-ctx.Done():
			return
		case <-time.After(wait):
			r.reload(ctx)
		}
	}
}
