package mail_test

import (
	"context"
	"errors"
	"slices"
	"testing"

	"github.com/google/uuid"

	"stella/mail"
	"stella/store/storetest"
	"stella/workflow"
	"stella/workflow/qualification"
)

// start runs the queues, which send the mails, until the test ends.
func (p *pipeline) start() { p.startQueues(newQueues(p.sender)) }

func (p *pipeline) startQueues(q *mail.Queues) {
	p.t.Helper()
	q.Start()
	p.t.Cleanup(func() {
		if err := q.Stop(context.Background()); err != nil {
			p.t.Error(err)
		}
	})
}

// queued returns the number of mails in the queues.
func (p *pipeline) queued() (n int) {
	p.t.Helper()
	storetest.Must(p.t, p.Pool().QueryRow(p.t.Context(), `select count(*) from mail_queue`).Scan(&n))
	return n
}

// allEnded reports whether every mail has a result.
func (p *pipeline) allEnded() bool {
	p.t.Helper()
	var open int
	storetest.Must(p.t, p.Pool().QueryRow(p.t.Context(), `
		select count(*) from mails where accepted_at is null and refused_at is null and dropped_at is null`).Scan(&open))
	return open == 0
}

// arrivals returns how often each mail arrived, by Message-ID.
func (p *pipeline) arrivals() map[string]int {
	p.t.Helper()
	n := map[string]int{}
	for _, m := range p.relay.received() {
		n[p.read(m).Get("Message-Id")]++
	}
	return n
}

// A mail is sent if and only if its step is committed.
func TestAMailIsSentIfItsStepIsCommitted(t *testing.T) {
	p := newPipeline(t).inRealTime()
	p.relay.faults(at("rcpt", 1, tryLater))
	p.start()

	j := p.Record(t, storetest.AnnasRecord)
	j.AdvanceTo(qualification.Contract)
	// A step that is rolled back sends nothing.
	rolledBack := errors.New("rolled back")
	err := p.Update(t.Context(), j.Mailbox, func(c *qualification.Case) error {
		c.Added = append(c.Added, workflow.Mail{
			ID: uuid.New(), Qualification: c.Qualification.ID,
			Kind: workflow.MailQualified, Queue: workflow.QueueMails,
			To: "nobody@mail.example", Locale: "it", RequestedAt: p.Clock.Now(),
		})
		return rolledBack
	})
	if !errors.Is(err, rolledBack) {
		t.Fatal(err)
	}
	// A step that the database rejects after the mail was written sends nothing either.
	err = p.Update(t.Context(), j.Mailbox, func(c *qualification.Case) error {
		c.Added = append(c.Added, workflow.Mail{
			ID: uuid.New(), Qualification: c.Qualification.ID,
			Kind: workflow.MailQualified, Queue: workflow.QueueMails,
			To: "nobody@mail.example", Locale: "it", RequestedAt: p.Clock.Now(),
		})
		c.Qualification.Version++ // without a row in the log
		return nil
	})
	if err == nil {
		t.Fatal("a step without a row in the log was committed")
	}
	j.AdvanceTo(qualification.CodeEntry)

	storetest.Eventually(t, "the mails are sent", p.allEnded) // the first attempt is refused and repeated after two seconds
	all := p.relay.received()
	if len(all) != 1 || !slices.Equal(all[0].to, []string{"anna.neri@mail.example"}) {
		t.Errorf("the relay got %+v", all)
	}
	if m := p.mail(workflow.MailCode); m.attempts != 2 || m.accepted == nil || len(p.mails()) != 1 {
		t.Errorf("the rows are %+v", p.mails())
	}
	if n := p.queued(); n != 0 {
		t.Errorf("%d mails with a result are in a queue", n)
	}
}
