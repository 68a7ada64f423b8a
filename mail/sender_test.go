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

	"stella/mail"
	"stella/otp"
	"stella/store/storetest"
	"stella/workflow"
	"stella/workflow/qualification"
)

// failingOutbox is a database that fails to record the acceptance of a mail a
// number of times.
type failingOutbox struct {
	mail.Outbox
	failures atomic.Int64 // left
}

var errDatabase = errors.New("the database is unavailable")

func (f *failingOutbox) MailAccepted(ctx context.Context, a workflow.MailAttempt, reply string, at time.Time) (err error) {
	if f.failures.Add(-1) >= 0 {
		return errDatabase
	}
	return f.Outbox.MailAccepted(ctx, a, reply, at)
}

// An accepted mail is recorded even if the context of the attempt is cancelled and
// the database is unavailable for a moment.
func TestAnAcceptedMailIsRecorded(t *testing.T) {
	p := newPipeline(t)
	_, m, _ := p.codeMail()
	f := &failingOutbox{Outbox: p.Store}
	f.failures.Store(3)
	p.sender.Outbox = f
	ctx, cancel := context.WithCancel(t.Context())
	p.relay.faults(func(verb string, _ int) error {
		if verb == "end of data" {
			cancel()
		}
		return nil
	})
	storetest.Must(t, p.workIn(ctx, m.id))
	if m := p.mail(workflow.MailCode); m.accepted == nil || len(p.relay.received()) != 1 {
		t.Errorf("the row is %+v", m)
	}
}

// If the acceptance cannot be recorded, the identical mail is sent again.
func TestAMailWithoutARecordedResultIsSentAgain(t *testing.T) {
	p := newPipeline(t)
	_, m, _ := p.codeMail()
	f := &failingOutbox{Outbox: p.Store}
	f.failures.Store(1000)
	p.sender.Outbox = f
	if err := p.work(m.id); !errors.Is(err, errDatabase) {
		t.Fatalf("the attempt: %v, want the database's error", err)
	}
	if log := p.log.String(); !strings.Contains(log, "could not be recorded") || !strings.Contains(log, m.id.String()) {
		t.Errorf("the log is %q", log)
	}
	f.failures.Store(0)
	storetest.Must(t, p.work(m.id))
	all := p.relay.received()
	if len(all) != 2 || !bytes.Equal(all[0].body, all[1].body) {
		t.Errorf("%d mails that differ, want two identical mails", len(all))
	}
}

// If the relay accepts a code without a reply, the code is repeated once, after
// two seconds. It is valid for 60 seconds from the first attempt.
func TestACodeWithUnknownOutcomeIsRepeatedOnce(t *testing.T) {
	p := newPipeline(t)
	j, m, code := p.codeMail()
	p.relay.faults(at("end of data", 99, errDrop))

	err := p.work(m.id)
	if wait := p.wait(err); wait < 2*time.Second || wait > 3*time.Second {
		t.Errorf("the code is repeated after %v, want two seconds", wait)
	}
	first := *p.row(m.id).started
	p.Clock.Advance(3 * time.Second)

	err = p.work(m.id)
	if wait := p.wait(err); p.Clock.Now().Add(wait).Before(p.requestedAt(m.id).Add(workflow.CodeMailLifetime)) {
		t.Errorf("the code is sent a third time, after %v", wait)
	}
	all := p.relay.received()
	if len(all) != 2 || !bytes.Equal(all[0].body, all[1].body) {
		t.Fatalf("%d mails that differ, want two identical mails", len(all))
	}
	if now := p.row(m.id); now.ended() || !now.started.Equal(first) {
		t.Errorf("the row is %+v; the code's lifetime began at %v", now, first)
	}

	p.Clock.Advance(otp.Lifetime - 3*time.Second - 1)
	if err := p.Procedure.TypeCode(t.Context(), j.Visitor, j.Form(), code); err != nil {
		t.Errorf("a code that may have arrived is not accepted: %v", err)
	}
}

