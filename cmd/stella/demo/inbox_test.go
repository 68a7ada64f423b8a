package demo

import (
	"crypto/tls"
	"crypto/x509"
	"encoding/json"
	"errors"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"net/textproto"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/PuerkitoBio/goquery"
	"github.com/wneessen/go-mail"
)

func startInbox(t *testing.T) (*Inbox, string) {
	i, err := StartInbox()
	if err != nil {
		t.Fatal(err)
	}
	server := httptest.NewServer(i.Handler())
	t.Cleanup(func() {
		server.Close()
		i.Close()
	})
	return i, server.URL
}

// send sends a mail like Stella: TLS is mandatory, and only the relay's authority is
// trusted.
func send(t *testing.T, i *Inbox, to, subject, text, html string) error {
	t.Helper()
	host, port, _ := net.SplitHostPort(i.Addr())
	number, _ := strconv.Atoi(port)
	roots := x509.NewCertPool()
	if !roots.AppendCertsFromPEM(i.CA()) {
		t.Fatal("the authority is not a PEM certificate")
	}
	client, err := mail.NewClient(host, mail.WithPort(number), mail.WithTLSPolicy(mail.TLSMandatory),
		mail.WithTLSConfig(&tls.Config{RootCAs: roots, ServerName: host, MinVersion: tls.VersionTLS12}))
	if err != nil {
		t.Fatal(err)
	}
	m := mail.NewMsg()
	if err := m.FromFormat("Qualità PEC", "staff@posta.example"); err != nil {
		t.Fatal(err)
	}
	if err := m.To(to); err != nil {
		t.Fatal(err)
	}
	m.Subject(subject)
	m.SetBodyString(mail.TypeTextPlain, text)
	if html != "" {
		m.AddAlternativeString(mail.TypeTextHTML, html)
	}
	return client.DialAndSend(m)
}

type received struct {
	To, From, Subject, Text string
	Received                time.Time `json:"received_at"`
}

func messages(t *testing.T, url string) []received {
	t.Helper()
	res, err := http.Get(url)
	if err != nil {
		t.Fatal(err)
	}
	defer res.Body.Close()
	var all []received
	if err := json.NewDecoder(res.Body).Decode(&all); err != nil {
		t.Fatal(err)
	}
	return all
}

func TestInboxKeepsMail(t *testing.T) {
	i, url := startInbox(t)
	before := time.Now().Add(-time.Second)
	const text = "Il codice è 123456.\nVale più o meno un minuto: http://localhost:8080/invito/abc.\n"
	err := send(t, i, "Anna.Neri@mail.example", "Il codice è 123456 – identità", text, "<p>Il codice è <b>123456</b></p>")
	if err != nil {
		t.Fatal(err)
	}
	if err := send(t, i, "altra@mail.example", "Altro", "Solo testo", ""); err != nil {
		t.Fatal(err)
	}

	if all := messages(t, url+"/messages.json"); len(all) != 2 || all[0].Subject != "Altro" {
		t.Errorf("all mails, the newest first: %+v", all)
	}
	found := messages(t, url+"/messages.json?to=ANNA.neri@mail.example")
	if len(found) != 1 {
		t.Fatalf("Anna has %d mails", len(found))
	}
	m := found[0]
	if m.To != "Anna.Neri@mail.example" || m.Subject != "Il codice è 123456 – identità" || !strings.Contains(m.From, "Qualità PEC") {
		t.Errorf("read as %+v", m)
	}
	if strings.TrimSpace(m.Text) != strings.TrimSpace(text) {
		t.Errorf("text %q, want %q", m.Text, text)
	}
	if m.Received.Before(before) || m.Received.After(time.Now()) {
		t.Errorf("received at %v", m.Received)
	}
	if none := messages(t, url+"/messages.json?to=nessuno@mail.example"); none == nil || len(none) != 0 {
		t.Errorf("mails of an unknown address: %v, want []", none)
	}

	list := read(t, url+"/")
	link, _ := list.Find("a:contains('123456')").Attr("href")
	page := read(t, url+link)
	if page.Find("pre a[href='http://localhost:8080/invito/abc']").Length() != 1 {
		t.Error("the URL in the text is not a link")
	}
	html, ok := page.Find("iframe[sandbox]").Attr("src")
	if !ok {
		t.Fatal("the HTML is not shown")
	}
	if link, _ := page.Find("a:contains('versione HTML')").Attr("href"); link != html {
		t.Errorf("the link to the HTML is %q", link)
	}
	if read(t, url+html).Find("b").Text() != "123456" {
		t.Error("the HTML is not that of the mail")
	}
}

