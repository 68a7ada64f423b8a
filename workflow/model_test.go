package workflow_test

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
)

// The whole procedure against a model of its rules: whatever can happen, in any
// order, and two things at once. After each act the model says how it is
// answered, where the case stands and what every visitor is shown, and the real
// database is asked for what must never be false.
//
// The model is in modelstate_test.go, modelsteps_test.go, modelcode_test.go and
// modelmatch_test.go; what can happen, to it and in truth, in modelacts_test.go and
// modelforms_test.go; how that is drawn in modeldraws_test.go, and what is
// compared in modellook_test.go.
//
// The suite makes few plays. -rapid.checks and -rapid.steps make more and longer
// ones; -rapid.seed makes the same again.
func TestTheProcedureKeepsToItsModel(t *testing.T) {
	w := newWorld(t)
	start, plays, acts := w.Clock.Now(), 0, 0
	rapid.Check(t, func(rt *rapid.T) {
		w.Clock.Advance(start.Sub(w.Clock.Now()))
		plays++
		p := newPlay(t, w, plays, rapid.IntRange(0, 7).Draw(rt, "record"), rapid.Bool().Draw(rt, "by file"))
		defer func() { acts += p.acts }()
		rt.Repeat(map[string]func(*rapid.T){
			"goes on":       p.goOn,
			"own step":      func(t *rapid.T) { p.do(t, p.anyOwnStep(t)) },
			"own step, too": func(t *rapid.T) { p.do(t, p.anyOwnStep(t)) },
			"somebody's":    func(t *rapid.T) { p.do(t, p.anyOther(t)) },
			"provider's":    func(t *rapid.T) { p.do(t, p.anyOfProvider(t)) },
			"guesses":       p.guess,
			"mail":          func(t *rapid.T) { p.do(t, p.anyMail(t)) },
			"time":          p.pass,
			"twice":         func(t *rapid.T) { a := p.any(t); p.do(t, a); p.do(t, a) },
			"double click":  func(t *rapid.T) { a := p.anyOfPerson(t); p.atOnce(t, a, a) },
			"two at once":   func(t *rapid.T) { p.atOnce(t, p.anyOfPerson(t), p.any(t)) },
		})
	})
	t.Logf("%d acts in %d plays", acts, plays)
	var lost int
	storetest.Must(t, w.Pool().QueryRow(t.Context(), `
		select count(*) from mails m where not exists (select from river_job j where j.args ->> 'mail' = m.id::text)`).Scan(&lost))
	if lost > 0 {
		t.Errorf("%d mails have no job that sends them", lost)
	}
}

// play is one mailbox, in truth and as the model has it.
type play struct {
	*storetest.World
	ctx      context.Context
	m        *model
	acts     int
	address  string
	mailbox  int64
	provider string // of its own, to be suspended alone
	emails   []string
	byFile   bool // its records come in files
	back     bool // the clock was set back

	mu       sync.Mutex // of what two acts at once may change
	visitors map[visitor]workflow.Visitor
	order    []visitor // as they came
	logins   []string
	secrets  map[int]string // of the answers

	cases  []uuid.UUID
	links  []string // of the invitations
	codes  []uuid.UUID
	digits []string    // of the codes
	mails  []uuid.UUID // of the codes
}

func newPlay(t *testing.T, w *storetest.World, n, record int, byFile bool) *play {
	p := &play{World: w, ctx: t.Context(), byFile: byFile, address: fmt.Sprintf("play%d@%s", n, storetest.Domain),
		provider: fmt.Sprintf("%s/%d", storetest.Provider, n), visitors: map[visitor]workflow.Visitor{}, secrets: map[int]string{}}
	for _, name := range []string{"anna", "altra", "titolare"} {
		p.emails = append(p.emails, fmt.Sprintf("%s%d@mail.example", name, n))
	}
	r := p.records()[record]
	p.mailbox = w.RecordAs(t, p.address, r).Mailbox
	p.m = &model{now: w.Clock.Now(), status: workflow.Active, record: r, answered: map[int]bool{}}
	return p
}

// do makes an act happen.
func (p *play) do(t *rapid.T, a act) {
	p.acts++
	got := outcome(a.real(p.ctx))
	t.Logf("%s: %s", a.name, got)
	if want := p.expect(a, got)(p.m); got != want {
		t.Fatalf("%s is answered %q, want %q", a.name, got, want)
	}
	p.check(t)
}

// atOnce makes two acts happen at once, which must be as one after the other.
func (p *play) atOnce(t *rapid.T, a, b act) {
	p.acts += 2
	var both sync.WaitGroup
	var gotA, gotB string
	both.Go(func() { gotA = outcome(a.real(p.ctx)) })
	both.Go(func() { gotB = outcome(b.real(p.ctx)) })
	both.Wait()
	t.Logf("%s: %s, while %s: %s", a.name, gotA, b.name, gotB)
	modelA, modelB := p.expect(a, gotA), p.expect(b, gotB)
	aFirst, bFirst := p.m.clone(), p.m.clone()
	wantA, thenB := modelA(aFirst), modelB(aFirst)
	wantB, thenA := modelB(bFirst), modelA(bFirst)
	truth := p.tell(p.look(t))
	switch {
	case gotA == wantA && gotB == thenB && truth == aFirst.tell(p.order):
		p.m = aFirst
	case gotB == wantB && gotA == thenA && truth == bFirst.tell(p.order):
		p.m = bFirst
	default:
		t.Fatalf("at once, %s is answered %q and %s %q; want %q and %q, or %q and %q\nthe case is\n%s\nwant\n%s\nor\n%s",
			a.name, gotA, b.name, gotB, wantA, thenB, thenA, wantB, truth, aFirst.tell(p.order), bFirst.tell(p.order))
	}
	p.check(t)
}

// expect is what the model says of an act. The wide limits, which are tested
// elsewhere, are no part of it: what one refuses must leave everything as it is.
func (p *play) expect(a act, got string) func(*model) string {
	if got == overLimit && (p.acts > 10 || p.back) {
		return func(*model) string { return overLimit }
	}
	return a.model
}

const overLimit = "over a limit"

// outcome is how an act was answered.
func outcome(err error) string {
	var stale workflow.StaleError
	var code *workflow.CodeError
	var input *workflow.InputError
	var limit *workflow.LimitError
	var login *workflow.LoginError
	var link *workflow.InvitationError
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
		return overLimit
	case errors.As(err, &login):
		return "login failed"
	case errors.Is(err, workflow.ErrElsewhere): // also with how the invitation ended
		return "elsewhere"
	case errors.As(err, &link):
		return "link " + link.Why
	}
	for sentinel, answer := range map[error]string{
		workflow.ErrNotEligible: "not eligible", workflow.ErrNotAllowed: "not allowed",
		workflow.ErrLapsed: "lapsed", workflow.ErrSuspended: "suspended", workflow.ErrNotSuspended: "not suspended",
		workflow.ErrUnknown: "unknown", workflow.ErrContractChanged: "contract changed",
	} {
		if errors.Is(err, sentinel) {
			return answer
		}
	}
	return err.Error()
}
