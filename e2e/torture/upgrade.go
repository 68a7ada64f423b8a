package main

import (
	"context"
	"fmt"
	"io"
	"sync"
	"syscall"
	"time"
)

// A release is the path of the stella program in use: the previous version until the
// upgrade.
type release struct {
	mu      sync.Mutex
	program string
}

func (r *release) current() string {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.program
}

func (r *release) set(program string) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.program = program
}

// upgrade follows docs/operations while people work and faults are injected. After a
// third of the run it migrates the database, so that the previous version continues
// with the new schema. After two thirds it replaces the instances one by one.
func (w *world) upgrade(ctx context.Context, progress io.Writer) {
	pause(ctx, w.length/3)
	if err := w.migrate(ctx, progress); err != nil {
		w.recorder.violation("the database cannot be migrated: %v", err)
		return
	}
	pause(ctx, w.length/3)
	w.release.set(w.binary)
	for _, i := range w.instances {
		if ctx.Err() != nil {
			return
		}
		if exited := i.signal(syscall.SIGTERM, 0); exited != nil {
			<-exited
		}
		i.await(ctx)
		fmt.Fprintf(progress, "        %s runs the new version\n", i.name)
	}
}

// migrate repeats the migration until it succeeds or ctx ends: PostgreSQL can be
// unavailable for a minute.
func (w *world) migrate(ctx context.Context, progress io.Writer) error {
	for {
		out, err := w.run(ctx, w.binary, "migrate")
		if err == nil {
			fmt.Fprintf(progress, "        migrated while the previous version runs: %s", out)
			return nil
		}
		if ctx.Err() != nil {
			return err
		}
		pause(ctx, time.Second)
	}
}