func read(t *testing.T, url string) *goquery.Document {
	t.Helper()
	res, err := http.Get(url)
	if err != nil {
		t.Fatal(err)
	}
	defer res.Body.Close()
	if res.StatusCode != http.StatusOK {
		t.Fatalf("%s: %s", url, res.Status)
	}
	doc, err := goquery.NewDocumentFromReader(res.Body)
	if err != nil {
		t.Fatal(err)
	}
	return doc
}

func TestInboxPages(t *testing.T) {
	_, url := startInbox(t)
	if text := read(t, url+"/").Find("main").Text(); !strings.Contains(text, "Nessun messaggio") {
		t.Errorf("the text of an empty inbox is %q", text)
	}
	res, err := http.Get(url + "/messages/7")
	if err != nil {
		t.Fatal(err)
	}
	defer res.Body.Close()
	body, _ := io.ReadAll(res.Body)
	if res.StatusCode != http.StatusNotFound || !strings.Contains(string(body), "Messaggio non trovato") {
		t.Errorf("a mail that does not exist: %s", res.Status)
	}
}

func TestInboxRefuses(t *testing.T) {
	i, url := startInbox(t)
	err := send(t, i, "Rifiutata@mail.example", "Codice", "123456", "")
	var failed *mail.SendError
	if !errors.As(err, &failed) || failed.ErrorCode() != 550 {
		t.Errorf("sending to a refused recipient: %v, want a 550", err)
	}
	if all := messages(t, url+"/messages.json"); len(all) != 0 {
		t.Errorf("the inbox keeps %d mails", len(all))
	}
}

func TestInboxSlow(t *testing.T) {
	i, _ := startInbox(t)
	start := time.Now()
	if err := send(t, i, "lenta@mail.example", "Codice", "123456", ""); err != nil {
		t.Fatal(err)
	}
	if took := time.Since(start); took < slowDelay {
		t.Errorf("accepted after %v", took)
	}
}

// The relay offers STARTTLS. Its certificate is not valid without its authority.
func TestInboxCertificate(t *testing.T) {
	i, _ := startInbox(t)
	conn, err := net.Dial("tcp", i.Addr())
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	c := textproto.NewConn(conn)
	c.ReadResponse(220)
	c.PrintfLine("EHLO test")
	if _, offers, err := c.ReadResponse(250); err != nil || !strings.Contains(offers, "STARTTLS") {
		t.Fatalf("offers %q, %v", offers, err)
	}
	c.PrintfLine("STARTTLS")
	if _, _, err := c.ReadResponse(220); err != nil {
		t.Fatal(err)
	}
	err = tls.Client(conn, &tls.Config{ServerName: "localhost"}).Handshake()
	var unknown x509.UnknownAuthorityError
	if !errors.As(err, &unknown) {
		t.Errorf("without its authority: %v", err)
	}
}

func TestInboxDropsTheOldest(t *testing.T) {
	i := new(Inbox)
	for range maxMessages + 10 {
		i.add(message{})
	}
	if all := i.newest(""); len(all) != maxMessages || all[0].ID != maxMessages+10 {
		t.Errorf("the inbox keeps %d mails, the newest %d", len(all), all[0].ID)
	}
}

func TestLinks(t *testing.T) {
	got := links(`vai su https://a.example/x?y=1&z="2". <b> (http://localhost:8080/invito/t)`)
	want := `vai su <a href="https://a.example/x?y=1&amp;z=">https://a.example/x?y=1&amp;z=</a>&#34;2&#34;. &lt;b&gt; ` +
		`(<a href="http://localhost:8080/invito/t">http://localhost:8080/invito/t</a>)`
	if string(got) != want {
		t.Errorf("got  %s\nwant %s", got, want)
	}
}
