package mail_test

import (
	"bytes"
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"mime"
	"mime/multipart"
	netmail "net/mail"
	"os"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/emersion/go-smtp"
	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"
	"github.com/riverqueue/river"
	"github.com/riverqueue/river/riverdriver/riverpgxv5"

	"stella/mail"
	"stella/otp"
	"stella/store/storetest"
	"stella/templates"
	"stella/workflow"
)

func TestMain(m *testing.M) { os.Exit(storetest.Run(m)) }

// post is a world whose mails go to a relay.
type post struct {
	*storetest.World
	t      *testing.T
	relay  *relay
	sender *mail.Sender
	log    *log
}

func newPost(t *testing.T) *post {
	t.Helper()
	t.Parallel()
	texts, err := templates.New(templates.Site{Provider: "Posta Esempio", Service: "PEC Esempio", PublicURL: "https://id.example",
		WebmailURL: "https://webmail.example", PrivacyURL: "https://p.example", AccessibilityURL: "https://a.example",
		HelpURL: "https://h.example", HelpContact: "help@posta.example", MailSender: "staff@posta.example"})
	storetest.Must(t, err)
	p := &post{World: storetest.NewWorld(t), t: t, relay: startRelay(t), log: &log{}}
	p.sender = &mail.Sender{Outbox: p.Store, Relay: p.relay.client(t), Templates: texts, Key: storetest.Key, PublicURL: "https://id.example",
		FromName: "Posta Esempio – Identità", From: "staff@posta.example", Now: p.Clock.Now, Log: slog.New(slog.NewTextHandler(p.log, nil))}
	return p
}

type log struct {
	mu sync.Mutex
	b  bytes.Buffer
}

func (l *log) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.b.Write(p)
}

func (l *log) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.b.String()
}

// row is what the database says of a mail.
type row struct {
	id                                  uuid.UUID
	kind, to, reply                     string
	attempts                            int
	started, accepted, refused, dropped *time.Time
}

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

// queue can look into the jobs, and work them when it is started.
func (p *post) queue() *river.Client[pgx.Tx] {
	p.t.Helper()
	workers := river.NewWorkers()
	river.AddWorker(workers, p.sender)
	c, err := river.NewClient(riverpgxv5.New(p.Pool()), &river.Config{Queues: map[string]river.QueueConfig{river.QueueDefault: {MaxWorkers: 8}},
		Workers: workers, FetchCooldown: 5 * time.Millisecond, FetchPollInterval: 50 * time.Millisecond, TestOnly: true,
		Logger: slog.New(slog.NewTextHandler(p.log, &slog.HandlerOptions{Level: slog.LevelWarn}))})
	storetest.Must(p.t, err)
	return c
}

// job is the job that sends a mail, as the step inserted it.
func (p *post) job(id uuid.UUID) *river.Job[workflow.SendMail] {
	p.t.Helper()
	all, err := p.queue().JobList(p.t.Context(), river.NewJobListParams().First(1000))
	storetest.Must(p.t, err)
	for _, j := range all.Jobs {
		if strings.Contains(string(j.EncodedArgs), id.String()) {
			j.Attempt++
			return &river.Job[workflow.SendMail]{JobRow: j, Args: workflow.SendMail{Mail: id}}
		}
	}
	p.t.Fatalf("no job sends the mail %s", id)
	return nil
}

