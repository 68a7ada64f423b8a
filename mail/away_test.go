package mail_test

import (
	"testing"
	"time"

	"stella/store/storetest"
	"stella/workflow"
)

// While the relay is away for 20 seconds the pages say that the code is being
// sent, and afterwards that it was; nothing is lost, and nothing comes twice.
func TestARelayMayBeAwayForTwentySeconds(t *testing.T) {
	long(t)
	p := newPost(t).inRealTime()
	p.relay.goAway()
	away := time.Now()
	p.start()
	var holders []*storetest.Journey
	for range 8 {
		holders = append(holders, p.holder(workflow.CodeEntry))
	}
	p.ask(holders[0], 8)
	pages := func(want workflow.CodeStatus) {
		t.Helper()
		for _, h := range holders {
			c := h.Case()
			c.Now = time.Now()
			if got := p.Procedure.CodePage(c); got.Status != want {
				t.Fatalf("the page says %+v, want %s", got, want)
			}
		}
	}
	time.Sleep(time.Until(away.Add(20 * time.Second)))
	pages(workflow.CodeSending)
	p.relay.comeBack(t)
	storetest.Eventually(t, "all mails are sent", p.allEnded)
	pages(workflow.CodeSent)
	n := p.arrivals()
	if len(n) != 16 || len(p.relay.received()) != 16 {
		t.Errorf("%d mails arrived, %d of them different; want 16", len(p.relay.received()), len(n))
	}
}
