package mail_test

import (
	"testing"
	"time"

	"github.com/google/uuid"

	"stella/store/storetest"
	"stella/workflow"
)

// Hundreds of mails wait, a relay is slow with them, and the other relay does
// not answer at all: codes go as if there was nothing else.
func TestCodesWaitForNothing(t *testing.T) {
	long(t)
	p := newPost(t).inRealTime()
	hanging := startRelay(t)
	released := make(chan struct{})
	hanging.faults(func(string, int) error { <-released; return nil })
	p.sender.PECRelay = hanging.client(t)
	p.relay.faults(slow(100 * time.Millisecond))
	j := p.Reach(t, workflow.Qualified) // with mails of its own, to the mailbox too
	p.ask(j, 600)                       // for 15 seconds
	p.askMailbox(j, 40)
	p.start()
	t.Cleanup(func() { close(released) })
	storetest.Eventually(t, "the relay is busy", func() bool { return len(p.relay.received()) > 8 })

	begin := p.Clock.Now()
	for range 8 {
		p.holder(workflow.CodeEntry)
	}
	storetest.Eventually(t, "the codes are sent", func() bool {
		var open int
		storetest.Must(t, p.Pool().QueryRow(t.Context(), `select count(*) from mails where kind = 'code' and accepted_at is null and requested_at > $1`, begin).Scan(&open))
		return open == 0
	})
	var overtaken int // by other mails, of which the relay takes 40 a second
	storetest.Must(t, p.Pool().QueryRow(t.Context(), `
		select max((select count(*) from mails other where other.kind <> 'code' and other.accepted_at between code.requested_at and code.accepted_at))
		from mails code where code.kind = 'code' and code.requested_at > $1`, begin).Scan(&overtaken))
	if overtaken > 200 {
		t.Errorf("%d other mails were sent while a code waited", overtaken)
	}
	before := len(p.relay.received())
	storetest.Eventually(t, "the other mails go on", func() bool { return len(p.relay.received()) > before+8 })
	if n := len(hanging.received()); n > 0 {
		t.Errorf("the relay that was to hang took %d mails", n)
	}
}

// askMailbox asks for mails to the certified mailbox itself.
func (p *post) askMailbox(j *storetest.Journey, n int) {
	p.t.Helper()
	storetest.Must(p.t, p.Update(p.t.Context(), j.Mailbox, func(c *workflow.Case) error {
		for range n {
			c.Added = append(c.Added, workflow.Mail{ID: uuid.New(), Qualification: c.Qualification.ID, Kind: workflow.MailQualifiedPEC, Queue: workflow.QueuePEC,
				To: j.Address, Locale: "it", RequestedAt: p.Procedure.Now()})
		}
		return nil
	}))
}

// Each step puts its mails where they belong.
func TestEveryMailHasItsQueue(t *testing.T) {
	p := newPost(t)
	p.Reach(t, workflow.Qualified)
	p.Reach(t, workflow.Invited)
	for kind, want := range map[string]string{"code": "codes", "qualified": "mails", "qualified_pec": "pec", "invitation": "mails"} {
		var queue string
		storetest.Must(t, p.Pool().QueryRow(t.Context(), `
			select queue from river_job j join mails m on j.args ->> 'mail' = m.id::text where m.kind = $1`, kind).Scan(&queue))
		if queue != want {
			t.Errorf("a mail %s is in the queue %q, want %q", kind, queue, want)
		}
	}
}
