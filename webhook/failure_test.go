package webhook_test

import (
	"crypto/x509"
	"fmt"
	"net"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"stella/client"
	"stella/store/storetest"
	"stella/workflow"
)

// hijacked answers with bytes of its own.
func hijacked(answer func(net.Conn)) func(received, http.ResponseWriter) {
	return func(_ received, w http.ResponseWriter) {
		conn, _, err := w.(http.Hijacker).Hijack()
		if err == nil {
			defer conn.Close()
			answer(conn)
		}
	}
}

// Whatever a receiver does but say yes, the event comes again, once it says so;
// and nothing that it said is kept but its status.
func TestAReceiverMayMisbehave(t *testing.T) {
	w := newWorld(t)
	elsewhere := w.newReceiver("qualification.revoked")
	for name, test := range map[string]struct {
		answer  func(received, http.ResponseWriter)
		outcome string
	}{
		"an error": {func(_ received, h http.ResponseWriter) { http.Error(h, "a secret of the receiver's", 500) }, "500 Internal Server Error"},
		"a no":     {status(404), "404 Not Found"},
		"a redirect": {func(_ received, h http.ResponseWriter) {
			h.Header().Set("Location", elsewhere.URL)
			h.WriteHeader(http.StatusTemporaryRedirect)
		}, "307 Temporary Redirect, and redirects are not followed"},
		"garbage":    {hijacked(func(c net.Conn) { fmt.Fprint(c, "220 a secret of the receiver's\r\n") }), "the connection ended without an answer in HTTP"},
		"nothing":    {hijacked(func(net.Conn) {}), "the connection ended without an answer in HTTP"},
		"silence":    {hijacked(func(c net.Conn) { c.Read(make([]byte, 1)) }), "no answer in time"},
		"slow drops": {hijacked(func(c net.Conn) { drip(c, "HTTP/1.1 200 OK\r\nX-Slow: ") }), "no answer in time"},
		"a huge header": {func(_ received, h http.ResponseWriter) {
			h.Header().Set("X-Huge", strings.Repeat("x", 1<<20))
		}, "the connection ended without an answer in HTTP"},
		"an odd status": {status(799), "799"},
	} {
		t.Run(name, func(t *testing.T) {
			r := w.newReceiver()
			r.answers(test.answer)
			j := w.Reach(t, workflow.HolderChoice)
			if test.outcome == "no answer in time" {
				w.sender.SetTimeout(time.Second)
			}
			w.work(r)
			w.sender.SetTimeout(0)
			d := w.deliveries(r)
			if len(d) != 1 || d[0].Ended != "waiting" || d[0].Outcome != test.outcome {
				t.Fatalf("the log says %+v, want %q", d, test.outcome)
			}
			wait := d[0].DueAt.Sub(w.Clock.Now())
			if wait < 5*time.Second || wait > 7*time.Second {
				t.Errorf("it comes again after %v", wait)
			}
			w.work(r)
			if n := len(r.received()); n != 1 {
				t.Errorf("it came %d times before", n)
			}
			r.answers(nil)
			w.Clock.Advance(wait)
			w.work(r)
			all := r.received()
			if d := w.deliveries(r)[0]; d.Ended != "delivered" || d.Attempts != 2 || len(all) != 2 || all[0].event != all[1].event || all[1].event.Data.Mailbox != j.Address {
				t.Errorf("the log says %+v", d)
			}
			storetest.Must(t, w.DisableWebhook(t.Context(), r.id, workflow.DisabledByOperator, w.Clock.Now()))
		})
	}
	if len(elsewhere.received()) != 0 {
		t.Error("a redirect was followed")
	}
	if said := w.log.String(); strings.Contains(said, "a secret") || strings.Contains(said, "@") {
		t.Errorf("the log says %s", said)
	}
}

func drip(c net.Conn, text string) {
	for _, b := range []byte(text + strings.Repeat("x", 1000)) {
		if _, err := c.Write([]byte{b}); err != nil {
			return
		}
		time.Sleep(30 * time.Millisecond)
	}
}

