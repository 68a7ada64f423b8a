package workflow_test

import (
	"context"
	"errors"
	"net/netip"
	"slices"
	"sync"
	"testing"
	"time"

	"stella/workflow"
)

// The provider of every login in these tests.
const idp = "https://idp.example"

func (w *world) suspend(since time.Time) {
	w.t.Helper()
	w.must(w.p.Suspend(w.ctx, "paolo", idp, since, "chiavi rubate"))
}

// another is a second instance on the same database.
func (w *world) another() *workflow.Procedure {
	return &workflow.Procedure{Store: w.p.Store, Key: w.p.Key, Limits: w.p.Limits, Documents: w.p.Documents, Now: w.p.Now}
}

func (w *world) lastStep(x *walk) workflow.Step {
	w.t.Helper()
	h, err := x.db.History(x.ctx, x.mailbox, 0)
	w.must(err)
	return h.Steps[len(h.Steps)-1]
}

func TestNoLoginStartsAtASuspendedProvider(t *testing.T) {
	x := newWorld(t).begin(personRecord).to(workflow.Identification)
	before := x.trace()
	x.must(x.another().Suspend(x.ctx, "paolo", idp, x.clock.Now(), ""))
	if _, err := x.startLogin(x.v); !errors.Is(err, workflow.ErrSuspended) {
		t.Errorf("a login starts: %v", err)
	}
	if x.trace() != before {
		t.Error("it left a trace")
	}
	if all, err := x.p.SuspendedProviders(x.ctx); err != nil || !slices.Equal(all, []string{idp}) {
		t.Errorf("suspended are %v, %v", all, err)
	}
	// The others are as good as before.
	other := workflow.Login{ID: "_other", Provider: "https://other.example", StartedAt: x.clock.Now()}
	x.must(x.p.StartLogin(x.ctx, x.v, other, []byte("<AuthnRequest/>")))
}

func TestAnAnswerOfASuspendedProviderIsNotApplied(t *testing.T) {
	for name, when := range map[string]func(x *walk) (secret string){
		"suspended before the answer": func(x *walk) string {
			x.suspend(x.clock.Now())
			secret, err := x.answer(x.view().Qualification.Login.ID, anna)
			x.must(err)
			return secret
		},
		"suspended while it is parked": func(x *walk) string {
			secret, err := x.answer(x.view().Qualification.Login.ID, anna)
			x.must(err)
			x.clock.Advance(time.Minute)
			x.suspend(x.clock.Now())
			return secret
		},
		"resumed before the return": func(x *walk) string {
			secret, err := x.answer(x.view().Qualification.Login.ID, anna)
			x.must(err)
			x.suspend(x.clock.Now())
			x.clock.Advance(time.Minute)
			x.must(x.p.Resume(x.ctx, "paolo", idp, ""))
			x.clock.Advance(time.Minute)
			return secret
		},
	} {
		t.Run(name, func(t *testing.T) {
			x := newWorld(t).begin(personRecord).to(workflow.AtProvider)
			x.clock.Advance(time.Second)
			secret := when(x)
			if s := x.stage(x.v); s != workflow.Identification {
				t.Errorf("the visitor sees %s", s)
			}
			if err := x.p.Return(x.ctx, x.v, secret); !errors.Is(err, workflow.ErrSuspended) {
				t.Errorf("the answer is %v", err)
			}
			x.want(workflow.Identification)
			if q := x.view().Qualification; q.Identity != nil || q.Login.Answer != nil {
				t.Errorf("kept are %+v and %+v", q.Identity, q.Login.Answer)
			}
			if step := x.lastStep(x); step.Event != workflow.LoginFailed || step.Refs["failure"] != "suspended" || step.Refs["response_sha256"] == "" {
				t.Errorf("the log says %+v", step)
			}
		})
	}
}

