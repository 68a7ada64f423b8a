package qualification_test

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"testing"

	"github.com/google/uuid"
	"pgregory.net/rapid"

	"stella/store/storetest"
	"stella/workflow"
	"stella/workflow/qualification"
)

// TestProcedureMatchesModel compares the procedure with a model of its rules, for
// random sequences of actions, some of them concurrent. After each action it compares
// the answer, the state of the case and the page of every visitor, and checks
// invariants in the database.
//
// The model is in model_state_test.go, model_steps_test.go, model_code_test.go and
// model_match_test.go. The actions are in model_actions_test.go and
// model_forms_test.go, their random choice is in model_draw_test.go, and the comparison
// is in model_compare_test.go.
//
// By default it makes few runs. Use -rapid.checks and -rapid.steps for more and longer
// ones, and -rapid.seed to repeat them.
func TestProcedureMatchesModel(t *testing.T) {
	w := newWorld(t)
	start, runs, actions := w.Clock.Now(), 0, 0
	rapid.Check(t, func(rt *rapid.T) {
		w.Clock.Advance(start.Sub(w.Clock.Now()))
		runs++
		p := newRun(t, w, runs, rapid.IntRange(0, 7).Draw(rt, "record"), rapid.Bool().Draw(rt, "by file"))
		defer func() { actions += p.actions }()
		rt.Repeat(map[string]func(*rapid.T){
			"usual actions":     p.advance,
			"own step":          func(t *rapid.T) { p.do(t, p.drawOwnStep(t)) },
			"another own step":  func(t *rapid.T) { p.do(t, p.drawOwnStep(t)) },
			"other action":      func(t *rapid.T) { p.do(t, p.drawOtherAction(t)) },
			"provider's action": func(t *rapid.T) { p.do(t, p.drawProviderAction(t)) },
			"wrong codes":       p.guessCodes,
			"mail":              func(t *rapid.T) { p.do(t, p.drawMail(t)) },
			"time":              p.passTime,
			"repeated":          func(t *rapid.T) { a := p.drawAction(t); p.do(t, a); p.do(t, a) },
			"double click":      func(t *rapid.T) { a := p.drawPersonAction(t); p.atOnce(t, a, a) },
			"concurrent":        func(t *rapid.T) { p.atOnce(t, p.drawPersonAction(t), p.drawAction(t)) },
		})
	})
	t.Logf("%d actions in %d runs", actions, runs)
	var lost int
	storetest.Must(t, w.Pool().QueryRow(t.Context(), `
		select count(*) from mails m full join mail_queue q on q.mail_id = m.id
		where (coalesce(m.accepted_at, m.refused_at, m.dropped_at) is null) <> (q.mail_id is not null)`).Scan(&lost))
	if lost > 0 {
		t.Errorf("%d mails without a result are in no queue, or mails with a result are in one", lost)
	}
}

// run is one mailbox, in the database and in the model.
type run struct {
	*storetest.World
	ctx      context.Context
	m        *model
	actions  int
	address  string
	mailbox  int64
	provider string // of this run only, so that it can be suspended separately
	emails   []string
	byFile   bool // records are imported from a file
	back     bool // the clock was set back

	mu       sync.Mutex // protects what two concurrent actions may change
	visitors map[visitor]workflow.Visitor
	order    []visitor // in order of arrival
	logins   []string
	secrets  map[int]string // of the answers

	cases  []uuid.UUID
	links  []string // of the invitations
	codes  []uuid.UUID
	digits []string    // of the codes
	mails  []uuid.UUID // of the codes
}

