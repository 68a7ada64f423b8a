//go:build torture

package main

import (
	"context"
	"syscall"
	"testing"
	"time"
)

// The primary is killed under load and the standby promoted: what was answered
// is there, and Stella goes on by itself.
func TestFailover(t *testing.T) {
	t.Parallel()
	o := quick(t)
	o.replicated = true
	w := openWorld(t, o)
	r := w.begin(t.Context())
	pause(t.Context(), 4*time.Second)
	before, _ := w.ledger.steps()
	killed := time.Now()
	r.chaos.strike(t.Context(), &blow{what: "kill -9 the primary and promote the standby", kill: true, senders: 2 * sendersPerInstance,
		deal: func(ctx context.Context) bool {
			must(t, w.database.end(syscall.SIGKILL))
			pause(ctx, time.Second) // somebody has to notice
			must(t, w.standby.promote(ctx))
			w.promoted = true
			return true
		}})
	promoted := time.Now()
	step, mail := w.backAfter(t, promoted)
	t.Logf("promoted %v after the kill; the first step answered %v after that, the first mail %v",
		promoted.Sub(killed).Round(time.Millisecond), step.Round(time.Millisecond), mail.Round(time.Millisecond))
	if max(step, mail) > 10*time.Second {
		t.Error("that is too late")
	}
	pause(t.Context(), 3*time.Second)
	must(t, r.end(t.Context()))
	tell(t, r)
	after, _ := w.ledger.steps()
	t.Logf("%d steps answered before, %d after", before, after-before)
	w.startedOnce(t)
}

// backAfter waits for the first step answered and the first mail taken whose
// beginning was after a time.
func (w *world) backAfter(t *testing.T, moment time.Time) (step, mail time.Duration) {
	t.Helper()
	steps, _ := w.ledger.steps()
	for until := moment.Add(30 * time.Second); time.Now().Before(until); time.Sleep(10 * time.Millisecond) {
		if now, _ := w.ledger.steps(); step == 0 && now > steps {
			step = time.Since(moment)
		}
		for _, m := range w.inbox.all() {
			if mail == 0 && m.asked().After(moment) {
				mail = m.ReceivedAt.Sub(moment)
			}
		}
		if step != 0 && mail != 0 {
			return step, mail
		}
	}
	t.Fatal("the service does not come back within 30 seconds")
	return 0, 0
}

// startedOnce checks that no instance was restarted.
func (w *world) startedOnce(t *testing.T) {
	t.Helper()
	for _, i := range w.instances {
		if i.starts != 1 {
			t.Errorf("%s was started %d times", i.name, i.starts)
		}
	}
}