// An identity of the time in which the provider is not believed lapses, and the
// next act goes back to identification; one from before goes on.
func TestAnIdentityOfASuspendedProviderLapses(t *testing.T) {
	acts := map[workflow.State]func(*walk) error{
		workflow.Identified: func(x *walk) error { return x.p.ConfirmIdentity(x.ctx, x.v, x.form()) },
		workflow.Contract:   func(x *walk) error { return x.p.AcknowledgeContract(x.ctx, x.v, x.form(), "d1") },
		workflow.CodeEntry:  func(x *walk) error { return x.p.TypeCode(x.ctx, x.v, x.form(), x.code()) },
	}
	for state, act := range acts {
		t.Run("at "+string(state), func(t *testing.T) {
			w := newWorld(t)
			before := w.begin(personRecord).to(state)
			w.clock.Advance(time.Second)
			since := w.clock.Now()
			x := w.begin(personRecord).to(state)
			w.must(w.another().Suspend(w.ctx, "paolo", idp, since, ""))
			if s := x.stage(x.v); s != workflow.Identification || !x.view().ProviderSuspended() {
				t.Errorf("the visitor sees %s", s)
			}
			if err := act(x); !errors.Is(err, workflow.ErrLapsed) {
				t.Errorf("the answer is %v", err)
			}
			x.want(workflow.Identification)
			if x.view().Mailbox.Star != nil {
				t.Error("there is a star")
			}
			if refs := x.lastStep(x).Refs; refs["suspended"] != idp || refs["identity"] == "" {
				t.Errorf("the log says %v", refs)
			}
			if err := act(before); err != nil {
				t.Errorf("an identity from before: %v", err)
			}
		})
	}
}

func TestAReviewOfASuspendedProvidersIdentityIsNotApproved(t *testing.T) {
	w := newWorld(t)
	before := w.begin(unknownRecord).to(workflow.UnderReview)
	w.clock.Advance(time.Second)
	x := w.begin(unknownRecord).to(workflow.UnderReview)
	w.suspend(x.view().Qualification.Identity.IdentifiedAt)
	// Its resumption does not heal what was said before it.
	for range 2 {
		if err := w.p.Approve(w.ctx, "paolo", x.address, 0, "visura"); !errors.Is(err, workflow.ErrSuspended) {
			t.Errorf("the answer is %v", err)
		}
		x.want(workflow.UnderReview)
		w.clock.Advance(time.Hour)
		if err := w.p.Resume(w.ctx, "paolo", idp, "chiavi nuove"); err != nil && !errors.Is(err, workflow.ErrNotSuspended) {
			t.Fatal(err)
		}
	}
	w.must(w.p.Approve(w.ctx, "paolo", before.address, 0, "visura"))
	// Refusing it is the way on: the holder is identified again.
	w.must(w.p.Refuse(w.ctx, "paolo", x.address, 0, "gestore sospeso"))
	x.must(x.p.RetryLogin(x.ctx, x.v, x.form()))
	x.must(x.logIn(anna))
	x.want(workflow.Identified)
}

func TestAResumedProviderIsBelievedFromThenOn(t *testing.T) {
	x := newWorld(t).begin(personRecord).to(workflow.CodeEntry)
	if err := x.p.Resume(x.ctx, "paolo", idp, ""); !errors.Is(err, workflow.ErrNotSuspended) {
		t.Errorf("resumed without a suspension: %v", err)
	}
	x.suspend(x.clock.Now())
	x.clock.Advance(time.Minute)
	x.must(x.p.Resume(x.ctx, "paolo", idp, "falso allarme"))
	if all, err := x.p.SuspendedProviders(x.ctx); err != nil || len(all) != 0 {
		t.Errorf("suspended are %v, %v", all, err)
	}
	if err := x.p.TypeCode(x.ctx, x.v, x.form(), x.code()); !errors.Is(err, workflow.ErrLapsed) {
		t.Errorf("an identity of the suspension: %v", err)
	}
	x.must(x.logIn(anna))
	x.to(workflow.Qualified)
}

