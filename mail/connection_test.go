package mail_test

import (
	"crypto/tls"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/emersion/go-smtp"

	"stella/store/storetest"
	"stella/workflow"
)

// A relay without TLS, or one that nobody vouches for, learns nothing.
func TestNothingIsSaidInClear(t *testing.T) {
	p := newPost(t)
	for name, broken := range map[string]func(*testing.T, *post){
		"no STARTTLS": func(t *testing.T, p *post) {
			p.relay = startRelay(t, func(s *smtp.Server) { s.TLSConfig = nil })
			p.sender.Relay = p.relay.client(t)
		},
		"unknown authority": func(t *testing.T, p *post) {
			o := p.relay.options()
			o.TLS = nil
			p.sender.Relay = newRelay(t, o)
		},
		"another host's certificate": func(t *testing.T, p *post) {
			o := p.relay.options()
			o.Host = "localhost"
			p.sender.Relay = newRelay(t, o)
		},
		"a password is asked for": func(t *testing.T, p *post) {
			p.relay = startRelay(t, func(s *smtp.Server) { s.TLSConfig = nil; s.AllowInsecureAuth = true })
			o := p.relay.options()
			o.User, o.Password = "stella", "a password"
			p.sender.Relay = newRelay(t, o)
		},
	} {
		t.Run(name, func(t *testing.T) {
			p.relay = startRelay(t)
			broken(t, p)
			_, m, code := p.codeMail()
			if err := p.work(m.id); err == nil {
				t.Fatal("Work was content")
			}
			if m := p.mail(workflow.MailCode); m.ended() || m.started != nil {
				t.Errorf("the row says %+v", m)
			}
			said := p.relay.inClear()
			for _, secret := range []string{"MAIL FROM", "anna.neri", code, "AUTH"} {
				if strings.Contains(said, secret) {
					t.Errorf("%q was said in clear: %q", secret, said)
				}
			}
			if !strings.Contains(said, "EHLO") {
				t.Errorf("the relay was not reached: %q", said)
			}
			if told := p.log.String(); !strings.Contains(told, "level=ERROR") || !strings.Contains(told, p.relay.addr.String()[len("127.0.0.1"):]) {
				t.Errorf("nobody is told: %q", told)
			}
		})
	}
}

func TestARelayMayAskForAPassword(t *testing.T) {
	p := newPost(t)
	j := p.Reach(t, workflow.CodeEntry)
	for _, test := range []struct {
		offers, password string
		want             string
	}{
		{"CRAM-MD5 PLAIN", "a password", ""},
		{"LOGIN", "a password", ""},
		{"LOGIN", "another", "535"},
		{"PLAIN", "another", "535"},
		{"CRAM-MD5", "a password", "neither AUTH PLAIN nor AUTH LOGIN"},
	} {
		t.Run(test.offers+" "+test.want, func(t *testing.T) {
			p.log = &storetest.Log{}
			m := newMoody(t, "", "")
			m.offers = test.offers
			o := m.options()
			o.Password = test.password
			p.sender = newSender(t, p.World, newRelay(t, o), p.log)
			id := p.ask(j, 1)[0]
			err := p.work(id)
			if test.want == "" {
				storetest.Must(t, err)
				return
			}
			// That is nothing that this mail could do about.
			if m := p.row(id); m.outcome(err) != "deferred" || !strings.Contains(m.reply, test.want) {
				t.Errorf("the row says %+v", m)
			}
			if said := p.log.String(); !strings.Contains(said, "level=ERROR") || !strings.Contains(said, test.want) || strings.Contains(said, test.password) {
				t.Errorf("the log says %s", said)
			}
		})
	}
}

func TestTLSFromTheFirstByte(t *testing.T) {
	p := newPost(t)
	p.relay = start(t, tls.NewListener)
	o := p.relay.options()
	o.ImplicitTLS = true
	p.sender.Relay = newRelay(t, o)
	_, m, _ := p.codeMail()
	storetest.Must(t, p.work(m.id))
	if n := len(p.relay.received()); n != 1 {
		t.Errorf("%d mails were taken", n)
	}
	if strings.Contains(p.relay.inClear(), "EHLO") {
		t.Error("the greeting was in clear")
	}
}

// A relay further on may not know SMTPUTF8, and nothing of ours needs it.
func TestSMTPUTF8IsNotAskedFor(t *testing.T) {
	p := newPost(t)
	p.relay = startRelay(t, func(s *smtp.Server) { s.EnableSMTPUTF8 = true })
	p.sender.Relay = p.relay.client(t)
	storetest.Must(t, p.work(p.ask(p.Reach(t, workflow.CodeEntry), 1)[0]))
	if p.relay.received()[0].utf8 {
		t.Error("the mail asks for SMTPUTF8")
	}
}

