package workflow_test

import (
	"errors"
	"net/netip"
	"testing"
	"time"

	"github.com/google/uuid"

	"stella/store/storetest"
	"stella/workflow"
)

// startTrial is what a tester does.
func (w *world) startTrial(id string) error {
	return w.p.StartTrial(w.ctx, workflow.Login{ID: id, Provider: idp, ProviderName: "Identità di prova", RelayState: "relay",
		Level: "SpidL2", Comparison: "minimum", StartedAt: w.clock.Now()}, []byte("<AuthnRequest/>"), netip.Addr{})
}

func trialAnswer() workflow.Answer {
	return workflow.Answer{Assertion: &workflow.Assertion{AssertionID: "_" + uuid.NewString(), Provider: idp, FiscalNumber: anna}}
}

func TestATrialIsAnsweredOnce(t *testing.T) {
	w := newWorld(t)
	w.must(w.startTrial("_1"))
	l, err := w.p.Login(w.ctx, "_1")
	w.must(err)
	if !l.Trial() || l.RelayState != "relay" || l.Level != "SpidL2" || !l.StartedAt.Equal(w.clock.Now()) {
		t.Errorf("the trial is %+v", l)
	}
	a := trialAnswer()
	w.must(w.p.EndTrial(w.ctx, "_1", a, []byte("<Response/>")))
	if err := w.p.EndTrial(w.ctx, "_1", trialAnswer(), []byte("<Response/>")); !errors.Is(err, workflow.ErrUnknown) {
		t.Errorf("a second answer: %v", err)
	}
	w.must(w.startTrial("_2"))
	if err := w.p.EndTrial(w.ctx, "_2", a, []byte("<Response/>")); !errors.Is(err, workflow.ErrUnknown) {
		t.Errorf("the assertion again: %v", err)
	}
	w.must(w.p.EndTrial(w.ctx, "_2", workflow.Answer{Failure: "nr25"}, []byte("<Response/>")))
	for _, id := range []string{"_1", "_2"} {
		messages, err := w.db.OpenArchive(w.ctx, id, storetest.Auditor)
		w.must(err)
		if len(messages) != 2 || string(messages[0].Body) != "<AuthnRequest/>" || string(messages[1].Body) != "<Response/>" {
			t.Errorf("archived are %+v", messages)
		}
	}
	// Nothing else is kept of the person.
	var kept int
	w.must(w.db.Pool().QueryRow(w.ctx, `select count(*) from logins l where l::text like '%' || $1 || '%'`, anna).Scan(&kept))
	if kept != 0 {
		t.Error("the answer is parked")
	}
	w.must(w.startTrial("_3"))
	w.clock.Advance(workflow.LoginLife + time.Second)
	if _, err := w.p.Login(w.ctx, "_3"); !errors.Is(err, workflow.ErrUnknown) {
		t.Errorf("an old trial: %v", err)
	}
}

// A trial identifies nobody, and what identifies somebody is no trial.
func TestATrialAndALoginAreTwoThings(t *testing.T) {
	x := newWorld(t).begin(personRecord).to(workflow.AtProvider)
	login := x.view().Qualification.Login.ID
	if err := x.p.EndTrial(x.ctx, login, trialAnswer(), []byte("<Response/>")); !errors.Is(err, workflow.ErrUnknown) {
		t.Errorf("a mailbox's login ends as a trial: %v", err)
	}
	x.must(x.startTrial("_1"))
	secret, err := x.answer("_1", anna)
	if !errors.Is(err, workflow.ErrUnknown) {
		t.Errorf("a trial's answer is parked: %v", err)
	}
	if err := x.p.Return(x.ctx, x.v, secret); !errors.Is(err, workflow.ErrElsewhere) {
		t.Errorf("a trial's answer is applied: %v", err)
	}
	x.want(workflow.AtProvider)
}

func TestNoTrialStartsAtASuspendedProvider(t *testing.T) {
	w := newWorld(t)
	w.suspend(w.clock.Now())
	if err := w.startTrial("_1"); !errors.Is(err, workflow.ErrSuspended) {
		t.Errorf("the answer is %v", err)
	}
}
