package workflow_test

import (
	"errors"
	"net/netip"
	"testing"
	"time"

	"github.com/google/uuid"

	"stella/store/storetest"
	"stella/workflow"
	"stella/workflow/qualification"
)

// startTrial starts a test login.
func startTrial(t *testing.T, w *storetest.World, id string) error {
	l := workflow.Login{ID: id, Provider: storetest.Provider, ProviderName: "Identità di prova", RelayState: "relay",
		Level: "SpidL2", Comparison: "minimum", StartedAt: w.Clock.Now()}
	return w.Logins.StartTest(t.Context(), l, []byte("<AuthnRequest/>"), netip.Addr{})
}

func trialAnswer() workflow.Answer {
	return workflow.Answer{Assertion: &workflow.Assertion{
		AssertionID: "_" + uuid.NewString(), Provider: storetest.Provider, FiscalNumber: storetest.Anna,
	}}
}

func TestTestLoginIsAnsweredOnce(t *testing.T) {
	t.Parallel()
	w := storetest.NewWorld(t)
	storetest.Must(t, startTrial(t, w, "_1"))
	l, err := w.Logins.Login(t.Context(), "_1")
	storetest.Must(t, err)
	if !l.IsTest() || l.RelayState != "relay" || l.Level != "SpidL2" || !l.StartedAt.Equal(w.Clock.Now()) {
		t.Errorf("login %+v", l)
	}
	a := trialAnswer()
	storetest.Must(t, w.Logins.EndTest(t.Context(), "_1", a, []byte("<Response/>")))
	if err := w.Logins.EndTest(t.Context(), "_1", trialAnswer(), []byte("<Response/>")); !errors.Is(err, workflow.ErrUnknown) {
		t.Errorf("second answer: error %v", err)
	}
	storetest.Must(t, startTrial(t, w, "_2"))
	if err := w.Logins.EndTest(t.Context(), "_2", a, []byte("<Response/>")); !errors.Is(err, workflow.ErrUnknown) {
		t.Errorf("repeated assertion: error %v", err)
	}
	storetest.Must(t, w.Logins.EndTest(t.Context(), "_2", workflow.Answer{Failure: "nr25"}, []byte("<Response/>")))
	for _, id := range []string{"_1", "_2"} {
		messages, err := w.OpenArchive(t.Context(), id, storetest.Auditor)
		storetest.Must(t, err)
		if len(messages) != 2 || string(messages[0].Body) != "<AuthnRequest/>" || string(messages[1].Body) != "<Response/>" {
			t.Errorf("archived messages: %+v", messages)
		}
	}
	// Nothing else about the person is stored.
	var kept int
	storetest.Must(t, w.Pool().QueryRow(t.Context(),
		`select count(*) from logins l where l::text like '%' || $1 || '%'`, storetest.Anna).Scan(&kept))
	if kept != 0 {
		t.Error("the answer is stored in logins")
	}
	storetest.Must(t, startTrial(t, w, "_3"))
	w.Clock.Advance(workflow.LoginLife + time.Second)
	if _, err := w.Logins.Login(t.Context(), "_3"); !errors.Is(err, workflow.ErrUnknown) {
		t.Errorf("expired test login: error %v", err)
	}
}

// A test login cannot identify a holder, and a login of a mailbox is not a test login.
func TestTestLoginIsSeparateFromLogin(t *testing.T) {
	t.Parallel()
	x := storetest.NewWorld(t).Record(t, storetest.AnnasRecord)
	x.AdvanceTo(qualification.AtProvider)
	login := x.Case().Qualification.Login.ID
	if err := x.Logins.EndTest(x.Context(), login, trialAnswer(), []byte("<Response/>")); !errors.Is(err, workflow.ErrUnknown) {
		t.Errorf("EndTest for a mailbox's login: error %v", err)
	}
	x.Must(startTrial(t, x.World, "_1"))
	secret, err := x.Park("_1", x.Answer(storetest.Anna))
	if !errors.Is(err, workflow.ErrUnknown) {
		t.Errorf("StoreAnswer for a test login: error %v", err)
	}
	if err := x.Procedure.Return(x.Context(), x.Visitor, secret); !errors.Is(err, qualification.ErrNotOwner) {
		t.Errorf("Return for a test login: error %v", err)
	}
	x.WantState(qualification.AtProvider)
}

func TestTestLoginWithSuspendedProvider(t *testing.T) {
	t.Parallel()
	w := storetest.NewWorld(t)
	storetest.Must(t, w.Provider.Suspend(t.Context(), "paolo", storetest.Provider, w.Clock.Now(), ""))
	if err := startTrial(t, w, "_1"); !errors.Is(err, workflow.ErrSuspended) {
		t.Errorf("unexpected error: %v", err)
	}
}
