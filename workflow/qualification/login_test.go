package qualification_test

import (
	"errors"
	"testing"
	"time"

	"github.com/google/uuid"

	"stella/store/storetest"
	"stella/workflow"
	"stella/workflow/qualification"
)

// A login is valid for 30 minutes, in the browser session that made it. Another session
// cannot continue with it.
func TestOtherSessionCannotContinue(t *testing.T) {
	steps := map[qualification.State]func(*storetest.Journey, workflow.Visitor) error{
		qualification.Identified: func(x *storetest.Journey, v workflow.Visitor) error {
			return x.Procedure.ConfirmIdentity(x.Context(), v, x.Form())
		},
		qualification.Contract: func(x *storetest.Journey, v workflow.Visitor) error {
			return x.Procedure.AcknowledgeContract(x.Context(), v, x.Form(), storetest.Notice)
		},
		qualification.CodeEntry: func(x *storetest.Journey, v workflow.Visitor) error {
			return x.Procedure.TypeCode(x.Context(), v, x.Form(), x.Code())
		},
	}
	for state, step := range steps {
		t.Run("a second browser at "+string(state), func(t *testing.T) {
			x := reach(t, state)
			second := x.Enter("second browser")
			if s := x.Case().Stage(second); s != qualification.Identification {
				t.Errorf("the visitor sees %s", s)
			}
			if s := x.Case().Stage(x.Visitor); s != state {
				t.Errorf("the first browser sees %s, want %s", s, state)
			}
			if err := step(x, second); !errors.Is(err, qualification.ErrLoginExpired) {
				t.Errorf("unexpected error: %v", err)
			}
			x.WantState(qualification.Identification)
			if x.Case().Qualification.Declaration.Email == "" {
				t.Error("the entered data were lost")
			}
		})
		t.Run("a session older than the login at "+string(state), func(t *testing.T) {
			x := reach(t, state)
			x.Clock.Advance(workflow.LoginLife)
			if s := x.Case().Stage(x.Visitor); s != qualification.Identification {
				t.Errorf("the visitor sees %s", s)
			}
			if err := step(x, x.Visitor); !errors.Is(err, qualification.ErrLoginExpired) {
				t.Errorf("unexpected error: %v", err)
			}
			x.WantState(qualification.Identification)
		})
	}
}

func TestAnswerIsAppliedOnce(t *testing.T) {
	x := reach(t, qualification.AtProvider)
	login := x.Case().Qualification.Login.ID
	secret, err := x.Park(login, x.Answer(storetest.Anna))
	x.Must(err)
	if _, err := x.Park(login, x.Answer(storetest.Anna)); !errors.Is(err, workflow.ErrUnknown) {
		t.Errorf("second answer: error %v", err)
	}
	x.Must(x.Procedure.Return(x.Context(), x.Visitor, secret))
	x.WantState(qualification.Identified)
	if err := x.Procedure.Return(x.Context(), x.Visitor, secret); !errors.Is(err, qualification.ErrNotOwner) {
		t.Errorf("second use of the secret: error %v", err)
	}
}

func TestOnlyNewestRequestIsAnswered(t *testing.T) {
	x := reach(t, qualification.AtProvider)
	old := x.Case().Qualification.Login.ID
	_, err := x.StartLogin(x.Visitor)
	x.Must(err)
	secret, err := x.Park(old, x.Answer(storetest.Anna))
	x.Must(err)
	if err := x.Procedure.Return(x.Context(), x.Visitor, secret); !errors.Is(err, qualification.ErrNotOwner) {
		t.Errorf("answer to an older request: error %v", err)
	}
	x.WantState(qualification.AtProvider)
}

