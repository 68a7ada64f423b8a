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
)

// ten an hour: one more every six minutes.
var ten = workflow.Limit{Name: "ten", Burst: 10, Span: time.Hour}

func take(times int, at time.Time) workflow.Spend {
	return workflow.Spend{Limit: ten, Subject: []byte("somebody"), Times: times, At: at}
}

// spends checks that there is room at a time.
func spends(t *testing.T, s *store.Store, times int, at time.Time) {
	t.Helper()
	if err := s.Spend(t.Context(), take(times, at)); err != nil {
		t.Fatalf("%d at %s: %v", times, at.Format(time.TimeOnly), err)
	}
}

// tooMuch checks that there is none, and from when on there is.
func tooMuch(t *testing.T, s *store.Store, times int, at, until time.Time) {
	t.Helper()
	err := s.Spend(t.Context(), take(times, at))
	var limit *workflow.LimitError
	if !errors.As(err, &limit) || limit.Limit != "ten" || !limit.Until.Equal(until) {
		t.Fatalf("%d at %s: %v until %v, want %s", times, at.Format(time.TimeOnly), err, limit, until.Format(time.TimeOnly))
	}
}

func TestALimitIsSpentAndComesBack(t *testing.T) {
	t.Parallel()
	s, noon := storetest.New(t), storetest.NewClock().Now()
	for range 10 {
		spends(t, s, 1, noon)
	}
	for range 3 { // what is refused spends nothing
		tooMuch(t, s, 1, noon, noon.Add(6*time.Minute))
	}
	tooMuch(t, s, 2, noon, noon.Add(12*time.Minute))
	tooMuch(t, s, 1, noon.Add(6*time.Minute-time.Microsecond), noon.Add(6*time.Minute))
	spends(t, s, 1, noon.Add(6*time.Minute))
	tooMuch(t, s, 1, noon.Add(6*time.Minute), noon.Add(12*time.Minute))
	if err := s.Spend(t.Context(), workflow.Spend{Limit: ten, Subject: []byte("somebody else"), Times: 10, At: noon}); err != nil {
		t.Errorf("another subject: %v", err)
	}
	// Whole again, and no fuller than that.
	spends(t, s, 10, noon.Add(24*time.Hour))
	tooMuch(t, s, 1, noon.Add(24*time.Hour), noon.Add(24*time.Hour+6*time.Minute))
}

func TestFiftyAtOnceOnTwoInstancesSpendTheBurst(t *testing.T) {
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
			err := instances[i%2].Spend(t.Context(), take(1, noon))
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
		t.Errorf("%d of 50 got through, want 10", spent.Load())
	}
}

// Clocks of instances differ, and are set back.
func TestLimitsAndClocksThatGoBack(t *testing.T) {
	t.Parallel()
	s, noon := storetest.New(t), storetest.NewClock().Now()
	spends(t, s, 10, noon)
	// A little back, everything still counts, and the time told is the same.
	tooMuch(t, s, 1, noon.Add(-time.Second), noon.Add(6*time.Minute))
	tooMuch(t, s, 1, noon.Add(-time.Hour), noon.Add(6*time.Minute))
	// What a clock wrote that was a day ahead shuts nobody out for a day.
	yesterday := noon.Add(-24 * time.Hour)
	spends(t, s, 10, yesterday)
	tooMuch(t, s, 1, yesterday, yesterday.Add(6*time.Minute))
	spends(t, s, 1, yesterday.Add(6*time.Minute))
}

func TestAStepThatIsUndoneSpendsNothing(t *testing.T) {
	t.Parallel()
	w := storetest.NewWorld(t)
	j := w.Record(t, storetest.AnnasRecord)
	noon := w.Clock.Now()
	for range 3 {
		// The row is written before one that fails, as if the process ends between them.
		err := w.Update(t.Context(), j.Mailbox, func(c *workflow.Case) error {
			c.Added = append(c.Added, take(10, noon), nil)
			return nil
		})
		if err == nil {
			t.Fatal("a step with a row of no table was made")
		}
	}
	spends(t, w.Store, 10, noon)
	// And what a limit refuses is undone as a whole.
	err := w.Update(t.Context(), j.Mailbox, func(c *workflow.Case) error {
		c.Mailbox.Ordinary = "changed@mail.example"
		c.Added = append(c.Added, take(1, noon))
		return nil
	})
	var limit *workflow.LimitError
	if !errors.As(err, &limit) || !limit.Until.Equal(noon.Add(6*time.Minute)) {
		t.Errorf("%v", err)
	}
	if got := j.Case().Mailbox.Ordinary; got != "" {
		t.Errorf("half a step was made: %s", got)
	}
}

// A process that is killed while it spends holds up nobody, and spends nothing.
func TestAKilledInstanceHoldsNoLimit(t *testing.T) {
	t.Parallel()
	url, noon := storetest.URL(t), storetest.NewClock().Now()
	s, err := store.Open(t.Context(), url, nil)
	storetest.Must(t, err)
	defer s.Close()
	spends(t, s, 1, noon)
	dying, err := pgx.Connect(t.Context(), url)
	storetest.Must(t, err)
	tx, err := dying.Begin(t.Context())
	storetest.Must(t, err)
	_, err = tx.Exec(t.Context(), `update limits set arrival = arrival + interval '54 minutes'`)
	storetest.Must(t, err)
	waiting := make(chan error)
	go func() { waiting <- s.Spend(t.Context(), take(9, noon)) }()
	storetest.LockAwaited(t, s) // which the one that is about to die holds
	_, err = s.Pool().Exec(t.Context(), `select pg_terminate_backend($1)`, int(dying.PgConn().PID()))
	storetest.Must(t, err)
	storetest.Must(t, <-waiting)
	tooMuch(t, s, 1, noon, noon.Add(6*time.Minute))
}

func BenchmarkSpend(b *testing.B) {
	s, now := storetest.New(b), storetest.NewClock().Now()
	for b.Loop() {
		sp := workflow.Spend{Limit: workflow.Limit{Name: "large", Burst: 1e6, Span: time.Hour}, Subject: []byte("x"), Times: 1, At: now}
		storetest.Must(b, s.Spend(b.Context(), sp))
	}
}
