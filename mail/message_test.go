package mail_test

import (
	"bytes"
	"encoding/base64"
	"io"
	"mime"
	"mime/multipart"
	netmail "net/mail"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/PuerkitoBio/goquery"
	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"stella/store/storetest"
	"stella/templates"
	"stella/workflow"
	"stella/workflow/qualification"
)

// parsedMail is a received mail, parsed as a mail client does.
type parsedMail struct {
	netmail.Header
	subject    string
	text, html string
	attachment string // file name
	attached   []byte
}

// read parses a received mail.
func (p *pipeline) read(m received) parsedMail {
	p.t.Helper()
	parsed, err := netmail.ReadMessage(bytes.NewReader(m.body))
	storetest.Must(p.t, err)
	l := parsedMail{Header: parsed.Header}
	l.subject, err = new(mime.WordDecoder).DecodeHeader(parsed.Header.Get("Subject"))
	storetest.Must(p.t, err)
	body := io.Reader(parsed.Body)
	media, params, err := mime.ParseMediaType(parsed.Header.Get("Content-Type"))
	storetest.Must(p.t, err)
	if media == "multipart/mixed" {
		parts := multipart.NewReader(parsed.Body, params["boundary"])
		first, err := parts.NextPart()
		storetest.Must(p.t, err)
		content, err := io.ReadAll(first)
		storetest.Must(p.t, err)
		body = bytes.NewReader(content)
		media, params, err = mime.ParseMediaType(first.Header.Get("Content-Type"))
		storetest.Must(p.t, err)
		file, err := parts.NextPart()
		storetest.Must(p.t, err)
		l.attachment = file.FileName()
		l.attached, err = io.ReadAll(base64.NewDecoder(base64.StdEncoding, file))
		storetest.Must(p.t, err)
	}
	if media != "multipart/alternative" {
		p.t.Fatalf("the mail is %s, want multipart/alternative", media)
	}
	parts := multipart.NewReader(body, params["boundary"])
	for _, want := range []string{"text/plain; charset=UTF-8", "text/html; charset=UTF-8"} {
		part, err := parts.NextPart()
		storetest.Must(p.t, err)
		if got := part.Header.Get("Content-Type"); got != want {
			p.t.Fatalf("the part is %q, want %q", got, want)
		}
		content, err := io.ReadAll(part)
		storetest.Must(p.t, err)
		if l.text == "" {
			l.text = string(content)
		} else {
			l.html = string(content)
		}
	}
	if _, err := parts.NextPart(); err != io.EOF {
		p.t.Fatalf("the mail has more than two parts (%v)", err)
	}
	return l
}

func TestACodeIsMailed(t *testing.T) {
	p := newPipeline(t)
	_, m, code := p.codeMail()
	storetest.Must(t, p.work(m.id))

	all := p.relay.received()
	if len(all) != 1 || all[0].from != "staff@posta.example" || !slices.Equal(all[0].to, []string{"anna.neri@mail.example"}) {
		t.Fatalf("the relay got %+v, want one mail with one recipient", all)
	}
	l := p.read(all[0])
	for header, want := range map[string]string{
		"Message-Id":       "<" + m.id.String() + "@posta.example>",
		"Date":             p.Clock.Now().In(templates.Rome).Format(time.RFC1123Z),
		"Auto-Submitted":   "auto-generated",
		"Content-Language": "it",
		"To":               "<anna.neri@mail.example>",
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
		t.Errorf("the subject %q contains the code", l.subject)
	}

	m = p.mail(workflow.MailCode)
	if m.accepted == nil || !m.accepted.Equal(p.Clock.Now()) || m.attempts != 1 || m.started == nil {
		t.Errorf("the row is %+v", m)
	}
	if m.reply != "2.0.0 OK: queued" {
		t.Errorf("the stored reply is %q", m.reply)
	}
	if err := p.work(m.id); err != nil || len(p.relay.received()) != 1 {
		t.Errorf("an accepted mail is sent again (%v)", err)
	}
}

func TestACodeIsInNoRowJobOrLog(t *testing.T) {
	p := newPipeline(t)
	p.relay.faults(at("rcpt", 1, tryLater))
	_, m, code := p.codeMail()
	if p.work(m.id) == nil {
		t.Fatal("the relay accepted the first attempt")
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
				t.Errorf("the code is in the table %s", table)
			}
		}
	}
	if strings.Contains(p.log.String(), code) {
		t.Error("the code is in the log")
	}
}

