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
	"stella/workflow/qualification"
)

// hijacked lets a receiver write raw bytes in place of an HTTP response.
func hijacked(answer func(net.Conn)) func(received, http.ResponseWriter) {
	return func(_ received, w http.ResponseWriter) {
		conn, _, err := w.(http.Hijacker).Hijack()
		if err == nil {
			defer conn.Close()
			answer(conn)
		}
	}
}

// Every result except 2xx leads to another attempt. Nothing that the receiver sent
// is stored or logged, except its status.
func TestFailedDeliveriesAreRepeated(t *testing.T) {
	w := newWorld(t)
	target := w.newReceiver("qualification.revoked")
	for name, test := range map[string]struct {
		answer  func(received, http.ResponseWriter)
		outcome string
	}{
		"status 500": {func(_ received, h http.ResponseWriter) {
			http.Error(h, "a secret of the receiver's", 500)
		}, "500 Internal Server Error"},
		"status 404": {status(404), "404 Not Found"},
		"a redirect": {func(_ received, h http.ResponseWriter) {
			h.Header().Set("Location", target.URL)
			h.WriteHeader(http.StatusTemporaryRedirect)
		}, "307 Temporary Redirect, and redirects are not followed"},
		"no HTTP": {hijacked(func(c net.Conn) {
			fmt.Fprint(c, "220 a secret of the receiver's\r\n")
		}), "the connection ended without an answer in HTTP"},
		"a closed connection": {hijacked(func(net.Conn) {}), "the connection ended without an answer in HTTP"},
		"no response":         {hijacked(func(c net.Conn) { c.Read(make([]byte, 1)) }), "no answer in time"},
		"a slow response": {hijacked(func(c net.Conn) {
			writeSlowly(c, "HTTP/1.1 200 OK\r\nX-Slow: ")
		}), "no answer in time"},
		"a huge header": {func(_ received, h http.ResponseWriter) {
			h.Header().Set("X-Huge", strings.Repeat("x", 1<<20))
		}, "the connection ended without an answer in HTTP"},
		"an unknown status": {status(799), "799"},
	} {
		t.Run(name, func(t *testing.T) {
			r := w.newReceiver()
			r.answers(test.answer)
			j := w.RecordInState(t, qualification.HolderChoice)
			if test.outcome == "no answer in time" {
				w.sender.SetTimeout(time.Second)
			}
			w.work(r)
			w.sender.SetTimeout(0)
			d := w.deliveries(r)
			if len(d) != 1 || d[0].Ended != "waiting" || d[0].Outcome != test.outcome {
				t.Fatalf("the deliveries are %+v, want the outcome %q", d, test.outcome)
			}
			wait := d[0].DueAt.Sub(w.Clock.Now())
			if wait < 5*time.Second || wait > 7*time.Second {
				t.Errorf("it is repeated after %v", wait)
			}
			w.work(r)
			if n := len(r.received()); n != 1 {
				t.Errorf("%d requests before the wait ended, want 1", n)
			}
			r.answers(nil)
			w.Clock.Advance(wait)
			w.work(r)
			all := r.received()
			if d := w.deliveries(r)[0]; d.Ended != "delivered" || d.Attempts != 2 {
				t.Errorf("the delivery is %+v", d)
			}
			if len(all) != 2 || all[0].event != all[1].event || all[1].event.Data.Mailbox != j.Address {
				t.Errorf("the receiver got %+v", all)
			}
			storetest.Must(t, w.DisableWebhook(t.Context(), r.id, workflow.DisabledByOperator, w.Clock.Now()))
		})
	}
	if len(target.received()) != 0 {
		t.Error("a redirect was followed")
	}
	if text := w.log.String(); strings.Contains(text, "a secret") || strings.Contains(text, "@") {
		t.Errorf("the log has a secret or an address: %s", text)
	}
}

// writeSlowly writes text and 1,000 more bytes, one byte every 30 milliseconds.
func writeSlowly(c net.Conn, text string) {
	for _, b := range []byte(text + strings.Repeat("x", 1000)) {
		if _, err := c.Write([]byte{b}); err != nil {
			return
		}
		time.Sleep(30 * time.Millisecond)
	}
}

// Only the status of a response is read. A long body does not delay the sender.
func TestTheBodyOfAResponseIsNotRead(t *testing.T) {
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
	w.RecordInState(t, qualification.HolderChoice)
	w.work(r)
	if d := w.deliveries(r)[0]; d.Outcome != "200 OK" {
		t.Errorf("the delivery is %+v", d)
	}
	if !<-cut {
		t.Error("the whole body was read")
	}
}

// If an event cannot be sent, or the receiver's certificate is not valid, the
// result describes why.
func TestAResultDescribesItsError(t *testing.T) {
	w := newWorld(t)
	r := w.newReceiver()
	w.RecordInState(t, qualification.HolderChoice)
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
		{"https://169.254.169.254/", "169.254.169.254 is not a public address", nil},
		{"https://receiver.example:25/", "port 25: want 443, 80 or one above 1023", nil},
	} {
		deliverer := *w.sender.Deliverer
		if test.roots != nil {
			deliverer.Roots = test.roots
		}
		hook := workflow.Webhook{URL: test.url, Nonce: []byte("a nonce of bytes")}
		a := deliverer.Send(t.Context(), hook, client.Event{ID: "1"}, time.Now())
		if a.Delivered() || !strings.Contains(a.String(), test.want) {
			t.Errorf("%s: %q, want %q", test.url, a, test.want)
		}
	}
	if len(r.received()) != 0 {
		t.Errorf("the receiver got %+v", r.received())
	}
}

