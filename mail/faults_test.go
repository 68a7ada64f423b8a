package mail_test

import (
	"errors"
	"strings"
	"testing"
	"time"

	"stella/mail"
	"stella/store/storetest"
	"stella/workflow/qualification"
)

// faultTable contains the outcome of a mail if the relay has one fault at one
// point of the conversation. Before RCPT a refusal does not count against the
// mail. A deferred mail was not accepted and arrives once. A mail with unknown
// outcome was accepted and arrives twice, identical. "perhaps" is deferred or
// unknown: the client may or may not notice that the relay did not read a short
// message.
const faultTable = `
              421       451       5xx       silence   slowness  drop      garbage
greeting      deferred  deferred  deferred  deferred  accepted  deferred  deferred
EHLO          deferred  deferred  deferred  deferred  accepted  deferred  deferred
STARTTLS      deferred  deferred  deferred  deferred  accepted  deferred  deferred
handshake     -         -         -         deferred  accepted  deferred  deferred
second_EHLO   deferred  deferred  deferred  deferred  accepted  deferred  deferred
AUTH          deferred  deferred  deferred  deferred  accepted  deferred  deferred
MAIL          deferred  deferred  deferred  deferred  accepted  deferred  deferred
RCPT          deferred  deferred  refused   deferred  accepted  deferred  deferred
DATA          deferred  deferred  refused   deferred  accepted  deferred  deferred
message       -         -         -         perhaps   accepted  perhaps   -
final_dot     deferred  deferred  refused   unknown   accepted  unknown   unknown
after_the_end accepted  accepted  accepted  accepted  accepted  accepted  accepted
NOOP          accepted  accepted  accepted  accepted  accepted  accepted  accepted
`

func TestEveryRelayFault(t *testing.T) {
	p := newPipeline(t)
	j := p.RecordInState(t, qualification.CodeEntry)
	lines := strings.Split(strings.TrimSpace(faultTable), "\n")
	modes := strings.Fields(lines[0])
	for _, line := range lines[1:] {
		words := strings.Fields(line)
		verb := strings.ReplaceAll(words[0], "_", " ")
		for i, want := range words[1:] {
			if want == "-" {
				continue
			}
			t.Run(verb+"/"+modes[i], func(t *testing.T) {
				t.Parallel()
				p := &pipeline{World: p.World, t: t, log: &storetest.Log{}}
				p.checkFault(j, verb, modes[i], want)
			})
		}
	}
}

func (p *pipeline) checkFault(j *storetest.Journey, verb, mode, want string) {
	t := p.t
	m := newFaultyServer(t, verb, mode)
	o := m.options()
	if mode == "silence" && verb != "NOOP" && verb != "after the end" { // between two mails another timeout applies
		o = o.WithTimeout(3 * time.Second)
	}
	p.sender = newSender(t, p.World, newRelay(t, o), p.log)
	id := p.requestMails(j, 1)[0]

	before := 0
	if verb == "NOOP" { // it is sent before the second mail on a connection
		storetest.Must(t, p.work(p.requestMails(j, 1)[0]))
		before = 1
	}
	err := p.work(id)
	now := p.row(id)
	perhaps := want == "perhaps"
	if perhaps {
		want = "deferred"
		if now.started != nil {
			want = "unknown"
		}
	}
	if got := now.outcome(err); got != want {
		t.Fatalf("the mail is %s (%v), the row is %+v; want %s", got, err, now, want)
	}
	if now.reply == "" {
		t.Error("the row has no reason")
	}
	if log := p.log.String(); strings.Contains(log, "anna.neri") || (log == "") != (want == "accepted") {
		t.Errorf("the log is %q", log)
	}
	if isError := strings.Contains(p.log.String(), "level=ERROR"); want == "deferred" && mode == "5xx" && !isError {
		t.Errorf("the log has no error for the operator: %q", p.log)
	}
	if wait := 10 * time.Minute; want == "unknown" && p.wait(err) < wait {
		t.Errorf("the mail is repeated after %v", p.wait(err))
	} else if want == "deferred" && p.wait(err) > 3*time.Second {
		t.Errorf("the mail is retried after %v", p.wait(err))
	}

	// For the later mails the relay has no faults and the usual timeout.
	p.sender.Relay = newRelay(t, m.options())
	arrivals := map[string]int{"accepted": 1, "deferred": 1, "refused": 0, "unknown": 2}[want]
	if perhaps {
		arrivals = 1
	}
	storetest.Must(t, p.work(id))
	if now := p.row(id); (now.refused != nil) != (want == "refused") || (now.accepted != nil) == (want == "refused") {
		t.Errorf("in the end the row is %+v", now)
	}
	if n := len(m.received()) - before; n != arrivals {
		t.Errorf("the mail arrived %d times, want %d", n, arrivals)
	}
	if all := m.received(); want == "unknown" && len(all) == 2 && all[0] != all[1] {
		t.Error("the repeated mail differs from the first")
	}
	storetest.Must(t, p.work(p.requestMails(j, 1)[0])) // and the next mail is accepted
}

// outcome returns the outcome of an attempt according to the row and to err, the
// result of work.
func (m row) outcome(err error) string {
	var d deferred
	switch {
	case err == nil && m.accepted != nil:
		return "accepted"
	case err == nil && m.refused != nil:
		return "refused"
	case m.ended() || !errors.As(err, &d):
		return "lost"
	case m.started != nil:
		return "unknown"
	}
	return "deferred"
}

func TestAMailIsRetriedIfTheRelayIsUnavailable(t *testing.T) {
	p := newPipeline(t)
	p.sender.Relay = newRelay(t, mail.RelayOptions{Host: "127.0.0.1", Port: 1})
	_, m, _ := p.codeMail()
	if got := p.row(m.id).outcome(p.work(m.id)); got != "deferred" {
		t.Errorf("the mail is %s", got)
	}
}

// Any reply can be stored, whatever its bytes and its length are.
func TestAReplyIsMadePrintable(t *testing.T) {
	p := newPipeline(t)
	for _, verb := range []string{"rcpt", "end of data"} {
		reply := *noSuchMailbox
		reply.Message = "\xff\x00\x1b[31m" + strings.Repeat("è", 2000)
		p.relay.faults(at(verb, 1, &reply))
		_, m, _ := p.codeMail()
		storetest.Must(t, p.work(m.id))
		m = p.row(m.id)
		if m.refused == nil || !strings.Contains(m.reply, "550 5.1.1") || !strings.Contains(m.reply, "[31mèèè") || len(m.reply) > 512 {
			t.Errorf("the row is %+v", m)
		}
	}
}

// Another attempt to send a refused mail does nothing.
func TestARefusedMailIsNotRetried(t *testing.T) {
	p := newPipeline(t)
	p.relay.faults(at("rcpt", 99, noSuchMailbox))
	_, m, _ := p.codeMail()
	storetest.Must(t, p.work(m.id))
	storetest.Must(t, p.work(m.id))
	if m := p.row(m.id); m.attempts != 1 || m.refused == nil || !strings.Contains(m.reply, "550 5.1.1 No such mailbox here") {
		t.Errorf("the row is %+v", m)
	}
	if log := p.log.String(); strings.Count(log, m.id.String()) != 1 || !strings.Contains(log, "code=550") {
		t.Errorf("the log does not contain the refusal exactly once: %q", log)
	}
}
