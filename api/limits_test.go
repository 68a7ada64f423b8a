package api_test

import (
	"strings"
	"testing"
	"time"

	"stella/store/storetest"
	"stella/workflow"
)

// useUp uses up a limit that was counted before. span is the period of the limit.
func (w *world) useUp(limit string, span time.Duration) {
	w.t.Helper()
	done, err := w.Pool().Exec(w.t.Context(), `update limits set arrival = $2 where name = $1`, limit, w.Clock.Now().Add(span))
	storetest.Must(w.t, err)
	if done.RowsAffected() == 0 {
		w.t.Fatalf("nothing was counted for %s", limit)
	}
}

// limited checks the answer to a call that is over a limit. seconds is the expected
// Retry-After.
func (w *world) limited(a answer, seconds string) {
	w.t.Helper()
	if detail := a.problem(429); !strings.Contains(detail, "try again") {
		w.t.Errorf("the detail is %q", detail)
	}
	if got := a.Header().Get("Retry-After"); got != seconds {
		w.t.Errorf("Retry-After: %q, want %s", got, seconds)
	}
}

func TestTooManyHandOffsOfAMailbox(t *testing.T) {
	w := newWorld(t)
	w.RecordAs(t, anna, storetest.AnnasRecord)
	w.RecordAs(t, "sara.verdi@pec.example", storetest.AnnasRecord)
	handOver := func(mailbox string) answer { return w.call("POST", handoffs, handOff(mailbox, storetest.ReturnURL)) }
	for range 30 {
		if a := handOver(anna); a.Code != 201 {
			t.Fatalf("%d %s", a.Code, a.text)
		}
	}
	w.limited(handOver(anna), "120")
	if a := handOver("sara.verdi@pec.example"); a.Code != 201 {
		t.Errorf("another mailbox: %d %s", a.Code, a.text)
	}
	w.mailbox(anna) // its status is not limited
	w.Clock.Advance(2 * time.Minute)
	if a := handOver(anna); a.Code != 201 {
		t.Errorf("%d %s", a.Code, a.text)
	}
}

// Limits do not reveal whether a mailbox of another client exists.
func TestLimitsDoNotRevealMailboxes(t *testing.T) {
	w := newWorld(t)
	w.RecordAs(t, anna, storetest.AnnasRecord)
	other := w.addClient("other", "altrove.example", workflow.ScopeWebmail)
	handOver := func(mailbox string) answer {
		return call(t, w.handler, "POST", handoffs, handOff(mailbox, storetest.ReturnURL), "Authorization", "Bearer "+other)
	}
	for range 40 { // more than the limit of a mailbox
		if known, unknown := handOver(anna), handOver("nobody@pec.example"); known.Code != 404 || known.text != unknown.text {
			t.Fatalf("%s and %s", known.text, unknown.text)
		}
	}
	w.useUp("calls_per_client", time.Minute)
	w.Clock.Advance(-time.Minute) // the lease is no longer valid
	w.useUp("calls_per_client", time.Minute)
	w.limited(handOver(anna), "1")
	w.limited(handOver("nobody@pec.example"), "1")
	// The limit applies to that client only.
	if a := w.call("POST", handoffs, handOff(anna, storetest.ReturnURL)); a.Code != 201 {
		t.Errorf("%d %s", a.Code, a.text)
	}
}

func TestTooManyCallsOfAClient(t *testing.T) {
	w := newWorld(t)
	w.RecordAs(t, anna, storetest.AnnasRecord)
	w.mailbox(anna)
	w.useUp("calls_per_client", time.Minute)
	for range 99 { // these are left of the lease
		w.mailbox(anna)
	}
	status := func() answer { return w.call("GET", "/api/v1/mailboxes/"+anna, "") }
	w.limited(status(), "1")
	w.Clock.Advance(200 * time.Millisecond)
	w.mailbox(anna)
	// A call with an unknown token is refused and does not count.
	call(t, w.handler, "GET", "/api/v1/mailboxes/"+anna, "", "Authorization", "Bearer guess").problem(401)
	var rows int
	storetest.Must(t, w.Pool().QueryRow(t.Context(), `select count(*) from limits`).Scan(&rows))
	if rows != 1 {
		t.Errorf("%d rows, want one for the client", rows)
	}
}