// The same applies if the first attempt crashed, and if the next attempt sent
// nothing.
func TestACodeThatWasPerhapsSentBeforeIsNotRepeatedTwice(t *testing.T) {
	p := newPipeline(t)
	_, m, _ := p.codeMail()
	_, err := storetest.StartMail(t.Context(), p.Store, m.id, p.Clock.Now()) // and crashed
	storetest.Must(t, err)
	p.relay.faults(at("rcpt", 1, tryLater))
	if p.work(m.id) == nil || p.row(m.id).started == nil {
		t.Fatal("the lifetime of a code that was perhaps sent has not begun")
	}
	p.relay.faults(at("end of data", 99, errDrop))
	if wait := p.wait(p.work(m.id)); wait < workflow.CodeMailLifetime {
		t.Errorf("the code is sent a third time, after %v", wait)
	}
	p.Clock.Advance(workflow.CodeMailLifetime + time.Second)
	storetest.Must(t, p.work(m.id))
	if m := p.row(m.id); m.dropped == nil {
		t.Errorf("in the end the row is %+v", m)
	}
}

// Other mails with unknown outcome are repeated after ten minutes at the earliest,
// with growing delays.
func TestAMailWithUnknownOutcomeIsRepeatedMuchLater(t *testing.T) {
	p := newPipeline(t)
	id := p.requestMails(p.RecordInState(t, qualification.CodeEntry), 1)[0]
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
		t.Errorf("the mail was sent %d times in three days, want 7 to 10", n)
	}
	if p.row(id).dropped == nil {
		t.Error("the mail was not dropped")
	}
}

func TestAUselessMailIsDropped(t *testing.T) {
	p := newPipeline(t)
	for name, request := range map[string]func(*pipeline) row{
		"a code that was replaced": func(p *pipeline) row {
			j, m, _ := p.codeMail()
			p.Clock.Advance(otp.Defaults.Every)
			storetest.Must(p.t, p.Procedure.RequestCode(p.t.Context(), j.Visitor, j.Form()))
			return m
		},
		"a code that comes too late": func(p *pipeline) row {
			_, m, _ := p.codeMail()
			p.Clock.Advance(workflow.CodeMailLifetime + time.Second)
			return m
		},
		"an invitation that was withdrawn": func(p *pipeline) row {
			j := p.RecordInState(p.t, qualification.Invited)
			storetest.Must(p.t, p.Procedure.Withdraw(p.t.Context(), j.Visitor, j.Form()))
			return p.mail(workflow.MailInvitation)
		},
		"an invitation that was repeated": func(p *pipeline) row {
			j := p.RecordInState(p.t, qualification.Invited)
			m := p.mail(workflow.MailInvitation)
			storetest.Must(p.t, p.Procedure.Invite(p.t.Context(), j.Visitor, j.Form(), ""))
			return m
		},
	} {
		t.Run(name, func(t *testing.T) {
			m := request(p)
			storetest.Must(t, p.work(m.id))
			if n := len(p.relay.received()); n != 0 {
				t.Errorf("%d mails were sent, want none", n)
			}
			if now := p.row(m.id); now.dropped == nil || now.started != nil || now.accepted != nil {
				t.Errorf("the row is %+v", now)
			}
			// Only a mail that could not be sent in time is a failure, and logged.
			if logged := strings.Contains(p.log.String(), m.id.String()); logged != (name == "a code that comes too late") {
				t.Errorf("the log is %q", p.log)
			}
		})
	}
	t.Run("a code of exactly the maximum age is sent", func(t *testing.T) {
		_, m, _ := p.codeMail()
		p.Clock.Advance(workflow.CodeMailLifetime)
		storetest.Must(t, p.work(m.id))
		if n := len(p.relay.received()); n != 1 {
			t.Errorf("%d mails were sent, want 1", n)
		}
	})
}

func TestMailsToTheMailboxUseThePECRelay(t *testing.T) {
	p := newPipeline(t)
	pec := startRelay(t)
	p.sender.PECRelay = pec.client(t)
	j := p.RecordInState(t, qualification.Qualified)
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
	// Only the mail to the certified mailbox contains the person, the identity
	// provider and the version of the notice.
	text := p.read(pec.received()[0]).text
	for _, want := range []string{"Anna Neri", "Identità di prova", j.Address, "1.0"} {
		if !strings.Contains(text, want) {
			t.Errorf("the mail to the mailbox does not contain %q:\n%s", want, text)
		}
	}

	p.sender.PECRelay = nil // not configured: the ordinary relay is used
	p.RecordInState(t, qualification.Qualified)
	storetest.Must(t, p.work(p.mail(workflow.MailQualifiedPEC).id))
	if n := len(p.relay.received()); n != 2 {
		t.Errorf("%d mails through the only relay, want 2", n)
	}
}
