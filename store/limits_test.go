package store_test

import (
	"errors"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"

	"stella/store"
	"stella/store/storetest"
	"stella/workflow"
	"stella/workflow/qualification"
)

// ten allows ten an hour, that is, one every six minutes.
var ten = workflow.Limit{Name: "ten", Burst: 10, Span: time.Hour}

func newSpend(times int, at time.Time) workflow.Spend {
	return workflow.Spend{Limit: ten, Subject: []byte("subject"), Times: times, At: at}
}

// mustSpend checks that the limit allows a number of uses at a time, and counts them.
func mustSpend(t *testing.T, s *store.Store, times int, at time.Time) {
	t.Helper()
	if err := s.Spend(t.Context(), newSpend(times, at)); err != nil {
		t.Fatalf("%d at %s: %v", times, at.Format(time.TimeOnly), err)
	}
}

// mustRefuse checks that the limit refuses a number of uses at a time, and from when
// it allows them.
func mustRefuse(t *testing.T, s *store.Store, times int, at, until time.Time) {
	t.Helper()
	err := s.Spend(t.Context(), newSpend(times, at))
	var limit *workflow.LimitError
	if !errors.As(err, &limit) || limit.Limit != "ten" || !limit.Until.Equal(until) {
		t.Fatalf("%d at %s: %v until %v, want %s", times, at.Format(time.TimeOnly), err, limit, until.Format(time.TimeOnly))
	}
}

func TestLimitIsSpentAndRecovers(t *testing.T) {
	t.Parallel()
	s, noon := storetest.New(t), storetest.NewClock().Now()
	for range 10 {
		mustSpend(t, s, 1, noon)
	}
	for range 3 { // a refused use does not count
		mustRefuse(t, s, 1, noon, noon.Add(6*time.Minute))
	}
	mustRefuse(t, s, 2, noon, noon.Add(12*time.Minute))
	mustRefuse(t, s, 1, noon.Add(6*time.Minute-time.Microsecond), noon.Add(6*time.Minute))
	mustSpend(t, s, 1, noon.Add(6*time.Minute))
	mustRefuse(t, s, 1, noon.Add(6*time.Minute), noon.Add(12*time.Minute))
	if err := s.Spend(t.Context(), workflow.Spend{Limit: ten, Subject: []byte("other subject"), Times: 10, At: noon}); err != nil {
		t.Errorf("another subject: %v", err)
	}
	// After a day the limit is full, and not fuller than the burst.
	mustSpend(t, s, 10, noon.Add(24*time.Hour))
	mustRefuse(t, s, 1, noon.Add(24*time.Hour), noon.Add(24*time.Hour+6*time.Minute))
}

func TestConcurrentSpendsOnTwoInstances(t *testing.T) {
	t.Parallel()
	url, noon := storetest.URL(t), storetest.NewClock().Now()
	var instances [2]*store.Store
	for i := range instances {
		var err error
		instances[i], err = store.Open(t.Context(), url, nil)
		storetest.Must(t, err)
		defer instances[i].Close()
	}
	var spent atomic.Int32
	var all sync.WaitGroup
	for i := range 50 {
		all.Go(func() {
			err := instances[i%2].Spend(t.Context(), newSpend(1, noon))
			var limit *workflow.LimitError
			switch {
			case err == nil:
				spent.Add(1)
			case !errors.As(err, &limit) || !limit.Until.Equal(noon.Add(6*time.Minute)):
				t.Errorf("%v %+v", err, limit)
			}
		})
	}
	all.Wait()
	if spent.Load() != 10 {
		t.Errorf("%d of 50 were allowed, want 10", spent.Load())
	}
}

// The clocks of instances may differ, and may be set back.
func TestLimitsIfClockGoesBack(t *testing.T) {
	t.Parallel()
	s, noon := storetest.New(t), storetest.NewClock().Now()
	mustSpend(t, s, 10, noon)
	// If the clock goes back a little, earlier uses still count, and the time of retry
	// is the same.
	mustRefuse(t, s, 1, noon.Add(-time.Second), noon.Add(6*time.Minute))
	mustRefuse(t, s, 1, noon.Add(-time.Hour), noon.Add(6*time.Minute))
	// A time written by a clock that was a day ahead is ignored.
	yesterday := noon.Add(-24 * time.Hour)
	mustSpend(t, s, 10, yesterday)
	mustRefuse(t, s, 1, yesterday, yesterday.Add(6*time.Minute))
	mustSpend(t, s, 1, yesterday.Add(6*time.Minute))
}

func TestFailedStepSpendsNothing(t *testing.T) {
	t.Parallel()
	w := storetest.NewWorld(t)
	j := w.Record(t, storetest.AnnasRecord)
	noon := w.Clock.Now()
	for range 3 {
		// The second row fails after the first was written, as if the process ended
		// between them.
		err := w.Update(t.Context(), j.Mailbox, func(c *qualification.Case) error {
			c.Added = append(c.Added, newSpend(10, noon), nil)
			return nil
		})
		if err == nil {
			t.Fatal("a row without a table was written")
		}
	}
	mustSpend(t, w.Store, 10, noon)
	// A step that exceeds a limit is rolled back completely.
	err := w.Update(t.Context(), j.Mailbox, func(c *qualification.Case) error {
		c.Mailbox.Ordinary = "changed@mail.example"
		c.Added = append(c.Added, newSpend(1, noon))
		return nil
	})
	var limit *workflow.LimitError
	if !errors.As(err, &limit) || !limit.Until.Equal(noon.Add(6*time.Minute)) {
		t.Errorf("%v", err)
	}
	if got := j.Case().Mailbox.Ordinary; got != "" {
		t.Errorf("a part of the step was written: %s", got)
	}
}

// A process that is killed while it counts blocks no other process, and counts nothing.
func TestKilledInstanceReleasesLimit(t *testing.T) {
	t.Parallel()
	url, noon := storetest.URL(t), storetest.NewClock().Now()
	s, err := store.Open(t.Context(), url, nil)
	storetest.Must(t, err)
	defer s.Close()
	mustSpend(t, s, 1, noon)
	dying, err := pgx.Connect(t.Context(), url)
	storetest.Must(t, err)
	tx, err := dying.Begin(t.Context())
	storetest.Must(t, err)
	_, err = tx.Exec(t.Context(), `update limits set arrival = arrival + interval '54 minutes'`)
	storetest.Must(t, err)
	waiting := make(chan error)
	go func() { waiting <- s.Spend(t.Context(), newSpend(9, noon)) }()
	storetest.LockAwaited(t, s) // the lock of the dying connection
	_, err = s.Pool().Exec(t.Context(), `select pg_terminate_backend($1)`, int(dying.PgConn().PID()))
	storetest.Must(t, err)
	storetest.Must(t, <-waiting)
	mustRefuse(t, s, 1, noon, noon.Add(6*time.Minute))
}

func BenchmarkSpend(b *testing.B) {
	s, now := storetest.New(b), storetest.NewClock().Now()
	for b.Loop() {
		sp := workflow.Spend{Limit: workflow.Limit{Name: "large", Burst: 1e6, Span: time.Hour}, Subject: []byte("x"), Times: 1, At: now}
		storetest.Must(b, s.Spend(b.Context(), sp))
	}
}
