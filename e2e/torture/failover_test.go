package main

import (
	"context"
	"fmt"
	"syscall"
	"testing"
	"time"
)

// The primary is killed under load and the standby is promoted. Every answered step is
// stored, and Stella continues without a restart.
func TestFailover(t *testing.T) {
	long(t)
	t.Parallel()
	o := quickOptions(t)
	o.replicated = true
	w := newWorld(t, o)
	r := w.begin(t.Context())
	r.awaitSteps(t, 25)
	before, _ := w.recorder.steps()
	killed := time.Now()
	r.injector.inject(t.Context(), &fault{faultKind: faultKind{
		what:    "kill -9 the primary and promote the standby",
		kill:    true,
		senders: 2 * sendersPerInstance,
		action: func(ctx context.Context, _ time.Duration) bool {
			must(t, w.database.kill(syscall.SIGKILL))
			pause(ctx, time.Second) // until the failure is noticed
			must(t, w.standby.promote(ctx))
			w.promoted = true
			return true
		},
	}})
	promoted := time.Now()
	back := r.awaitRecovery(t, promoted)
	t.Logf("promoted %v after the kill; %v", promoted.Sub(killed).Round(time.Millisecond), back)
	if back.answer+back.mail > 10*time.Second {
		t.Error("the recovery took more than ten seconds")
	}
	r.awaitSteps(t, 25)
	must(t, r.end(t.Context()))
	logReport(t, r)
	after, _ := w.recorder.steps()
	t.Logf("%d steps answered before, %d after", before, after-before)
	w.startedOnce(t)
}

// A recovery contains the times after a part works again. The time step includes the
// five seconds for which people wait because of Retry-After.
type recovery struct {
	answer time.Duration // until the API answered; it is called all the time
	step   time.Duration // until a person's step was answered
	mail   time.Duration // from request to arrival of the first mail requested after that
}

func (c recovery) String() string {
	return fmt.Sprintf("the API answered after %v, the first step was answered after %v (Retry-After included), and its mail took %v",
		c.answer.Round(time.Millisecond), c.step.Round(time.Millisecond), c.mail.Round(time.Millisecond))
}

// awaitRecovery waits until the API, the steps of people and the mails work, counting
// from a moment.
func (r *report) awaitRecovery(t *testing.T, moment time.Time) (c recovery) {
	t.Helper()
	w := r.world
	steps, _ := w.recorder.steps()
	r.await(t, "the service works again", func() bool {
		if c.answer == 0 {
			if _, err := w.webmail.show(t.Context(), w.mailboxes[0].address); err == nil {
				c.answer = time.Since(moment)
			}
		}
		if now, _ := w.recorder.steps(); c.step == 0 && now > steps {
			c.step = time.Since(moment)
		}
		for _, m := range w.inbox.all() {
			if c.mail == 0 && m.asked().After(moment) {
				c.mail = m.ReceivedAt.Sub(m.asked())
			}
		}
		return c.answer != 0 && c.step != 0 && c.mail != 0
	})
	return c
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
