package api_test

import (
	"context"
	"errors"
	"fmt"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"time"

	"stella/store/storetest"
	"stella/workflow"
)

// keyed puts a record with an Idempotency-Key.
func (w *world) keyed(token, key, name string) answer {
	w.t.Helper()
	body := fmt.Sprintf(`{"kind":"person","name":%q,"status":"active"}`, name)
	return call(w.t, w.handler, "PUT", "/api/v1/mailboxes/"+anna, body, "Authorization", "Bearer "+token, "Idempotency-Key", key)
}

func TestACallWithAKeyIsDoneOnce(t *testing.T) {
	w := newWorld(t)
	token := w.addClient("registry", storetest.Domain, workflow.ScopeRegistry)
	first := w.keyed(token, "one", "Anna")
	if first.Code != 201 || first.Header().Get("Idempotency-Replayed") != "" {
		t.Fatalf("%d %v %s", first.Code, first.Header(), first.text)
	}
	w.keyed(token, "two", "Anna Neri")
	again := w.keyed(token, "one", "Anna")
	if again.Code != 201 || again.text != first.text || again.Header().Get("ETag") != first.Header().Get("ETag") ||
		again.Header().Get("Idempotency-Replayed") != "true" {
		t.Errorf("%d %v %s, want the first response: %s", again.Code, again.Header(), again.text, first.text)
	}
	if m := w.record(token); !strings.Contains(m, `"name":"Anna Neri"`) {
		t.Errorf("it was done again: %s", m)
	}

	// The same key with another body, method or path is refused.
	w.keyed(token, "one", "Anna Rossi").problem(422)
	call(t, w.handler, "DELETE", "/api/v1/mailboxes/"+anna, "", "Authorization", "Bearer "+token, "Idempotency-Key", "one").problem(422)
	call(t, w.handler, "PUT", "/api/v1/mailboxes/another@pec.example", `{"kind":"person","name":"Anna","status":"active"}`,
		"Authorization", "Bearer "+token, "Idempotency-Key", "one").problem(422)

	// Another client may use the same key.
	other := w.addClient("other", storetest.Domain, workflow.ScopeRegistry)
	if a := w.keyed(other, "one", "Anna Verdi"); a.Code != 200 || a.Header().Get("Idempotency-Replayed") != "" {
		t.Errorf("%d %v %s", a.Code, a.Header(), a.text)
	}

	// After a day the key can be used again.
	w.Clock.Advance(workflow.CallLife - time.Second)
	if a := w.keyed(token, "one", "Anna"); a.Header().Get("Idempotency-Replayed") != "true" {
		t.Errorf("within a day: %d %s", a.Code, a.text)
	}
	w.Clock.Advance(2 * time.Second)
	if a := w.keyed(token, "one", "Anna Rossi"); a.Code != 200 || !strings.Contains(a.text, "Anna Rossi") {
		t.Errorf("after a day: %d %s", a.Code, a.text)
	}
	w.Clock.Advance(workflow.CallLife + time.Second)
	storetest.Must(t, w.Sweep(t.Context(), w.Clock.Now()))
	var n int
	if storetest.Must(t, w.Pool().QueryRow(t.Context(), `select count(*) from calls`).Scan(&n)); n != 0 {
		t.Errorf("%d calls are not deleted", n)
	}
}

func (w *world) record(token string) string {
	w.t.Helper()
	return call(w.t, w.handler, "GET", "/api/v1/mailboxes/"+anna, "", "Authorization", "Bearer "+token).text
}

func TestAFailedCallCanBeRepeated(t *testing.T) {
	w := newWorld(t)
	token := w.addClient("registry", storetest.Domain, workflow.ScopeRegistry)
	remove := func() answer {
		return call(t, w.handler, "DELETE", "/api/v1/mailboxes/"+anna, "", "Authorization", "Bearer "+token, "Idempotency-Key", "k")
	}
	remove().problem(404)
	w.RecordAs(t, anna, storetest.AnnasRecord)
	for i := range 2 {
		if a := remove(); a.Code != 204 || (a.Header().Get("Idempotency-Replayed") == "true") != (i == 1) {
			t.Errorf("%d %v %s", a.Code, a.Header(), a.text)
		}
	}
}

