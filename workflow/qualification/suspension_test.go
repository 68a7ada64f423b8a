package qualification_test

import (
	"context"
	"errors"
	"net/netip"
	"slices"
	"sync"
	"testing"
	"time"

	"stella/store/storetest"
	"stella/workflow"
	"stella/workflow/qualification"
)

func suspend(t testing.TB, w *storetest.World, since time.Time) {
	t.Helper()
	storetest.Must(t, w.Provider.Suspend(t.Context(), "paolo", storetest.Provider, since, "chiavi rubate"))
}

func lastStep(x *storetest.Journey) qualification.Step {
	x.Helper()
	steps := x.History().Steps
	return steps[len(steps)-1]
}

func TestStartLoginWithSuspendedProvider(t *testing.T) {
	x := reach(t, qualification.Identification)
	before := databaseState(x)
	x.Must(x.Provider.Suspend(x.Context(), "paolo", storetest.Provider, x.Clock.Now(), ""))
	if _, err := x.StartLogin(x.Visitor); !errors.Is(err, workflow.ErrSuspended) {
		t.Errorf("StartLogin: error %v", err)
	}
	if databaseState(x) != before {
		t.Error("the database changed")
	}
	if all, err := x.Provider.SuspendedProviders(x.Context()); err != nil || !slices.Equal(all, []string{storetest.Provider}) {
		t.Errorf("suspended providers: %v, %v", all, err)
	}
	// Other providers are not affected.
	other := workflow.Login{ID: "_other", Provider: "https://other.example", StartedAt: x.Clock.Now()}
	x.Must(x.Procedure.StartLogin(x.Context(), x.Visitor, other, []byte("<AuthnRequest/>")))
}

func TestAnswerOfSuspendedProviderIsNotApplied(t *testing.T) {
	for name, when := range map[string]func(x *storetest.Journey) (secret string){
		"suspended before the answer": func(x *storetest.Journey) string {
			suspend(x, x.World, x.Clock.Now())
			secret, err := x.Park(x.Case().Qualification.Login.ID, x.Answer(storetest.Anna))
			x.Must(err)
			return secret
		},
		"suspended while it is parked": func(x *storetest.Journey) string {
			secret, err := x.Park(x.Case().Qualification.Login.ID, x.Answer(storetest.Anna))
			x.Must(err)
			x.Clock.Advance(time.Minute)
			suspend(x, x.World, x.Clock.Now())
			return secret
		},
		"resumed before the return": func(x *storetest.Journey) string {
			secret, err := x.Park(x.Case().Qualification.Login.ID, x.Answer(storetest.Anna))
			x.Must(err)
			suspend(x, x.World, x.Clock.Now())
			x.Clock.Advance(time.Minute)
			x.Must(x.Provider.Resume(x.Context(), "paolo", storetest.Provider, ""))
			x.Clock.Advance(time.Minute)
			return secret
		},
	} {
		t.Run(name, func(t *testing.T) {
			x := reach(t, qualification.AtProvider)
			x.Clock.Advance(time.Second)
			secret := when(x)
			if s := x.Case().Stage(x.Visitor); s != qualification.Identification {
				t.Errorf("the visitor sees %s", s)
			}
			if err := x.Procedure.Return(x.Context(), x.Visitor, secret); !errors.Is(err, workflow.ErrSuspended) {
				t.Errorf("unexpected error: %v", err)
			}
			x.WantState(qualification.Identification)
			if q := x.Case().Qualification; q.Identity != nil || q.Login.Answer != nil {
				t.Errorf("identity %+v and answer %+v were kept", q.Identity, q.Login.Answer)
			}
			if step := lastStep(x); step.Event != qualification.LoginFailed ||
				step.Refs["failure"] != "suspended" || step.Refs["response_sha256"] == "" {
				t.Errorf("logged step: %+v", step)
			}
		})
	}
}