func TestAnInvitationContainsItsLink(t *testing.T) {
	p := newPipeline(t)
	p.RecordInState(t, qualification.Invited)
	m := p.mail(workflow.MailInvitation)
	storetest.Must(t, p.work(m.id))
	text := p.read(p.relay.received()[0]).text
	_, link, ok := strings.Cut(text, "https://id.example/invito/")
	secret, _, _ := strings.Cut(link, "\r\n")
	if !ok || len(secret) < 40 {
		t.Fatalf("no link in\n%s", text)
	}
	if _, err := p.Procedure.Invitation(t.Context(), secret); err != nil {
		t.Errorf("the link does not open the invitation: %v", err)
	}
	var rows int
	storetest.Must(t, p.Pool().QueryRow(t.Context(), `
		select count(*) from invitations i where i::text like '%' || $1 || '%'`, secret).Scan(&rows))
	if rows != 0 {
		t.Error("the link's secret is in the database")
	}
}

// sendEveryKind sends one mail of each kind, with the longest possible mailbox
// address and with details that try to inject headers.
func (p *pipeline) sendEveryKind() []received {
	p.t.Helper()
	evil := "Anna\r\nBcc: thief@mail.example\r\n\r\nNeri"
	p.RecordAs(p.t, strings.Repeat("officine-bianchi", 4)+"@"+storetest.Domain, storetest.AnnasRecord).AdvanceTo(qualification.CodeEntry)
	p.RecordAs(p.t, strings.Repeat("caterina-azzurri", 4)+"@"+storetest.Domain, storetest.AnnasRecord).AdvanceTo(qualification.Invited)
	j := p.RecordAs(p.t, strings.Repeat("nuova-cooperativ", 4)+"@"+storetest.Domain, storetest.AnnasRecord)
	j.AdvanceTo(qualification.CodeEntry)
	storetest.Must(p.t, p.Update(p.t.Context(), j.Mailbox, func(c *qualification.Case) error {
		for _, k := range []workflow.MailKind{
			workflow.MailInvitationDeclined, workflow.MailInvitationQualified, workflow.MailContactsChanged, workflow.MailUnderReview,
			workflow.MailQualified, workflow.MailQualifiedPEC, workflow.MailRejected, workflow.MailRevoked,
		} {
			c.Added = append(c.Added, workflow.Mail{
				ID: uuid.New(), Qualification: c.Qualification.ID, Kind: k,
				To: "anna@mail.example", Locale: "en", RequestedAt: p.Clock.Now(), Queue: workflow.QueueMails,
				Details: workflow.MailDetails{Person: evil, Provider: evil, Remark: evil, NewMasked: evil, Level: "SpidL2"},
			})
		}
		return nil
	}))
	for _, m := range p.mails() {
		storetest.Must(p.t, p.work(m.id))
	}
	all := p.relay.received()
	if want := 11; len(all) != want {
		p.t.Fatalf("%d mails, want %d", len(all), want)
	}
	return all
}

func TestEveryMailIsWellFormed(t *testing.T) {
	p := newPipeline(t)
	seen := map[string]bool{}
	for _, m := range p.sendEveryKind() {
		l := p.read(m)
		for line := range strings.SplitSeq(string(m.body), "\r\n") {
			if len(line) > 78 || strings.ContainsAny(line, "\r\n") {
				t.Errorf("%q: a line of %d octets: %q", l.subject, len(line), line)
			}
			if strings.ContainsFunc(line, func(r rune) bool { return r > '~' || r < ' ' && r != '\t' }) {
				t.Errorf("%q: not ASCII: %q", l.subject, line)
			}
		}
		var headers []string
		for h, values := range l.Header {
			headers = append(headers, h)
			if len(values) != 1 {
				t.Errorf("%q: %d headers %s", l.subject, len(values), h)
			}
		}
		slices.Sort(headers)
		// No List-Unsubscribe, because these mails are transactional. No Bcc, although a name contains one.
		want := []string{"Auto-Submitted", "Content-Language", "Content-Type", "Date", "From", "Message-Id", "Mime-Version", "Subject", "To"}
		if !slices.Equal(headers, want) {
			t.Errorf("%q has the headers %v, want %v", l.subject, headers, want)
		}
		language := l.Get("Content-Language")
		if !slices.Contains([]string{"it", "en"}, language) || !strings.Contains(l.html, `lang="`+language+`"`) {
			t.Errorf("%q has the language %q", l.subject, language)
		}
		if seen[l.Get("Message-Id")] || !strings.HasSuffix(l.Get("Message-Id"), "@posta.example>") {
			t.Errorf("%q has the Message-ID %s", l.subject, l.Get("Message-Id"))
		}
		seen[l.Get("Message-Id")] = true
		if _, err := l.Date(); err != nil {
			t.Errorf("%q: %v", l.subject, err)
		}
	}
}

