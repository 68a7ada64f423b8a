package mail_test

import (
	"bytes"
	"context"
	"errors"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/riverqueue/river/rivertype"

	"stella/mail"
	"stella/otp"
	"stella/store/storetest"
	"stella/workflow"
)

// forgetful is a database that cannot record what became of a mail for a while.
type forgetful struct {
	mail.Outbox
	times atomic.Int64
}

var errForgot = errors.New("the database is gone")

func (f *forgetful) MailAccepted(ctx context.Context, id uuid.UUID, reply string, at time.Time) (err error) {
	if f.times.Add(-1) >= 0 {
		return errForgot
	}
	return f.Outbox.MailAccepted(ctx, id, reply, at)
}

// What the relay took is recorded, also when the time for the attempt ran out
// meanwhile, or the database is being restarted.
func TestWhatTheRelayTookIsRecorded(t *testing.T) {
	p := newPost(t)
	_, m, _ := p.codeMail()
	f := &forgetful{Outbox: p.Store}
	f.times.Store(3)
	p.sender.Outbox = f
	ctx, cancel := context.WithCancel(t.Context())
	p.relay.faults(func(verb string, _ int) error {
		if verb == "end of data" {
			cancel()
		}
		return nil
	})
	storetest.Must(t, p.sender.Work(ctx, job(m.id, p.Clock.Now())))
	if m := p.mail(workflow.MailCode); m.accepted == nil || len(p.relay.received()) != 1 {
		t.Errorf("the row says %+v", m)
	}
}

// Where it cannot be recorded, the mail is sent again, the same.
func TestWhatWasNotRecordedIsSentAgain(t *testing.T) {
	p := newPost(t)
	_, m, _ := p.codeMail()
	f := &forgetful{Outbox: p.Store}
	f.times.Store(1000)
	p.sender.Outbox = f
	if err := p.work(m.id); !errors.Is(err, errForgot) {
		t.Fatalf("Work: %v, want the database's error", err)
	}
	if said := p.log.String(); !strings.Contains(said, "could not be recorded") || !strings.Contains(said, m.id.String()) {
		t.Errorf("the log says %q", said)
	}
	f.times.Store(0)
	storetest.Must(t, p.work(m.id))
	all := p.relay.received()
	if len(all) != 2 || !bytes.Equal(all[0].body, all[1].body) {
		t.Errorf("%d mails that differ, want the same twice", len(all))
	}
}

// A code that the relay took, and did not say so, is repeated once, and soon.
// What is typed meanwhile is good for 60 seconds from the first start.
func TestACodeOfUnknownFateIsRepeatedOnce(t *testing.T) {
	p := newPost(t)
	j, m, code := p.codeMail()
	p.relay.faults(at("end of data", 99, errDrop))

	err := p.work(m.id)
	if wait := p.wait(err); wait < 2*time.Second || wait > 3*time.Second {
		t.Errorf("the code is repeated after %v, want two seconds", wait)
	}
	first := *p.row(m.id).started
	p.Clock.Advance(3 * time.Second)

	err = p.work(m.id)
	if wait := p.wait(err); p.Clock.Now().Add(wait).Before(p.asked(m.id).Add(workflow.CodeUseful)) {
		t.Errorf("the code is sent a third time, after %v", wait)
	}
	all := p.relay.received()
	if len(all) != 2 || !bytes.Equal(all[0].body, all[1].body) {
		t.Fatalf("%d mails that differ, want the same twice", len(all))
	}
	if now := p.row(m.id); now.ended() || !now.started.Equal(first) {
		t.Errorf("the row says %+v; the code's life began at %v", now, first)
	}

	p.Clock.Advance(otp.Lifetime - 3*time.Second - 1)
	if err := p.Procedure.TypeCode(t.Context(), j.Visitor, j.Form(), code); err != nil {
		t.Errorf("a code that may have arrived is not taken: %v", err)
	}
}

// The same holds where the first attempt ended in a crash, and where another
// that sent nothing came between.
func TestACodeThatWasPerhapsSentIsRemembered(t *testing.T) {
	p := newPost(t)
	_, m, _ := p.codeMail()
	p.errors[m.id] = []rivertype.AttemptError{{Error: "Stuck job rescued by JobRescuer"}}
	p.relay.faults(at("rcpt", 1, tryLater))
	if p.work(m.id) == nil || p.row(m.id).started == nil {
		t.Fatal("the life of a code that was perhaps sent does not run")
	}
	p.relay.faults(at("end of data", 99, errDrop))
	if wait := p.wait(p.work(m.id)); wait < workflow.CodeUseful {
		t.Errorf("the code is sent a third time, after %v", wait)
	}
	p.Clock.Advance(workflow.CodeUseful + time.Second)
	storetest.Must(t, p.work(m.id))
	if m := p.row(m.id); m.dropped == nil {
		t.Errorf("in the end the row says %+v", m)
	}
}

