package workflow_test

import (
	"errors"
	"fmt"
	"sync"
	"testing"
	"time"

	"github.com/google/uuid"

	"stella/store/storetest"
	"stella/workflow"
)

// A login belongs to the browser session that made it, for 30 minutes: no
// other finishes what it began.
func TestAnotherSessionCannotFinish(t *testing.T) {
	acts := map[workflow.State]func(*walk, workflow.Visitor) error{
		workflow.Identified: func(x *walk, v workflow.Visitor) error { return x.p.ConfirmIdentity(x.ctx, v, x.form()) },
		workflow.Contract: func(x *walk, v workflow.Visitor) error {
			return x.p.AcknowledgeContract(x.ctx, v, x.form(), "d1")
		},
		workflow.CodeEntry: func(x *walk, v workflow.Visitor) error {
			return x.p.TypeCode(x.ctx, v, x.form(), x.code())
		},
	}
	for state, act := range acts {
		t.Run("a second browser at "+string(state), func(t *testing.T) {
			x := newWorld(t).begin(personRecord).to(state)
			second := x.enter("second browser")
			if s := x.stage(second); s != workflow.Identification {
				t.Errorf("it sees %s", s)
			}
			if s := x.stage(x.v); s != state {
				t.Errorf("its coming moved the first to %s", s)
			}
			if err := act(x, second); !errors.Is(err, workflow.ErrLapsed) {
				t.Errorf("the answer is %v", err)
			}
			x.want(workflow.Identification)
			if x.view().Qualification.Declaration.Email == "" {
				t.Error("the data were lost")
			}
		})
		t.Run("a session older than the login at "+string(state), func(t *testing.T) {
			x := newWorld(t).begin(personRecord).to(state)
			x.clock.Advance(workflow.LoginLife)
			if s := x.stage(x.v); s != workflow.Identification {
				t.Errorf("it sees %s", s)
			}
			if err := act(x, x.v); !errors.Is(err, workflow.ErrLapsed) {
				t.Errorf("the answer is %v", err)
			}
			x.want(workflow.Identification)
		})
	}
}

func TestAnAnswerCountsOnce(t *testing.T) {
	x := newWorld(t).begin(personRecord).to(workflow.AtProvider)
	login := x.view().Qualification.Login.ID
	secret, err := x.answer(login, anna)
	x.must(err)
	if _, err := x.answer(login, anna); !errors.Is(err, workflow.ErrUnknown) {
		t.Errorf("a second answer: %v", err)
	}
	x.must(x.p.Return(x.ctx, x.v, secret))
	x.want(workflow.Identified)
	if err := x.p.Return(x.ctx, x.v, secret); !errors.Is(err, workflow.ErrElsewhere) {
		t.Errorf("applied twice: %v", err)
	}
}

func TestOnlyTheNewestRequestIsAnswered(t *testing.T) {
	x := newWorld(t).begin(personRecord).to(workflow.AtProvider)
	old := x.view().Qualification.Login.ID
	_, err := x.startLogin(x.v)
	x.must(err)
	secret, err := x.answer(old, anna)
	x.must(err)
	if err := x.p.Return(x.ctx, x.v, secret); !errors.Is(err, workflow.ErrElsewhere) {
		t.Errorf("the answer to an older request: %v", err)
	}
	x.want(workflow.AtProvider)
}

// The answer is applied only where the one-time secret meets the session that
// asked; the first visit without both destroys it.
func TestAnAnswerInAnotherBrowser(t *testing.T) {
	for name, come := range map[string]func(x *walk, secret string) error{
		"with another session": func(x *walk, secret string) error {
			return x.p.Return(x.ctx, x.enter("second browser"), secret)
		},
		"with another mailbox's session": func(x *walk, secret string) error {
			return x.p.Return(x.ctx, x.begin(personRecord).v, secret)
		},
		"without a session":    func(x *walk, secret string) error { return x.p.DiscardAnswer(x.ctx, secret) },
		"without the secret":   func(x *walk, _ string) error { return x.p.Return(x.ctx, x.v, "") },
		"with a wrong secret":  func(x *walk, _ string) error { return x.p.Return(x.ctx, x.v, "wrong") },
		"more than 10 minutes": func(x *walk, s string) error { x.clock.Advance(11 * time.Minute); return x.p.Return(x.ctx, x.v, s) },
	} {
		t.Run(name, func(t *testing.T) {
			x := newWorld(t).begin(personRecord).to(workflow.AtProvider)
			secret, err := x.answer(x.view().Qualification.Login.ID, anna)
			x.must(err)
			before := x.form()
			if err := come(x, secret); err != nil && !errors.Is(err, workflow.ErrElsewhere) {
				t.Errorf("the answer is %v", err)
			}
			if x.form() != before {
				t.Error("something changed")
			}
			if err := x.p.Return(x.ctx, x.v, secret); !errors.Is(err, workflow.ErrElsewhere) {
				t.Errorf("it was not destroyed: %v", err)
			}
			x.want(workflow.AtProvider)
			var parked int
			x.must(x.db.Pool().QueryRow(x.ctx, `select count(*) from logins where answer is not null`).Scan(&parked))
			if parked != 0 {
				t.Error("the person's data are kept")
			}
		})
	}
}

