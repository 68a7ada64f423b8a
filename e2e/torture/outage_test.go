package main

import (
	"math/rand/v2"
	"net/http"
	"strings"
	"syscall"
	"testing"
	"time"
)

// While PostgreSQL is unavailable, every page says so, and that nothing is lost. When
// it works again, everything continues without a restart.
func TestDatabaseUnavailable(t *testing.T) {
	long(t)
	t.Parallel()
	w := newWorld(t, quickOptions(t))
	r := w.begin(t.Context())
	r.awaitSteps(t, 20)
	visitor := newBrowser(w.site, newAddress(), rand.New(rand.NewPCG(1, 1)), w.recorder)
	must(t, (&scenario{browser: visitor, world: w, mailbox: w.mailboxes[len(w.mailboxes)-1]}).enterFromWebmail(t.Context()))

	gone := make(chan struct{})
	go func() {
		defer close(gone)
		r.injector.inject(t.Context(), r.injector.outage(6*time.Second))
	}()
	time.Sleep(time.Second)
	for _, path := range []string{"/", "/api/v1/mailboxes/a@pec.example", "/start/AAAAAAAAAAAAAAAAAAAAAAAAAA"} {
		for range 4 { // more than once from each instance
			status, text := w.get(t, visitor, path)
			if status != http.StatusServiceUnavailable || !nothingLost.MatchString(text) {
				t.Errorf("%s without a database: status %d, %.1000q", path, status, text)
			}
		}
	}
	if status, _ := w.get(t, visitor, "/readyz"); status != http.StatusServiceUnavailable {
		t.Errorf("/readyz without a database: status %d, want 503", status)
	}
	if status, _ := w.get(t, visitor, "/healthz"); status != http.StatusOK {
		t.Errorf("/healthz without a database: status %d, want 200", status)
	}
	<-gone
	back := time.Now()
	t.Logf("PostgreSQL works again; %v", r.awaitRecovery(t, back))
	must(t, visitor.open(t.Context(), w.site+"/"))
	if visitor.kind != "holder_choice" {
		t.Errorf("a visitor from before the outage sees %q", visitor.Heading())
	}
	must(t, r.end(t.Context()))
	logReport(t, r)
	w.startedOnce(t)
}

// get requests a page with a visitor's cookies.
func (w *world) get(t *testing.T, visitor *browser, path string) (int, string) {
	t.Helper()
	r, err := visitor.Request(t.Context(), http.MethodGet, path, nil)
	must(t, err)
	if strings.HasPrefix(path, "/api/") {
		r.Header.Set("Authorization", "Bearer "+w.webmail.Token)
	}
	answer, text, err := visitor.Send(r)
	must(t, err)
	return answer.StatusCode, text
}

// Each instance is stopped (graceful shutdown) and started again, twice, as in an
// upgrade. No page fails.
func TestRollingRestart(t *testing.T) {
	long(t)
	t.Parallel()
	w := newWorld(t, quickOptions(t))
	r := w.begin(t.Context())
	r.awaitSteps(t, 10)
	for range 2 {
		for _, i := range w.instances {
			began := time.Now()
			<-i.signal(syscall.SIGTERM, 0)
			t.Logf("%s stopped within %v", i.name, time.Since(began).Round(time.Millisecond))
			must(t, w.awaitReady(t.Context()))
			r.awaitSteps(t, 5)
		}
	}
	must(t, r.end(t.Context()))
	logReport(t, r)
	if _, failed := w.recorder.steps(); failed > 0 {
		t.Errorf("%d pages failed: %s", failed, strings.Join(w.recorder.failureList(), ", "))
	}
}