// What may wait is not soon repeated, and ever less often.
func TestAMailOfUnknownFateIsRepeatedMuchLater(t *testing.T) {
	p := newPost(t)
	id := p.ask(p.Reach(t, workflow.CodeEntry), 1)[0]
	p.relay.faults(at("end of data", 99, errDrop))
	for p.row(id).dropped == nil {
		err := p.work(id)
		if err == nil {
			break
		}
		wait := p.wait(err)
		if wait < 10*time.Minute {
			t.Fatalf("the mail is repeated after %v", wait)
		}
		p.Clock.Advance(wait)
	}
	if n := len(p.relay.received()); n < 7 || n > 10 {
		t.Errorf("it was sent %d times in three days", n)
	}
	if p.row(id).dropped == nil {
		t.Error("it did not end")
	}
}

func TestAMailNobodyNeedsIsDropped(t *testing.T) {
	p := newPost(t)
	for name, lose := range map[string]func(*post) row{
		"a code that was replaced": func(p *post) row {
			j, m, _ := p.codeMail()
			p.Clock.Advance(otp.Defaults.Every)
			storetest.Must(p.t, p.Procedure.RequestCode(p.t.Context(), j.Visitor, j.Form()))
			return m
		},
		"a code that comes too late": func(p *post) row {
			_, m, _ := p.codeMail()
			p.Clock.Advance(workflow.CodeUseful + time.Second)
			return m
		},
		"an invitation that was withdrawn": func(p *post) row {
			j := p.Reach(p.t, workflow.Invited)
			storetest.Must(p.t, p.Procedure.Withdraw(p.t.Context(), j.Visitor, j.Form()))
			return p.mail(workflow.MailInvitation)
		},
		"an invitation that was repeated": func(p *post) row {
			j := p.Reach(p.t, workflow.Invited)
			m := p.mail(workflow.MailInvitation)
			storetest.Must(p.t, p.Procedure.Invite(p.t.Context(), j.Visitor, j.Form(), ""))
			return m
		},
	} {
		t.Run(name, func(t *testing.T) {
			m := lose(p)
			storetest.Must(t, p.work(m.id))
			if n := len(p.relay.received()); n != 0 {
				t.Errorf("%d mails were sent", n)
			}
			if now := p.row(m.id); now.dropped == nil || now.started != nil || now.accepted != nil {
				t.Errorf("the row says %+v", now)
			}
			// A failure is told; that somebody asked for another code is none.
			if told := strings.Contains(p.log.String(), m.id.String()); told != (name == "a code that comes too late") {
				t.Errorf("the log says %q", p.log)
			}
		})
	}
	t.Run("but a code of just that age is sent", func(t *testing.T) {
		_, m, _ := p.codeMail()
		p.Clock.Advance(workflow.CodeUseful)
		storetest.Must(t, p.work(m.id))
		if n := len(p.relay.received()); n != 1 {
			t.Errorf("%d mails were sent", n)
		}
	})
}

func TestMailsToTheMailboxHaveARelayOfTheirOwn(t *testing.T) {
	p := newPost(t)
	pec := startRelay(t)
	p.sender.PECRelay = pec.client(t)
	j := p.Reach(t, workflow.Qualified)
	for _, k := range []workflow.MailKind{workflow.MailQualified, workflow.MailQualifiedPEC} {
		storetest.Must(t, p.work(p.mail(k).id))
	}
	recipients := func(r *relay) (to []string) {
		for _, m := range r.received() {
			to = append(to, m.to...)
		}
		return to
	}
	if to := recipients(pec); !slices.Equal(to, []string{j.Address}) {
		t.Errorf("the relay for certified mailboxes got mails to %v", to)
	}
	if to := recipients(p.relay); !slices.Equal(to, []string{"anna.neri@mail.example"}) {
		t.Errorf("the ordinary relay got mails to %v", to)
	}
	// Who, how and on what terms is told at the certified mailbox alone.
	text := p.read(pec.received()[0]).text
	for _, want := range []string{"Anna Neri", "Identità di prova", j.Address, "1.0"} {
		if !strings.Contains(text, want) {
			t.Errorf("the mail to the mailbox does not tell %q:\n%s", want, text)
		}
	}

	p.sender.PECRelay = nil // not configured: the same
	p.Reach(t, workflow.Qualified)
	storetest.Must(t, p.work(p.mail(workflow.MailQualifiedPEC).id))
	if n := len(p.relay.received()); n != 2 {
		t.Errorf("%d mails through the only relay, want 2", n)
	}
}
