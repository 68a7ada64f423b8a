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
	"stella/workflow/qualification"
)

// Several instances deliver each event once, and send at most four requests to a
// receiver at once.
func TestTwoInstancesDeliverOnce(t *testing.T) {
	w := newWorld(t)
	r := w.newReceiver()
	r.answers(func(_ received, h http.ResponseWriter) { time.Sleep(10 * time.Millisecond) })
	const events = 60
	for range events {
		w.RecordInState(t, qualification.HolderChoice)
	}
	var all sync.WaitGroup
	for range 12 { // concurrent jobs, as several instances run them
		s := w.newSender()
		s.Deliverer.Roots = w.sender.Deliverer.Roots
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
	if most := r.maxConcurrent(); most < 2 || most > 4 {
		t.Errorf("%d requests at once, want 2 to 4", most)
	}
}

// Receivers that do not answer, each with many deliveries, do not delay the
// deliveries to other receivers.
func TestADeadReceiverDoesNotDelayOthers(t *testing.T) {
	w := newWorld(t)
	w.InRealTime()
	var dead []*receiver
	hang := make(chan bool)
	for range 6 {
		r := w.newReceiver(workflow.AnnounceStarted)
		r.answers(func(_ received, h http.ResponseWriter) { <-hang })
		dead = append(dead, r)
	}
	t.Cleanup(func() { close(hang) }) // runs before the receivers' cleanup, which waits for open requests
	for range 20 {
		w.RecordInState(t, qualification.HolderChoice)
	}
	good := w.newReceiver(workflow.AnnounceInvited)
	var inviting []*storetest.Journey
	for range 5 {
		inviting = append(inviting, w.RecordInState(t, qualification.HolderInvitation))
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
		j.AdvanceTo(qualification.Invited)
	}
	storetest.Eventually(w.t, "the events are delivered", func() bool { return len(good.received()) == 5 })
	t.Logf("5 deliveries in %v while 6 receivers hang", time.Since(began))
	for _, r := range dead {
		if n := len(r.received()); n > 4 {
			t.Errorf("%d requests hang at one receiver", n)
		}
		for _, d := range w.deliveries(r) {
			if d.Outcome != "" {
				t.Errorf("the events waited until a delivery that hangs timed out: %+v", d)
			}
		}
	}
}

// A delivery without a job is found: here the process that claimed it crashed, and
// its job is lost.
func TestADeliveryWithoutAJobIsFound(t *testing.T) {
	w := newWorld(t)
	w.InRealTime()
	r := w.newReceiver()
	j := w.RecordInState(t, qualification.HolderChoice)
	now := time.Now()
	_, _, err := w.ClaimDelivery(t.Context(), r.id, now, now.Add(2*time.Second), 4)
	storetest.Must(t, err)
	_, err = w.Pool().Exec(t.Context(), `delete from river_job`)
	storetest.Must(t, err)
	w.start(w.sender)
	storetest.Eventually(w.t, "the events are delivered", func() bool { return len(r.types(j.Address)) == 1 })
	if took := time.Since(now); took < 2*time.Second {
		t.Errorf("it was sent after %v, before the claim expired", took)
	}
}

// If a process is stopped during an attempt, the attempt does not count as a
// failure of the webhook.
func TestAStopDoesNotCountAsFailure(t *testing.T) {
	w := newWorld(t)
	r := w.newReceiver()
	hang := make(chan bool)
	r.answers(func(received, http.ResponseWriter) { <-hang })
	w.RecordInState(t, qualification.HolderChoice)
	ctx, stop := context.WithCancel(t.Context())
	ended := make(chan error)
	go func() { ended <- w.sender.Work(ctx, job(r)) }()
	storetest.Eventually(w.t, "the receiver has the request", func() bool { return len(r.received()) == 1 })
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
		t.Errorf("the delivery is %+v", d)
	}
}
