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
)

// start has the mails sent by the queues until the test ends.
func (p *post) start() { p.startWith(queues) }

func (p *post) startWith(queues map[string]river.QueueConfig) {
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

// allEnded tells whether nothing is left to send.
func (p *post) allEnded() bool {
	p.t.Helper()
	var open int
	storetest.Must(p.t, p.Pool().QueryRow(p.t.Context(), `
		select count(*) from mails where accepted_at is null and refused_at is null and dropped_at is null`).Scan(&open))
	return open == 0
}

// arrivals counts how often each mail arrived.
func (p *post) arrivals() map[string]int {
	p.t.Helper()
	n := map[string]int{}
	for _, m := range p.relay.received() {
		n[p.read(m).Get("Message-Id")]++
	}
	return n
}

// The queue itself: a step and its mail are one.
func TestAMailLeavesWithItsStep(t *testing.T) {
	p := newPost(t).inRealTime()
	p.relay.faults(at("rcpt", 1, tryLater))
	p.start()

	j := p.Record(t, storetest.AnnasRecord)
	j.To(workflow.Contract)
	// A step that is undone sends nothing.
	undone := errors.New("undone")
	err := p.Update(t.Context(), j.Mailbox, func(c *workflow.Case) error {
		c.Added = append(c.Added, workflow.Mail{ID: uuid.New(), Qualification: c.Qualification.ID, Kind: workflow.MailQualified, Queue: workflow.QueueMails,
			To: "nobody@mail.example", Locale: "it", RequestedAt: p.Clock.Now()})
		return undone
	})
	if !errors.Is(err, undone) {
		t.Fatal(err)
	}
	// Neither does one that the database refuses, after the mail was written.
	err = p.Update(t.Context(), j.Mailbox, func(c *workflow.Case) error {
		c.Added = append(c.Added, workflow.Mail{ID: uuid.New(), Qualification: c.Qualification.ID, Kind: workflow.MailQualified, Queue: workflow.QueueMails,
			To: "nobody@mail.example", Locale: "it", RequestedAt: p.Clock.Now()})
		c.Qualification.State = workflow.Qualified // and no row of the log says why
		return nil
	})
	if err == nil {
		t.Fatal("a step without its log was committed")
	}
	j.To(workflow.CodeEntry)

	storetest.Eventually(t, "the mails are sent", p.allEnded) // after a no, two seconds before
	all := p.relay.received()
	if len(all) != 1 || !slices.Equal(all[0].to, []string{"anna.neri@mail.example"}) {
		t.Errorf("the relay got %+v", all)
	}
	if m := p.mail(workflow.MailCode); m.attempts != 2 || m.accepted == nil || len(p.mails()) != 1 {
		t.Errorf("the rows say %+v", p.mails())
	}
	var args string
	storetest.Must(t, p.Pool().QueryRow(t.Context(), `select string_agg(args::text, ' ') from river_job`).Scan(&args))
	if want := fmt.Sprintf(`{"mail": %q}`, p.mail(workflow.MailCode).id); args != want {
		t.Errorf("the jobs hold %s, want %s: an id and nothing else", args, want)
	}
}
