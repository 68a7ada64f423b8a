package main

import (
	"context"
	"fmt"
	"io"
	"sync"
	"time"

	"github.com/jackc/pgx/v5"
)

// options are the options of a run.
type options struct {
	binary     string        // the stella program
	previous   string        // the program of the previous version, if the run upgrades
	seed       uint64        // of all random decisions
	length     time.Duration // of the fault injection
	every      time.Duration // average time between two faults
	scale      float64       // factor for the durations of faults
	holders    int           // number of people at the same time
	pace       time.Duration // average time that people spend on a page
	maxWait    time.Duration // people who must wait longer than this give up
	outage     time.Duration // duration of the one long PostgreSQL outage; zero for none
	replicated bool          // with a standby
	unsafe     bool          // PostgreSQL runs with fsync off, which is a risk only if the machine crashes
	keep       bool          // keep all files
}

// long reports whether there is time for actions that take a minute.
func (o options) long() bool { return o.length > 3*time.Minute }

// mailboxCount returns the number of mailboxes to create: more than people can
// process during the run.
func (o options) mailboxCount() int {
	return o.holders * (4 + int(o.length/(5*time.Second)))
}

// Timeouts after the fault injection has ended: for all parts to work again, for
// people to finish, and for the mail queue to empty. The mail of a crashed sender is sent
// within a minute.
const (
	readyTimeout  = time.Minute
	finishTimeout = 2 * time.Minute
	drainTimeout  = 90 * time.Second
)

// torture makes a run and returns the report. It writes progress lines to progress.
func torture(ctx context.Context, o options, progress io.Writer) (r *report, err error) {
	began := time.Now()
	w, err := open(ctx, o)
	if err != nil {
		return nil, err
	}
	fmt.Fprintf(progress, "seed %d; everything is running after %v\n", o.seed, time.Since(began).Round(100*time.Millisecond))
	defer func() {
		w.keep = w.keep || err != nil && ctx.Err() == nil || err == nil && len(r.broken()) > 0
		if w.keep {
			fmt.Fprintln(progress, "all files are kept in", w.dir)
		}
		if failed := w.close(); failed != nil {
			fmt.Fprintln(progress, "closing:", failed)
		}
	}()
	r = w.begin(ctx)
	logging, stopLogging := context.WithCancel(ctx)
	defer stopLogging()
	go r.logProgress(logging, progress)
	injecting, cancel := context.WithTimeout(ctx, o.length)
	defer cancel()
	var upgrading sync.WaitGroup
	if o.previous != "" {
		upgrading.Go(func() { w.upgrade(injecting, progress) })
	}
	r.injector.run(injecting)
	upgrading.Wait()
	return r, r.end(ctx)
}

// begin starts the load.
func (w *world) begin(ctx context.Context) *report {
	r := &report{world: w, injector: w.plan(w.length, w.every, w.scale), load: newLoad(w), began: time.Now(), over: make(chan struct{})}
	r.working, r.stop = context.WithCancel(ctx)
	coming, shut := context.WithCancel(r.working)
	r.shut = shut
	go w.operator.work(r.working)
	go func() {
		defer close(r.over)
		r.load.run(r.working, coming)
	}()
	return r
}

// end starts no more scenarios, waits until all parts work and all scenarios have
// ended, and checks the invariants.
func (r *report) end(ctx context.Context) error {
	defer r.stop()
	r.shut()
	settling, cancel := context.WithTimeout(ctx, readyTimeout)
	defer cancel()
	if err := r.world.awaitReady(settling); err != nil {
		r.stuck = append(r.stuck, err.Error())
	}
	r.recovered = time.Now()
	go r.advanceRetries(r.working)
	select {
	case <-r.over:
	case <-ctx.Done():
		return ctx.Err()
	case <-time.After(finishTimeout):
		r.stuck = append(r.stuck, r.load.unfinished()...)
	}
	r.finished = time.Now()
	r.drain(ctx)
	r.stop()
	<-r.over
	return r.check(ctx)
}

// advanceRetries makes mails due that wait for more than five seconds. Stella repeats a mail that the relay may have accepted after
// ten minutes or more.
func (r *report) advanceRetries(ctx context.Context) {
	for ctx.Err() == nil {
		r.world.primary().do(ctx, func(db *pgx.Conn) error {
			var mails int64
			err := db.QueryRow(ctx, `
				with advanced as (
					update mail_queue set due_at = now() where claimed_until is null and due_at > now() + interval '5 seconds'
					returning queue),
				told as (
					select pg_notify(current_schema() || '.mail', queue) from (select distinct queue from advanced) x)
				select count(*), (select count(*) from told) from advanced`).Scan(&mails, nil)
			r.advanced.Add(mails)
			return err
		})
		pause(ctx, time.Second)
	}
}

// drain waits until every mail has a result.
func (r *report) drain(ctx context.Context) {
	began := time.Now()
	for ctx.Err() == nil && time.Since(began) < drainTimeout {
		left := 1
		r.world.primary().do(ctx, func(db *pgx.Conn) error {
			return db.QueryRow(ctx, `
				select (select count(*) from mails where accepted_at is null and refused_at is null and dropped_at is null)
					+ (select count(*) from mail_queue)`).Scan(&left)
		})
		if left == 0 {
			break
		}
		pause(ctx, 200*time.Millisecond)
	}
	r.drained = time.Since(began)
}

// logProgress writes a line about the run every ten seconds.
func (r *report) logProgress(ctx context.Context, out io.Writer) {
	for {
		pause(ctx, 10*time.Second)
		if ctx.Err() != nil {
			return
		}
		kills, others := r.injector.kills()
		steps, failed := r.world.recorder.steps()
		ended, active := r.load.progress()
		fmt.Fprintf(out, "%6v  kills %d, other faults %d; procedures %d ended, %d active; "+
			"steps answered %d; pages %d, failed %d; mails %d\n",
			time.Since(r.began).Round(time.Second), kills, others, ended, active,
			steps, r.world.recorder.counted("pages"), failed, len(r.world.inbox.all()))
	}
}