// If several calls have the same key at the same time, one is done. The others get
// status 409 with Retry-After, or its response.
func TestConcurrentCallsWithOneKey(t *testing.T) {
	w := newWorld(t)
	token := w.addClient("registry", storetest.Domain, workflow.ScopeRegistry)
	answers := make([]answer, 8)
	var wg sync.WaitGroup
	for i := range answers {
		wg.Go(func() { answers[i] = w.keyed(token, "k", "Anna") })
	}
	wg.Wait()
	done := 0
	for _, a := range answers {
		switch {
		case a.Code == 201 && a.Header().Get("Idempotency-Replayed") == "":
			done++
		case a.Code == 409 && a.Header().Get("Retry-After") == "":
			t.Errorf("status 409 without Retry-After")
		case a.Code != 201 && a.Code != 409:
			t.Errorf("%d %s", a.Code, a.text)
		}
	}
	if done != 1 {
		t.Errorf("done %d times", done)
	}
}

// If a process crashes during a call, the call can be repeated after CallLost.
func TestACallCanBeRepeatedAfterACrash(t *testing.T) {
	w := newWorld(t)
	token := w.addClient("registry", storetest.Domain, workflow.ScopeRegistry)
	h := handler(crashing{w.Store}, w.Clock.Now, w.log)
	body := `{"kind":"person","name":"Anna","status":"active"}`
	call(t, h, "PUT", "/api/v1/mailboxes/"+anna, body, "Authorization", "Bearer "+token, "Idempotency-Key", "k").problem(500)
	w.keyed(token, "k", "Anna").problem(409)
	w.Clock.Advance(workflow.CallLost - time.Second)
	w.keyed(token, "k", "Anna").problem(409)
	w.Clock.Advance(2 * time.Second)
	w.keyed(token, "k", "Anna Rossi").problem(422)
	// The record was written before the crash, so that now it does not change.
	if a := w.keyed(token, "k", "Anna"); a.Code != 200 || !strings.Contains(a.text, "unchanged") {
		t.Errorf("%d %s", a.Code, a.text)
	}
	if a := w.keyed(token, "k", "Anna"); a.Header().Get("Idempotency-Replayed") != "true" {
		t.Errorf("%d %s", a.Code, a.text)
	}
}

// crashing is a store that panics before it stores the response of a call.
type crashing struct{ backend }

func (crashing) FinishCall(context.Context, workflow.Call, []byte) error { panic("killed") }

// If the response of a call cannot be stored, the client still gets it.
func TestAResponseThatCannotBeStored(t *testing.T) {
	w := newWorld(t)
	token := w.addClient("registry", storetest.Domain, workflow.ScopeRegistry)
	w.handler = handler(failing{w.Store}, w.Clock.Now, w.log)
	if a := w.keyed(token, "k", "Anna"); a.Code != 201 || !strings.Contains(w.log.String(), "not kept") {
		t.Errorf("%d %s: %s", a.Code, a.text, w.log)
	}
}

// failing is a store that cannot store the response of a call.
type failing struct{ backend }

func (failing) FinishCall(context.Context, workflow.Call, []byte) error { return errors.New("away") }

// If the client closes the connection during a call, its response is still stored.
func TestAResponseIsStoredAfterTheClientDisconnects(t *testing.T) {
	w := newWorld(t)
	token := w.addClient("registry", storetest.Domain, workflow.ScopeRegistry)
	ctx, disconnect := context.WithCancel(t.Context())
	h := handler(disconnecting{w.Store, disconnect}, w.Clock.Now, w.log)
	r := httptest.NewRequestWithContext(ctx, "PUT", "/api/v1/mailboxes/"+anna,
		strings.NewReader(`{"kind":"person","name":"Anna","status":"active"}`))
	r.Header.Set("Authorization", "Bearer "+token)
	r.Header.Set("Content-Type", "application/json")
	r.Header.Set("Idempotency-Key", "k")
	h.ServeHTTP(httptest.NewRecorder(), r)
	if a := w.keyed(token, "k", "Anna"); a.Code != 201 || a.Header().Get("Idempotency-Replayed") != "true" {
		t.Errorf("%d %s", a.Code, a.text)
	}
}

// disconnecting is a store that closes the client's connection before it stores the
// response of a call.
type disconnecting struct {
	backend
	disconnect func()
}

func (d disconnecting) FinishCall(ctx context.Context, c workflow.Call, answer []byte) error {
	d.disconnect()
	return d.backend.FinishCall(ctx, c, answer)
}