// An answer is taken by its status: however long or slow the rest is, nobody
// waits for it.
func TestAnEndlessAnswerIsNotRead(t *testing.T) {
	w := newWorld(t)
	r := w.newReceiver()
	cut := make(chan bool, 1)
	r.answers(func(_ received, h http.ResponseWriter) {
		for range 1 << 18 { // a gigabyte
			if _, err := h.Write(make([]byte, 1<<12)); err != nil {
				cut <- true
				return
			}
		}
		cut <- false
	})
	w.Reach(t, workflow.HolderChoice)
	w.work(r)
	if d := w.deliveries(r)[0]; d.Outcome != "200 OK" {
		t.Errorf("the log says %+v", d)
	}
	if !<-cut {
		t.Error("all of it was read")
	}
}

// Where nothing can be sent, or nobody vouches for who is there, the outcome says
// why.
func TestWhatIsWrongIsTold(t *testing.T) {
	w := newWorld(t)
	r := w.newReceiver()
	w.Reach(t, workflow.HolderChoice)
	closed, err := net.Listen("tcp", "127.0.0.1:0")
	storetest.Must(t, err)
	closed.Close()
	for _, test := range []struct {
		url, want string
		roots     *x509.CertPool
	}{
		{r.URL, "its certificate is of an authority that is not known", x509.NewCertPool()},
		{strings.Replace(r.URL, "127.0.0.1", "localhost", 1), "its certificate is for another name", nil},
		{strings.Replace(r.URL, "https", "http", 1), "400 Bad Request", nil},
		{"https://" + closed.Addr().String(), "the connection was refused", nil},
		{"https://receiver.invalid/", "its name", nil},
		{"https://169.254.169.254/", "169.254.169.254 is no public address", nil},
		{"https://receiver.example:25/", "port 25: want 443, 80 or one above 1023", nil},
	} {
		courier := *w.sender.Courier
		if test.roots != nil {
			courier.Roots = test.roots
		}
		a := courier.Send(t.Context(), workflow.Webhook{URL: test.url, Nonce: []byte("a nonce of bytes")}, client.Event{ID: "1"}, time.Now())
		if a.Delivered() || !strings.Contains(a.String(), test.want) {
			t.Errorf("%s: %q, want %q", test.url, a, test.want)
		}
	}
	if len(r.received()) != 0 {
		t.Errorf("the receiver got %+v", r.received())
	}
}

// A receiver that is gone is not asked again; one that asks for time gets it,
// within reason.
func TestWhatAReceiverAsksFor(t *testing.T) {
	w := newWorld(t)
	for _, test := range []struct {
		header   string
		min, max time.Duration
	}{
		{"120", 2 * time.Minute, 2 * time.Minute},
		{"999999", time.Hour, time.Hour},
		{"soon", 0, 7 * time.Second},
		{"-5", 0, 7 * time.Second},
		{w.Clock.Now().Add(10 * time.Minute).Format(http.TimeFormat), 10 * time.Minute, 10 * time.Minute},
	} {
		r := w.newReceiver()
		r.answers(func(_ received, h http.ResponseWriter) {
			h.Header().Set("Retry-After", test.header)
			h.WriteHeader(http.StatusTooManyRequests)
		})
		w.Reach(t, workflow.HolderChoice)
		w.work(r)
		w.Clock.Advance(test.min - time.Second)
		r.answers(nil)
		w.work(r)
		if n := len(r.received()); test.min > 0 && n != 1 {
			t.Errorf("Retry-After: %s: it came again before %v", test.header, test.min)
		}
		w.Clock.Advance(test.max - test.min + time.Second)
		w.work(r)
		if n := len(r.received()); n != 2 {
			t.Errorf("Retry-After: %s: after %v it came %d times, want 2", test.header, test.max, n)
		}
		w.Clock.Advance(-test.max)
		storetest.Must(t, w.DisableWebhook(t.Context(), r.id, workflow.DisabledByOperator, w.Clock.Now()))
	}

	r := w.newReceiver()
	r.answers(status(http.StatusGone))
	w.Reach(t, workflow.Invited)
	w.Reach(t, workflow.Invited)
	w.work(r)
	if n := w.outcomes(r); len(r.received()) != 1 || n["given up"] != 4 || w.webhook(r).Disabled != workflow.DisabledGone {
		t.Errorf("after 410 it got %d requests, the log says %v, and the webhook is %+v", len(r.received()), n, w.webhook(r))
	}
	if said := w.log.String(); strings.Count(said, "level=ERROR") != 1 || !strings.Contains(said, "a webhook is disabled") {
		t.Errorf("that is not told once: %s", said)
	}
	if w.Reach(t, workflow.HolderChoice); len(w.deliveries(r)) != 4 {
		t.Error("more is to be delivered")
	}
}

