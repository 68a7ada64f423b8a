package store_test

import (
	"context"
	"errors"
	"testing"
	"time"

	"stella/store/storetest"
	"stella/workflow"
	"stella/workflow/qualification"
)

// The newest of several suspensions counts, and a resumption ends it.
func TestSuspensions(t *testing.T) {
	w := newWorld(t)
	at := func(minutes int) time.Time { return w.Clock.Now().Add(time.Duration(minutes) * time.Minute) }
	suspend := func(provider string, since, decided int) {
		storetest.Must(t, w.Suspend(t.Context(), workflow.Suspension{
			Provider:    provider,
			Since:       at(since),
			Reason:      "rubate",
			Operator:    "paolo",
			SuspendedAt: at(decided),
		}))
	}
	suspend("a", -90, 0)
	suspend("a", -60, 1) // a correction
	storetest.Must(t, w.Resume(t.Context(), "a", "maria", "", at(5)))
	storetest.Must(t, w.Resume(t.Context(), "a", "maria", "", at(6))) // no effect
	suspend("a", 7, 8)
	suspend("b", 0, 2)
	storetest.Must(t, w.Resume(t.Context(), "c", "maria", "", at(9))) // was not suspended
	got, err := w.Suspensions(t.Context())
	storetest.Must(t, err)
	want := []workflow.Suspension{
		{Provider: "a", Since: at(-60), Until: at(5), SuspendedAt: at(1)},
		{Provider: "a", Since: at(7), SuspendedAt: at(8)},
		{Provider: "b", Since: at(0), SuspendedAt: at(2)},
	}
	if len(got) != len(want) {
		t.Fatalf("%+v", got)
	}
	for i, g := range got {
		x := want[i]
		if g.Provider != x.Provider || !g.Since.Equal(x.Since) || !g.Until.Equal(x.Until) || !g.SuspendedAt.Equal(x.SuspendedAt) ||
			g.Reason != "rubate" || g.Operator != "paolo" {
			t.Errorf("%+v, want %+v", g, x)
		}
	}
	// Every case contains them.
	if c := w.RecordInState(t, qualification.HolderChoice).Case(); len(c.Suspensions) != len(want) {
		t.Errorf("the case contains %+v", c.Suspensions)
	}
}

func TestGivenBy(t *testing.T) {
	w := newWorld(t)
	w.RecordInState(t, qualification.Qualified) // before since
	w.Clock.Advance(time.Hour)
	since := w.Clock.Now()
	starred := w.RecordInState(t, qualification.Qualified).Case()
	w.Clock.Advance(time.Minute)
	revoked := w.RecordInState(t, qualification.Revoked).Case()
	w.RecordInState(t, qualification.CodeEntry) // no star yet
	w.RecordInState(t, qualification.Rejected)
	given, err := w.GivenBy(t.Context(), storetest.Provider, since)
	storetest.Must(t, err)
	if len(given) != 2 {
		t.Fatalf("%+v", given)
	}
	for i, c := range []*qualification.Case{starred, revoked} {
		q := c.Qualification
		g := given[i]
		if g.Address != c.Mailbox.Address || g.Number != q.Number || !g.IdentifiedAt.Equal(q.Identity.IdentifiedAt) ||
			g.State != q.State || g.QualifiedAt.Before(g.IdentifiedAt) {
			t.Errorf("%+v, want %+v", g, q)
		}
	}
	if others, err := w.GivenBy(t.Context(), "https://other.example", since); err != nil || len(others) != 0 {
		t.Errorf("stars of another provider: %+v, %v", others, err)
	}
}

// GivenBy waits for running transactions, because they may still give a star.
func TestGivenByWaitsForRunningTransactions(t *testing.T) {
	w := newWorld(t)
	j := w.RecordInState(t, qualification.Summary)
	err := w.Update(t.Context(), j.Mailbox, func(*qualification.Case) error {
		short, cancel := context.WithTimeout(t.Context(), 100*time.Millisecond)
		defer cancel()
		_, err := w.GivenBy(short, storetest.Provider, w.Clock.Now())
		return err
	})
	if !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("while a step is running: %v", err)
	}
	_, err = w.GivenBy(t.Context(), storetest.Provider, w.Clock.Now())
	storetest.Must(t, err)
}
