package store_test

import (
	"bytes"
	"errors"
	"sync/atomic"
	"testing"

	"github.com/google/uuid"

	"stella/store/storetest"
	"stella/workflow"
	"stella/workflow/qualification"
)

func response(login string, w *storetest.World) workflow.Message {
	return workflow.Message{ID: uuid.New(), Login: login, Direction: "response", Body: []byte("<Response/>"), ReceivedAt: w.Clock.Now()}
}

func TestRequestIsAnsweredOnce(t *testing.T) {
	w := newWorld(t)
	j := w.RecordInState(t, qualification.AtProvider)
	login := j.Case().Qualification.Login.ID
	var won atomic.Int32
	concurrently(func(int) {
		err := w.ClaimAnswer(t.Context(), login, w.Answer(storetest.Anna), response(login, w))
		if err == nil {
			won.Add(1)
		} else if !errors.Is(err, workflow.ErrUnknown) {
			t.Error(err)
		}
	})
	if won.Load() != 1 {
		t.Errorf("%d answers were accepted, want 1", won.Load())
	}
	var archived int
	storetest.Must(t, w.Pool().QueryRow(t.Context(), `select count(*) from messages where direction = 'response'`).Scan(&archived))
	if archived != 1 {
		t.Errorf("%d answers were archived, want 1", archived)
	}
	err := w.ClaimAnswer(t.Context(), "_unheard", w.Answer(storetest.Anna), response("_unheard", w))
	if !errors.Is(err, workflow.ErrUnknown) {
		t.Errorf("an answer to an unknown request: %v", err)
	}
}

func TestAssertionCountsOnce(t *testing.T) {
	w := newWorld(t)
	a := w.Answer(storetest.Anna)
	one := w.RecordInState(t, qualification.AtProvider).Case().Qualification.Login.ID
	other := w.RecordInState(t, qualification.AtProvider).Case().Qualification.Login.ID
	storetest.Must(t, w.ClaimAnswer(t.Context(), one, a, response(one, w)))
	a.Handle = workflow.Digest("another handle")
	if err := w.ClaimAnswer(t.Context(), other, a, response(other, w)); !errors.Is(err, workflow.ErrUnknown) {
		t.Errorf("the same assertion for another request: %v", err)
	}
	// The other request can still be answered.
	storetest.Must(t, w.ClaimAnswer(t.Context(), other, w.Answer(storetest.Anna), response(other, w)))

	// Failed logins have no assertion, so there may be many.
	for range 2 {
		id := w.RecordInState(t, qualification.AtProvider).Case().Qualification.Login.ID
		failed := workflow.Answer{Handle: []byte(id), Failure: "nr25", ReceivedAt: w.Clock.Now()}
		storetest.Must(t, w.ClaimAnswer(t.Context(), id, failed, response(id, w)))
	}
}

// hasAnswer reports whether the answer to a login is stored.
func hasAnswer(t *testing.T, w *storetest.World, login string) bool {
	t.Helper()
	l, err := w.LoginByID(t.Context(), login)
	storetest.Must(t, err)
	return l.Answer != nil
}

func TestAnswersAreDiscarded(t *testing.T) {
	w := newWorld(t)
	park := func() (string, workflow.Answer, []byte) {
		l := w.RecordInState(t, qualification.AtProvider).Case().Qualification.Login
		a := w.Answer(storetest.Anna)
		storetest.Must(t, w.ClaimAnswer(t.Context(), l.ID, a, response(l.ID, w)))
		if !hasAnswer(t, w, l.ID) {
			t.Fatal("the answer is not stored")
		}
		return l.ID, a, l.Session
	}
	byHandle, a, _ := park()
	bySession, _, session := park()
	neither, b, _ := park()
	storetest.Must(t, w.DiscardAnswers(t.Context(), workflow.Digest("a guess"), nil))
	storetest.Must(t, w.DiscardAnswers(t.Context(), a.Handle, session))
	if hasAnswer(t, w, byHandle) || hasAnswer(t, w, bySession) || !hasAnswer(t, w, neither) {
		t.Errorf("stored after discarding: by handle %v, by session %v, other %v; want false, false, true",
			hasAnswer(t, w, byHandle), hasAnswer(t, w, bySession), hasAnswer(t, w, neither))
	}
	// The stored answer is read without change.
	l, err := w.LoginByID(t.Context(), neither)
	storetest.Must(t, err)
	got := *l.Answer.Assertion
	if got != *b.Assertion || !bytes.Equal(l.Answer.Handle, b.Handle) || !l.Answer.ReceivedAt.Equal(b.ReceivedAt) {
		t.Errorf("stored %+v, read %+v", b.Assertion, got)
	}
	// The discarded answers are deleted with the personal data. Their requests remain
	// answered.
	var left int
	storetest.Must(t, w.Pool().QueryRow(t.Context(), `select count(*) from logins x where x::text like '%NRENNA%'`).Scan(&left))
	if left != 1 {
		t.Errorf("%d rows contain a fiscal code, want only that of the stored answer", left)
	}
	err = w.ClaimAnswer(t.Context(), byHandle, w.Answer(storetest.Anna), response(byHandle, w))
	if !errors.Is(err, workflow.ErrUnknown) {
		t.Errorf("another answer after the first was discarded: %v", err)
	}
}

// The identity contains the company that the provider asserts. Its codes have the same
// format as in records, without the prefixes TINIT- and VATIT-.
func TestIdentityContainsCompany(t *testing.T) {
	w := newWorld(t)
	j := w.RecordInState(t, qualification.AtProvider)
	a := w.Answer(storetest.Anna)
	a.Assertion.CompanyName = "Officine Bianchi S.r.l."
	a.Assertion.CompanyFiscalNumber, a.Assertion.CompanyVATNumber = "TINIT-09876543217", "VATIT-09876543217"
	secret, err := w.Logins.StoreAnswer(t.Context(), j.Case().Qualification.Login.ID, a, []byte("<Response/>"))
	storetest.Must(t, err)
	storetest.Must(t, w.Procedure.Return(t.Context(), j.Visitor, secret))
	i := j.Case().Qualification.Identity
	if i.CompanyName != a.Assertion.CompanyName || i.CompanyFiscalNumber != "09876543217" ||
		i.CompanyVATNumber != "09876543217" || i.FiscalNumber != storetest.Anna {
		t.Errorf("the identity is %+v", i)
	}
	if i.PersonCode != "" { // CIE has none
		t.Errorf("the person's code is %q", i.PersonCode)
	}
}