// The answer is applied only if the one-time secret comes with the session that sent
// the request. The first visit without both deletes the answer.
func TestAnswerInOtherBrowserIsDeleted(t *testing.T) {
	for name, visit := range map[string]func(x *storetest.Journey, secret string) error{
		"with another session": func(x *storetest.Journey, secret string) error {
			return x.Procedure.Return(x.Context(), x.Enter("second browser"), secret)
		},
		"with another mailbox's session": func(x *storetest.Journey, secret string) error {
			return x.Procedure.Return(x.Context(), x.RecordInState(x, qualification.HolderChoice).Visitor, secret)
		},
		"without a session":   func(x *storetest.Journey, secret string) error { return x.Logins.DiscardAnswer(x.Context(), secret) },
		"without the secret":  func(x *storetest.Journey, _ string) error { return x.Procedure.Return(x.Context(), x.Visitor, "") },
		"with a wrong secret": func(x *storetest.Journey, _ string) error { return x.Procedure.Return(x.Context(), x.Visitor, "wrong") },
		"after more than 10 minutes": func(x *storetest.Journey, s string) error {
			x.Clock.Advance(11 * time.Minute)
			return x.Procedure.Return(x.Context(), x.Visitor, s)
		},
	} {
		t.Run(name, func(t *testing.T) {
			x := reach(t, qualification.AtProvider)
			secret, err := x.Park(x.Case().Qualification.Login.ID, x.Answer(storetest.Anna))
			x.Must(err)
			before := x.Form()
			if err := visit(x, secret); err != nil && !errors.Is(err, qualification.ErrNotOwner) {
				t.Errorf("unexpected error: %v", err)
			}
			if x.Form() != before {
				t.Error("the qualification changed")
			}
			if err := x.Procedure.Return(x.Context(), x.Visitor, secret); !errors.Is(err, qualification.ErrNotOwner) {
				t.Errorf("the answer was not deleted: error %v", err)
			}
			x.WantState(qualification.AtProvider)
			var parked int
			x.Must(x.Pool().QueryRow(x.Context(), `select count(*) from logins where answer is not null`).Scan(&parked))
			if parked != 0 {
				t.Error("the person's data are still stored")
			}
		})
	}
}

func TestFailedLogin(t *testing.T) {
	x := reach(t, qualification.AtProvider)
	secret, err := x.Park(x.Case().Qualification.Login.ID, workflow.Answer{Failure: "nr25"})
	x.Must(err)
	var failed *qualification.LoginError
	if err := x.Procedure.Return(x.Context(), x.Visitor, secret); !errors.As(err, &failed) || failed.Code != "nr25" {
		t.Errorf("unexpected error: %v", err)
	}
	x.WantState(qualification.Identification)
	x.Must(logInAs(x, storetest.Anna))
	x.WantState(qualification.Identified)
}

// An answer may arrive during a step that has read the login without it.
func TestStepKeepsConcurrentAnswer(t *testing.T) {
	x := reach(t, qualification.AtProvider)
	login := x.Case().Qualification.Login.ID
	var secret string
	parked := make(chan error, 1)
	x.Must(x.Update(x.Context(), x.Mailbox, func(c *qualification.Case) error {
		go func() {
			var err error
			secret, err = x.Park(login, x.Answer(storetest.Anna))
			parked <- err
		}()
		waitForLock(x, parked)
		c.Added = append(c.Added, workflow.Decision{ID: uuid.New(), Qualification: c.Qualification.ID, DecidedAt: x.Clock.Now()})
		return nil
	}))
	x.Must(<-parked)
	x.Must(x.Procedure.Return(x.Context(), x.Visitor, secret))
	x.WantState(qualification.Identified)
}

// Request and response are archived for the auditor, and the log contains their
// digests, so that the archive can be verified.
func TestLogContainsMessageDigests(t *testing.T) {
	x := reach(t, qualification.Identified)
	h := x.History()
	messages, err := x.OpenArchive(x.Context(), x.Case().Qualification.Login.ID, storetest.Auditor)
	x.Must(err)
	if len(messages) != 2 || string(messages[0].Body) != "<AuthnRequest/>" || string(messages[1].Body) != "<Response/>" {
		t.Fatalf("archived messages: %+v", messages)
	}
	last := len(h.Steps) - 1
	if got := h.Steps[last-1].Refs["request_sha256"]; got != messages[0].SHA256() || !messages[0].Logged {
		t.Errorf("logged digest of the request: %q", got)
	}
	if got := h.Steps[last].Refs["response_sha256"]; got != messages[1].SHA256() || !messages[1].Logged {
		t.Errorf("logged digest of the response: %q", got)
	}
}

func TestExpiredLoginInvalidatesCode(t *testing.T) {
	x := reach(t, qualification.CodeEntry)
	if err := x.Procedure.ConfirmIdentity(x.Context(), x.Enter("second browser"), x.Form()); !errors.Is(err, qualification.ErrLoginExpired) {
		t.Fatalf("unexpected error: %v", err)
	}
	var valid int
	x.Must(x.Pool().QueryRow(x.Context(), `select count(*) from codes where spent_at is null`).Scan(&valid))
	if valid != 0 {
		t.Error("the code is still valid")
	}
	h := x.History()
	if refs := h.Steps[len(h.Steps)-1].Refs; refs["login"] == "" || refs["identity"] == "" {
		t.Errorf("logged references: %v", refs)
	}
}
