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
	"stella/workflow/qualification"
)

// Nothing but EHLO is sent to a relay without TLS, or without a valid certificate.
func TestNothingIsSentInClear(t *testing.T) {
	p := newPipeline(t)
	for name, broken := range map[string]func(*testing.T, *pipeline){
		"no STARTTLS": func(t *testing.T, p *pipeline) {
			p.relay = startRelay(t, func(s *smtp.Server) { s.TLSConfig = nil })
			p.sender.Relay = p.relay.client(t)
		},
		"unknown authority": func(t *testing.T, p *pipeline) {
			o := p.relay.options()
			o.TLS = nil
			p.sender.Relay = newRelay(t, o)
		},
		"another host's certificate": func(t *testing.T, p *pipeline) {
			o := p.relay.options()
			o.Host = "localhost"
			p.sender.Relay = newRelay(t, o)
		},
		"authentication without TLS": func(t *testing.T, p *pipeline) {
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
				t.Fatal("Work returned no error")
			}
			if m := p.mail(workflow.MailCode); m.ended() || m.started != nil {
				t.Errorf("the row is %+v", m)
			}
			sent := p.relay.plaintext()
			for _, secret := range []string{"MAIL FROM", "anna.neri", code, "AUTH"} {
				if strings.Contains(sent, secret) {
					t.Errorf("%q was sent without TLS: %q", secret, sent)
				}
			}
			if !strings.Contains(sent, "EHLO") {
				t.Errorf("the relay was not reached: %q", sent)
			}
			port := p.relay.addr.String()[len("127.0.0.1"):]
			if log := p.log.String(); !strings.Contains(log, "level=ERROR") || !strings.Contains(log, port) {
				t.Errorf("the log has no error with the relay's address: %q", log)
			}
		})
	}
}

func TestAuthentication(t *testing.T) {
	p := newPipeline(t)
	j := p.RecordInState(t, qualification.CodeEntry)
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
			m := newFaultyServer(t, "", "")
			m.offers = test.offers
			o := m.options()
			o.Password = test.password
			p.sender = newSender(t, p.World, newRelay(t, o), p.log)
			id := p.requestMails(j, 1)[0]
			err := p.work(id)
			if test.want == "" {
				storetest.Must(t, err)
				return
			}
			// The mail is not refused: a wrong password is not about the recipient.
			if m := p.row(id); m.outcome(err) != "deferred" || !strings.Contains(m.reply, test.want) {
				t.Errorf("the row is %+v", m)
			}
			log := p.log.String()
			if !strings.Contains(log, "level=ERROR") || !strings.Contains(log, test.want) || strings.Contains(log, test.password) {
				t.Errorf("the log is %s", log)
			}
		})
	}
}

func TestImplicitTLS(t *testing.T) {
	p := newPipeline(t)
	p.relay = start(t, tls.NewListener)
	o := p.relay.options()
	o.ImplicitTLS = true
	p.sender.Relay = newRelay(t, o)
	_, m, _ := p.codeMail()
	storetest.Must(t, p.work(m.id))
	if n := len(p.relay.received()); n != 1 {
		t.Errorf("%d mails were accepted, want 1", n)
	}
	if strings.Contains(p.relay.plaintext(), "EHLO") {
		t.Error("EHLO was sent without TLS")
	}
}

// A later relay may not support SMTPUTF8, and our mails do not need it.
func TestSMTPUTF8IsNotUsed(t *testing.T) {
	p := newPipeline(t)
	p.relay = startRelay(t, func(s *smtp.Server) { s.EnableSMTPUTF8 = true })
	p.sender.Relay = p.relay.client(t)
	storetest.Must(t, p.work(p.requestMails(p.RecordInState(t, qualification.CodeEntry), 1)[0]))
	if p.relay.received()[0].utf8 {
		t.Error("the mail requests SMTPUTF8")
	}
}

// A client that gives up too early after the final dot sends the mail twice
// (RFC 5321, section 4.5.3.2.6). So the deadline for that reply is later than the
// one for the commands before it.
func TestTheReplyToTheFinalDotHasMoreTime(t *testing.T) {
	for verb, want := range map[string]string{"end of data": "accepted", "rcpt": "deferred"} {
		t.Run(verb, func(t *testing.T) {
			p := newPipeline(t)
			p.sender.Relay = newRelay(t, p.relay.options().WithTimeout(6*time.Second))
			p.relay.faults(func(v string, _ int) error {
				if v == verb {
					time.Sleep(4500 * time.Millisecond)
				}
				return nil
			})
			id := p.requestMails(p.RecordInState(t, qualification.CodeEntry), 1)[0]
			err := p.work(id)
			if got := p.row(id).outcome(err); got != want {
				t.Errorf("the mail is %s, want %s", got, want)
			}
		})
	}
}

