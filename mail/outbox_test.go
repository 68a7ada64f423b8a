package mail_test

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"testing"

	"github.com/google/uuid"
	"github.com/riverqueue/river"

	"stella/store/storetest"
	"stella/workflow"
	"stella/workflow/qualification"
)

// start runs the queues, which send the mails, until the test ends.
func (p *pipeline) start() { p.startWith(queues) }

func (p *pipeline) startWith(queues map[string]river.QueueConfig) {
	p.t.Helper()
	queue, err := newQueue(p.Store, p.sender, queues, p.log)
	storetest.Must(p.t, err)
	storetest.Must(p.t, queue.Start(p.t.Context()))
	p.t.Cleanup(func() {
		if err := queue.Stop(context.Background()); err != nil {
			p.t.Error(err)
		}
	})
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
		c.Qualification.State = qualification.Qualified // without a row in the log
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
	var args string
	storetest.Must(t, p.Pool().QueryRow(t.Context(), `select string_agg(args::text, ' ') from river_job`).Scan(&args))
	if want := fmt.Sprintf(`{"mail": %q}`, p.mail(workflow.MailCode).id); args != want {
		t.Errorf("the arguments of the jobs are %s, want %s: only an ID", args, want)
	}
}
