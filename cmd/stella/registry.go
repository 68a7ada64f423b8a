package main

import (
	"context"
	"errors"
	"log/slog"
	"time"

	"github.com/riverqueue/river"

	"stella/spid"
	"stella/store"
)

// How fresh the identity providers are kept. One instance reads the registry
// when it is due, and the others have it from the database.
const (
	refreshEvery   = 10 * time.Minute // looks whether it is due, which it is every hour
	refreshTimeout = 15 * time.Second // less than a job has
	reloadEvery    = 20 * time.Second
	retryEvery     = 10 * time.Second // while there is no registry at all
)

// newRegistry makes SPID's identity providers, those of the files and those of
// the registry.
func newRegistry(s *settings, db *store.Store) (*spid.Registry, error) {
	if s.registry == nil {
		return spid.NewRegistry(s.providers, nil), nil
	}
	source := *s.registry
	source.Memory = db
	return spid.Follow(source, s.providers)
}

// refresh is the job that reads the registry of identity providers.
type refresh struct{}

// Kind implements [river.JobArgs].
func (refresh) Kind() string { return "refresh_registry" }

type refresher struct {
	river.WorkerDefaults[refresh]
	registry *spid.Registry
	log      *slog.Logger
}

// Work does not fail the job: the next one comes soon enough.
func (r *refresher) Work(ctx context.Context, _ *river.Job[refresh]) error {
	if r.registry.Due() {
		r.refresh(ctx)
	}
	return nil
}

// refresh reads the registry; where that fails, what was there holds.
func (r *refresher) refresh(ctx context.Context) {
	timed, cancel := context.WithTimeout(ctx, refreshTimeout)
	defer cancel()
	err := r.registry.Refresh(timed)
	if err == nil || errors.Is(ctx.Err(), context.Canceled) { // the service stops
		return
	}
	level, holds := slog.LevelError, []any{"error", err, "providers", len(r.registry.Providers())}
	if a := r.registry.Aggregate(); a != nil {
		level, holds = slog.LevelWarn, append(holds, "read", a.FetchedAt)
	}
	r.log.Log(ctx, level, "the registry of identity providers cannot be read; what was there holds", holds...)
}

// reload takes over what another instance read, or this one before its restart.
func (r *refresher) reload(ctx context.Context) {
	err := r.registry.Reload(ctx)
	if err != nil && !store.Away(err) && !errors.Is(ctx.Err(), context.Canceled) { // that the database is away is told once
		r.log.ErrorContext(ctx, "the registry of identity providers cannot be reloaded", "error", err)
	}
}

// follow keeps this instance's providers like those in the database, and tells
// what changes and which certificates end, until ctx ends. While no registry was
// ever read, every instance tries, without waiting for the job.
func (r *refresher) follow(ctx context.Context, c *certificates) {
	var known *spid.Aggregate
	faults := ""
	for {
		if r.registry.Aggregate() == nil && r.registry.Due() {
			r.refresh(ctx)
		}
		if a := r.registry.Aggregate(); a != known {
			known = a
			r.log.InfoContext(ctx, "the registry of identity providers is in use", "providers", len(a.Providers), "made", a.CreatedAt, "read", a.FetchedAt)
			if was := faults; a.Faults == nil {
				faults = ""
			} else if faults = a.Faults.Error(); faults != was {
				r.log.WarnContext(ctx, "entries of the registry are left out, or part of them", "error", a.Faults)
			}
		}
		c.tell(ctx)
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
