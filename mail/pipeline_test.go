package mail_test

import (
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
	"github.com/riverqueue/river"
	"github.com/riverqueue/river/riverdriver/riverpgxv5"
	"github.com/riverqueue/river/rivertype"

	"stella/mail"
	"stella/otp"
	"stella/store"
	"stella/store/storetest"
	"stella/templates"
	"stella/workflow"
)

func TestMain(m *testing.M) {
	if asked := os.Getenv(processVariable); asked != "" {
		os.Exit(sendUntilKilled(asked))
	}
	flag.Set("test.parallel", "8") // they wait more than they work
	os.Exit(storetest.Run(m))
}

// post is a world whose mails go to a relay.
type post struct {
	*storetest.World
	t      *testing.T
	relay  *relay
	sender *mail.Sender
	log    *storetest.Log

	errors map[uuid.UUID][]rivertype.AttemptError // of the jobs
}

func newPost(t *testing.T) *post {
	t.Helper()
	t.Parallel()
	return newPostAlone(t)
}

// long leaves a test out of -short runs: with the race detector, and on a later
// day. The full run of make test has it.
func long(t *testing.T) {
	t.Helper()
	if testing.Short() {
		t.Skip("it takes more than five seconds")
	}
}

// newPostAlone is for what is measured.
func newPostAlone(t *testing.T) *post {
	t.Helper()
	p := &post{World: storetest.NewWorld(t), t: t, relay: startRelay(t), log: &storetest.Log{}, errors: map[uuid.UUID][]rivertype.AttemptError{}}
	p.sender = newSender(t, p.World, p.relay.client(t), p.log)
	return p
}

// newSender has the clock of the world.
func newSender(t testing.TB, w *storetest.World, r *mail.Relay, l io.Writer) *mail.Sender {
	t.Helper()
	s, err := makeSender(w.Store, w.Clock.Now, r, l)
	storetest.Must(t, err)
	return s
}

func makeSender(db *store.Store, now func() time.Time, r *mail.Relay, l io.Writer) (*mail.Sender, error) {
	texts, err := templates.New(site)
	return &mail.Sender{Outbox: db, Relay: r, Templates: texts, Keys: storetest.Keys, PublicURL: publicURL,
		FromName: "Posta Esempio – Identità", From: site.MailSender, Now: now, Log: slog.New(slog.NewTextHandler(l, nil))}, err
}

const publicURL = "https://id.example"

var site = templates.Site{Provider: "Posta Esempio", Service: "PEC Esempio",
	WebmailURL: "https://webmail.example", PrivacyURL: "https://p.example", AccessibilityURL: "https://a.example",
	HelpURL: "https://h.example", HelpContact: "help@posta.example", MailSender: "staff@posta.example"}

// inRealTime is for what the queue works, which reads the machine's clock.
func (p *post) inRealTime() *post {
	p.InRealTime()
	return p
}

// row is what the database says of a mail.
type row struct {
	id                                  uuid.UUID
	kind, to, reply                     string
	attempts                            int
	started, accepted, refused, dropped *time.Time
}

func (m row) ended() bool { return m.accepted != nil || m.refused != nil || m.dropped != nil }

