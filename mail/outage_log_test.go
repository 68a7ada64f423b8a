package mail_test

import (
	"strings"
	"testing"
	"time"

	"stella/mail"
	"stella/store/storetest"
	"stella/workflow/qualification"
)

// An outage of a relay is logged every ten minutes, however many mails are waiting.
func TestAnOutageIsLoggedEveryTenMinutes(t *testing.T) {
	p := newPipeline(t)
	ids := p.requestMails(p.RecordInState(t, qualification.CodeEntry), 3)
	working := p.sender.Relay
	p.sender.Relay = newRelay(t, mail.RelayOptions{Host: "127.0.0.1", Port: 1})
	lines := func() int { return strings.Count(p.log.String(), "\n") }
	for minute := range 60 {
		for _, id := range ids {
			if p.work(id) == nil {
				t.Fatal("Work returned no error")
			}
		}
		if want := 1 + minute/10; lines() != want {
			t.Fatalf("after %d minutes the log has %d lines, want %d:\n%s", minute, lines(), want, p.log)
		}
		p.Clock.Advance(time.Minute)
	}
	if log := p.log.String(); !strings.Contains(log, "127.0.0.1:1") || !strings.Contains(log, "connection refused") {
		t.Errorf("the log does not contain the cause: %s", log)
	}

	unavailable := p.sender.Relay
	for _, id := range ids[:2] {
		p.sender.Relay = unavailable
		if p.work(id) == nil {
			t.Fatal("Work returned no error")
		}
	}
	before := lines()
	p.sender.Relay = working
	for _, id := range ids {
		storetest.Must(t, p.work(id))
	}
	if lines() != before {
		t.Errorf("the recovery of another relay is logged:\n%s", p.log)
	}
}

func TestTheEndOfAnOutageIsLoggedOnce(t *testing.T) {
	p := newPipeline(t)
	ids := p.requestMails(p.RecordInState(t, qualification.CodeEntry), 10)
	for _, id := range ids { // each first attempt fails, each second succeeds
		p.relay.faults(at("mail", 1, tryLater))
		if p.work(id) == nil {
			t.Fatal("Work returned no error")
		}
		storetest.Must(t, p.work(id))
	}
	log := p.log.String()
	if strings.Count(log, "no mails") != 1 || strings.Count(log, "accepts mails again") != 1 {
		t.Errorf("the log is:\n%s", log)
	}
	if strings.Index(log, "mails again") < strings.Index(log, "no mails") {
		t.Errorf("the order in the log is wrong:\n%s", log)
	}
}