// Retry-After is respected up to an hour. After 410 the webhook is disabled.
func TestRetryAfterAndGone(t *testing.T) {
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
		w.RecordInState(t, qualification.HolderChoice)
		w.work(r)
		w.Clock.Advance(test.min - time.Second)
		r.answers(nil)
		w.work(r)
		if n := len(r.received()); test.min > 0 && n != 1 {
			t.Errorf("Retry-After: %s: it was repeated before %v", test.header, test.min)
		}
		w.Clock.Advance(test.max - test.min + time.Second)
		w.work(r)
		if n := len(r.received()); n != 2 {
			t.Errorf("Retry-After: %s: after %v there were %d requests, want 2", test.header, test.max, n)
		}
		w.Clock.Advance(-test.max)
		storetest.Must(t, w.DisableWebhook(t.Context(), r.id, workflow.DisabledByOperator, w.Clock.Now()))
	}

	r := w.newReceiver()
	r.answers(status(http.StatusGone))
	w.RecordInState(t, qualification.Invited)
	w.RecordInState(t, qualification.Invited)
	w.work(r)
	if n := w.outcomes(r); len(r.received()) != 1 || n["given up"] != 4 || w.webhook(r).Disabled != workflow.DisabledGone {
		t.Errorf("after 410 there were %d requests, the outcomes are %v, and the webhook is %+v", len(r.received()), n, w.webhook(r))
	}
	if text := w.log.String(); strings.Count(text, "level=ERROR") != 1 || !strings.Contains(text, "a webhook is disabled") {
		t.Errorf("this is not logged exactly once: %s", text)
	}
	if w.RecordInState(t, qualification.HolderChoice); len(w.deliveries(r)) != 4 {
		t.Error("a disabled webhook has a new delivery")
	}
}

// A webhook that accepts nothing for three days is disabled, and this is logged.
// After it is enabled, an operator can repeat its deliveries.
func TestAWebhookIsDisabledAfterThreeDays(t *testing.T) {
	w := newWorld(t)
	r := w.newReceiver()
	r.answers(status(http.StatusBadGateway))
	mailboxes := []*storetest.Journey{w.RecordInState(t, qualification.Invited), w.RecordInState(t, qualification.HolderChoice)}
	start := w.Clock.Now()
	var attempts []time.Duration // since start
	for w.webhook(r).Disabled == "" {
		if w.Clock.Now().Sub(start) > 4*24*time.Hour {
			t.Fatalf("after 4 days and %d requests it is not disabled", len(attempts))
		}
		before := len(r.received())
		w.work(r)
		if n := len(r.received()) - before; n > 0 {
			attempts = append(attempts, w.Clock.Now().Sub(start))
		}
		w.Clock.Advance(5 * time.Minute)
	}
	if took := w.Clock.Now().Sub(start); took < 72*time.Hour || took > 74*time.Hour || len(attempts) < 100 || len(attempts) > 500 {
		t.Errorf("it is disabled after %v and %d requests", took, len(attempts))
	}
	var longest time.Duration
	for i := range attempts[1:] {
		longest = max(longest, attempts[i+1]-attempts[i])
	}
	if longest > 80*time.Minute {
		t.Errorf("there was no attempt for %v", longest)
	}
	if n := w.outcomes(r); n["given up"] != 3 || w.webhook(r).Disabled != workflow.DisabledFailing {
		t.Errorf("the outcomes are %v, and the webhook is %+v", n, w.webhook(r))
	}
	text := w.log.String()
	if strings.Count(text, "a webhook is disabled") != 1 || strings.Count(text, "takes no deliveries for now") != 1 {
		t.Errorf("this is not logged exactly once: %s", text)
	}
	if _, err := w.Redeliver(t.Context(), r.id, 0, w.Clock.Now()); err == nil {
		t.Error("deliveries of a disabled webhook are repeated")
	}
	r.answers(nil)
	storetest.Must(t, w.EnableWebhook(t.Context(), r.id))
	n, err := w.Redeliver(t.Context(), r.id, 0, w.Clock.Now())
	if err != nil || n != 3 {
		t.Errorf("%d are repeated (%v)", n, err)
	}
	before := len(r.received())
	w.work(r)
	if got := len(r.received()) - before; got != 3 || w.outcomes(r)["delivered"] != 3 {
		t.Errorf("%d arrived", got)
	}
	types := r.types(mailboxes[0].Address)
	if last := types[len(types)-2:]; !slices.Equal(last, []client.EventType{client.EventStarted, client.EventInvited}) {
		t.Errorf("the last events of the first mailbox are %v", last)
	}
}

// If a receiver refuses one event, the others are still sent.
func TestOneRefusedEventDoesNotDisableAWebhook(t *testing.T) {
	w := newWorld(t)
	r := w.newReceiver()
	bad := w.RecordInState(t, qualification.HolderChoice)
	r.answers(func(got received, h http.ResponseWriter) {
		if got.event.Data.Mailbox == bad.Address {
			h.WriteHeader(http.StatusBadRequest)
		}
	})
	w.work(r)
	for range 4 * 8 { // four days
		w.RecordInState(t, qualification.HolderChoice)
		w.work(r)
		w.Clock.Advance(3 * time.Hour)
	}
	w.Clock.Advance(time.Hour)
	w.work(r)
	if n := w.outcomes(r); n["delivered"] != 32 || n["given up"] != 1 || w.webhook(r).Disabled != "" {
		t.Errorf("the outcomes are %v, and the webhook is %+v", n, w.webhook(r))
	}
}
