package mail_test

import (
	"testing"
	"time"

	"stella/store/storetest"
	"stella/workflow/qualification"
)

// The relay is unavailable for 20 seconds. Meanwhile the pages say that the code
// is being sent, and afterwards that it was sent. No mail is lost or repeated.
func TestMailsSurviveATwentySecondRelayOutage(t *testing.T) {
	long(t)
	p := newPipeline(t).inRealTime()
	p.relay.shutDown()
	stopped := time.Now()
	p.start()
	var holders []*storetest.Journey
	for range 8 {
		holders = append(holders, p.holder(qualification.CodeEntry))
	}
	p.requestMails(holders[0], 8)
	pages := func(want qualification.CodeStatus) {
		t.Helper()
		for _, h := range holders {
			c := h.Case()
			c.Now = time.Now()
			if got := p.Procedure.CodePage(c); got.Status != want {
				t.Fatalf("the page shows %+v, want %s", got, want)
			}
		}
	}
	time.Sleep(time.Until(stopped.Add(20 * time.Second)))
	pages(qualification.CodeSending)
	p.relay.restart(t)
	storetest.Eventually(t, "all mails are sent", p.allEnded)
	pages(qualification.CodeSent)
	n := p.arrivals()
	if len(n) != 16 || len(p.relay.received()) != 16 {
		t.Errorf("%d mails arrived, %d of them distinct; want 16", len(p.relay.received()), len(n))
	}
}