// What was mistyped can be mended: the newest suspension holds.
func TestASuspensionIsCorrected(t *testing.T) {
	x := newWorld(t).begin(personRecord).to(workflow.Contract)
	x.clock.Advance(time.Minute)
	x.suspend(x.clock.Now().Add(-time.Hour))
	if s := x.stage(x.v); s != workflow.Identification {
		t.Errorf("the visitor sees %s", s)
	}
	x.suspend(x.clock.Now())
	if s := x.stage(x.v); s != workflow.Contract {
		t.Errorf("after the correction the visitor sees %s", s)
	}
	if err := x.p.Suspend(x.ctx, "paolo", idp, x.clock.Now().Add(time.Second), ""); !errors.Is(err, workflow.ErrFuture) {
		t.Errorf("a suspension to come: %v", err)
	}
}

// meets runs a step and a suspension at once: the step has read the case, and
// decides when the suspension is written.
func meets(x *walk, step func(*workflow.Procedure) error) (stars int, err error) {
	x.t.Helper()
	read, decide := make(chan bool), make(chan bool)
	instance := x.another()
	x.v.Address = netip.Addr{} // of no network, whose limit would ask for the time before the step
	var once sync.Once
	instance.Now = func() time.Time {
		once.Do(func() {
			close(read)
			<-decide
		})
		return x.clock.Now()
	}
	done := make(chan error, 1)
	go func() { done <- step(instance) }()
	<-read
	since := x.clock.Now().Add(-time.Hour)
	x.suspend(since)
	// Whoever asks for the stars now is told of the one that is being given.
	type answer struct {
		stars int
		err   error
	}
	asked := make(chan answer, 1)
	go func() {
		given, err := x.db.GivenBy(context.WithoutCancel(x.ctx), idp, since)
		asked <- answer{len(given), err}
	}()
	select {
	case a := <-asked:
		x.t.Errorf("told %d stars (%v) while a step was under way", a.stars, a.err)
		asked <- a
	case <-time.After(50 * time.Millisecond):
	}
	close(decide)
	err = <-done
	a := <-asked
	x.must(a.err)
	return a.stars, err
}

func TestASuspensionWhileACodeIsConfirmed(t *testing.T) {
	x := newWorld(t).begin(personRecord).to(workflow.CodeEntry)
	f, code := x.form(), x.code()
	stars, err := meets(x, func(p *workflow.Procedure) error { return p.TypeCode(x.ctx, x.v, f, code) })
	x.must(err) // it had begun before
	if x.want(workflow.Qualified); stars != 1 {
		t.Errorf("the operator was told %d stars, want the one given at that moment", stars)
	}
}

func TestASuspensionWhileACodeWaitsForTheMailbox(t *testing.T) {
	x := newWorld(t).begin(personRecord).to(workflow.CodeEntry)
	f, code := x.form(), x.code()
	locked, release, held, typed := make(chan bool), make(chan bool), make(chan error, 1), make(chan error, 1)
	go func() {
		held <- x.db.Update(context.WithoutCancel(x.ctx), x.mailbox, func(*workflow.Case) error {
			close(locked)
			<-release
			return nil
		})
	}()
	<-locked
	go func() { typed <- x.another().TypeCode(x.ctx, x.v, f, code) }()
	for waits := 0; waits == 0; time.Sleep(time.Millisecond) {
		x.must(x.db.Pool().QueryRow(x.ctx, `select count(*) from pg_stat_activity where datname = current_database() and wait_event_type = 'Lock'`).Scan(&waits))
	}
	x.suspend(x.clock.Now().Add(-time.Hour))
	close(release)
	x.must(<-held)
	if err := <-typed; !errors.Is(err, workflow.ErrLapsed) {
		t.Errorf("the answer is %v", err)
	}
	if x.want(workflow.Identification); x.view().Mailbox.Star != nil {
		t.Error("there is a star")
	}
}
