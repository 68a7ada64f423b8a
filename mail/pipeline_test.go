package mail_test

import (
	"context"
	"errors"
	"flag"
	"io"
	"log/slog"
	"os"
	"slices"
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"stella/mail"
	"stella/otp"
	"stella/store"
	"stella/store/storetest"
	"stella/templates"
	"stella/workflow"
	"stella/workflow/qualification"
)

func TestMain(m *testing.M) {
	if config := os.Getenv(processVariable); config != "" {
		os.Exit(runSenderProcess(config))
	}
	flag.Set("test.parallel", "8") // the tests are mostly waiting
	os.Exit(storetest.Run(m))
}

// pipeline is a test's database and procedure, with a sender and a relay for the
// mails.
type pipeline struct {
	*storetest.World
	t      *testing.T
	relay  *relay
	sender *mail.Sender
	log    *storetest.Log
}

func newPipeline(t *testing.T) *pipeline {
	t.Helper()
	t.Parallel()
	return newSerialPipeline(t)
}

// long skips a test in -short runs, that is, with the race detector and with a
// later clock. The full run of make test includes it.
func long(t *testing.T) {
	t.Helper()
	if testing.Short() {
		t.Skip("it takes more than five seconds")
	}
}

// newSerialPipeline is for measurements: the test does not run in parallel.
func newSerialPipeline(t *testing.T) *pipeline {
	t.Helper()
	p := &pipeline{
		World: storetest.NewWorld(t),
		t:     t,
		relay: startRelay(t),
		log:   &storetest.Log{},
	}
	p.sender = newSender(t, p.World, p.relay.client(t), p.log)
	return p
}

// newSender returns a sender that uses the world's database and clock.
func newSender(t testing.TB, w *storetest.World, r *mail.Relay, l io.Writer) *mail.Sender {
	t.Helper()
	s, err := makeSender(w.Store, w.Clock.Now, r, l)
	storetest.Must(t, err)
	return s
}

func makeSender(db *store.Store, now func() time.Time, r *mail.Relay, l io.Writer) (*mail.Sender, error) {
	texts, err := templates.New(site)
	return &mail.Sender{
		Outbox:    db,
		Relay:     r,
		Templates: texts,
		Keys:      storetest.Keys,
		PublicURL: publicURL,
		FromName:  "Posta Esempio – Identità",
		From:      site.MailSender,
		Now:       now,
		Log:       slog.New(slog.NewTextHandler(l, nil)),
	}, err
}

const publicURL = "https://id.example"

var site = templates.Site{Provider: "Posta Esempio", Service: "PEC Esempio",
	WebmailURL: "https://webmail.example", PrivacyURL: "https://p.example", AccessibilityURL: "https://a.example",
	HelpURL: "https://h.example", HelpContact: "help@posta.example", MailSender: "staff@posta.example"}

// inRealTime makes the procedure use the machine's clock, as the queue does.
func (p *pipeline) inRealTime() *pipeline {
	p.InRealTime()
	return p
}

// row is the row of a mail in the database.
type row struct {
	id                                  uuid.UUID
	kind, to, reply                     string
	attempts                            int
	started, accepted, refused, dropped *time.Time
}

func (m row) ended() bool { return m.accepted != nil || m.refused != nil || m.dropped != nil }

// mails returns all mails, oldest request first.
func (p *pipeline) mails() []row {
	p.t.Helper()
	rows, err := p.Pool().Query(p.t.Context(), `select id, kind, recipient, reply, attempts, started_at, accepted_at, refused_at, dropped_at
		from mails order by requested_at, id`)
	storetest.Must(p.t, err)
	all, err := pgx.CollectRows(rows, func(r pgx.CollectableRow) (m row, err error) {
		err = r.Scan(&m.id, &m.kind, &m.to, &m.reply, &m.attempts, &m.started, &m.accepted, &m.refused, &m.dropped)
		return m, err
	})
	storetest.Must(p.t, err)
	return all
}

// mail returns the newest mail of a kind.
func (p *pipeline) mail(k workflow.MailKind) row {
	p.t.Helper()
	for _, m := range slices.Backward(p.mails()) {
		if m.kind == string(k) {
			return m
		}
	}
	p.t.Fatalf("no mail %q was requested", k)
	return row{}
}