// An identity from the period of the suspension is invalid, and the next step goes back
// to identification. An earlier identity stays valid.
func TestIdentityOfSuspendedProviderExpires(t *testing.T) {
	steps := map[qualification.State]func(*storetest.Journey) error{
		qualification.Identified: func(x *storetest.Journey) error { return x.Procedure.ConfirmIdentity(x.Context(), x.Visitor, x.Form()) },
		qualification.Contract: func(x *storetest.Journey) error {
			return x.Procedure.AcknowledgeContract(x.Context(), x.Visitor, x.Form(), storetest.Notice)
		},
		qualification.CodeEntry: func(x *storetest.Journey) error {
			return x.Procedure.TypeCode(x.Context(), x.Visitor, x.Form(), x.Code())
		},
	}
	for state, step := range steps {
		t.Run("at "+string(state), func(t *testing.T) {
			w := newWorld(t)
			before := bringTo(w.Record(t, storetest.AnnasRecord), state)
			w.Clock.Advance(time.Second)
			since := w.Clock.Now()
			x := bringTo(w.Record(t, storetest.AnnasRecord), state)
			storetest.Must(t, w.Provider.Suspend(t.Context(), "paolo", storetest.Provider, since, ""))
			if s := x.Case().Stage(x.Visitor); s != qualification.Identification || !x.Case().ProviderSuspended() {
				t.Errorf("the visitor sees %s", s)
			}
			if err := step(x); !errors.Is(err, qualification.ErrLoginExpired) {
				t.Errorf("unexpected error: %v", err)
			}
			x.WantState(qualification.Identification)
			if x.Case().Mailbox.Star != nil {
				t.Error("the mailbox has a star")
			}
			if refs := lastStep(x).Refs; refs["suspended"] != storetest.Provider || refs["identity"] == "" {
				t.Errorf("logged references: %v", refs)
			}
			if err := step(before); err != nil {
				t.Errorf("identity from before the suspension: error %v", err)
			}
		})
	}
}

func TestApproveWithSuspendedProvider(t *testing.T) {
	w := newWorld(t)
	before := w.Record(t, unknownRecord).AdvanceTo(qualification.UnderReview)
	w.Clock.Advance(time.Second)
	x := w.Record(t, unknownRecord).AdvanceTo(qualification.UnderReview)
	suspend(t, w, x.Case().Qualification.Identity.IdentifiedAt)
	// A resumption does not make earlier identities valid.
	for range 2 {
		if err := w.Cases.Approve(t.Context(), "paolo", x.Address, 0, "visura"); !errors.Is(err, workflow.ErrSuspended) {
			t.Errorf("unexpected error: %v", err)
		}
		x.WantState(qualification.UnderReview)
		w.Clock.Advance(time.Hour)
		err := w.Provider.Resume(t.Context(), "paolo", storetest.Provider, "chiavi nuove")
		if err != nil && !errors.Is(err, workflow.ErrNotSuspended) {
			t.Fatal(err)
		}
	}
	storetest.Must(t, w.Cases.Approve(t.Context(), "paolo", before.Address, 0, "visura"))
	// The operator can refuse the review, and the holder is identified again.
	storetest.Must(t, w.Cases.Refuse(t.Context(), "paolo", x.Address, 0, "gestore sospeso"))
	x.Must(x.Procedure.RetryLogin(x.Context(), x.Visitor, x.Form()))
	x.Must(logInAs(x, storetest.Anna))
	x.WantState(qualification.Identified)
}

func TestResumedProviderIsTrustedAgain(t *testing.T) {
	x := reach(t, qualification.CodeEntry)
	if err := x.Provider.Resume(x.Context(), "paolo", storetest.Provider, ""); !errors.Is(err, workflow.ErrNotSuspended) {
		t.Errorf("Resume without a suspension: error %v", err)
	}
	suspend(x, x.World, x.Clock.Now())
	x.Clock.Advance(time.Minute)
	x.Must(x.Provider.Resume(x.Context(), "paolo", storetest.Provider, "falso allarme"))
	if all, err := x.Provider.SuspendedProviders(x.Context()); err != nil || len(all) != 0 {
		t.Errorf("suspended providers: %v, %v", all, err)
	}
	if err := x.Procedure.TypeCode(x.Context(), x.Visitor, x.Form(), x.Code()); !errors.Is(err, qualification.ErrLoginExpired) {
		t.Errorf("identity from the suspension: error %v", err)
	}
	x.Must(logInAs(x, storetest.Anna))
	x.AdvanceTo(qualification.Qualified)
}