func TestConnectionsAreKept(t *testing.T) {
	p := newPipeline(t)
	ids := p.requestMails(p.RecordInState(t, qualification.CodeEntry), 8)
	for _, id := range ids[:5] {
		storetest.Must(t, p.work(id))
	}
	// A refusal ends the mail, but not the connection.
	p.relay.faults(at("rcpt", 1, noSuchMailbox))
	for _, id := range ids[5:] {
		storetest.Must(t, p.work(id))
	}
	if n := p.relay.connections(); n != 1 {
		t.Errorf("%d connections for 8 mails, want 1", n)
	}
	if n := len(p.relay.received()); n != 7 {
		t.Errorf("%d mails were accepted, want 7", n)
	}
}

func TestALostConnectionIsReplaced(t *testing.T) {
	p := newPipeline(t)
	for _, id := range p.requestMails(p.RecordInState(t, qualification.CodeEntry), 3) {
		storetest.Must(t, p.work(id)) // succeeds at the first attempt
		p.relay.dropIdle()
	}
	if n := len(p.relay.received()); n != 3 {
		t.Errorf("%d mails, want 3", n)
	}
	if n := p.relay.connections(); n != 3 {
		t.Errorf("%d connections, want 3", n)
	}
}

// The timeout of a mail does not apply to the idle connection after it.
func TestAnIdleConnectionDoesNotTimeOut(t *testing.T) {
	p := newPipeline(t)
	const timeout = 3 * time.Second
	p.sender.Relay = newRelay(t, p.relay.options().WithTimeout(timeout))
	ids := p.requestMails(p.RecordInState(t, qualification.CodeEntry), 2)
	storetest.Must(t, p.work(ids[0]))
	time.Sleep(timeout + 200*time.Millisecond)
	storetest.Must(t, p.work(ids[1]))
	if n := p.relay.connections(); n != 1 {
		t.Errorf("%d connections, want 1", n)
	}
}

// The short timeout of NOOP does not apply to the mail that follows it.
func TestAKeptConnectionMayBeSlow(t *testing.T) {
	p := newPipeline(t)
	ids := p.requestMails(p.RecordInState(t, qualification.CodeEntry), 2)
	storetest.Must(t, p.work(ids[0]))
	p.relay.faults(func(verb string, _ int) error {
		if verb == "rcpt" {
			time.Sleep(2200 * time.Millisecond)
		}
		return nil
	})
	storetest.Must(t, p.work(ids[1]))
}

func TestAnIdleConnectionIsClosed(t *testing.T) {
	p := newPipeline(t)
	p.sender.Relay = newRelay(t, p.relay.options().WithIdleFor(100*time.Millisecond))
	ids := p.requestMails(p.RecordInState(t, qualification.CodeEntry), 2)
	storetest.Must(t, p.work(ids[0]))
	storetest.Eventually(t, "the connection is closed", func() bool { return p.relay.openConnections() == 0 })
	storetest.Must(t, p.work(ids[1]))
}

// The number of connections has a maximum, however many mails are sent at once.
func TestConnectionsAreBounded(t *testing.T) {
	p := newPipeline(t)
	p.relay.faults(func(verb string, _ int) error {
		if verb == "end of data" {
			time.Sleep(50 * time.Millisecond)
		}
		return nil
	})
	var all sync.WaitGroup
	for range 100 {
		all.Go(func() {
			message := []byte("Subject: one of many\r\n\r\n")
			if _, f := p.sender.Relay.Send(t.Context(), "staff@posta.example", "anna@mail.example", message); f != nil {
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

// If all connections hang, a mail without a connection is deferred.
func TestAMailDoesNotWaitForAConnectionForever(t *testing.T) {
	p := newPipeline(t)
	p.sender.Relay = newRelay(t, p.relay.options().WithTimeout(300*time.Millisecond))
	released := make(chan struct{})
	defer close(released)
	p.relay.faults(func(verb string, _ int) error {
		if verb == "rcpt" {
			<-released
		}
		return nil
	})
	ids := p.requestMails(p.RecordInState(t, qualification.CodeEntry), 30)
	var all sync.WaitGroup
	for _, id := range ids {
		m, err := storetest.StartMail(t.Context(), p.Store, id, p.Clock.Now())
		storetest.Must(t, err)
		all.Go(func() {
			if due, err := p.sender.Attempt(t.Context(), m); err != nil || due.IsZero() {
				t.Errorf("the mail is due at %v, %v", due, err)
			}
		})
	}
	all.Wait() // does not return if a mail waits forever
	for _, id := range ids {
		if m := p.row(id); m.ended() || m.started != nil || m.reply == "" {
			t.Errorf("the row is %+v", m)
		}
	}
}
