package mail_test

import (
	"slices"
	"strings"
	"testing"
	"time"

	"stella/store/storetest"
	"stella/workflow"
	"stella/workflow/qualification"
)

func TestACodeIsRetriedEveryTwoSeconds(t *testing.T) {
	p := newPipeline(t)
	p.relay.faults(at("rcpt", 999, mailboxFull))
	_, m, _ := p.codeMail()
	for p.Clock.Now().Before(p.requestedAt(m.id).Add(workflow.CodeMailLifetime)) {
		wait := p.wait(p.work(m.id))
		if wait < 2*time.Second || wait > 3*time.Second {
			t.Fatalf("the next attempt is in %v", wait)
		}
		p.Clock.Advance(wait)
	}
	storetest.Must(t, p.work(m.id))
	m = p.row(m.id)
	if m.dropped == nil || m.started != nil || m.attempts < 30 || !strings.Contains(m.reply, "Mailbox full") {
		t.Errorf("in the end the row is %+v", m)
	}
}

// A mail other than a code survives a relay outage from Friday night to Monday
// morning. If the outage lasts longer, the mail is dropped, and this is logged.
func TestAMailIsRetriedForThreeDays(t *testing.T) {
	long(t)
	p := newPipeline(t)
	p.relay.faults(at("rcpt", 9999, mailboxFull))
	id := p.requestMails(p.RecordInState(t, qualification.CodeEntry), 1)[0]
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
		t.Errorf("the mail was retried for %v, want three days", took)
	}
	if len(waits) < 350 || len(waits) > 500 {
		t.Errorf("the mail was retried %d times, want 350 to 500", len(waits))
	}
	if slices.Min(waits) < 2*time.Second || slices.Max(waits) > 13*time.Minute {
		t.Errorf("the delays are from %v to %v, want 2 s to 13 min", slices.Min(waits), slices.Max(waits))
	}
	m := p.row(id)
	if m.dropped == nil || m.accepted != nil || m.started != nil || !strings.Contains(m.reply, "Mailbox full") {
		t.Errorf("in the end the row is %+v", m)
	}
	if log := p.log.String(); strings.Count(log, id.String()) != 1 || !strings.Contains(log, "level=ERROR") {
		t.Errorf("the log does not contain the dropped mail exactly once: %q", log)
	}
}

// If an operator retries a dropped mail, it has three more days.
func TestAnOperatorRetriesAMail(t *testing.T) {
	p := newPipeline(t)
	p.relay.faults(at("rcpt", 1, mailboxFull))
	id := p.requestMails(p.RecordInState(t, qualification.CodeEntry), 1)[0]
	p.Clock.Advance(80 * time.Hour)
	storetest.Must(t, p.work(id))
	if p.row(id).dropped == nil {
		t.Fatal("the mail was not dropped")
	}
	storetest.Must(t, p.Provider.RetryMail(t.Context(), "carla", id))
	p.Clock.Advance(71 * time.Hour)
	p.relay.faults(at("rcpt", 1, mailboxFull))
	p.wait(p.work(id))
	storetest.Must(t, p.work(id))
	if m := p.row(id); m.accepted == nil {
		t.Errorf("the row is %+v", m)
	}
}

// After an outage of 20 seconds a mail waits at most ten seconds more.
func TestAShortOutageCausesAShortDelay(t *testing.T) {
	p := newPipeline(t)
	p.relay.faults(at("rcpt", 9999, tryLater))
	id := p.requestMails(p.RecordInState(t, qualification.CodeEntry), 1)[0]
	p.Clock.Advance(20 * time.Second)
	if wait := p.wait(p.work(id)); wait > 10*time.Second {
		t.Errorf("the next attempt is in %v", wait)
	}
}

// Mails that failed in the same outage are not all retried at the same time.
func TestRetriesHaveJitter(t *testing.T) {
	p := newPipeline(t)
	p.relay.faults(at("rcpt", 9999, tryLater))
	ids := p.requestMails(p.RecordInState(t, qualification.CodeEntry), 20)
	p.Clock.Advance(time.Hour)
	var waits []time.Duration
	for _, id := range ids {
		waits = append(waits, p.wait(p.work(id)))
	}
	if slices.Max(waits)-slices.Min(waits) < time.Minute {
		t.Errorf("the delays of 20 mails are from %v to %v, want a larger range", slices.Min(waits), slices.Max(waits))
	}
}

// A mail that this version cannot compose waits for a version that can. After
// three days it is dropped.
func TestAMailThatCannotBeComposedIsDroppedAfterThreeDays(t *testing.T) {
	p := newPipeline(t)
	id := p.requestMails(p.RecordInState(t, qualification.CodeEntry), 1)[0]
	_, err := storetest.Owner(t, p.Store).Exec(t.Context(), `update mails set kind = 'unknown_kind' where id = $1`, id)
	storetest.Must(t, err)
	for range 2 {
		if p.work(id) == nil {
			t.Error("Work returned no error")
		}
	}
	if log := p.log.String(); strings.Count(log, "cannot be composed") != 1 || !strings.Contains(log, "level=ERROR") {
		t.Errorf("the log does not contain the error exactly once: %q", log)
	}
	p.Clock.Advance(3*24*time.Hour + time.Second)
	storetest.Must(t, p.work(id))
	if m := p.row(id); m.dropped == nil || !strings.Contains(m.reply, "unknown_kind") {
		t.Errorf("the row is %+v", m)
	}
}

// If the clock is set back or forward, the retry delays stay within their limits.
func TestAMailSurvivesAClockChange(t *testing.T) {
	for name, by := range map[string]time.Duration{"back": -48 * time.Hour, "forward": 48 * time.Hour} {
		t.Run(name, func(t *testing.T) {
			p := newPipeline(t)
			p.relay.faults(at("rcpt", 1, tryLater))
			id := p.requestMails(p.RecordInState(t, qualification.CodeEntry), 1)[0]
			p.Clock.Advance(by)
			if wait := p.wait(p.work(id)); wait < 2*time.Second || wait > 13*time.Minute {
				t.Errorf("the next attempt is in %v", wait)
			}
			storetest.Must(t, p.work(id))
			if p.row(id).accepted == nil {
				t.Error("the mail was not sent")
			}
		})
	}
}
