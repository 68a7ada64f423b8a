package mail_test

import (
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/riverqueue/river/rivertype"

	"stella/mail"
	"stella/store/storetest"
	"stella/workflow"
)

// What becomes of a mail when the relay misbehaves once, at any of its words.
// Before RCPT a no is no matter of this mail. A deferred mail was not taken,
// and arrives once; one whose fate is unknown was, and arrives twice, the same.
// Of a short message that nobody reads, either may be thought.
const faults = `
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

func TestARelayMayMisbehaveAtEveryWord(t *testing.T) {
	p := newPost(t)
	j := p.Reach(t, workflow.CodeEntry)
	lines := strings.Split(strings.TrimSpace(faults), "\n")
	moods := strings.Fields(lines[0])
	for _, line := range lines[1:] {
		words := strings.Fields(line)
		verb := strings.ReplaceAll(words[0], "_", " ")
		for i, want := range words[1:] {
			if want == "-" {
				continue
			}
			t.Run(verb+"/"+moods[i], func(t *testing.T) {
				t.Parallel()
				p := &post{World: p.World, t: t, log: &storetest.Log{}}
				p.misbehave(j, verb, moods[i], want)
			})
		}
	}
}

func (p *post) misbehave(j *storetest.Journey, verb, mood, want string) {
	t := p.t
	m := newMoody(t, verb, mood)
	o := m.options()
	if mood == "silence" && verb != "NOOP" && verb != "after the end" { // between two mails it has a time of its own
		o = o.WithTimeout(3 * time.Second)
	}
	p.sender = newSender(t, p.World, newRelay(t, o), p.log)
	id := p.ask(j, 1)[0]

	before := 0
	if verb == "NOOP" { // it is asked before the second mail of a connection
		storetest.Must(t, p.work(p.ask(j, 1)[0]))
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
		t.Fatalf("the mail is %s (%v), the row says %+v; want %s", got, err, now, want)
	}
	if now.reply == "" {
		t.Error("there is no telling why")
	}
	if said := p.log.String(); strings.Contains(said, "anna.neri") || (said == "") != (want == "accepted") {
		t.Errorf("the log says %q", said)
	}
	if loud := strings.Contains(p.log.String(), "level=ERROR"); want == "deferred" && mood == "5xx" && !loud {
		t.Errorf("nobody is told to mend that: %q", p.log)
	}
	if wait := 10 * time.Minute; want == "unknown" && p.wait(err) < wait {
		t.Errorf("it is repeated after %v", p.wait(err))
	} else if want == "deferred" && p.wait(err) > 3*time.Second {
		t.Errorf("it is tried again after %v", p.wait(err))
	}

	// The later mails meet a relay without faults, and have the usual time.
	p.sender.Relay = newRelay(t, m.options())
	arrivals := map[string]int{"accepted": 1, "deferred": 1, "refused": 0, "unknown": 2}[want]
	if perhaps {
		arrivals = 1
	}
	storetest.Must(t, p.work(id))
	if now := p.row(id); (now.refused != nil) != (want == "refused") || (now.accepted != nil) == (want == "refused") {
		t.Errorf("in the end the row says %+v", now)
	}
	if n := len(m.received()) - before; n != arrivals {
		t.Errorf("it arrived %d times, want %d", n, arrivals)
	}
	if all := m.received(); want == "unknown" && len(all) == 2 && all[0] != all[1] {
		t.Error("the second is not the first")
	}
	storetest.Must(t, p.work(p.ask(j, 1)[0])) // and the next one is none the worse
}

// outcome is what a row and the answer to the queue tell of an attempt.
func (m row) outcome(err error) string {
	var snooze *rivertype.JobSnoozeError
	switch {
	case err == nil && m.accepted != nil:
		return "accepted"
	case err == nil && m.refused != nil:
		return "refused"
	case m.ended() || !errors.As(err, &snooze):
		return "lost"
	case m.started != nil:
		return "unknown"
	}
	return "deferred"
}

func TestARelayThatIsAwayIsTriedAgain(t *testing.T) {
	p := newPost(t)
	p.sender.Relay = newRelay(t, mail.RelayOptions{Host: "127.0.0.1", Port: 1})
	_, m, _ := p.codeMail()
	if got := p.row(m.id).outcome(p.work(m.id)); got != "deferred" {
		t.Errorf("the mail is %s", got)
	}
}

// A relay may say anything, at any length, and it can be recorded.
func TestAReplyIsKeptAsFarAsItCanBe(t *testing.T) {
	p := newPost(t)
	for _, verb := range []string{"rcpt", "end of data"} {
		reply := *noSuchMailbox
		reply.Message = "\xff\x00\x1b[31m" + strings.Repeat("è", 2000)
		p.relay.faults(at(verb, 1, &reply))
		_, m, _ := p.codeMail()
		storetest.Must(t, p.work(m.id))
		if m := p.row(m.id); m.refused == nil || !strings.Contains(m.reply, "550 5.1.1") || !strings.Contains(m.reply, "[31mèèè") || len(m.reply) > 512 {
			t.Errorf("the row says %+v", m)
		}
	}
}

// A no that is final is final, whatever is tried.
func TestARefusedMailIsNotTriedAgain(t *testing.T) {
	p := newPost(t)
	p.relay.faults(at("rcpt", 99, noSuchMailbox))
	_, m, _ := p.codeMail()
	storetest.Must(t, p.work(m.id))
	storetest.Must(t, p.work(m.id))
	if m := p.row(m.id); m.attempts != 1 || m.refused == nil || !strings.Contains(m.reply, "550 5.1.1 No such mailbox here") {
		t.Errorf("the row says %+v", m)
	}
	if said := p.log.String(); strings.Count(said, m.id.String()) != 1 || !strings.Contains(said, "code=550") {
		t.Errorf("the log does not tell it once: %q", said)
	}
}
