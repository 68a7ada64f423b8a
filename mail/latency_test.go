package mail_test

import (
	"maps"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"stella/otp"
	"stella/store/storetest"
	"stella/workflow"
)

// measure has holders ask for their codes at once, some times and then others
// in their place, and returns the times from request to relay, in order.
func (p *post) measure(holders, times, groups int) (took []time.Duration) {
	p.t.Helper()
	p.Procedure.Limits = otp.Limits{Every: time.Nanosecond, Sends: 100, Within: time.Minute, Wrong: 5, Pause: time.Minute}
	for range groups {
		all := make([]*storetest.Journey, holders)
		for i := range all {
			all[i] = p.holder(workflow.CodeEntry)
		}
		eventually(p.t, 10*time.Second, "ready", p.allEnded)
		for range times {
			took = append(took, p.askAtOnce(all)...)
		}
	}
	if want := holders * times * groups; len(took) != want {
		p.t.Fatalf("%d codes arrived, want %d", len(took), want)
	}
	slices.Sort(took)
	p.t.Logf("%d codes, %d holders at once: p50 %v, p99 %v, max %v", len(took), holders, percentile(took, 50), percentile(took, 99), took[len(took)-1])
	return took
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
	eventually(p.t, 10*time.Second, "all sent", p.allEnded)
	for _, m := range p.relay.received()[before:] {
		_, mailbox, _ := strings.Cut(p.read(m).subject, "la casella ")
		took = append(took, m.at.Sub(asked[mailbox]))
	}
	return took
}

func percentile(sorted []time.Duration, p int) time.Duration {
	return sorted[(len(sorted)*p+99)/100-1]
}

// On a quiet machine of two cores 99 of 100 codes take less than 25 ms
// (docs/reliability.md). Here others are at work, and what holds is less; that
// none is left for the next time that somebody looks is tested below.
func TestACodeIsAtAQuietRelayAtOnce(t *testing.T) {
	p := newPostAlone(t).inRealTime()
	p.start()
	p.measure(8, 6, 1) // until most connections have their statements prepared
	took := p.measure(8, 5, 2)
	if half, most := percentile(took, 50), percentile(took, 99); half > 500*time.Millisecond || most > 2*time.Second {
		t.Errorf("half of the codes took more than %v, one in a hundred more than %v", half, most)
	}
}

func TestACodeIsSoonAtASlowRelay(t *testing.T) {
	p := newPostAlone(t).inRealTime()
	p.relay.faults(slow(200 * time.Millisecond))
	p.start()
	if took := p.measure(32, 1, 1); percentile(took, 99) > 2*time.Second {
		t.Errorf("the code of one in a hundred took %v", percentile(took, 99))
	}
}

// The queue is told of each code, also of those asked for in the same moment, and
// does not come across them.
func TestTheQueueIsToldOfACode(t *testing.T) {
	p := newPost(t).inRealTime()
	told := maps.Clone(queues)
	codes := told[workflow.QueueCodes]
	codes.FetchPollInterval = time.Hour
	told[workflow.QueueCodes] = codes
	p.startWith(told)
	eventually(t, 10*time.Second, "listening", func() bool {
		p.holder(workflow.CodeEntry)
		time.Sleep(50 * time.Millisecond)
		return p.allEnded()
	})
	p.measure(8, 16, 1)
}
