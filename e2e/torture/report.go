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

// A report is what is told of a run.
type report struct {
	world      *world
	chaos      *chaos
	crowd      *crowd
	working    context.Context // of everybody
	stop       func()
	shut       func()        // lets nobody in any more
	over       chan struct{} // closed when everybody has left
	began      time.Time
	calm       time.Time     // when everything worked again
	finished   time.Time     // when the last walk ended
	drained    time.Duration // how long it took until no mail waited
	hurried    atomic.Int64  // mails that would have waited longer
	stuck      []string
	repeated   []repetition
	invariants []*invariant
}

// broken lists what does not hold.
func (r *report) broken() (all []string) {
	for _, i := range r.invariants {
		if len(i.broken) > 0 {
			all = append(all, i.name+":\n      "+first(i.broken, 8))
		}
	}
	return all
}

// print tells all, for somebody who knows nothing of it.
func (r *report) print(out io.Writer) {
	w := r.world
	kills, others := r.chaos.kills()
	steps, failed := w.ledger.steps()
	fmt.Fprintf(out, "\nFor %v people identified themselves with two instances of Stella, while these, PostgreSQL, the relay\nand the network between them were killed, cut and held up. Seed %d.\n\n",
		r.calm.Sub(r.began).Round(time.Second), w.seed)
	kinds := map[string]int{}
	for _, s := range r.chaos.strikes() {
		kinds[s.what]++
	}
	fmt.Fprintf(out, "Done to it: %d processes killed, %d other blows\n", kills, others)
	for _, what := range slices.Sorted(maps.Keys(kinds)) {
		fmt.Fprintf(out, "  %4d  %s\n", kinds[what], what)
	}
	fmt.Fprintf(out, "\nDone by people\n")
	for _, end := range slices.Sorted(maps.Keys(r.crowd.ends)) {
		fmt.Fprintf(out, "  %4d  walks that ended: %s\n", r.crowd.ends[end], orUnfinished(end))
	}
	fmt.Fprintf(out, "  %4d  steps answered\n", steps)
	w.ledger.mu.Lock()
	for _, what := range slices.Sorted(maps.Keys(w.ledger.counts)) {
		fmt.Fprintf(out, "  %4d  %s\n", w.ledger.counts[what], what)
	}
	w.ledger.mu.Unlock()
	fmt.Fprintf(out, "  %4d  pages that failed: %s\n", failed, strings.Join(w.ledger.ofTrouble(), ", "))
	fmt.Fprintf(out, "        answers slower than 1 s: %d, 5 s: %d, 10 s: %d; the slowest took %v\n",
		w.ledger.slower[0], w.ledger.slower[1], w.ledger.slower[2], w.ledger.slowest.Round(time.Millisecond))
	r.printRepeated(out)
	fmt.Fprintf(out, "Starts of an instance that ended at once, as it found no database: %d\n", w.misfires())
	fmt.Fprintf(out, "After the last blow people finished within %v, and no mail waited any more after %v;\n%d that the relay may have taken were not let wait their ten minutes.\n\n",
		max(0, r.finished.Sub(r.calm)).Round(100*time.Millisecond), r.drained.Round(100*time.Millisecond), r.hurried.Load())
	for _, i := range r.invariants {
		verdict := "holds "
		if len(i.broken) > 0 {
			verdict = "BROKEN"
		}
		fmt.Fprintf(out, "%s  %s (%d)\n", verdict, i.name, i.looked)
		if len(i.broken) > 0 {
			fmt.Fprintln(out, "     ", first(i.broken, 8))
		}
	}
	if n := len(r.broken()); n > 0 {
		fmt.Fprintf(out, "\n%d invariants are BROKEN. Again with: make torture SEED=%d\n", n, w.seed)
		return
	}
	fmt.Fprintf(out, "\nNothing was lost. Seed %d.\n", w.seed)
}

// first returns the beginning of a list, for people.
func first(all []string, n int) string {
	if len(all) > n {
		all = append(all[:n:n], fmt.Sprintf("and %d more", len(all)-n))
	}
	return strings.Join(all, "\n      ")
}

// A repetition is a mail that came again.
type repetition struct {
	after time.Duration // the copy before
	blow  string        // that explains it
}

func (r *report) printRepeated(out io.Writer) {
	fmt.Fprintf(out, "\nMails taken by the relay: %d, of which %d came again\n", len(r.world.inbox.all()), len(r.repeated))
	times, latest := map[string]int{}, map[string]time.Duration{}
	for _, again := range r.repeated {
		times[again.blow]++
		latest[again.blow] = max(latest[again.blow], again.after)
	}
	for _, blow := range slices.Sorted(maps.Keys(times)) {
		fmt.Fprintf(out, "  %4d  after: %s; at the latest %v after the first\n", times[blow], blow, latest[blow].Round(100*time.Millisecond))
	}
}

func orUnfinished(end string) string {
	if end == "" {
		return "unfinished"
	}
	return end
}

// misfires counts the starts of instances that came to nothing.
func (w *world) misfires() (n int) {
	for _, i := range w.instances {
		i.mu.Lock()
		n += i.misfires
		i.mu.Unlock()
	}
	return n
}