// work makes one attempt to send a mail.
func (p *post) work(id uuid.UUID) error {
	p.t.Helper()
	return p.sender.Work(p.t.Context(), p.job(id))
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

// letter is a mail as its reader's program takes it apart.
type letter struct {
	netmail.Header
	subject    string
	text, html string
}

func (p *post) read(m received) letter {
	p.t.Helper()
	parsed, err := netmail.ReadMessage(bytes.NewReader(m.body))
	storetest.Must(p.t, err)
	l := letter{Header: parsed.Header}
	l.subject, err = new(mime.WordDecoder).DecodeHeader(parsed.Header.Get("Subject"))
	storetest.Must(p.t, err)
	media, params, err := mime.ParseMediaType(parsed.Header.Get("Content-Type"))
	storetest.Must(p.t, err)
	if media != "multipart/alternative" {
		p.t.Fatalf("the mail is %s", media)
	}
	parts := multipart.NewReader(parsed.Body, params["boundary"])
	for _, want := range []string{"text/plain; charset=UTF-8", "text/html; charset=UTF-8"} {
		part, err := parts.NextPart()
		storetest.Must(p.t, err)
		if got := part.Header.Get("Content-Type"); got != want {
			p.t.Fatalf("a part is %q, want %q", got, want)
		}
		body, err := io.ReadAll(part)
		storetest.Must(p.t, err)
		if l.text == "" {
			l.text = string(body)
		} else {
			l.html = string(body)
		}
	}
	if _, err := parts.NextPart(); err != io.EOF {
		p.t.Fatalf("there are more than two parts (%v)", err)
	}
	return l
}

func TestACodeIsMailed(t *testing.T) {
	p := newPost(t)
	_, m, code := p.codeMail()
	storetest.Must(t, p.work(m.id))

	all := p.relay.received()
	if len(all) != 1 || all[0].from != "staff@posta.example" || !slices.Equal(all[0].to, []string{"anna.neri@mail.example"}) {
		t.Fatalf("the relay got %+v, want one mail with one recipient", all)
	}
	l := p.read(all[0])
	for header, want := range map[string]string{
		"Message-Id":       "<" + m.id.String() + "@posta.example>",
		"Date":             "Sat, 21 Nov 2026 11:00:00 +0000",
		"Auto-Submitted":   "auto-generated",
		"Content-Language": "it",
		"To":               "<anna.neri@mail.example>",
		"User-Agent":       "",
		"X-Mailer":         "",
		"Bcc":              "",
	} {
		if got := l.Get(header); got != want {
			t.Errorf("%s: %q, want %q", header, got, want)
		}
	}
	from, err := l.AddressList("From")
	if err != nil || len(from) != 1 || from[0].Name != "Posta Esempio – Identità" || from[0].Address != "staff@posta.example" {
		t.Errorf("From: %v, %v", from, err)
	}
	if first, _, _ := strings.Cut(l.text, "\r\n"); first != code {
		t.Errorf("the first line is %q, want the code %s", first, code)
	}
	if !strings.Contains(l.html, code) {
		t.Error("the HTML part has no code")
	}
	if strings.Contains(l.subject, code) {
		t.Errorf("the subject %q tells the code", l.subject)
	}

	m = p.mail(workflow.MailCode)
	if m.accepted == nil || !m.accepted.Equal(p.Clock.Now()) || m.attempts != 1 || m.started == nil {
		t.Errorf("the row says %+v", m)
	}
	if m.reply != "2.0.0 OK: queued" {
		t.Errorf("the reply kept is %q", m.reply)
	}
	if err := p.work(m.id); err != nil || len(p.relay.received()) != 1 {
		t.Errorf("a mail that was accepted is sent again (%v)", err)
	}
}

func TestACodeIsInNoRowJobOrLog(t *testing.T) {
	p := newPost(t)
	p.relay.faults(at("rcpt", 1, tryLater))
	_, m, code := p.codeMail()
	if p.work(m.id) == nil {
		t.Fatal("the relay was to say no at first")
	}
	storetest.Must(t, p.work(m.id))
	rows, err := p.Pool().Query(t.Context(), `select tablename from pg_tables where schemaname = 'public'`)
	storetest.Must(t, err)
	tables, err := pgx.CollectRows(rows, pgx.RowTo[string])
	storetest.Must(t, err)
	if !slices.Contains(tables, "river_job") || !slices.Contains(tables, "steps") {
		t.Fatalf("the tables are %v", tables)
	}
	for _, table := range tables {
		var content string
		storetest.Must(t, p.Pool().QueryRow(t.Context(), `select coalesce(string_agg(x::text, ' '), '') from `+table+` x`).Scan(&content))
		// Six digits can be part of an id by chance.
		for _, word := range strings.FieldsFunc(content, func(r rune) bool { return !('0' <= r && r <= '9' || 'a' <= r && r <= 'z') }) {
			if word == code {
				t.Errorf("the code is in %s", table)
			}
		}
	}
	if strings.Contains(p.log.String(), code) {
		t.Error("the code is in the log")
	}
}

func TestARepeatedMailIsTheSame(t *testing.T) {
	p := newPost(t)
	_, m, _ := p.codeMail()
	// The relay takes the mail, and the connection breaks before it can say so.
	p.relay.faults(at("end of data", 1, errDrop))
	if err := p.work(m.id); err == nil {
		t.Fatal("a mail that nobody confirmed counts as sent")
	}
	p.Clock.Advance(5 * time.Second)
	storetest.Must(t, p.work(m.id))
	all := p.relay.received()
	if len(all) != 2 || !bytes.Equal(all[0].body, all[1].body) {
		t.Fatalf("%d mails that differ, want the same twice", len(all))
	}
	if m := p.mail(workflow.MailCode); m.attempts != 2 || m.accepted == nil {
		t.Errorf("the row says %+v", m)
	}
}

// What the relay took is recorded, also when the time for the attempt ran out
// meanwhile; and where it cannot be recorded, the mail is sent again.
func TestWhatTheRelayTookIsRecorded(t *testing.T) {
	p := newPost(t)
	_, m, _ := p.codeMail()
	p.sender.Outbox = &forgetful{Outbox: p.Store}
	if err := p.work(m.id); !errors.Is(err, errForgot) {
		t.Fatalf("Work: %v, want the database's error", err)
	}
	storetest.Must(t, p.work(m.id))
	if n := len(p.relay.received()); n != 2 {
		t.Errorf("the mail was sent %d times, want 2", n)
	}

	p = &post{World: p.World, t: t, relay: p.relay, sender: p.sender, log: p.log}
	_, m, _ = p.codeMail()
	ctx, cancel := context.WithCancel(t.Context())
	p.relay.faults(func(verb string, _ int) error {
		if verb == "end of data" {
			cancel()
		}
		return nil
	})
	storetest.Must(t, p.sender.Work(ctx, p.job(m.id)))
	if m := p.mail(workflow.MailCode); m.accepted == nil {
		t.Errorf("the row says %+v", m)
	}
}

// forgetful cannot record the first acceptance.
type forgetful struct {
	mail.Outbox
	once sync.Once
}

var errForgot = errors.New("the database is gone")

func (f *forgetful) MailAccepted(ctx context.Context, id uuid.UUID, reply string, at time.Time) (err error) {
	f.once.Do(func() { err = errForgot })
	if err != nil {
		return err
	}
	return f.Outbox.MailAccepted(ctx, id, reply, at)
}

func TestAFinalNoEndsAMail(t *testing.T) {
	p := newPost(t)
	for _, verb := range []string{"mail", "rcpt", "data", "end of data"} {
		t.Run(verb, func(t *testing.T) {
			p.relay.faults(at(verb, 99, noSuchMailbox))
			_, m, _ := p.codeMail()
			if err := p.work(m.id); err != nil {
				t.Fatalf("Work: %v; a final no is not retried", err)
			}
			m = p.mail(workflow.MailCode)
			if m.refused == nil || m.accepted != nil || m.attempts != 1 {
				t.Errorf("the row says %+v", m)
			}
			if !strings.Contains(m.reply, `550 "5.1.1 No such mailbox here"`) || strings.Contains(m.reply, "anna.neri") {
				t.Errorf("the reply kept is %q", m.reply)
			}
			storetest.Must(t, p.work(m.id))
			if p.mail(workflow.MailCode).attempts != 1 {
				t.Error("a refused mail is tried again")
			}
		})
	}
}

func TestATemporaryNoIsTriedAgain(t *testing.T) {
	p := newPost(t)
	for _, no := range []*smtp.SMTPError{mailboxFull, tryLater} {
		for _, verb := range []string{"mail", "rcpt", "data", "end of data"} {
			t.Run(fmt.Sprintf("%d at %s", no.Code, verb), func(t *testing.T) {
				before := len(p.relay.received())
				p.relay.faults(at(verb, 1, no))
				_, m, _ := p.codeMail()
				if err := p.work(m.id); err == nil {
					t.Fatal("Work was content")
				}
				m = p.mail(workflow.MailCode)
				if m.started != nil || m.accepted != nil || m.refused != nil || m.dropped != nil {
					t.Errorf("a mail that was put off: %+v", m)
				}
				if !strings.Contains(m.reply, no.Message) {
					t.Errorf("the reply kept is %q", m.reply)
				}
				storetest.Must(t, p.work(m.id))
				m = p.mail(workflow.MailCode)
				if m.accepted == nil || m.attempts != 2 || m.reply != "2.0.0 OK: queued" {
					t.Errorf("the row says %+v", m)
				}
				if n := len(p.relay.received()) - before; n != 1 {
					t.Errorf("the relay took %d mails", n)
				}
			})
		}
	}
}

func TestADroppedConnectionIsTriedAgain(t *testing.T) {
	p := newPost(t)
	for _, verb := range []string{"connect", "ehlo", "starttls", "mail", "rcpt", "data", "end of data"} {
		t.Run(verb, func(t *testing.T) {
			p.sender.Relay = p.relay.client(t)
			p.relay.faults(at(verb, 1, errDrop))
			_, m, _ := p.codeMail()
			if err := p.work(m.id); err == nil {
				t.Fatal("Work was content")
			}
			m = p.mail(workflow.MailCode)
			perhaps := verb == "data" || verb == "end of data" // it was handed over whole: a code's life runs
			if m.refused != nil || (m.started != nil) != perhaps || m.reply == "" {
				t.Errorf("the row says %+v", m)
			}
			storetest.Must(t, p.work(m.id))
			if p.mail(workflow.MailCode).accepted == nil {
				t.Error("the mail was not sent")
			}
		})
	}
}

func TestARelayThatIsAwayIsTriedAgain(t *testing.T) {
	p := newPost(t)
	p.sender.Relay = newRelay(t, mail.RelayOptions{Host: "127.0.0.1", Port: 1})
	_, m, _ := p.codeMail()
	if err := p.work(m.id); err == nil {
		t.Fatal("Work was content")
	}
	if m := p.mail(workflow.MailCode); m.refused != nil || m.started != nil {
		t.Errorf("the row says %+v", m)
	}
}

func TestASlowRelayIsLeft(t *testing.T) {
	p := newPost(t)
	p.sender.Relay = newRelay(t, p.relay.options().WithTimeout(200*time.Millisecond))
	p.relay.faults(func(verb string, n int) error {
		if verb == "data" && n == 1 {
			time.Sleep(500 * time.Millisecond)
		}
		return nil
	})
	_, m, _ := p.codeMail()
	if err := p.work(m.id); err == nil {
		t.Fatal("Work was content")
	}
	storetest.Must(t, p.work(m.id))
	if n := p.relay.connections(); n != 2 {
		t.Errorf("%d connections; the slow one was kept", n)
	}
}

// A relay without TLS, or one that nobody vouches for, learns nothing.
func TestNothingIsSaidInClear(t *testing.T) {
	p := newPost(t)
	for name, broken := range map[string]func(*testing.T, *post){
		"no STARTTLS": func(t *testing.T, p *post) {
			p.relay = startRelay(t, func(s *smtp.Server) { s.TLSConfig = nil })
			p.sender.Relay = p.relay.client(t)
		},
		"unknown authority": func(t *testing.T, p *post) {
			o := p.relay.options()
			o.TLS = nil
			p.sender.Relay = newRelay(t, o)
		},
		"another host's certificate": func(t *testing.T, p *post) {
			o := p.relay.options()
			o.Host = "localhost"
			p.sender.Relay = newRelay(t, o)
		},
		"a password is asked for": func(t *testing.T, p *post) {
			p.relay = startRelay(t, func(s *smtp.Server) { s.TLSConfig = nil; s.AllowInsecureAuth = true })
			o := p.relay.options()
			o.User, o.Password = "stella", "a password"
			p.sender.Relay = newRelay(t, o)
		},
	} {
		t.Run(name, func(t *testing.T) {
			p.relay = startRelay(t)
			broken(t, p)
			_, m, code := p.codeMail()
			if err := p.work(m.id); err == nil {
				t.Fatal("Work was content")
			}
			if m := p.mail(workflow.MailCode); m.refused != nil || m.started != nil {
				t.Errorf("the row says %+v", m)
			}
			said := p.relay.inClear()
			for _, secret := range []string{"MAIL FROM", "anna.neri", code, "AUTH"} {
				if strings.Contains(said, secret) {
					t.Errorf("%q was said in clear: %q", secret, said)
				}
			}
			if !strings.Contains(said, "EHLO") {
				t.Errorf("the relay was not reached: %q", said)
			}
		})
	}
}

func TestTLSFromTheFirstByte(t *testing.T) {
	p := newPost(t)
	p.relay = start(t, tls.NewListener)
	o := p.relay.options()
	o.ImplicitTLS = true
	p.sender.Relay = newRelay(t, o)
	_, m, _ := p.codeMail()
	storetest.Must(t, p.work(m.id))
	if n := len(p.relay.received()); n != 1 {
		t.Errorf("%d mails were taken", n)
	}
	if strings.Contains(p.relay.inClear(), "EHLO") {
		t.Error("the greeting was in clear")
	}
}

func TestConnectionsAreKept(t *testing.T) {
	p := newPost(t)
	for range 5 {
		_, m, _ := p.codeMail()
		storetest.Must(t, p.work(m.id))
	}
	if n := p.relay.connections(); n != 1 {
		t.Errorf("%d connections for 5 mails, want 1", n)
	}
	// A no ends a connection, and nothing else.
	p.relay.faults(at("rcpt", 1, noSuchMailbox))
	for range 3 {
		_, m, _ := p.codeMail()
		storetest.Must(t, p.work(m.id))
	}
	if n := p.relay.connections(); n > 2 {
		t.Errorf("%d connections after a refusal, want 2", n)
	}
}

func TestAConnectionThatDiedBetweenMailsIsReplaced(t *testing.T) {
	p := newPost(t)
	for range 3 {
		_, m, _ := p.codeMail()
		storetest.Must(t, p.work(m.id)) // at the first attempt
		p.relay.dropIdle()
	}
	if n := len(p.relay.received()); n != 3 {
		t.Errorf("%d mails, want 3", n)
	}
	if n := p.relay.connections(); n != 3 {
		t.Errorf("%d connections, want 3", n)
	}
}

// A connection outlives the timeout of the mail before.
func TestAnIdleConnectionDoesNotTimeOut(t *testing.T) {
	p := newPost(t)
	p.sender.Relay = newRelay(t, p.relay.options().WithTimeout(300*time.Millisecond))
	for range 2 {
		_, m, _ := p.codeMail()
		storetest.Must(t, p.work(m.id))
		time.Sleep(400 * time.Millisecond)
	}
	if n := p.relay.connections(); n != 1 {
		t.Errorf("%d connections, want 1", n)
	}
}

func TestManyMailsAtOnce(t *testing.T) {
	p := newPost(t)
	var ids []uuid.UUID
	for range 12 {
		_, m, _ := p.codeMail()
		ids = append(ids, m.id)
	}
	jobs := make([]*river.Job[workflow.SendMail], len(ids))
	for i, id := range ids {
		jobs[i] = p.job(id)
	}
	var all sync.WaitGroup
	for _, j := range jobs {
		all.Go(func() {
			if err := p.sender.Work(t.Context(), j); err != nil {
				t.Error(err)
			}
		})
	}
	all.Wait()
	got := map[string]bool{}
	for _, m := range p.relay.received() {
		got[p.read(m).Get("Message-Id")] = true
	}
	if len(got) != len(ids) || len(p.relay.received()) != len(ids) {
		t.Errorf("%d mails of which %d differ, want %d", len(p.relay.received()), len(got), len(ids))
	}
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

func TestAnInvitationHoldsItsLink(t *testing.T) {
	p := newPost(t)
	p.Reach(t, workflow.Invited)
	m := p.mail(workflow.MailInvitation)
	storetest.Must(t, p.work(m.id))
	text := p.read(p.relay.received()[0]).text
	_, link, ok := strings.Cut(text, "https://id.example/invito/")
	secret, _, _ := strings.Cut(link, "\r\n")
	if !ok || len(secret) < 40 {
		t.Fatalf("no link in\n%s", text)
	}
	if _, err := p.Procedure.Invitation(t.Context(), secret); err != nil {
		t.Errorf("the link leads nowhere: %v", err)
	}
	var rows int
	storetest.Must(t, p.Pool().QueryRow(t.Context(), `select count(*) from invitations i where i::text like '%' || $1 || '%'`, secret).Scan(&rows))
	if rows != 0 {
		t.Error("the link's secret is in the database")
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
			for _, now := range p.mails() {
				if now.id == m.id && (now.dropped == nil || now.started != nil || now.accepted != nil) {
					t.Errorf("the row says %+v", now)
				}
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

func TestTheLastAttemptEndsVisiblyDead(t *testing.T) {
	p := newPost(t)
	p.relay.faults(at("rcpt", 99, mailboxFull))
	p.Reach(t, workflow.Qualified)
	m := p.mail(workflow.MailQualified)
	j := p.job(m.id)
	j.Attempt = j.MaxAttempts - 1
	if p.sender.Work(t.Context(), j) == nil || p.mail(workflow.MailQualified).dropped != nil {
		t.Fatal("the mail is given up before the last attempt")
	}
	j.Attempt = j.MaxAttempts
	if p.sender.Work(t.Context(), j) == nil {
		t.Error("Work was content")
	}
	m = p.mail(workflow.MailQualified)
	if m.dropped == nil || m.accepted != nil || m.started != nil || m.attempts != 2 {
		t.Errorf("the row says %+v", m)
	}
	if !strings.Contains(m.reply, "Mailbox full") {
		t.Errorf("the reply kept is %q", m.reply)
	}
	if said := p.log.String(); !strings.Contains(said, m.id.String()) || !strings.Contains(said, "level=ERROR") {
		t.Errorf("the log says %q", said)
	}
}

// The same holds for what cannot even be written.
func TestAMailThatCannotBeWrittenEndsVisiblyDead(t *testing.T) {
	p := newPost(t)
	_, m, _ := p.codeMail()
	_, err := p.Pool().Exec(t.Context(), `update mails set kind = 'unheard_of'`)
	storetest.Must(t, err)
	j := p.job(m.id)
	j.Attempt = j.MaxAttempts
	if p.sender.Work(t.Context(), j) == nil {
		t.Error("Work was content")
	}
	if m := p.mails()[0]; m.dropped == nil || m.reply == "" {
		t.Errorf("the row says %+v", m)
	}
}

func TestAMailThatMayWaitIsTriedForThreeDays(t *testing.T) {
	p := newPost(t)
	_, m, _ := p.codeMail()
	j := p.job(m.id)
	var waited time.Duration
	for range j.MaxAttempts - 1 {
		wait := p.sender.NextRetry(j).Sub(p.Clock.Now())
		if waited < 15*time.Second && wait > 2*time.Second {
			t.Fatalf("after %v the next attempt is %v away, too far for a code", waited, wait)
		}
		waited += wait
		j.Errors = grow(j.Errors)
	}
	if waited < 70*time.Hour || waited > 80*time.Hour {
		t.Errorf("%d attempts take %v, want about three days", j.MaxAttempts, waited)
	}
	if j.Priority != 1 {
		t.Errorf("a code's job has priority %d", j.Priority)
	}
}

func grow[T any](s []T) []T { return append(s, *new(T)) }

func TestAnAddressOfAForeignAlphabetIsWrittenInASCII(t *testing.T) {
	p := newPost(t)
	j := p.Record(t, workflow.Record{Kind: workflow.KindPerson, Name: "Anna Neri", FiscalCode: storetest.Anna, Email: "anna@città.example"})
	j.To(workflow.CodeEntry)
	storetest.Must(t, p.work(p.mail(workflow.MailCode).id))
	if to := p.relay.received()[0].to; !slices.Equal(to, []string{"anna@xn--citt-3na.example"}) {
		t.Errorf("the recipient is %q", to)
	}
}

// The queue itself: a step and its mail are one.
func TestAMailLeavesWithItsStep(t *testing.T) {
	p := newPost(t)
	p.Clock.Advance(time.Since(p.Clock.Now()))
	p.sender.Now = time.Now // the queue's own clock
	p.relay.faults(at("rcpt", 1, tryLater))
	queue := p.queue()
	storetest.Must(t, queue.Start(t.Context()))
	defer queue.Stop(context.Background())
	done, cancel := queue.Subscribe(river.EventKindJobCompleted, river.EventKindJobCancelled)
	defer cancel()

	j := p.Record(t, storetest.AnnasRecord)
	j.To(workflow.Contract)
	// A step that is undone sends nothing.
	undone := errors.New("undone")
	err := p.Update(t.Context(), j.Mailbox, func(c *workflow.Case) error {
		c.Added = append(c.Added, workflow.Mail{ID: uuid.New(), Qualification: c.Qualification.ID, Kind: workflow.MailQualified,
			To: "nobody@mail.example", Locale: "it", RequestedAt: time.Now()})
		return undone
	})
	if !errors.Is(err, undone) {
		t.Fatal(err)
	}
	// Neither does one that the database refuses, after the mail was written.
	err = p.Update(t.Context(), j.Mailbox, func(c *workflow.Case) error {
		c.Added = append(c.Added, workflow.Mail{ID: uuid.New(), Qualification: c.Qualification.ID, Kind: workflow.MailQualified,
			To: "nobody@mail.example", Locale: "it", RequestedAt: time.Now()})
		c.Qualification.State = workflow.Qualified // and no row of the log says why
		return nil
	})
	if err == nil {
		t.Fatal("a step without its log was committed")
	}
	j.To(workflow.CodeEntry)

	select {
	case <-done: // after a no, two seconds before
	case <-time.After(20 * time.Second):
		t.Fatalf("nothing was sent; the log says %s", p.log)
	}
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
