package main

import (
	"context"
	"fmt"
	"io"
	"sync"
	"syscall"
	"time"
)

// A release is the program that runs: the former one until the upgrade.
type release struct {
	mu      sync.Mutex
	program string
}

func (r *release) runs() string {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.program
}

func (r *release) becomes(program string) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.program = program
}

// upgrade does what docs/operations says, while people work and blows fall: it
// migrates after a third of the run, so that the former program goes on with
// the new schema, and after two thirds replaces the instances one by one.
func (w *world) upgrade(ctx context.Context, progress io.Writer) {
	pause(ctx, w.length/3)
	if err := w.migrate(ctx, progress); err != nil {
		w.ledger.lie("the database cannot be migrated: %v", err)
		return
	}
	pause(ctx, w.length/3)
	w.release.becomes(w.binary)
	for _, i := range w.instances {
		if ctx.Err() != nil {
			return
		}
		if gone := i.strike(syscall.SIGTERM, 0); gone != nil {
			<-gone
		}
		i.await(ctx)
		fmt.Fprintf(progress, "        %s is the present program\n", i.name)
	}
}

// migrate tries until the run ends: PostgreSQL may be away, once for a minute.
func (w *world) migrate(ctx context.Context, progress io.Writer) error {
	for {
		out, err := w.run(ctx, w.binary, "migrate")
		if err == nil {
			fmt.Fprintf(progress, "        migrated under the former program: %s", out)
			return nil
		}
		if ctx.Err() != nil {
			return err
		}
		pause(ctx, time.Second)
	}
}
