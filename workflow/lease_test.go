package workflow_test

import (
	"errors"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"stella/store/storetest"
	"stella/workflow"
)

// calls asks for a mailbox the given number of times concurrently, and counts the
// answers.
func calls(t *testing.T, w *storetest.World, p *workflow.Provider, times int) (answered, refused int32) {
	var all sync.WaitGroup
	var yes, no atomic.Int32
	for range 8 {
		all.Go(func() {
			for range times / 8 {
				_, _, err := p.Summary(t.Context(), storetest.Token, "nobody@pec.example")
				var limit *workflow.LimitError
				switch {
				case errors.Is(err, workflow.ErrUnknown):
					yes.Add(1)
				case errors.As(err, &limit):
					no.Add(1)
				default:
					t.Error(err)
				}
			}
		})
	}
	all.Wait()
	return yes.Load(), no.Load()
}

const (
	countedCalls   = `select extract(epoch from arrival - $1) * 500 from limits where name = 'calls_per_client'`
	setCallArrival = `update limits set arrival = $1 where name = 'calls_per_client'`
)

func TestInstancesShareCallLimit(t *testing.T) {
	t.Parallel()
	w := storetest.NewWorld(t)
	another := func() *workflow.Provider {
		return &workflow.Provider{Store: w.Store, Keys: storetest.Keys, Now: w.Clock.Now}
	}
	one, two := another(), another()
	if yes, no := calls(t, w, one, 80); yes != 80 || no != 0 {
		t.Fatalf("%d answered, %d refused", yes, no)
	}
	count := func() (left int) {
		storetest.Must(t, w.Pool().QueryRow(t.Context(), countedCalls, w.Clock.Now()).Scan(&left))
		return left
	}
	if n := count(); n != 100 { // 80 calls, one write
		t.Fatalf("%d calls counted, want the 100 leased", n)
	}
	// 300 calls are left. The first instance has 20 leased calls left in addition, and
	// both instances share the 300.
	_, err := w.Pool().Exec(t.Context(), setCallArrival, w.Clock.Now().Add(time.Minute-600*time.Millisecond))
	storetest.Must(t, err)
	yes2, no2 := calls(t, w, two, 160)
	yes1, no1 := calls(t, w, one, 400)
	if yes1 != 120 || yes2 != 160 || no1 != 280 || no2 != 0 {
		t.Errorf("answered %d and %d, refused %d and %d", yes1, yes2, no1, no2)
	}
	_, _, err = one.Summary(t.Context(), storetest.Token, "nobody@pec.example")
	var limit *workflow.LimitError
	if !errors.As(err, &limit) || limit.Limit != "calls_per_client" || !limit.Until.Equal(w.Clock.Now().Add(200*time.Millisecond)) {
		t.Fatalf("error %v, want the limit for 200 ms", err)
	}
	// Until the time of the refusal, the instance does not query the database: a flood
	// of calls does not reach it.
	_, err = w.Pool().Exec(t.Context(), setCallArrival, w.Clock.Now())
	storetest.Must(t, err)
	if yes, no := calls(t, w, one, 80); yes != 0 || no != 80 {
		t.Errorf("%d answered, %d refused", yes, no)
	}
	_, err = w.Pool().Exec(t.Context(), setCallArrival, w.Clock.Now().Add(time.Minute))
	storetest.Must(t, err)
	// Calls are accepted again at the time of the refusal, or if the clock is set back
	// far.
	w.Clock.Advance(200 * time.Millisecond)
	if yes, no := calls(t, w, one, 104); yes != 100 || no != 4 {
		t.Errorf("%d answered, %d refused", yes, no)
	}
	w.Clock.Advance(-24 * time.Hour)
	if yes, no := calls(t, w, one, 80); yes != 80 || no != 0 {
		t.Errorf("clock set back: %d answered, %d refused", yes, no)
	}
}

// Unused leased calls expire.
func TestLeaseExpires(t *testing.T) {
	t.Parallel()
	w := storetest.NewWorld(t)
	calls(t, w, w.Provider, 8)
	w.Clock.Advance(time.Minute)
	calls(t, w, w.Provider, 8)
	var spent float64
	storetest.Must(t, w.Pool().QueryRow(t.Context(), countedCalls, w.Clock.Now()).Scan(&spent))
	if spent != 100 {
		t.Errorf("%v calls counted, want 100: another lease", spent)
	}
}