// A mistyped suspension can be corrected: the newest one counts.
func TestSuspendAgainCorrects(t *testing.T) {
	x := reach(t, qualification.Contract)
	x.Clock.Advance(time.Minute)
	suspend(x, x.World, x.Clock.Now().Add(-time.Hour))
	if s := x.Case().Stage(x.Visitor); s != qualification.Identification {
		t.Errorf("the visitor sees %s", s)
	}
	suspend(x, x.World, x.Clock.Now())
	if s := x.Case().Stage(x.Visitor); s != qualification.Contract {
		t.Errorf("after the correction the visitor sees %s", s)
	}
	err := x.Provider.Suspend(x.Context(), "paolo", storetest.Provider, x.Clock.Now().Add(time.Second), "")
	if !errors.Is(err, workflow.ErrFuture) {
		t.Errorf("suspension in the future: error %v", err)
	}
}

// suspendDuring suspends the provider while a step runs. The step has read the case,
// and commits after the suspension.
func suspendDuring(x *storetest.Journey, step func(*qualification.Procedure) error) (stars int, err error) {
	x.Helper()
	read, commit := make(chan bool), make(chan bool)
	instance := x.Another()
	x.Visitor.Address = netip.Addr{} // without a network, because its limit reads the clock before the step
	var once sync.Once
	instance.Cases.Now = func() time.Time {
		once.Do(func() {
			close(read)
			<-commit
		})
		return x.Clock.Now()
	}
	done := make(chan error, 1)
	go func() { done <- step(instance) }()
	<-read
	since := x.Clock.Now().Add(-time.Hour)
	suspend(x, x.World, since)
	// A query for the stars must include the one of the running step.
	type answer struct {
		stars int
		err   error
	}
	asked := make(chan answer, 1)
	go func() {
		given, err := x.GivenBy(context.WithoutCancel(x.Context()), storetest.Provider, since)
		asked <- answer{len(given), err}
	}()
	select {
	case a := <-asked:
		x.Errorf("%d stars (%v) reported while the step was running", a.stars, a.err)
		asked <- a
	case <-time.After(50 * time.Millisecond):
	}
	close(commit)
	err = <-done
	a := <-asked
	x.Must(a.err)
	return a.stars, err
}

func TestSuspendWhileCodeIsConfirmed(t *testing.T) {
	x := reach(t, qualification.CodeEntry)
	f, code := x.Form(), x.Code()
	stars, err := suspendDuring(x, func(p *qualification.Procedure) error { return p.TypeCode(x.Context(), x.Visitor, f, code) })
	x.Must(err) // it began before the suspension
	if x.WantState(qualification.Qualified); stars != 1 {
		t.Errorf("%d stars reported, want the one of the running step", stars)
	}
}

func TestSuspendWhileCodeWaitsForLock(t *testing.T) {
	x := reach(t, qualification.CodeEntry)
	f, code := x.Form(), x.Code()
	locked, release, held, typed := make(chan bool), make(chan bool), make(chan error, 1), make(chan error, 1)
	go func() {
		held <- x.Update(context.WithoutCancel(x.Context()), x.Mailbox, func(*qualification.Case) error {
			close(locked)
			<-release
			return nil
		})
	}()
	<-locked
	go func() { typed <- x.Another().TypeCode(x.Context(), x.Visitor, f, code) }()
	waitForLock(x, typed)
	suspend(x, x.World, x.Clock.Now().Add(-time.Hour))
	close(release)
	x.Must(<-held)
	if err := <-typed; !errors.Is(err, qualification.ErrLoginExpired) {
		t.Errorf("unexpected error: %v", err)
	}
	if x.WantState(qualification.Identification); x.Case().Mailbox.Star != nil {
		t.Error("the mailbox has a star")
	}
}