// Mails fetch nothing, so opening one cannot be tracked.
func TestMailsFetchNothing(t *testing.T) {
	p := newPipeline(t)
	for _, m := range p.sendEveryKind() {
		l := p.read(m)
		page, err := goquery.NewDocumentFromReader(strings.NewReader(l.html))
		storetest.Must(t, err)
		const fetching = "img, script, link, iframe, object, video, audio, source, [background], [srcset]"
		if page.Find(fetching).Length() > 0 || strings.Contains(l.html, "url(") {
			t.Errorf("%q fetches something:\n%s", l.subject, l.html)
		}
		for _, a := range page.Find("a").EachIter() {
			link := a.AttrOr("href", "")
			known := []string{site.HelpURL, site.WebmailURL, "mailto:" + site.HelpContact}
			if !strings.HasPrefix(link, publicURL+"/") && !slices.Contains(known, link) {
				t.Errorf("%q links to %s", l.subject, link)
			}
			shown := strings.TrimPrefix(link, "mailto:")
			if !a.HasClass("button") && a.Text() != shown {
				t.Errorf("%q links to %s, but shows %q", l.subject, link, a.Text())
			}
			if !strings.Contains(l.text, shown) {
				t.Errorf("%q: the text part does not contain %s", l.subject, link)
			}
		}
	}
}

func TestAnAddressWithAnIDNIsConvertedToASCII(t *testing.T) {
	p := newPipeline(t)
	r := storetest.AnnasRecord
	r.Email = "anna@città.example"
	j := p.Record(t, r)
	j.AdvanceTo(qualification.CodeEntry)
	storetest.Must(t, p.work(p.mail(workflow.MailCode).id))
	if to := p.relay.received()[0].to; !slices.Equal(to, []string{"anna@xn--citt-3na.example"}) {
		t.Errorf("the recipient is %q", to)
	}
}

// The database normally contains no such address. If a relay accepted it, a later
// relay could lose the mail.
func TestAnAddressThatIsNotASCIIIsRefused(t *testing.T) {
	p := newPipeline(t)
	id := p.requestMails(p.RecordInState(t, qualification.CodeEntry), 1)[0]
	_, err := storetest.Owner(t, p.Store).Exec(t.Context(), `update mails set recipient = 'anna.nèri@mail.example' where id = $1`, id)
	storetest.Must(t, err)
	storetest.Must(t, p.work(id))
	if m := p.row(id); m.refused == nil || !strings.Contains(m.reply, "not written in ASCII") || len(p.relay.received()) != 0 {
		t.Errorf("the row is %+v", m)
	}
}

// An address that contains SMTP commands, other addresses or headers is not used.
func TestAnAddressCannotInjectCommands(t *testing.T) {
	p := newPipeline(t)
	j := p.RecordInState(t, qualification.CodeEntry)
	for _, address := range []string{
		"anna@mail.example>\r\nRCPT TO:<thief@mail.example",
		"anna@mail.example, thief@mail.example",
		"Anna <anna@mail.example>\r\nBcc: thief@mail.example",
	} {
		id := p.requestMails(j, 1)[0]
		_, err := storetest.Owner(t, p.Store).Exec(t.Context(), `update mails set recipient = $2 where id = $1`, id, address)
		storetest.Must(t, err)
		if p.work(id) == nil || p.row(id).accepted != nil || len(p.relay.received()) != 0 {
			t.Errorf("a mail was sent to %q", address)
		}
	}
}