// RFC 5321, section 4.5.3.2.6: whoever leaves too early after the final dot
// sends twice. So a relay may take its time there, and has less before.
func TestTheFinalDotIsWaitedForLonger(t *testing.T) {
	for verb, want := range map[string]string{"end of data": "accepted", "rcpt": "deferred"} {
		t.Run(verb, func(t *testing.T) {
			p := newPost(t)
			p.sender.Relay = newRelay(t, p.relay.options().WithTimeout(6*time.Second))
			p.relay.faults(func(v string, _ int) error {
				if v == verb {
					time.Sleep(4500 * time.Millisecond)
				}
				return nil
			})
			id := p.ask(p.Reach(t, workflow.CodeEntry), 1)[0]
			err := p.work(id)
			if got := p.row(id).outcome(err); got != want {
				t.Errorf("the mail is %s, want %s", got, want)
			}
		})
	}
}

func TestConnectionsAreKept(t *testing.T) {
	p := newPost(t)
	ids := p.ask(p.Reach(t, workflow.CodeEntry), 8)
	for _, id := range ids[:5] {
		storetest.Must(t, p.work(id))
	}
	// A no ends a mail, and not its connection.
	p.relay.faults(at("rcpt", 1, noSuchMailbox))
	for _, id := range ids[5:] {
		storetest.Must(t, p.work(id))
	}
	if n := p.relay.connections(); n != 1 {
		t.Errorf("%d connections for 8 mails, want 1", n)
	}
	if n := len(p.relay.received()); n != 7 {
		t.Errorf("%d mails were taken, want 7", n)
	}
}

func TestAConnectionThatDiedBetweenMailsIsReplaced(t *testing.T) {
	p := newPost(t)
	for _, id := range p.ask(p.Reach(t, workflow.CodeEntry), 3) {
		storetest.Must(t, p.work(id)) // at the first attempt
		p.relay.dropIdle()
	}
	if n := len(p.relay.received()); n != 3 {
		t.Errorf("%d mails, want 3", n)
	}
	if n := p.relay.connections(); n != 3 {
		t.Errorf("%d connections, want 3", n)
	}
}

// A connection outlives the timeout of the mail before.
func TestAnIdleConnectionDoesNotTimeOut(t *testing.T) {
	p := newPost(t)
	const timeout = 3 * time.Second
	p.sender.Relay = newRelay(t, p.relay.options().WithTimeout(timeout))
	ids := p.ask(p.Reach(t, workflow.CodeEntry), 2)
	storetest.Must(t, p.work(ids[0]))
	time.Sleep(timeout + 200*time.Millisecond)
	storetest.Must(t, p.work(ids[1]))
	if n := p.relay.connections(); n != 1 {
		t.Errorf("%d connections, want 1", n)
	}
}

// What is asked of it before a mail is answered sooner than the mail.
func TestAKeptConnectionMayBeSlow(t *testing.T) {
	p := newPost(t)
	ids := p.ask(p.Reach(t, workflow.CodeEntry), 2)
	storetest.Must(t, p.work(ids[0]))
	p.relay.faults(func(verb string, _ int) error {
		if verb == "rcpt" {
			time.Sleep(2200 * time.Millisecond)
		}
		return nil
	})
	storetest.Must(t, p.work(ids[1]))
}

func TestAnIdleConnectionIsEnded(t *testing.T) {
	p := newPost(t)
	p.sender.Relay = newRelay(t, p.relay.options().WithIdleFor(100*time.Millisecond))
	ids := p.ask(p.Reach(t, workflow.CodeEntry), 2)
	storetest.Must(t, p.work(ids[0]))
	storetest.Eventually(t, "the connection is closed", func() bool { return p.relay.stillOpen() == 0 })
	storetest.Must(t, p.work(ids[1]))
}

// However many mails are sent at once, the relay is not stormed.
func TestConnectionsAreBounded(t *testing.T) {
	p := newPost(t)
	p.relay.faults(func(verb string, _ int) error {
		if verb == "end of data" {
			time.Sleep(50 * time.Millisecond)
		}
		return nil
	})
	var all sync.WaitGroup
	for range 100 {
		all.Go(func() {
			_, f := p.sender.Relay.Send(t.Context(), "staff@posta.example", "anna@mail.example", []byte("Subject: one of many\r\n\r\n"))
			if f != nil {
				t.Error(f)
			}
		})
	}
	all.Wait()
	if n := p.relay.connections(); n > 24 {
		t.Errorf("%d connections", n)
	}
	if n := len(p.relay.received()); n != 100 {
		t.Errorf("%d mails, want 100", n)
	}
}

// Where all connections hang, a mail is put off like any other.
func TestAMailDoesNotWaitForAConnectionForever(t *testing.T) {
	p := newPost(t)
	p.sender.Relay = newRelay(t, p.relay.options().WithTimeout(300*time.Millisecond))
	released := make(chan struct{})
	defer close(released)
	p.relay.faults(func(verb string, _ int) error {
		if verb == "rcpt" {
			<-released
		}
		return nil
	})
	ids := p.ask(p.Reach(t, workflow.CodeEntry), 30)
	var all sync.WaitGroup
	for _, id := range ids {
		all.Go(func() {
			if p.sender.Work(t.Context(), job(id, p.Clock.Now())) == nil {
				t.Error("Work was content")
			}
		})
	}
	all.Wait() // or for ever
	for _, id := range ids {
		if m := p.row(id); m.ended() || m.started != nil || m.reply == "" {
			t.Errorf("the row says %+v", m)
		}
	}
}