// row returns the current row of a mail.
func (p *pipeline) row(id uuid.UUID) row {
	p.t.Helper()
	for _, m := range p.mails() {
		if m.id == id {
			return m
		}
	}
	p.t.Fatalf("there is no mail %s", id)
	return row{}
}

// codeMail requests a code. It returns the mail that will contain it, and the code.
func (p *pipeline) codeMail() (*storetest.Journey, row, string) {
	p.t.Helper()
	j := p.RecordInState(p.t, qualification.CodeEntry)
	var nonce []byte
	storetest.Must(p.t, p.Pool().QueryRow(p.t.Context(), `
		select c.nonce from codes c join qualifications q on q.id = c.qualification_id
		where q.mailbox_id = $1 and c.spent_at is null`, j.Mailbox).Scan(&nonce))
	return j, p.mail(workflow.MailCode), otp.Key(storetest.Key).Code(nonce)
}

// holder returns the journey of a new holder, with a unique address, in a state.
func (p *pipeline) holder(s qualification.State) *storetest.Journey {
	p.t.Helper()
	r := storetest.AnnasRecord
	r.Email = uuid.NewString() + "@mail.example"
	j := p.Record(p.t, r)
	j.AdvanceTo(s)
	return j
}

// requestMails requests n mails in the ordinary queue, in one step of the journey.
func (p *pipeline) requestMails(j *storetest.Journey, n int) []uuid.UUID {
	p.t.Helper()
	ids := make([]uuid.UUID, n)
	storetest.Must(p.t, p.Update(p.t.Context(), j.Mailbox, func(c *qualification.Case) error {
		for i := range ids {
			ids[i] = uuid.New()
			c.Added = append(c.Added, workflow.Mail{
				ID: ids[i], Qualification: c.Qualification.ID,
				Kind: workflow.MailUnderReview, Queue: workflow.QueueMails,
				To: "anna.neri@mail.example", Locale: "it", RequestedAt: p.Procedure.Cases.Now(),
			})
		}
		return nil
	}))
	return ids
}

// deferred is the error of work if the mail is attempted again, after wait.
type deferred struct{ wait time.Duration }

func (d deferred) Error() string { return "deferred for " + d.wait.String() }

// work makes one attempt to send a mail, as the queue does, even if the mail is not due.
// If the mail already has a result, it does nothing.
func (p *pipeline) work(id uuid.UUID) error {
	p.t.Helper()
	return p.workIn(p.t.Context(), id)
}

func (p *pipeline) workIn(ctx context.Context, id uuid.UUID) error {
	p.t.Helper()
	m, err := storetest.StartMail(p.t.Context(), p.Store, id, p.Clock.Now())
	if errors.Is(err, workflow.ErrUnknown) {
		return nil
	}
	storetest.Must(p.t, err)
	due, err := p.sender.Attempt(ctx, m)
	if err == nil && !due.IsZero() {
		var stored time.Time
		storetest.Must(p.t, p.Pool().QueryRow(p.t.Context(), `select due_at from mail_queue where mail_id = $1`, id).Scan(&stored))
		if !stored.Equal(due.Truncate(time.Microsecond)) {
			p.t.Errorf("the queue attempts the mail at %v, not at %v", stored, due)
		}
		return deferred{due.Sub(p.Clock.Now())}
	}
	return err
}

// requestedAt returns the time at which a mail was requested.
func (p *pipeline) requestedAt(id uuid.UUID) (at time.Time) {
	p.t.Helper()
	storetest.Must(p.t, p.Pool().QueryRow(p.t.Context(), `select requested_at from mails where id = $1`, id).Scan(&at))
	return at
}

// wait returns the delay of the next attempt, given the result of work.
func (p *pipeline) wait(err error) time.Duration {
	p.t.Helper()
	var d deferred
	if !errors.As(err, &d) {
		p.t.Fatalf("there is no next attempt: %v", err)
	}
	return d.wait
}

// newQueues returns queues that send mails as the service does.
func newQueues(s *mail.Sender) *mail.Queues { return mail.NewQueues(s, s.Log) }
