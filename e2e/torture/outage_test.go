package main

import (
	"io"
	"math/rand/v2"
	"net/http"
	"strings"
	"syscall"
	"testing"
	"time"
)

// PostgreSQL is away for some seconds: every page says so, and that nothing is
// lost; and everything goes on by itself when it is back.
func TestDatabaseAway(t *testing.T) {
	long(t)
	t.Parallel()
	w := openWorld(t, quick(t))
	r := w.begin(t.Context())
	r.more(t, 20)
	visitor := newBrowser(w.site, newAddress(), rand.New(rand.NewPCG(1, 1)), w.ledger)
	must(t, (&walk{browser: visitor, world: w, mailbox: w.mailboxes[len(w.mailboxes)-1]}).comeIn(t.Context()))

	gone := make(chan struct{})
	go func() {
		defer close(gone)
		r.chaos.strike(t.Context(), r.chaos.away(6*time.Second))
	}()
	time.Sleep(time.Second)
	for _, path := range []string{"/", "/api/v1/mailboxes/a@pec.example", "/start/AAAAAAAAAAAAAAAAAAAAAAAAAA"} {
		for range 4 { // of each instance, more than once
			status, text := w.get(t, visitor, path)
			if status != http.StatusServiceUnavailable || !nothingLost.MatchString(text) {
				t.Errorf("%s without a database: %d %.1000q", path, status, text)
			}
		}
	}
	if status, _ := w.get(t, visitor, "/readyz"); status != http.StatusServiceUnavailable {
		t.Errorf("/readyz without a database: %d", status)
	}
	if status, _ := w.get(t, visitor, "/healthz"); status != http.StatusOK {
		t.Errorf("/healthz without a database: %d, and the process lives", status)
	}
	<-gone
	back := time.Now()
	t.Logf("PostgreSQL is back; %v", r.backAfter(t, back))
	must(t, visitor.open(t.Context(), w.site+"/"))
	if visitor.page.kind != "holder_choice" {
		t.Errorf("who was there before sees %q", visitor.heading())
	}
	must(t, r.end(t.Context()))
	tell(t, r)
	w.startedOnce(t)
}

// get asks for a page with a visitor's cookies.
func (w *world) get(t *testing.T, visitor *browser, path string) (int, string) {
	t.Helper()
	r, err := visitor.request(t.Context(), http.MethodGet, w.site+path, nil)
	must(t, err)
	if strings.HasPrefix(path, "/api/") {
		r.Header.Set("Authorization", "Bearer "+w.webmail.token)
	}
	answer, err := visitor.send(r)
	must(t, err)
	defer answer.Body.Close()
	text, err := io.ReadAll(answer.Body)
	must(t, err)
	return answer.StatusCode, string(text)
}

// Each instance is stopped in order and started again, twice, as for an
// upgrade: nobody sees a page fail.
func TestRollingRestart(t *testing.T) {
	long(t)
	t.Parallel()
	w := openWorld(t, quick(t))
	r := w.begin(t.Context())
	r.more(t, 10)
	for range 2 {
		for _, i := range w.instances {
			began := time.Now()
			<-i.strike(syscall.SIGTERM, 0)
			t.Logf("%s stopped within %v", i.name, time.Since(began).Round(time.Millisecond))
			must(t, w.settle(t.Context()))
			r.more(t, 5)
		}
	}
	must(t, r.end(t.Context()))
	tell(t, r)
	if _, failed := w.ledger.steps(); failed > 0 {
		t.Errorf("%d pages failed: %s", failed, strings.Join(w.ledger.ofTrouble(), ", "))
	}
}
