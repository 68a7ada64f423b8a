package store_test

import (
	"context"
	"slices"
	"testing"
	"time"

	"stella/store/storetest"
	"stella/workflow"
)

func TestWhatIsOverIsSweptAway(t *testing.T) {
	w := newWorld(t)
	old, young := newBrowser(t, w, 1).enter(), newBrowser(t, w, 1)
	j := w.Reach(t, workflow.AtProvider)
	login := j.Case().Qualification.Login.ID
	storetest.Must(t, w.ClaimAnswer(t.Context(), login, w.Answer(storetest.Anna), response(login, w)))
	count := func(table string) (n int) {
		storetest.Must(t, w.Pool().QueryRow(t.Context(), `select count(*) from `+table).Scan(&n))
		return n
	}

	w.Clock.Advance(workflow.AnswerLife)
	young.enter()
	storetest.Must(t, w.Sweep(t.Context(), w.Clock.Now()))
	if count("sessions") != 2 || count("handoffs") != 1 || !parked(t, w, login) {
		t.Errorf("%d sessions, %d hand-offs, the answer %v: all still count", count("sessions"), count("handoffs"), parked(t, w, login))
	}
	w.Clock.Advance(workflow.SessionIdle - workflow.AnswerLife + time.Second)
	storetest.Must(t, w.Sweep(t.Context(), w.Clock.Now()))
	if count("sessions") != 2 || parked(t, w, login) {
		t.Errorf("%d sessions, the answer %v", count("sessions"), parked(t, w, login))
	}
	// What ended is kept for a while: why a session did, and a hand-off's second
	// use, are worth knowing.
	old.ended(workflow.SessionWasIdle)
	w.Clock.Advance(workflow.SessionKept)
	storetest.Must(t, w.Sweep(t.Context(), w.Clock.Now()))
	if count("sessions") != 1 {
		t.Errorf("%d sessions, want the one that ended a day ago swept", count("sessions"))
	}
	w.Clock.Advance(time.Hour)
	storetest.Must(t, w.Sweep(t.Context(), w.Clock.Now()))
	if count("sessions") != 0 || count("handoffs") != 0 {
		t.Errorf("%d sessions, %d hand-offs", count("sessions"), count("handoffs"))
	}
	if n := count("steps"); n == 0 || count("logins") != 1 || count("messages") != 2 {
		t.Errorf("the sweep took what is to be kept: %d steps, %d logins, %d messages", n, count("logins"), count("messages"))
	}
}

func TestLimitsThatAreWholeAreSwept(t *testing.T) {
	t.Parallel()
	s, noon := storetest.New(t), storetest.NewClock().Now()
	spends(t, s, 5, noon)
	count := func(at time.Time) (n int) {
		storetest.Must(t, s.Sweep(t.Context(), at))
		storetest.Must(t, s.Pool().QueryRow(t.Context(), `select count(*) from limits`).Scan(&n))
		return n
	}
	if n := count(noon.Add(30 * time.Minute)); n != 1 {
		t.Errorf("%d rows, want that which counts", n)
	}
	if n := count(noon.Add(30*time.Minute + time.Second)); n != 0 {
		t.Errorf("%d rows are left", n)
	}
}

// A step may hold one row and want another that is being swept: so a sweep never
// waits for a step.
func TestASweepWaitsForNoStep(t *testing.T) {
	t.Parallel()
	s, noon := storetest.New(t), storetest.NewClock().Now()
	spends(t, s, 1, noon)
	other := take(1, noon)
	other.Subject = []byte("somebody else")
	storetest.Must(t, s.Spend(t.Context(), other))
	step, err := s.Pool().Begin(t.Context())
	storetest.Must(t, err)
	defer step.Rollback(context.Background())
	_, err = step.Exec(t.Context(), `select from limits where subject = 'somebody' for update`)
	storetest.Must(t, err)

	soon, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	left := func() (all []string) {
		storetest.Must(t, s.Sweep(soon, noon.Add(time.Hour)))
		storetest.Must(t, s.Pool().QueryRow(soon, `select array_agg(convert_from(subject, 'UTF8')) from limits`).Scan(&all))
		return all
	}
	if all := left(); !slices.Equal(all, []string{"somebody"}) {
		t.Errorf("left are %v, want that of the step", all)
	}
	storetest.Must(t, step.Rollback(soon))
	if all := left(); len(all) != 0 {
		t.Errorf("left are %v once the step has ended", all)
	}
}
