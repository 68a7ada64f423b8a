package main

import (
	"context"
	"fmt"
	"io"
	"maps"
	"slices"
	"strings"
	"sync/atomic"
	"time"
)

// A report is the state of a run, and its results at the end.
type report struct {
	world      *world
	injector   *injector
	load       *load
	working    context.Context // ends when the people must stop
	stop       func()          // cancels working
	shut       func()          // starts no more procedures
	over       chan struct{}   // closed when all procedures have ended
	began      time.Time
	recovered  time.Time     // when everything worked again
	finished   time.Time     // when the last procedure ended
	drained    time.Duration // how long the mail queue took to empty
	advanced   atomic.Int64  // mails that were retried early
	stuck      []string
	duplicates []duplicate
	invariants []*invariant
}

// broken returns the invariants that do not hold, with their violations.
func (r *report) broken() (all []string) {
	for _, i := range r.invariants {
		if len(i.broken) > 0 {
			all = append(all, i.name+":\n      "+first(i.broken, 8))
		}
	}
	return all
}

// print writes the report for a reader who does not know the program.
func (r *report) print(out io.Writer) {
	w := r.world
	kills, others := r.injector.kills()
	steps, failed := w.recorder.steps()
	fmt.Fprintf(out, "\nFor %v people identified themselves with two instances of Stella, while faults were injected into\n"+
		"the instances, PostgreSQL, the relay and the network between them. Seed %d.\n\n",
		r.recovered.Sub(r.began).Round(time.Second), w.seed)
	kinds := map[string]int{}
	for _, s := range r.injector.injections() {
		kinds[s.what]++
	}
	fmt.Fprintf(out, "Faults: %d processes killed, %d other faults\n", kills, others)
	for _, what := range slices.Sorted(maps.Keys(kinds)) {
		fmt.Fprintf(out, "  %4d  %s\n", kinds[what], what)
	}
	fmt.Fprintf(out, "\nPeople\n")
	for _, end := range slices.Sorted(maps.Keys(r.load.ends)) {
		fmt.Fprintf(out, "  %4d  procedures that ended: %s\n", r.load.ends[end], orUnfinished(end))
	}
	fmt.Fprintf(out, "  %4d  steps answered\n", steps)
	w.recorder.mu.Lock()
	for _, what := range slices.Sorted(maps.Keys(w.recorder.counts)) {
		fmt.Fprintf(out, "  %4d  %s\n", w.recorder.counts[what], what)
	}
	w.recorder.mu.Unlock()
	fmt.Fprintf(out, "  %4d  pages that failed: %s\n", failed, strings.Join(w.recorder.failureList(), ", "))
	fmt.Fprintf(out, "        answers slower than 1 s: %d, 5 s: %d, 10 s: %d; slowest: %v\n",
		w.recorder.slower[0], w.recorder.slower[1], w.recorder.slower[2], w.recorder.slowest.Round(time.Millisecond))
	r.printDuplicates(out)
	fmt.Fprintf(out, "Starts of an instance that failed because the database was unavailable: %d\n", w.failedStarts())
	fmt.Fprintf(out, "After the last fault, people finished within %v, and the mail queue was empty after another %v.\n"+
		"%d mails that would have waited longer were retried early.\n\n",
		max(0, r.finished.Sub(r.recovered)).Round(100*time.Millisecond), r.drained.Round(100*time.Millisecond), r.advanced.Load())
	for _, i := range r.invariants {
		verdict := "holds "
		if len(i.broken) > 0 {
			verdict = "BROKEN"
		}
		fmt.Fprintf(out, "%s  %s (%d)\n", verdict, i.name, i.checked)
		if len(i.broken) > 0 {
			fmt.Fprintln(out, "     ", first(i.broken, 8))
		}
	}
	if n := len(r.broken()); n > 0 {
		fmt.Fprintf(out, "\n%d invariants are BROKEN. Repeat with: make torture SEED=%d\n", n, w.seed)
		return
	}
	fmt.Fprintf(out, "\nNothing was lost. Seed %d.\n", w.seed)
}

// first returns the first n lines of a list.
func first(all []string, n int) string {
	if len(all) > n {
		all = append(all[:n:n], fmt.Sprintf("and %d more", len(all)-n))
	}
	return strings.Join(all, "\n      ")
}

// A duplicate is a second or later copy of a mail.
type duplicate struct {
	after time.Duration // time since the previous copy
	fault string        // the fault that explains it
}

func (r *report) printDuplicates(out io.Writer) {
	fmt.Fprintf(out, "\nMails accepted by the relay: %d, including %d duplicates\n", len(r.world.inbox.all()), len(r.duplicates))
	times, latest := map[string]int{}, map[string]time.Duration{}
	for _, again := range r.duplicates {
		times[again.fault]++
		latest[again.fault] = max(latest[again.fault], again.after)
	}
	for _, fault := range slices.Sorted(maps.Keys(times)) {
		fmt.Fprintf(out, "  %4d  after: %s; at most %v after the previous copy\n",
			times[fault], fault, latest[fault].Round(100*time.Millisecond))
	}
}

func orUnfinished(end string) string {
	if end == "" {
		return "unfinished"
	}
	return end
}

// failedStarts returns how many starts of instances failed.
func (w *world) failedStarts() (n int) {
	for _, i := range w.instances {
		i.mu.Lock()
		n += i.failedStarts
		i.mu.Unlock()
	}
	return n
}
