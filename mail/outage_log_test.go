package mail_test

import (
	"strings"
	"testing"
	"time"

	"stella/mail"
	"stella/store/storetest"
	"stella/workflow"
)

// A relay that is away for hours, however many mails wait, is told a few times,
// and so is that it is back.
func TestTroubleIsToldAndNotRepeated(t *testing.T) {
	p := newPost(t)
	ids := p.ask(p.Reach(t, workflow.CodeEntry), 3)
	there := p.sender.Relay
	p.sender.Relay = newRelay(t, mail.RelayOptions{Host: "127.0.0.1", Port: 1})
	lines := func() int { return strings.Count(p.log.String(), "\n") }
	for minute := range 60 {
		for _, id := range ids {
			if p.work(id) == nil {
				t.Fatal("Work was content")
			}
		}
		if want := 1 + minute/10; lines() != want {
			t.Fatalf("after %d minutes the log has %d lines, want %d:\n%s", minute, lines(), want, p.log)
		}
		p.Clock.Advance(time.Minute)
	}
	if said := p.log.String(); !strings.Contains(said, "127.0.0.1:1") || !strings.Contains(said, "connection refused") {
		t.Errorf("the log does not say what is wrong: %s", said)
	}

	away := p.sender.Relay
	for _, id := range ids[:2] {
		p.sender.Relay = away
		if p.work(id) == nil {
			t.Fatal("Work was content")
		}
	}
	before := lines()
	p.sender.Relay = there
	for _, id := range ids {
		storetest.Must(t, p.work(id))
	}
	if lines() != before {
		t.Errorf("another relay's health is told:\n%s", p.log)
	}
}

func TestTheEndOfTroubleIsTold(t *testing.T) {
	p := newPost(t)
	ids := p.ask(p.Reach(t, workflow.CodeEntry), 10)
	for _, id := range ids { // up and down
		p.relay.faults(at("mail", 1, tryLater))
		if p.work(id) == nil {
			t.Fatal("Work was content")
		}
		storetest.Must(t, p.work(id))
	}
	said := p.log.String()
	if strings.Count(said, "no mails") != 1 || strings.Count(said, "takes mails again") != 1 || strings.Index(said, "mails again") < strings.Index(said, "no mails") {
		t.Errorf("the log says:\n%s", said)
	}
}
