package webhook_test

import (
	"context"
	"net/http"
	"sync"
	"testing"
	"time"

	"stella/store/storetest"
	"stella/webhook"
	"stella/workflow"
)

// Two instances deliver each event once, and not more at a time than a receiver
// is asked to bear.
func TestTwoInstancesDeliverOnce(t *testing.T) {
	w := newWorld(t)
	r := w.newReceiver()
	r.answers(func(_ received, h http.ResponseWriter) { time.Sleep(10 * time.Millisecond) })
	const events = 60
	for range events {
		w.Reach(t, workflow.HolderChoice)
	}
	var all sync.WaitGroup
	for range 12 { // jobs, of two instances or twelve
		s := w.newSender()
		s.Courier.Roots = w.sender.Courier.Roots
		all.Go(func() { s.Work(t.Context(), job(r)) })
	}
	all.Wait()
	w.work(r)
	seen := map[string]int{}
	for _, got := range r.received() {
		seen[got.Get("webhook-id")]++
	}
	if len(seen) != events || len(r.received()) != events {
		t.Errorf("%d requests for %d events, want %d", len(r.received()), len(seen), events)
	}
	if most := r.atOnce(); most < 2 || most > 4 {
		t.Errorf("%d requests at once, want up to 4", most)
	}
}

// Receivers that do not answer, each with many deliveries, hold nobody up.
func TestADeadReceiverHoldsNobodyUp(t *testing.T) {
	w := newWorld(t)
	w.InRealTime()
	var dead []*receiver
	hang := make(chan bool)
	for range 6 {
		r := w.newReceiver(workflow.AnnounceStarted)
		r.answers(func(_ received, h http.ResponseWriter) { <-hang })
		dead = append(dead, r)
	}
	t.Cleanup(func() { close(hang) }) // before the receivers, who wait for it
	for range 20 {
		w.Reach(t, workflow.HolderChoice)
	}
	good := w.newReceiver(workflow.AnnounceInvited)
	var inviting []*storetest.Journey
	for range 5 {
		inviting = append(inviting, w.Reach(t, workflow.HolderInvitation))
	}
	w.start(w.sender)
	storetest.Eventually(w.t, "all receivers hang", func() bool {
		for _, r := range dead {
			if len(r.received()) == 0 {
				return false
			}
		}
		return true
	})
	began := time.Now()
	for _, j := range inviting {
		j.To(workflow.Invited)
	}
	storetest.Eventually(w.t, "the events are delivered", func() bool { return len(good.received()) == 5 })
	t.Logf("5 deliveries in %v beside 6 receivers that hang", time.Since(began))
	for _, r := range dead {
		if n := len(r.received()); n > 4 {
			t.Errorf("%d requests hang at one receiver", n)
		}
		for _, d := range w.deliveries(r) {
			if d.Outcome != "" {
				t.Errorf("the events waited until a receiver that hangs was given up: %+v", d)
			}
		}
	}
}

// A delivery that no job looks after is found: here the process died that had
// claimed it, and its job is lost.
func TestWhatAnInstanceLeftIsFound(t *testing.T) {
	w := newWorld(t)
	w.InRealTime()
	r := w.newReceiver()
	j := w.Reach(t, workflow.HolderChoice)
	now := time.Now()
	_, _, err := w.ClaimDelivery(t.Context(), r.id, now, now.Add(2*time.Second), 4)
	storetest.Must(t, err)
	_, err = w.Pool().Exec(t.Context(), `delete from river_job`)
	storetest.Must(t, err)
	w.start(w.sender)
	storetest.Eventually(w.t, "the events are delivered", func() bool { return len(r.types(j.Address)) == 1 })
	if took := time.Since(now); took < 2*time.Second {
		t.Errorf("it was taken from a process that was alive, after %v", took)
	}
}

// A process that is stopped does not count what it could not end as a failure.
func TestAStopIsNoFailure(t *testing.T) {
	w := newWorld(t)
	r := w.newReceiver()
	hang := make(chan bool)
	r.answers(func(received, http.ResponseWriter) { <-hang })
	w.Reach(t, workflow.HolderChoice)
	ctx, stop := context.WithCancel(t.Context())
	ended := make(chan error)
	go func() { ended <- w.sender.Work(ctx, job(r)) }()
	storetest.Eventually(w.t, "the receiver is asked", func() bool { return len(r.received()) == 1 })
	stop()
	if err := <-ended; err != nil {
		t.Error(err)
	}
	close(hang)
	r.answers(nil)
	if x := w.webhook(r); x.Failures != 0 {
		t.Errorf("the webhook is %+v", x)
	}
	w.Clock.Advance(webhook.JobTimeout)
	w.work(r)
	if d := w.deliveries(r)[0]; d.Ended != "delivered" || d.Attempts != 2 {
		t.Errorf("the log says %+v", d)
	}
}
