package main

import (
	"net/http"
	"net/http/httptest"
	"strings"
	"sync/atomic"
	"testing"

	"stella/client"
	"stella/cmd/stella/programtest"
	"stella/store/storetest"
	"stella/workflow"
	"stella/workflow/qualification"
)

// A webhook from its creation to a redelivery, with the commands only.
func TestWebhookCommands(t *testing.T) {
	t.Parallel()
	url := storetest.URL(t)
	key := programtest.File(t, "key", []byte(programtest.SecretKey))
	var answer, requests atomic.Int64
	answer.Store(204)
	var secret atomic.Value
	receiver := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		requests.Add(1)
		if e, err := client.ReadWebhook(r, secret.Load().(string)); err != nil || e.Type != client.EventTest {
			t.Errorf("the receiver gets %+v (%v)", e, err)
		}
		w.WriteHeader(int(answer.Load()))
	}))
	t.Cleanup(receiver.Close)
	env := []string{"STELLA_DATABASE_URL=" + url, "STELLA_KEY_FILE=" + key, "STELLA_WEBHOOK_ALLOW=127.0.0.1/32"}
	run := func(args ...string) result {
		t.Helper()
		return stella(t, env, append([]string{"webhook"}, args...)...)
	}
	good := func(r result) string { t.Helper(); return r.succeeds(t) }
	refused := func(r result, why string) {
		t.Helper()
		if r.status != 1 || r.out != "" || !strings.HasPrefix(r.err, "stella: ") || !strings.Contains(r.err, why) {
			t.Errorf("%d %s%s, want %q", r.status, r.out, r.err, why)
		}
	}
	lastLine := func(text string) string {
		lines := strings.Split(strings.TrimSpace(text), "\n")
		return lines[len(lines)-1]
	}

	refused(run("add", "posta", receiver.URL), `there is no client "posta"`)
	good(stella(t, env, "client", "add", "posta", "--domain", "pec.example", "--scope", "registry"))
	refused(run("add", "posta", "http://10.0.0.1/"), "10.0.0.1 is not a public address")
	refused(run("add", "posta", "ftp://webmail.example/"), "want https")
	if r := run("add", "posta", receiver.URL, "--kind", "unknown"); r.status != 2 || !strings.Contains(r.err, `but got "unknown"`) {
		t.Errorf("an unknown kind: %+v", r)
	}
	added := good(run("add", "posta", receiver.URL, "--kind", "qualification.completed"))
	secret.Store(lastLine(added))
	if !strings.HasPrefix(added, "Webhook 1 of posta.") || !strings.HasPrefix(lastLine(added), "whsec_") {
		t.Errorf("add prints %s", added)
	}
	refused(run("add", "posta", receiver.URL), "has a webhook with this URL")
	// A missing webhook is reported before a missing key file.
	for _, command := range []string{"test", "rotate"} {
		without := func(id string) result { return stella(t, env[:1], "webhook", command, id) }
		refused(without("99"), "there is no webhook 99")
		refused(without("1"), "STELLA_KEY_FILE is missing")
	}

	if out := good(run("test", "1")); !strings.Contains(out, receiver.URL+": 204 No Content, after ") {
		t.Errorf("test prints %s", out)
	}
	answer.Store(302)
	refused(run("test", "1"), "302 Found, and redirects are not followed")
	answer.Store(200)
	rotated := good(run("rotate", "1"))
	previous := secret.Load().(string)
	if good(run("test", "1")); !strings.Contains(rotated, "The previous secret also signs until") {
		t.Errorf("rotate prints %s", rotated)
	}
	secret.Store(strings.Split(rotated, "\n")[1])
	if good(run("test", "1")); previous == secret.Load() || requests.Load() != 4 {
		t.Errorf("the receiver got %d requests, want 4", requests.Load())
	}
	if out := good(run("list")); !strings.Contains(out, "posta") || !strings.Contains(out, "completed  good") ||
		strings.Contains(out, "whsec_") {
		t.Errorf("list prints %s", out)
	}
	good(run("disable", "1"))
	if out := good(run("list")); !strings.Contains(out, "disabled since ") {
		t.Errorf("list prints %s", out)
	}
	refused(run("redeliver", "1"), "there is no webhook 1, or it is disabled")
	good(run("enable", "1"))
	if out := good(run("redeliver", "1")); out != "Deliveries to repeat: 0\n" {
		t.Errorf("redeliver prints %s", out)
	}
	refused(run("redeliver", "1", "--delivery", "7"), "has no delivery 7")
	for _, verb := range []string{"test", "rotate", "disable", "enable"} {
		refused(run(verb, "9"), "there is no webhook 9")
	}
	if out := good(run("deliveries")); !strings.HasPrefix(out, "DELIVERY") {
		t.Errorf("deliveries prints %s", out)
	}
	refused(stella(t, env[:1], "webhook", "rotate", "1"), "STELLA_KEY_FILE is missing")
}

// The service delivers events, and its metrics count them.
func TestServiceDeliversWebhooks(t *testing.T) {
	t.Parallel()
	c := programtest.GoodConfig(t)
	c.URL, c.Metrics, c.WebhookAllow = storetest.URL(t), "127.0.0.1:0", []string{"127.0.0.0/8"}
	s := startService(t, c)
	w := worldOf(t, c.URL)
	w.Procedure.Keys, w.Provider.Keys = workflow.Keys{[]byte(programtest.SecretKey)}, workflow.Keys{[]byte(programtest.SecretKey)}
	r := startReceiver(t, 0)
	var err error
	_, r.secret, err = w.Provider.AddWebhook(t.Context(), storetest.Webmail, r.URL, nil)
	storetest.Must(t, err)
	j := w.RecordInState(t, qualification.HolderChoice)
	storetest.Eventually(t, "the event is delivered", func() bool { n, _ := r.counts(); return n == 1 })
	if r.events[j.Address] != 1 {
		t.Errorf("delivered: %v", r.events)
	}
	storetest.Eventually(t, "all deliveries are made", func() bool { return openDeliveries(t, w) == 0 })
	storetest.Eventually(t, "the delivery is counted", func() bool {
		return strings.Contains(s.metrics(), `stella_webhook_attempts_total{outcome="delivered"} 1`+"\n")
	})
	if good, waiting := s.gauge(`stella_webhooks{state="good"}`), s.gauge("stella_webhook_waiting"); good != 1 || waiting != 0 {
		t.Errorf("%v good webhooks, %v deliveries wait", good, waiting)
	}
}