// A receiver that is away for three days is given up, for all to see; what it
// missed waits until somebody has it delivered.
func TestAReceiverThatStaysAwayIsGivenUp(t *testing.T) {
	w := newWorld(t)
	r := w.newReceiver()
	r.answers(status(http.StatusBadGateway))
	mailboxes := []*storetest.Journey{w.Reach(t, workflow.Invited), w.Reach(t, workflow.HolderChoice)}
	start := w.Clock.Now()
	var asked []time.Duration
	for w.webhook(r).Disabled == "" {
		if w.Clock.Now().Sub(start) > 4*24*time.Hour {
			t.Fatalf("after 4 days and %d requests it is not given up", len(asked))
		}
		before := len(r.received())
		w.work(r)
		if n := len(r.received()) - before; n > 0 {
			asked = append(asked, w.Clock.Now().Sub(start))
		}
		w.Clock.Advance(5 * time.Minute)
	}
	if took := w.Clock.Now().Sub(start); took < 72*time.Hour || took > 74*time.Hour || len(asked) < 100 || len(asked) > 500 {
		t.Errorf("it is given up after %v and %d requests", took, len(asked))
	}
	var longest time.Duration
	for i := range asked[1:] {
		longest = max(longest, asked[i+1]-asked[i])
	}
	if longest > 80*time.Minute {
		t.Errorf("for %v nothing was tried", longest)
	}
	if n := w.outcomes(r); n["given up"] != 3 || w.webhook(r).Disabled != workflow.DisabledFailing {
		t.Errorf("the log says %v, and the webhook is %+v", n, w.webhook(r))
	}
	if said := w.log.String(); strings.Count(said, "a webhook is disabled") != 1 || strings.Count(said, "takes no deliveries for now") != 1 {
		t.Errorf("that is not told once: %s", said)
	}
	if _, err := w.Redeliver(t.Context(), r.id, 0, w.Clock.Now()); err == nil {
		t.Error("a disabled webhook is sent to")
	}
	r.answers(nil)
	storetest.Must(t, w.EnableWebhook(t.Context(), r.id))
	n, err := w.Redeliver(t.Context(), r.id, 0, w.Clock.Now())
	if err != nil || n != 3 {
		t.Errorf("%d are made again (%v)", n, err)
	}
	before := len(r.received())
	w.work(r)
	if got := len(r.received()) - before; got != 3 || w.outcomes(r)["delivered"] != 3 {
		t.Errorf("%d arrived", got)
	}
	if got := r.types(mailboxes[0].Address); !slices.Equal(got[len(got)-2:], []client.EventType{client.EventStarted, client.EventInvited}) {
		t.Errorf("in the end the first mailbox's came as %v", got[len(got)-2:])
	}
}

// A receiver that does not want one event takes the others.
func TestOneBadEventIsNoReasonToStop(t *testing.T) {
	w := newWorld(t)
	r := w.newReceiver()
	bad := w.Reach(t, workflow.HolderChoice)
	r.answers(func(got received, h http.ResponseWriter) {
		if got.event.Data.Mailbox == bad.Address {
			h.WriteHeader(http.StatusBadRequest)
		}
	})
	w.work(r)
	for range 4 * 8 { // four days
		w.Reach(t, workflow.HolderChoice)
		w.work(r)
		w.Clock.Advance(3 * time.Hour)
	}
	w.Clock.Advance(time.Hour)
	w.work(r)
	if n := w.outcomes(r); n["delivered"] != 32 || n["given up"] != 1 || w.webhook(r).Disabled != "" {
		t.Errorf("the log says %v, and the webhook is %+v", n, w.webhook(r))
	}
}
