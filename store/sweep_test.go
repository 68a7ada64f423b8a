package store_test

import (
	"context"
	"slices"
	"testing"
	"time"

	"stella/store/storetest"
	"stella/workflow"
	"stella/workflow/qualification"
)

func TestSweep(t *testing.T) {
	w := newWorld(t)
	old, young := newBrowser(t, w, 1).open(), newBrowser(t, w, 1)
	j := w.RecordInState(t, qualification.AtProvider)
	login := j.Case().Qualification.Login.ID
	storetest.Must(t, w.ClaimAnswer(t.Context(), login, w.Answer(storetest.Anna), response(login, w)))
	count := func(table string) (n int) {
		storetest.Must(t, w.Pool().QueryRow(t.Context(), `select count(*) from `+table).Scan(&n))
		return n
	}

	w.Clock.Advance(workflow.AnswerLife)
	young.open()
	storetest.Must(t, w.Sweep(t.Context(), w.Clock.Now()))
	if count("sessions") != 3 || count("handoffs") != 1 || !hasAnswer(t, w, login) {
		t.Errorf("%d sessions, %d hand-offs, answer stored %v; want 3, 1, true",
			count("sessions"), count("handoffs"), hasAnswer(t, w, login))
	}
	w.Clock.Advance(workflow.SessionIdle + workflow.SessionTouch - workflow.AnswerLife + time.Second)
	storetest.Must(t, w.Sweep(t.Context(), w.Clock.Now()))
	if count("sessions") != 3 || hasAnswer(t, w, login) {
		t.Errorf("%d sessions, answer stored %v; want 3, false", count("sessions"), hasAnswer(t, w, login))
	}
	// Ended sessions and used hand-offs are kept for a while, for the reason of the end
	// and to detect a second use.
	old.checkEnded(workflow.SessionWasIdle)
	w.Clock.Advance(workflow.SessionKept)
	storetest.Must(t, w.Sweep(t.Context(), w.Clock.Now()))
	if count("sessions") != 1 {
		t.Errorf("%d sessions, want 1: the session that ended a day ago must be deleted", count("sessions"))
	}
	w.Clock.Advance(time.Hour)
	storetest.Must(t, w.Sweep(t.Context(), w.Clock.Now()))
	if count("sessions") != 0 || count("handoffs") != 0 {
		t.Errorf("%d sessions, %d hand-offs; want none", count("sessions"), count("handoffs"))
	}
	if n := count("steps"); n == 0 || count("logins") != 1 || count("messages") != 2 {
		t.Errorf("the sweep deleted evidence: %d steps, %d logins, %d messages are left", n, count("logins"), count("messages"))
	}
}

func TestSweepDeletesFullLimits(t *testing.T) {
	t.Parallel()
	s, noon := storetest.New(t), storetest.NewClock().Now()
	mustSpend(t, s, 5, noon)
	count := func(at time.Time) (n int) {
		storetest.Must(t, s.Sweep(t.Context(), at))
		storetest.Must(t, s.Pool().QueryRow(t.Context(), `select count(*) from limits`).Scan(&n))
		return n
	}
	if n := count(noon.Add(30 * time.Minute)); n != 1 {
		t.Errorf("%d rows, want 1: the limit is not yet full", n)
	}
	if n := count(noon.Add(30*time.Minute + time.Second)); n != 0 {
		t.Errorf("%d rows are left", n)
	}
}

// A sweep never waits for a step, because the step may wait for another row that the
// sweep has deleted.
func TestSweepDoesNotWaitForSteps(t *testing.T) {
	t.Parallel()
	s, noon := storetest.New(t), storetest.NewClock().Now()
	mustSpend(t, s, 1, noon)
	other := newSpend(1, noon)
	other.Subject = []byte("other subject")
	storetest.Must(t, s.Spend(t.Context(), other))
	step, err := s.Pool().Begin(t.Context())
	storetest.Must(t, err)
	defer step.Rollback(context.Background())
	_, err = step.Exec(t.Context(), `select from limits where subject = 'subject' for update`)
	storetest.Must(t, err)

	soon, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	left := func() (all []string) {
		storetest.Must(t, s.Sweep(soon, noon.Add(time.Hour)))
		storetest.Must(t, s.Pool().QueryRow(soon, `select array_agg(convert_from(subject, 'UTF8')) from limits`).Scan(&all))
		return all
	}
	if all := left(); !slices.Equal(all, []string{"subject"}) {
		t.Errorf("the rows %v are left, want the row that the step has locked", all)
	}
	storetest.Must(t, step.Rollback(soon))
	if all := left(); len(all) != 0 {
		t.Errorf("the rows %v are left after the end of the step", all)
	}
}
