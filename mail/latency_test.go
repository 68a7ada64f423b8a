package mail_test

import (
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"stella/mail"
	"stella/otp"
	"stella/store/storetest"
	"stella/workflow/qualification"
)

// measure requests codes and logs the times from the request to the relay. It
// creates groups of holders; all holders of a group request their codes at once,
// and repeat this the given number of times. On an idle machine with two cores
// 99 % of the codes take less than 25 ms (docs/reliability.md).
func (p *pipeline) measure(holders, times, groups int) {
	p.t.Helper()
	var took []time.Duration
	p.Procedure.Limits = otp.Limits{Every: time.Nanosecond, Sends: 100, Within: time.Minute, Wrong: 5, Pause: time.Minute}
	for range groups {
		all := make([]*storetest.Journey, holders)
		for i := range all {
			all[i] = p.holder(qualification.CodeEntry)
		}
		storetest.Eventually(p.t, "the first codes are sent", p.allEnded)
		for range times {
			took = append(took, p.requestAtOnce(all)...)
		}
	}
	if want := holders * times * groups; len(took) != want {
		p.t.Fatalf("%d codes arrived, want %d", len(took), want)
	}
	slices.Sort(took)
	p.t.Logf("%d codes, %d holders at once: p50 %v, p99 %v, max %v",
		len(took), holders, percentile(took, 50), percentile(took, 99), took[len(took)-1])
}

// requestAtOnce makes every holder request a code at the same time, and returns
// how long each code took to reach the relay.
func (p *pipeline) requestAtOnce(holders []*storetest.Journey) (took []time.Duration) {
	p.t.Helper()
	before := len(p.relay.received())
	requested := map[string]time.Time{}
	var mu sync.Mutex
	var all sync.WaitGroup
	for _, j := range holders {
		f := j.Form()
		all.Go(func() {
			now := time.Now()
			if err := p.Procedure.RequestCode(p.t.Context(), j.Visitor, f); err != nil {
				p.t.Error(err)
			}
			mu.Lock()
			defer mu.Unlock()
			requested[j.Address] = now
		})
	}
	all.Wait()
	storetest.Eventually(p.t, "all mails are sent", p.allEnded)
	for _, m := range p.relay.received()[before:] {
		_, mailbox, _ := strings.Cut(p.read(m).subject, "la casella ")
		took = append(took, m.at.Sub(requested[mailbox]))
	}
	return took
}

func percentile(sorted []time.Duration, p int) time.Duration {
	return sorted[(len(sorted)*p+99)/100-1]
}

// Codes that are requested at the same time are sent in parallel.
func TestCodesAreSentInParallel(t *testing.T) {
	long(t)
	p := newPipeline(t).inRealTime()
	const senders = mail.CodeSenders
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
		p.holder(qualification.CodeEntry)
	}
	p.start()
	storetest.Eventually(t, "every sender is sending a code", func() bool { return int(sending.Load()) == senders })
}

// The queue is notified of each code, even if several are requested at the same
// time, and does not need to poll.
func TestTheQueueIsNotifiedOfCodes(t *testing.T) {
	long(t)
	p := newPipeline(t).inRealTime()
	p.startQueues(newQueues(p.sender).WithLookEvery(time.Hour))
	// A code that is requested before the queue listens is sent with the next one.
	storetest.Eventually(t, "the queue listens", func() bool {
		p.holder(qualification.CodeEntry)
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
