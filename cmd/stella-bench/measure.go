package main

import (
	"context"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"os"
	"time"
)

// options are the flags of a measurement.
type options struct {
	stella     string
	name       string
	atOnce     int
	n          int
	span       time.Duration
	mailboxes  int
	statements int
	roundTrips bool
	latency    time.Duration
	json       bool
	keep       bool
	floor      bool
	running    running
}

func (o *options) add(f *flag.FlagSet) {
	f.StringVar(&o.stella, "stella", "bin/stella", "the program to start and to measure")
	f.StringVar(&o.name, "name", "stella", "its name in the report")
	f.IntVar(&o.atOnce, "at-once", 8, "number of holders at once")
	f.IntVar(&o.n, "n", 0, "number of qualifications, calls, or mailboxes of an import")
	f.DurationVar(&o.span, "for", 0, "duration, if no number is given")
	f.IntVar(&o.mailboxes, "mailboxes", 20_000, "number of mailboxes in the database")
	f.IntVar(&o.statements, "statements", 0, "print that many statements, those that take the most time")
	f.BoolVar(&o.roundTrips, "round-trips", false, "count round trips to PostgreSQL with a proxy, which changes the other figures")
	f.DurationVar(&o.latency, "latency", 0, "add a time to each round trip, with that proxy")
	f.BoolVar(&o.floor, "floor", false, "measure the floor, with the pages of the program")
	f.BoolVar(&o.json, "json", false, "print the report as JSON")
	o.running.add(f)
	f.BoolVar(&o.keep, "keep", false, "keep the files, with the logs")
}

// open prepares the program that the flags name. The caller closes the world, also after an
// error.
func (o options) open(ctx context.Context) (w *world, s *subject, err error) {
	if o.running.url != "" {
		w = &world{site: o.running.url, inbox: newInbox(o.running.relay)}
		s, err = o.running.subject(w, o)
		return w, s, err
	}
	if w, err = newWorld(ctx); err != nil {
		return w, nil, err
	}
	if s, err = newStella(ctx, w, o.name, o.stella); err != nil {
		return w, nil, err
	}
	if o.floor {
		recording := w.file("recording.json")
		if err := record(ctx, s, recording); err != nil {
			return w, nil, err
		}
		if s, err = newFloor(ctx, s, recording); err != nil {
			return w, nil, err
		}
	}
	if o.roundTrips || o.latency > 0 {
		err = s.addProxy(o.latency)
	}
	return w, s, err
}

// A mode is a kind of load.
type mode struct {
	name    string
	n       int // default number, unless there is a duration
	clients int // of the API
	// prepare returns the job for the number i from 0, after it has prepared n of them.
	prepare func(ctx context.Context, l *load, o options, n int) (job, error)
	// unbounded is set if the number need not be known before.
	unbounded bool
	unit      string
	// measure is set if it is not the measurement of holders.
	measure func(context.Context, *subject, mode, options) (report, error)
}

// measureCommand returns the command that measures one mode and prints the report.
func measureCommand(m mode) func(context.Context, []string) error {
	return func(ctx context.Context, args []string) (err error) {
		var o options
		flags := flag.NewFlagSet(m.name, flag.ContinueOnError)
		o.add(flags)
		if err := flags.Parse(args); err != nil {
			return err
		}
		w, s, err := o.open(ctx)
		defer func() {
			if err = errors.Join(err, w.close(o.keep)); o.keep {
				fmt.Fprintln(os.Stderr, "the files are in", w.dir)
			}
		}()
		if err != nil {
			return err
		}
		r, err := m.run(ctx, s, o)
		if err != nil {
			return err
		}
		if o.json {
			e := json.NewEncoder(os.Stdout)
			e.SetIndent("", "  ")
			return e.Encode(r)
		}
		return r.print(os.Stdout)
	}
}

// run measures a subject that does not run yet.
func (m mode) run(ctx context.Context, s *subject, o options) (report, error) {
	if m.measure != nil {
		return m.measure(ctx, s, m, o)
	}
	return measure(ctx, s, m, o)
}

// measure runs one load on a subject that does not run yet.
func measure(ctx context.Context, s *subject, m mode, o options) (r report, err error) {
	if o.n == 0 && (o.span == 0 || !m.unbounded) {
		o.n = m.n
	}
	if err := s.addMailboxes(ctx, o.mailboxes, m.clients); err != nil {
		return r, err
	}
	l := &load{subject: s, watch: newStopwatch(s.world.site)}
	if err := s.start(ctx); err != nil {
		return r, err
	}
	defer func() { err = errors.Join(err, s.stop()) }()
	warm := max(o.atOnce, 4) // so many qualifications open connections and fill caches
	do, err := m.prepare(ctx, l, o, warm+o.n)
	if err != nil {
		return r, err
	}
	// The program starts again, so that its memory is that of the load, and so that
	// PostgreSQL's processes have reported their totals.
	if err := s.stop(); err != nil {
		return r, err
	}
	early, err := s.total(ctx)
	if err != nil {
		return r, err
	}
	if err := s.start(ctx); err != nil {
		return r, err
	}
	if _, _, err := repeat(ctx, o.atOnce, warm, 0, do); err != nil {
		return r, err
	}
	r, err = l.measured(ctx, o, func(ctx context.Context, i int) error { return do(ctx, warm+i) })
	if err != nil {
		return r, err
	}
	if err := s.stop(); err != nil {
		return r, err
	}
	late, err := s.total(ctx)
	r.Program, r.Mode, r.Unit = s.name, m.name, m.unit
	r.Transactions = each(late.transactions-early.transactions, warm+r.Done)
	r.Tables = tableReports(early, late, warm+r.Done)
	return r, err
}

// measured runs the jobs and reads the counters before and after.
func (l *load) measured(ctx context.Context, o options, do job) (r report, err error) {
	s := l.subject
	if err := s.world.inbox.drain(ctx); err != nil {
		return r, err
	}
	if err := s.resetStatements(ctx); err != nil {
		return r, err
	}
	before, err := s.count(ctx)
	if err != nil {
		return r, err
	}
	l.watch.begin()
	turns := s.turns()
	used := s.cpu()
	done, took, err := repeat(ctx, o.atOnce, o.n, o.span, func(ctx context.Context, i int) error {
		begun := time.Now()
		if err := do(ctx, i); err != nil {
			return err
		}
		l.watch.record(wholeStep, time.Since(begun))
		return nil
	})
	if err != nil {
		return r, err
	}
	r.Steps = l.watch.steps()
	if err := s.world.inbox.drain(ctx); err != nil {
		return r, err
	}
	used = s.cpu().minus(used)
	r.RoundTrips = each(s.turns()-turns, done)
	after, err := s.count(ctx)
	if err != nil {
		return r, err
	}
	r.AtOnce, r.Done, r.Seconds, r.PerSecond = o.atOnce, done, took.Seconds(), float64(done)/took.Seconds()
	r.spent(used, before, after, done)
	r.PeakMB = float64(peakMemory(s.pid)) / (1 << 20)
	r.Requests = l.watch.requests(done)
	if o.statements > 0 {
		r.Top, err = s.topStatements(ctx, o.statements, done)
	}
	return r, err
}

// wholeStep is the name of the whole in the steps.
const wholeStep = "the whole"
