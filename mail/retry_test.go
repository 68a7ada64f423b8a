package mail_test

import (
	"slices"
	"strings"
	"testing"
	"time"

	"stella/store/storetest"
	"stella/workflow"
)

func TestACodeIsTriedEveryTwoSeconds(t *testing.T) {
	p := newPost(t)
	p.relay.faults(at("rcpt", 999, mailboxFull))
	_, m, _ := p.codeMail()
	for p.Clock.Now().Before(p.asked(m.id).Add(workflow.CodeUseful)) {
		wait := p.wait(p.work(m.id))
		if wait < 2*time.Second || wait > 3*time.Second {
			t.Fatalf("the next attempt is %v away", wait)
		}
		p.Clock.Advance(wait)
	}
	storetest.Must(t, p.work(m.id))
	m = p.row(m.id)
	if m.dropped == nil || m.started != nil || m.attempts < 30 || !strings.Contains(m.reply, "Mailbox full") {
		t.Errorf("in the end the row says %+v", m)
	}
}

// A mail that may wait survives a relay that is away from Friday night to
// Monday morning, and is not forgotten when it does not come back.
func TestAMailThatMayWaitIsTriedForThreeDays(t *testing.T) {
	long(t)
	p := newPost(t)
	p.relay.faults(at("rcpt", 9999, mailboxFull))
	id := p.ask(p.Reach(t, workflow.CodeEntry), 1)[0]
	start := p.Clock.Now()
	var waits []time.Duration
	for {
		err := p.work(id)
		if err == nil {
			break
		}
		waits = append(waits, p.wait(err))
		p.Clock.Advance(waits[len(waits)-1])
	}
	if took := p.Clock.Now().Sub(start); took < 72*time.Hour || took > 73*time.Hour {
		t.Errorf("it was tried for %v, want three days", took)
	}
	if len(waits) < 350 || len(waits) > 500 {
		t.Errorf("it was tried %d times", len(waits))
	}
	if slices.Min(waits) < 2*time.Second || slices.Max(waits) > 13*time.Minute {
		t.Errorf("it waited from %v to %v", slices.Min(waits), slices.Max(waits))
	}
	m := p.row(id)
	if m.dropped == nil || m.accepted != nil || m.started != nil || !strings.Contains(m.reply, "Mailbox full") {
		t.Errorf("in the end the row says %+v", m)
	}
	if said := p.log.String(); strings.Count(said, id.String()) != 1 || !strings.Contains(said, "level=ERROR") {
		t.Errorf("the log does not tell once that the mail is lost: %q", said)
	}
}

// An operator who has a mail tried again gives it three more days.
func TestAMailIsTriedAllOverAgain(t *testing.T) {
	p := newPost(t)
	p.relay.faults(at("rcpt", 1, mailboxFull))
	id := p.ask(p.Reach(t, workflow.CodeEntry), 1)[0]
	p.Clock.Advance(80 * time.Hour)
	storetest.Must(t, p.work(id))
	if p.row(id).dropped == nil {
		t.Fatal("it was not given up")
	}
	storetest.Must(t, p.Procedure.RetryMail(t.Context(), "carla", id))
	p.Clock.Advance(71 * time.Hour)
	again := job(id, p.Clock.Now().Add(-71*time.Hour))
	if p.sender.Work(t.Context(), again) == nil {
		t.Fatal("Work was content")
	}
	storetest.Must(t, p.sender.Work(t.Context(), again))
	if m := p.row(id); m.accepted == nil {
		t.Errorf("the row says %+v", m)
	}
}

// After an outage of 20 seconds nothing waits for much longer than that.
func TestAShortOutageCostsLittle(t *testing.T) {
	p := newPost(t)
	p.relay.faults(at("rcpt", 9999, tryLater))
	id := p.ask(p.Reach(t, workflow.CodeEntry), 1)[0]
	p.Clock.Advance(20 * time.Second)
	if wait := p.wait(p.work(id)); wait > 10*time.Second {
		t.Errorf("the next attempt is %v away", wait)
	}
}

// Thousands of mails that met the same outage do not come back as one.
func TestWaitsAreSpread(t *testing.T) {
	p := newPost(t)
	p.relay.faults(at("rcpt", 9999, tryLater))
	ids := p.ask(p.Reach(t, workflow.CodeEntry), 20)
	p.Clock.Advance(time.Hour)
	var waits []time.Duration
	for _, id := range ids {
		waits = append(waits, p.wait(p.work(id)))
	}
	if slices.Max(waits)-slices.Min(waits) < time.Minute {
		t.Errorf("20 mails wait from %v to %v", slices.Min(waits), slices.Max(waits))
	}
}

// A mail that cannot be written waits for the version that can, and ends
// visibly dead without it.
func TestAMailThatCannotBeWrittenEndsVisiblyDead(t *testing.T) {
	p := newPost(t)
	id := p.ask(p.Reach(t, workflow.CodeEntry), 1)[0]
	_, err := storetest.Owner(t, p.Store).Exec(t.Context(), `update mails set kind = 'unheard_of' where id = $1`, id)
	storetest.Must(t, err)
	for range 2 {
		if p.work(id) == nil {
			t.Error("Work was content")
		}
	}
	if said := p.log.String(); strings.Count(said, "cannot be written") != 1 || !strings.Contains(said, "level=ERROR") {
		t.Errorf("the log does not tell once: %q", said)
	}
	p.Clock.Advance(3*24*time.Hour + time.Second)
	storetest.Must(t, p.work(id))
	if m := p.row(id); m.dropped == nil || !strings.Contains(m.reply, "unheard_of") {
		t.Errorf("the row says %+v", m)
	}
}

// A clock that is set back or forward neither hurries a mail nor stops it.
func TestTheClockMayJump(t *testing.T) {
	for name, by := range map[string]time.Duration{"back": -48 * time.Hour, "forward": 48 * time.Hour} {
		t.Run(name, func(t *testing.T) {
			p := newPost(t)
			p.relay.faults(at("rcpt", 1, tryLater))
			id := p.ask(p.Reach(t, workflow.CodeEntry), 1)[0]
			p.Clock.Advance(by)
			if wait := p.wait(p.work(id)); wait < 2*time.Second || wait > 13*time.Minute {
				t.Errorf("the next attempt is %v away", wait)
			}
			storetest.Must(t, p.work(id))
			if p.row(id).accepted == nil {
				t.Error("the mail was not sent")
			}
		})
	}
}