func TestAFailedLogin(t *testing.T) {
	x := newWorld(t).begin(personRecord).to(workflow.AtProvider)
	secret, err := x.fail(x.view().Qualification.Login.ID, "nr25")
	x.must(err)
	var failed *workflow.LoginError
	if err := x.p.Return(x.ctx, x.v, secret); !errors.As(err, &failed) || failed.Code != "nr25" {
		t.Errorf("the answer is %v", err)
	}
	x.want(workflow.Identification)
	x.must(x.logIn(anna))
	x.want(workflow.Identified)
}

func TestRequestAndResponseAreArchivedForTheAuditor(t *testing.T) {
	x := newWorld(t).begin(personRecord).to(workflow.Identified)
	var sealed [][]byte
	rows, err := x.db.Pool().Query(x.ctx, `select sealed from messages order by at, id`)
	x.must(err)
	for rows.Next() {
		var s []byte
		x.must(rows.Scan(&s))
		sealed = append(sealed, s)
	}
	if len(sealed) != 2 {
		t.Fatalf("%d messages are archived, want request and response", len(sealed))
	}
}

// An answer may come while a step runs, which has read the login without it.
func TestAStepDoesNotDestroyAnAnswer(t *testing.T) {
	x := newWorld(t).begin(personRecord).to(workflow.Identification)
	for range 20 {
		x.clock.Advance(8 * time.Minute) // for as many hand-offs as follow
		login, err := x.startLogin(x.v)
		x.must(err)
		var steps sync.WaitGroup
		for i := range 4 {
			steps.Go(func() { x.enter(fmt.Sprint("browser ", i)) })
			steps.Go(func() {
				_ = x.db.Update(x.ctx, x.mailbox, func(c *workflow.Case) error {
					c.Added = append(c.Added, workflow.Decision{ID: uuid.New(), Qualification: c.Qualification.ID, DecidedAt: x.clock.Now()})
					return nil
				})
			})
		}
		secret, err := x.answer(login, anna)
		x.must(err)
		steps.Wait()
		x.must(x.p.Return(x.ctx, x.v, secret))
		x.want(workflow.Identified)
		x.must(x.p.DisownIdentity(x.ctx, x.v, x.form()))
	}
}

// The log names the messages by their digests, so that the archive can be held
// against it.
func TestTheLogHasTheDigestsOfTheMessages(t *testing.T) {
	x := newWorld(t).begin(personRecord).to(workflow.Identified)
	h, err := x.db.History(x.ctx, x.mailbox, 0)
	x.must(err)
	messages, err := x.db.OpenArchive(x.ctx, x.view().Qualification.Login.ID, storetest.Auditor)
	x.must(err)
	last := len(h.Steps) - 1
	if got := h.Steps[last-1].Refs["request_sha256"]; got != messages[0].SHA256() || !messages[0].Logged {
		t.Errorf("the request's digest is %q", got)
	}
	if got := h.Steps[last].Refs["response_sha256"]; got != messages[1].SHA256() || !messages[1].Logged {
		t.Errorf("the response's digest is %q", got)
	}
}

func TestALapseEndsTheCode(t *testing.T) {
	x := newWorld(t).begin(personRecord).to(workflow.CodeEntry)
	if err := x.p.ConfirmIdentity(x.ctx, x.enter("second browser"), x.form()); !errors.Is(err, workflow.ErrLapsed) {
		t.Fatalf("the answer is %v", err)
	}
	if x.view().Codes[0].SpentAt.IsZero() {
		t.Error("the code lives on")
	}
	h, err := x.db.History(x.ctx, x.mailbox, 0)
	x.must(err)
	if refs := h.Steps[len(h.Steps)-1].Refs; refs["login"] == "" || refs["identity"] == "" {
		t.Errorf("the log says %v", refs)
	}
}
