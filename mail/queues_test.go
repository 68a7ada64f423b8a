package mail_test

import (
	"testing"
	"time"

	"github.com/google/uuid"

	"stella/store/storetest"
	"stella/workflow"
	"stella/workflow/qualification"
)

// Hundreds of mails wait, the relay is slow, and the other relay does not answer
// at all: codes are sent as quickly as on an idle service.
func TestCodesDoNotWaitForOtherMails(t *testing.T) {
	long(t)
	p := newPipeline(t).inRealTime()
	hanging := startRelay(t)
	released := make(chan struct{})
	hanging.faults(func(string, int) error { <-released; return nil })
	p.sender.PECRelay = hanging.client(t)
	p.relay.faults(slow(100 * time.Millisecond))
	j := p.RecordInState(t, qualification.Qualified) // with its own mails, also to the mailbox
	p.requestMails(j, 600)                           // take 15 seconds
	p.requestPECMails(j, 40)
	p.start()
	t.Cleanup(func() { close(released) })
	storetest.Eventually(t, "the relay is busy", func() bool { return len(p.relay.received()) > 8 })

	begin := p.Clock.Now()
	for range 8 {
		p.holder(qualification.CodeEntry)
	}
	storetest.Eventually(t, "the codes are sent", func() bool {
		var open int
		storetest.Must(t, p.Pool().QueryRow(t.Context(), `
			select count(*) from mails where kind = 'code' and accepted_at is null and requested_at > $1`, begin).Scan(&open))
		return open == 0
	})
	var overtaken int // by other mails; the relay accepts 40 of them a second
	storetest.Must(t, p.Pool().QueryRow(t.Context(), `
		select max((select count(*) from mails other
			where other.kind <> 'code' and other.accepted_at between code.requested_at and code.accepted_at))
		from mails code where code.kind = 'code' and code.requested_at > $1`, begin).Scan(&overtaken))
	if overtaken > 200 {
		t.Errorf("%d other mails were sent while a code waited", overtaken)
	}
	before := len(p.relay.received())
	storetest.Eventually(t, "other mails are sent again", func() bool { return len(p.relay.received()) > before+8 })
	if n := len(hanging.received()); n > 0 {
		t.Errorf("the hanging relay accepted %d mails", n)
	}
}

// requestPECMails requests n mails to the certified mailbox itself.
func (p *pipeline) requestPECMails(j *storetest.Journey, n int) {
	p.t.Helper()
	storetest.Must(p.t, p.Update(p.t.Context(), j.Mailbox, func(c *qualification.Case) error {
		for range n {
			c.Added = append(c.Added, workflow.Mail{
				ID: uuid.New(), Qualification: c.Qualification.ID,
				Kind: workflow.MailQualifiedPEC, Queue: workflow.QueuePEC,
				To: j.Address, Locale: "it", RequestedAt: p.Procedure.Cases.Now(),
			})
		}
		return nil
	}))
}

// Each kind of mail is sent by the right queue.
func TestEveryMailHasItsQueue(t *testing.T) {
	p := newPipeline(t)
	p.RecordInState(t, qualification.Qualified)
	p.RecordInState(t, qualification.Invited)
	p.RecordInState(t, qualification.CodeEntry)
	for kind, want := range map[string]string{
		"code": "codes", "qualified": "mails", "qualified_pec": "pec", "invitation": "mails",
	} {
		var queue string
		storetest.Must(t, p.Pool().QueryRow(t.Context(), `
			select queue from mail_queue q join mails m on q.mail_id = m.id where m.kind = $1`, kind).Scan(&queue))
		if queue != want {
			t.Errorf("a mail %s is in the queue %q, want %q", kind, queue, want)
		}
	}
}