// mails are the mails asked for, oldest first.
func (p *post) mails() []row {
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

// mail is the newest mail of a kind.
func (p *post) mail(k workflow.MailKind) row {
	p.t.Helper()
	for _, m := range slices.Backward(p.mails()) {
		if m.kind == string(k) {
			return m
		}
	}
	p.t.Fatalf("no mail %q was asked for", k)
	return row{}
}

// row is one mail as it stands.
func (p *post) row(id uuid.UUID) row {
	p.t.Helper()
	for _, m := range p.mails() {
		if m.id == id {
			return m
		}
	}
	p.t.Fatalf("there is no mail %s", id)
	return row{}
}

// codeMail is a code's mail that was asked for, and the code.
func (p *post) codeMail() (*storetest.Journey, row, string) {
	p.t.Helper()
	j := p.Reach(p.t, workflow.CodeEntry)
	var nonce []byte
	storetest.Must(p.t, p.Pool().QueryRow(p.t.Context(), `
		select c.nonce from codes c join qualifications q on q.id = c.qualification_id where q.mailbox_id = $1 and c.spent_at is null`, j.Mailbox).Scan(&nonce))
	return j, p.mail(workflow.MailCode), otp.Key(storetest.Key).Code(nonce)
}

// holder is one who has come to a state, with an address of their own.
func (p *post) holder(s workflow.State) *storetest.Journey {
	p.t.Helper()
	r := storetest.AnnasRecord
	r.Email = uuid.NewString() + "@mail.example"
	j := p.Record(p.t, r)
	j.To(s)
	return j
}

// ask asks for mails that may wait, by a step of the journey.
func (p *post) ask(j *storetest.Journey, n int) []uuid.UUID {
	p.t.Helper()
	ids := make([]uuid.UUID, n)
	storetest.Must(p.t, p.Update(p.t.Context(), j.Mailbox, func(c *workflow.Case) error {
		for i := range ids {
			ids[i] = uuid.New()
			c.Added = append(c.Added, workflow.Mail{ID: ids[i], Qualification: c.Qualification.ID, Kind: workflow.MailUnderReview, Queue: workflow.QueueMails,
				To: "anna.neri@mail.example", Locale: "it", RequestedAt: p.Procedure.Now()})
		}
		return nil
	}))
	return ids
}

// work makes one attempt to send a mail, and keeps its error as the queue does.
func (p *post) work(id uuid.UUID) error {
	p.t.Helper()
	j := job(id, p.asked(id))
	j.Errors = p.errors[id]
	err := p.sender.Work(p.t.Context(), j)
	var snooze *rivertype.JobSnoozeError
	if err != nil && !errors.As(err, &snooze) {
		p.errors[id] = append(p.errors[id], rivertype.AttemptError{Error: err.Error()})
	}
	return err
}

// asked is when a mail was asked for.
func (p *post) asked(id uuid.UUID) (at time.Time) {
	p.t.Helper()
	storetest.Must(p.t, p.Pool().QueryRow(p.t.Context(), `select requested_at from mails where id = $1`, id).Scan(&at))
	return at
}

// job is the job that sends a mail, at its first attempt.
func job(id uuid.UUID, created time.Time) *river.Job[workflow.SendMail] {
	return &river.Job[workflow.SendMail]{JobRow: &rivertype.JobRow{CreatedAt: created}, Args: workflow.SendMail{Mail: id}}
}

// wait is when the queue would make the next attempt after an error of work.
func (p *post) wait(err error) time.Duration {
	p.t.Helper()
	if err == nil {
		p.t.Fatal("there is no next attempt")
	}
	var snooze *rivertype.JobSnoozeError
	if errors.As(err, &snooze) {
		return snooze.Duration
	}
	return p.sender.NextRetry(nil).Sub(p.Clock.Now())
}

var queues = mail.Queues()

// newQueue works the jobs as the service does. A job that runs for longer than
// the sender allows is taken for crashed.
func newQueue(db *store.Store, sender river.Worker[workflow.SendMail], queues map[string]river.QueueConfig, l io.Writer) (*river.Client[pgx.Tx], error) {
	workers := river.NewWorkers()
	river.AddWorker(workers, sender)
	return river.NewClient(riverpgxv5.New(db.Pool()), &river.Config{
		Queues: queues, Workers: workers,
		FetchCooldown: 5 * time.Millisecond, FetchPollInterval: 200 * time.Millisecond,
		JobTimeout: sender.Timeout(nil), RescueStuckJobsAfter: sender.Timeout(nil),
		Logger: slog.New(slog.NewTextHandler(l, &slog.HandlerOptions{Level: slog.LevelWarn}))})
}
