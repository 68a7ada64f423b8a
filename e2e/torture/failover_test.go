package main

import (
	"context"
	"fmt"
	"syscall"
	"testing"
	"time"
)

// The primary is killed under load and the standby promoted: what was answered
// is there, and Stella goes on by itself.
func TestFailover(t *testing.T) {
	long(t)
	t.Parallel()
	o := quick(t)
	o.replicated = true
	w := openWorld(t, o)
	r := w.begin(t.Context())
	r.more(t, 25)
	before, _ := w.ledger.steps()
	killed := time.Now()
	r.chaos.strike(t.Context(), &blow{kind: kind{what: "kill -9 the primary and promote the standby", kill: true, senders: 2 * sendersPerInstance,
		deal: func(ctx context.Context, _ time.Duration) bool {
			must(t, w.database.end(syscall.SIGKILL))
			pause(ctx, time.Second) // somebody has to notice
			must(t, w.standby.promote(ctx))
			w.promoted = true
			return true
		}}})
	promoted := time.Now()
	back := r.backAfter(t, promoted)
	t.Logf("promoted %v after the kill; %v", promoted.Sub(killed).Round(time.Millisecond), back)
	if back.answer+back.mail > 10*time.Second {
		t.Error("that is too late")
	}
	r.more(t, 25)
	must(t, r.end(t.Context()))
	tell(t, r)
	after, _ := w.ledger.steps()
	t.Logf("%d steps answered before, %d after", before, after-before)
	w.startedOnce(t)
}

// A comeback is what followed when a part was there again. When people go on is
// theirs to choose: they had been told to wait for five seconds.
type comeback struct {
	answer time.Duration // until the API answered, which was asked all the time
	step   time.Duration // until somebody was answered a step
	mail   time.Duration // that the first mail took which was asked for since
}

func (c comeback) String() string {
	return fmt.Sprintf("the API answered %v after that; the first step of people, who had been told to wait, followed after %v, and its mail was there within %v",
		c.answer.Round(time.Millisecond), c.step.Round(time.Millisecond), c.mail.Round(time.Millisecond))
}

// backAfter waits until all works that was away before a time.
func (r *report) backAfter(t *testing.T, moment time.Time) (c comeback) {
	t.Helper()
	w := r.world
	steps, _ := w.ledger.steps()
	r.until(t, "the service is back", func() bool {
		if c.answer == 0 {
			if _, err := w.webmail.show(t.Context(), w.mailboxes[0].address); err == nil {
				c.answer = time.Since(moment)
			}
		}
		if now, _ := w.ledger.steps(); c.step == 0 && now > steps {
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
