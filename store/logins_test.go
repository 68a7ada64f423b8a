package store_test

import (
	"bytes"
	"errors"
	"sync/atomic"
	"testing"

	"github.com/google/uuid"

	"stella/store/storetest"
	"stella/workflow"
)

func response(login string, w *storetest.World) workflow.Message {
	return workflow.Message{ID: uuid.New(), Login: login, Direction: "response", Body: []byte("<Response/>"), ReceivedAt: w.Clock.Now()}
}

func TestARequestIsAnsweredOnce(t *testing.T) {
	w := newWorld(t)
	j := w.Reach(t, workflow.AtProvider)
	login := j.Case().Qualification.Login.ID
	var won atomic.Int32
	atOnce(func(int) {
		err := w.ClaimAnswer(t.Context(), login, w.Answer(storetest.Anna), response(login, w))
		if err == nil {
			won.Add(1)
		} else if !errors.Is(err, workflow.ErrUnknown) {
			t.Error(err)
		}
	})
	if won.Load() != 1 {
		t.Errorf("%d answers were taken", won.Load())
	}
	var kept int
	storetest.Must(t, w.Pool().QueryRow(t.Context(), `select count(*) from messages where direction = 'response'`).Scan(&kept))
	if kept != 1 {
		t.Errorf("%d answers were archived", kept)
	}
	if err := w.ClaimAnswer(t.Context(), "_unheard", w.Answer(storetest.Anna), response("_unheard", w)); !errors.Is(err, workflow.ErrUnknown) {
		t.Errorf("an answer to nothing: %v", err)
	}
}

func TestAnAssertionCountsOnce(t *testing.T) {
	w := newWorld(t)
	a := w.Answer(storetest.Anna)
	one, other := w.Reach(t, workflow.AtProvider).Case().Qualification.Login.ID, w.Reach(t, workflow.AtProvider).Case().Qualification.Login.ID
	storetest.Must(t, w.ClaimAnswer(t.Context(), one, a, response(one, w)))
	a.Handle = workflow.Digest("another handle")
	if err := w.ClaimAnswer(t.Context(), other, a, response(other, w)); !errors.Is(err, workflow.ErrUnknown) {
		t.Errorf("the same assertion for another request: %v", err)
	}
	// The request it was tried on is not answered by that.
	storetest.Must(t, w.ClaimAnswer(t.Context(), other, w.Answer(storetest.Anna), response(other, w)))

	// A login that failed has no assertion, and there may be many.
	for range 2 {
		id := w.Reach(t, workflow.AtProvider).Case().Qualification.Login.ID
		storetest.Must(t, w.ClaimAnswer(t.Context(), id, workflow.Answer{Handle: []byte(id), Failure: "nr25", ReceivedAt: w.Clock.Now()}, response(id, w)))
	}
}

// parked reports whether a login's answer still waits.
func parked(t *testing.T, w *storetest.World, login string) bool {
	t.Helper()
	l, err := w.LoginByID(t.Context(), login)
	storetest.Must(t, err)
	return l.Answer != nil
}

func TestAnswersAreDestroyed(t *testing.T) {
	w := newWorld(t)
	park := func() (string, workflow.Answer, []byte) {
		l := w.Reach(t, workflow.AtProvider).Case().Qualification.Login
		a := w.Answer(storetest.Anna)
		storetest.Must(t, w.ClaimAnswer(t.Context(), l.ID, a, response(l.ID, w)))
		if !parked(t, w, l.ID) {
			t.Fatal("the answer is not parked")
		}
		return l.ID, a, l.Session
	}
	byHandle, a, _ := park()
	bySession, _, session := park()
	neither, b, _ := park()
	storetest.Must(t, w.DiscardAnswers(t.Context(), workflow.Digest("a guess"), nil))
	storetest.Must(t, w.DiscardAnswers(t.Context(), a.Handle, session))
	if parked(t, w, byHandle) || parked(t, w, bySession) || !parked(t, w, neither) {
		t.Errorf("by the handle %v, by the session %v, neither %v", parked(t, w, byHandle), parked(t, w, bySession), parked(t, w, neither))
	}
	// What was parked comes back as it was.
	l, err := w.LoginByID(t.Context(), neither)
	storetest.Must(t, err)
	if got := *l.Answer.Assertion; got != *b.Assertion || !bytes.Equal(l.Answer.Handle, b.Handle) || !l.Answer.ReceivedAt.Equal(b.ReceivedAt) {
		t.Errorf("parked %+v, read %+v", b.Assertion, got)
	}
	// It is gone from the row, with the person's data; and is answered all the same.
	var left int
	storetest.Must(t, w.Pool().QueryRow(t.Context(), `select count(*) from logins x where x::text like '%NRENNA%'`).Scan(&left))
	if left != 1 {
		t.Errorf("%d rows hold a fiscal code, want that of the one that waits", left)
	}
	if err := w.ClaimAnswer(t.Context(), byHandle, w.Answer(storetest.Anna), response(byHandle, w)); !errors.Is(err, workflow.ErrUnknown) {
		t.Errorf("another answer after the first was destroyed: %v", err)
	}
}

// What a provider says of a company is kept with the person, its codes as
// records have them.
func TestTheCompanyOfAnIdentityIsKept(t *testing.T) {
	w := newWorld(t)
	j := w.Reach(t, workflow.AtProvider)
	a := w.Answer(storetest.Anna)
	a.Assertion.CompanyName, a.Assertion.CompanyFiscalNumber, a.Assertion.CompanyVATNumber = "Officine Bianchi S.r.l.", "TINIT-09876543217", "VATIT-09876543217"
	secret, err := w.Procedure.ParkAnswer(t.Context(), j.Case().Qualification.Login.ID, a, []byte("<Response/>"))
	storetest.Must(t, err)
	storetest.Must(t, w.Procedure.Return(t.Context(), j.Visitor, secret))
	i := j.Case().Qualification.Identity
	if i.CompanyName != a.Assertion.CompanyName || i.CompanyFiscalNumber != "09876543217" || i.CompanyVATNumber != "09876543217" || i.FiscalNumber != storetest.Anna {
		t.Errorf("the identity is %+v", i)
	}
	if i.PersonCode != "" { // CIE has none
		t.Errorf("the person's code is %q", i.PersonCode)
	}
}
