package api_test

import (
	"strings"
	"testing"
	"time"

	"stella/store/storetest"
	"stella/workflow"
)

// leave lets a limit that was touched before be spent but for what comes back in
// a time.
func (w *world) leave(limit string, span, room time.Duration) {
	w.t.Helper()
	done, err := w.Pool().Exec(w.t.Context(), `update limits set arrival = $2 where name = $1`, limit, w.Clock.Now().Add(span-room))
	storetest.Must(w.t, err)
	if done.RowsAffected() == 0 {
		w.t.Fatalf("nothing was counted for %s", limit)
	}
}

// limited checks the answer to what was asked too often.
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
	w.mailbox(anna) // may be asked for all the same
	w.Clock.Advance(2 * time.Minute)
	if a := handOver(anna); a.Code != 201 {
		t.Errorf("%d %s", a.Code, a.text)
	}
}

// Neither a limit nor its time tells a client of a mailbox that is not its own.
func TestNoLimitTellsMailboxesApart(t *testing.T) {
	w := newWorld(t)
	w.RecordAs(t, anna, storetest.AnnasRecord)
	other := w.addClient("other", "altrove.example", workflow.ScopeWebmail)
	ask := func(mailbox string) answer {
		return call(t, w.handler, "POST", handoffs, handOff(mailbox, storetest.ReturnURL), "Authorization", "Bearer "+other)
	}
	for range 40 { // more than a mailbox may have
		if known, unknown := ask(anna), ask("nobody@pec.example"); known.Code != 404 || known.text != unknown.text {
			t.Fatalf("%s and %s", known.text, unknown.text)
		}
	}
	w.leave("calls_per_client", time.Minute, 0)
	w.Clock.Advance(-time.Minute) // what was leased is no more
	w.leave("calls_per_client", time.Minute, 0)
	w.limited(ask(anna), "1")
	w.limited(ask("nobody@pec.example"), "1")
	// It was the other client's doing: ours is answered.
	if a := w.call("POST", handoffs, handOff(anna, storetest.ReturnURL)); a.Code != 201 {
		t.Errorf("%d %s", a.Code, a.text)
	}
}

func TestTooManyCallsOfAClient(t *testing.T) {
	w := newWorld(t)
	w.RecordAs(t, anna, storetest.AnnasRecord)
	w.mailbox(anna)
	w.leave("calls_per_client", time.Minute, 0)
	for range 99 { // were leased
		w.mailbox(anna)
	}
	status := func() answer { return w.call("GET", "/api/v1/mailboxes/"+anna, "") }
	w.limited(status(), "1")
	w.Clock.Advance(200 * time.Millisecond)
	w.mailbox(anna)
	// A stranger is turned away as before, and spends nothing.
	call(t, w.handler, "GET", "/api/v1/mailboxes/"+anna, "", "Authorization", "Bearer guess").problem(401)
	var rows int
	storetest.Must(t, w.Pool().QueryRow(t.Context(), `select count(*) from limits`).Scan(&rows))
	if rows != 1 {
		t.Errorf("%d rows, want one for the client", rows)
	}
}