func newRun(t *testing.T, w *storetest.World, n, record int, byFile bool) *run {
	p := &run{World: w, ctx: t.Context(), byFile: byFile, address: fmt.Sprintf("run%d@%s", n, storetest.Domain),
		provider: fmt.Sprintf("%s/%d", storetest.Provider, n), visitors: map[visitor]workflow.Visitor{}, secrets: map[int]string{}}
	for _, name := range []string{"anna", "altra", "titolare"} {
		p.emails = append(p.emails, fmt.Sprintf("%s%d@mail.example", name, n))
	}
	r := p.records()[record]
	p.mailbox = w.RecordAs(t, p.address, r).Mailbox
	p.m = &model{now: w.Clock.Now(), status: workflow.Active, record: r, answered: map[int]bool{}}
	return p
}

// do runs an action and compares the answer and the case with the model.
func (p *run) do(t *rapid.T, a action) {
	p.actions++
	got := outcome(a.run(p.ctx))
	t.Logf("%s: %s", a.name, got)
	if want := p.expect(a, got)(p.m); got != want {
		t.Fatalf("%s: answer %q, want %q", a.name, got, want)
	}
	p.check(t)
}

// atOnce runs two actions concurrently. The result must be that of one after the other.
func (p *run) atOnce(t *rapid.T, a, b action) {
	p.actions += 2
	var both sync.WaitGroup
	var gotA, gotB string
	both.Go(func() { gotA = outcome(a.run(p.ctx)) })
	both.Go(func() { gotB = outcome(b.run(p.ctx)) })
	both.Wait()
	t.Logf("%s: %s, while %s: %s", a.name, gotA, b.name, gotB)
	modelA, modelB := p.expect(a, gotA), p.expect(b, gotB)
	aFirst, bFirst := p.m.clone(), p.m.clone()
	wantA, thenB := modelA(aFirst), modelB(aFirst)
	wantB, thenA := modelB(bFirst), modelA(bFirst)
	actual := p.describe(p.readCase(t))
	switch {
	case gotA == wantA && gotB == thenB && actual == aFirst.describe(p.order):
		p.m = aFirst
	case gotB == wantB && gotA == thenA && actual == bFirst.describe(p.order):
		p.m = bFirst
	default:
		t.Fatalf("concurrently, %s: answer %q, and %s: answer %q; want %q and %q, or %q and %q\nthe case is\n%s\nwant\n%s\nor\n%s",
			a.name, gotA, b.name, gotB, wantA, thenB, thenA, wantB, actual, aFirst.describe(p.order), bFirst.describe(p.order))
	}
	p.check(t)
}

// expect returns the expected answer to an action. The model does not contain the rate
// limits, which have separate tests: a refused action must change nothing.
func (p *run) expect(a action, got string) func(*model) string {
	if got == limitExceeded && (p.actions > 10 || p.back) {
		return func(*model) string { return limitExceeded }
	}
	return a.model
}

const limitExceeded = "over a limit"

// outcome describes the answer to an action.
func outcome(err error) string {
	var stale qualification.StaleError
	var code *qualification.CodeError
	var input *workflow.InputError
	var limit *workflow.LimitError
	var login *qualification.LoginError
	var link *qualification.InvitationError
	switch {
	case err == nil:
		return done
	case errors.As(err, &stale):
		return "stale"
	case errors.As(err, &code):
		return code.Code
	case errors.As(err, &input):
		return input.Faults[0].Code
	case errors.As(err, &limit):
		return limitExceeded
	case errors.As(err, &login):
		return "login failed"
	case errors.Is(err, qualification.ErrNotOwner): // possibly with how the invitation ended
		return "elsewhere"
	case errors.As(err, &link):
		return "link " + link.Why
	}
	for sentinel, answer := range map[error]string{
		workflow.ErrNotEligible: "not eligible", qualification.ErrNotAllowed: "not allowed",
		qualification.ErrLoginExpired: "lapsed", workflow.ErrSuspended: "suspended", workflow.ErrNotSuspended: "not suspended",
		workflow.ErrUnknown: "unknown", qualification.ErrContractChanged: "contract changed",
	} {
		if errors.Is(err, sentinel) {
			return answer
		}
	}
	return err.Error()
}
