package mail_test

import (
	"maps"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"stella/otp"
	"stella/store/storetest"
	"stella/workflow"
)

// measure has holders ask for their codes at once, some times and then others
// in their place, and logs the times from request to relay. On a quiet machine of
// two cores 99 of 100 codes take less than 25 ms (docs/reliability.md).
func (p *post) measure(holders, times, groups int) {
	p.t.Helper()
	var took []time.Duration
	p.Procedure.Limits = otp.Limits{Every: time.Nanosecond, Sends: 100, Within: time.Minute, Wrong: 5, Pause: time.Minute}
	for range groups {
		all := make([]*storetest.Journey, holders)
		for i := range all {
			all[i] = p.holder(workflow.CodeEntry)
		}
		storetest.Eventually(p.t, "the first codes are sent", p.allEnded)
		for range times {
			took = append(took, p.askAtOnce(all)...)
		}
	}
	if want := holders * times * groups; len(took) != want {
		p.t.Fatalf("%d codes arrived, want %d", len(took), want)
	}
	slices.Sort(took)
	p.t.Logf("%d codes, %d holders at once: p50 %v, p99 %v, max %v", len(took), holders, percentile(took, 50), percentile(took, 99), took[len(took)-1])
}

func (p *post) askAtOnce(holders []*storetest.Journey) (took []time.Duration) {
	p.t.Helper()
	before := len(p.relay.received())
	asked := map[string]time.Time{}
	var mu sync.Mutex
	var asking sync.WaitGroup
	for _, j := range holders {
		f := j.Form()
		asking.Go(func() {
			now := time.Now()
			if err := p.Procedure.RequestCode(p.t.Context(), j.Visitor, f); err != nil {
				p.t.Error(err)
			}
			mu.Lock()
			defer mu.Unlock()
			asked[j.Address] = now
		})
	}
	asking.Wait()
	storetest.Eventually(p.t, "all mails are sent", p.allEnded)
	for _, m := range p.relay.received()[before:] {
		_, mailbox, _ := strings.Cut(p.read(m).subject, "la casella ")
		took = append(took, m.at.Sub(asked[mailbox]))
	}
	return took
}

func percentile(sorted []time.Duration, p int) time.Duration {
	return sorted[(len(sorted)*p+99)/100-1]
}

// The codes of those who ask at once are sent at once, and not one after the
// other.
func TestCodesAreSentAtOnce(t *testing.T) {
	long(t)
	p := newPost(t).inRealTime()
	senders := queues[workflow.QueueCodes].MaxWorkers
	var sending atomic.Int64
	release := make(chan struct{})
	p.relay.faults(func(verb string, _ int) error {
		if verb == "end of data" {
			sending.Add(1)
			<-release
		}
		return nil
	})
	t.Cleanup(sync.OnceFunc(func() { close(release) }))
	for range senders {
		p.holder(workflow.CodeEntry)
	}
	p.start()
	storetest.Eventually(t, "every sender has a code", func() bool { return int(sending.Load()) == senders })
}

// The queue is told of each code, also of those asked for in the same moment, and
// does not come across them.
func TestTheQueueIsToldOfACode(t *testing.T) {
	long(t)
	p := newPost(t).inRealTime()
	told := maps.Clone(queues)
	codes := told[workflow.QueueCodes]
	codes.FetchPollInterval = time.Hour
	told[workflow.QueueCodes] = codes
	p.startWith(told)
	// A code that is asked for before the queue listens is sent with the next one.
	storetest.Eventually(t, "the queue listens", func() bool {
		p.holder(workflow.CodeEntry)
		for range 20 {
			if len(p.relay.received()) > 0 {
				return true
			}
			time.Sleep(50 * time.Millisecond)
		}
		return false
	})
	p.measure(8, 16, 1)
}
