package web

import (
	"bytes"
	"compress/flate"
	"context"
	"encoding/base64"
	"fmt"
	"io"
	"log/slog"
	"maps"
	"net/http"
	"net/http/cookiejar"
	"net/http/httptest"
	"net/url"
	"os"
	"regexp"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/PuerkitoBio/goquery"
	"github.com/google/uuid"

	"stella/otp"
	"stella/spid"
	"stella/spid/spidtest"
	"stella/store"
	"stella/store/storetest"
	"stella/templates"
	"stella/workflow"
)

func TestMain(m *testing.M) { os.Exit(storetest.Run(m)) }

// A world is a Stella with a database and an identity provider, all real but
// the clock and the relay.
type world struct {
	*testing.T
	clock     *storetest.Clock
	store     *store.Store
	procedure *workflow.Procedure
	server    *Server
	handler   http.Handler
	url       string
	idp       *idp
	log       *logbook
	secrets   []string // given out, and in no log
}

const (
	returnURL = "https://webmail.example/casella"
	client    = "posta-web"
	token     = "the webmail's token"
)

// holder is somebody with a mailbox, as on record.
type holder struct {
	mailbox string
	record  workflow.Record
	person  string // who logs in
	company string // code to type
	email   string // to type
}

var (
	anna = holder{mailbox: "anna.neri@pec.example", person: "Anna Neri", email: "anna.neri@mail.example",
		record: workflow.Record{Kind: workflow.KindPerson, Name: "Anna Neri", FiscalCode: "NRENNA80A41H501T", Email: "anna.neri@mail.example"}}
	sara = holder{mailbox: "sara.verdi@pec.example", person: "Sara Verdi", email: "sara.verdi@mail.example",
		record: workflow.Record{Kind: workflow.KindPerson, Name: "Sara Verdi", FiscalCode: "VRDSRA82E50L219E", Email: "sara.verdi@mail.example"}}
	bianchi = holder{mailbox: "officine.bianchi@pec.example", person: "Luca Bianchi", company: "09876543217", email: "amministrazione@bianchi.example",
		record: workflow.Record{Kind: workflow.KindCompany, Name: "Officine Bianchi S.r.l.", FiscalCode: "09876543217", Email: "amministrazione@bianchi.example",
			Representatives: []workflow.Representative{{FiscalCode: "BNCLCU75C12F205G", Name: "Luca Bianchi"}}}}
	cooperativa = holder{mailbox: "nuova.cooperativa@pec.example", person: "Paola Conti", company: "02468135799", email: "info@cooperativa.example",
		record: workflow.Record{Kind: workflow.KindCompany, Name: "Nuova Cooperativa", FiscalCode: "02468135799", Email: "info@cooperativa.example"}}
	nobody = holder{mailbox: "ignota@pec.example", person: "Anna Neri", email: "ignota@mail.example"} // the record is silent
)

var organization = spid.Organization{Name: "Posta Esempio S.p.A.", DisplayName: "Posta Esempio", URL: "https://posta.example",
	Locality: "Roma", VATNumber: "IT01234567897", Email: "staff@posta.example",
	Billing: spid.Billing{Street: "Via Esempio", StreetNumber: "1", PostalCode: "00100", City: "Roma"}}

// signer is made once: keys are slow.
var signer = sync.OnceValues(func() (*spid.ServiceProvider, error) {
	key, certificate, err := spid.SelfSigned("https://stella.example", organization, storetest.NewClock().Now().Add(-time.Hour))
	return &spid.ServiceProvider{Key: key, Certificate: certificate, Organization: organization}, err
})

func newWorld(t *testing.T) *world {
	t.Helper()
	return makeWorld(t, "")
}

// makeWorld makes a world with a public URL, or with that of its test server.
func makeWorld(t *testing.T, public string) *world {
	t.Helper()
	w := &world{T: t, clock: storetest.NewClock(), store: storetest.New(t), log: &logbook{}, secrets: []string{token}}
	listening := httptest.NewUnstartedServer(nil)
	w.url = "http://" + listening.Listener.Addr().String()
	if public == "" {
		public = w.url
	}
	publicURL, err := url.Parse(public)
	w.must(err)
	w.borrowIDP()
	providers, err := spid.ParseProviders(w.idp.Metadata())
	w.must(err)
	contracts, err := templates.Contracts(nil)
	w.must(err)
	documents := map[string]workflow.Document{}
	for locale, d := range contracts {
		documents[locale] = workflow.Document{SHA256: d.SHA256, Version: d.Version, Date: d.Date, Locale: d.Locale, Body: d.Bytes}
	}
	texts, err := templates.New(templates.Site{Provider: "Posta Esempio", Service: "PEC Esempio", PublicURL: public,
		WebmailURL: "https://webmail.example", PrivacyURL: "https://posta.example/privacy",
		AccessibilityURL: "https://posta.example/accessibilita", HelpURL: "https://posta.example/aiuto",
		HelpContact: "800 000 000", MailSender: "staff@posta.example"})
	w.must(err)
	made, err := signer()
	w.must(err)
	sp := *made
	sp.EntityID, sp.ACSURL, sp.LogoutURL, sp.Now = public, public+"/spid/acs", public+"/spid/logout", w.clock.Now
	w.procedure = &workflow.Procedure{Store: w.store, Key: []byte("the server's key, of thirty-two bytes"), Limits: otp.Defaults,
		Documents: documents, Now: w.clock.Now}
	w.server = &Server{Procedure: w.procedure, Templates: texts, SPID: Federation{&sp, spid.NewRegistry(providers)}, PublicURL: publicURL,
		Sessions: &store.Sessions{Store: w.store, Options: CookieOptions(publicURL.Scheme == "https"), Life: 30 * time.Minute, Now: w.clock.Now},
		Log:      slog.New(slog.NewTextHandler(w.log, nil)), Now: w.clock.Now}
	w.handler = w.server.Handler()
	listening.Config.Handler = w.handler
	listening.Start()
	t.Cleanup(listening.Close)
	w.must(w.store.AddClient(t.Context(), workflow.Client{Name: client, Domains: []string{"pec.example"}, ReturnURLs: []string{returnURL}},
		workflow.Digest(token), w.clock.Now()))
	t.Cleanup(w.checkLog)
	return w
}

// must stops the test at an error.
func (w *world) must(err error) {
	w.Helper()
	if err != nil {
		w.Fatal(err)
	}
}

// record puts a mailbox on record.
func (w *world) record(h holder) {
	w.Helper()
	w.recordAs(h, workflow.Active)
}

func (w *world) recordAs(h holder, s workflow.Status) {
	w.Helper()
	_, err := w.procedure.Record(w.Context(), "operator", h.mailbox, s, h.record)
	w.must(err)
}

// handOff asks for a link as the webmail does.
func (w *world) handOff(h holder) string {
	w.Helper()
	secret, err := w.procedure.HandOff(w.Context(), token, h.mailbox, returnURL, "it", "utente-7")
	w.must(err)
	w.secrets = append(w.secrets, secret)
	return secret
}

// enter opens a browser and hands it over.
func (w *world) enter(h holder) *browser {
	w.Helper()
	b := w.browser()
	b.handOver(h)
	return b
}

func (w *world) query(sql string, args ...any) string {
	w.Helper()
	var s string
	// Not the test's own context, which is over when it cleans up.
	w.must(w.store.Pool().QueryRow(context.Background(), sql, args...).Scan(&s))
	return s
}

func (w *world) state(h holder) workflow.State {
	w.Helper()
	return workflow.State(w.query(`select state from qualifications q join mailboxes m on m.id = q.mailbox_id
		where address = $1 order by number desc limit 1`, h.mailbox))
}

// wants checks the state of a mailbox.
func (w *world) wants(h holder, want workflow.State) {
	w.Helper()
	if got := w.state(h); got != want {
		w.Errorf("the state of %s is %s, want %s", h.mailbox, got, want)
	}
}

// everything tells all that a step changes, of all mailboxes.
func (w *world) everything() string {
	w.Helper()
	return w.query(`select coalesce((select string_agg(concat_ws(' ', m.address, m.status, 'star', m.star, 'wrong codes', cardinality(m.wrong_codes),
			q.state, 'version', q.version, q.owner, q.declaration_id, q.invitation_id, q.login_id, q.identity_id, q.stepped_at), '; ' order by q.number)
		from mailboxes m join qualifications q on q.mailbox_id = m.id), '')
		|| concat(' steps ', (select count(*) from steps), ' declarations ', (select count(*) from declarations),
			' invitations ', (select count(*) from invitations where ended_at is null), '/', (select count(*) from invitations),
			' logins ', (select count(*) from logins), ' identities ', (select count(*) from identities),
			' codes ', (select count(*) from codes where spent_at is null), '/', (select count(*) from codes),
			' mails ', (select count(*) from mails))`)
}

// unchanged checks that nothing of what people have is touched.
func (w *world) unchanged(do func()) {
	w.Helper()
	before := w.everything()
	do()
	if after := w.everything(); after != before {
		w.Errorf("something changed:\n%s\n%s", before, after)
	}
}

// mails counts the mails of a kind that were asked for, to somebody.
func (w *world) mails(kind workflow.MailKind, to string) int {
	w.Helper()
	var n int
	w.must(w.store.Pool().QueryRow(w.Context(), `select count(*) from mails where kind = $1 and recipient = $2`, kind, to).Scan(&n))
	return n
}

// newestMail is the newest mail of a kind.
func (w *world) newestMail(kind workflow.MailKind) uuid.UUID {
	w.Helper()
	return uuid.MustParse(w.query(`select id::text from mails where kind = $1 order by requested_at desc, id desc limit 1`, kind))
}

// sendCode does what the sender of mails does when the relay takes the newest
// code, and returns the code.
func (w *world) sendCode() string {
	w.Helper()
	id := w.newestMail(workflow.MailCode)
	m, err := w.store.StartMail(w.Context(), id, w.clock.Now())
	w.must(err)
	w.must(w.store.MailAccepted(w.Context(), id, "250 ok", w.clock.Now()))
	return otp.Key(w.procedure.Key).Code(m.Nonce)
}

// wrongCode is a code that is not the one given.
func wrongCode(code string) string {
	if code == "000000" {
		return "111111"
	}
	return "000000"
}

// invitationLink is the path in the newest mail of an invitation.
func (w *world) invitationLink() string {
	w.Helper()
	m, err := w.store.StartMail(w.Context(), w.newestMail(workflow.MailInvitation), w.clock.Now())
	w.must(err)
	return "/invito/" + workflow.InvitationSecret(w.procedure.Key, m.Nonce)
}

// An idp is an identity provider that serves one world after another: its key
// is slow to make.
type idp struct {
	*spidtest.Provider
	world atomic.Pointer[world]
}

var idle = make(chan *idp, 100)

func (w *world) borrowIDP() {
	w.Helper()
	select {
	case w.idp = <-idle:
		w.idp.world.Store(w)
	default:
		w.idp = &idp{}
		w.idp.world.Store(w)
		serving := httptest.NewUnstartedServer(w.idp) // until the process ends
		var err error
		w.idp.Provider, err = spidtest.New(spidtest.Config{
			// Another site than Stella's, as real ones are.
			BaseURL:         strings.Replace("http://"+serving.Listener.Addr().String(), "127.0.0.1", "localhost", 1),
			ServiceProvider: func() ([]byte, error) { return w.idp.world.Load().server.SPID.Metadata() },
			Now:             func() time.Time { return w.idp.world.Load().clock.Now() },
		})
		w.must(err)
		serving.Start()
	}
	w.Cleanup(func() { idle <- w.idp })
}

func person(name string) spidtest.Person {
	for _, p := range spidtest.DemoPeople() {
		if p.FullName() == name {
			return p
		}
	}
	panic("nobody is called " + name)
}

// A browser is somebody's, with its cookies and the page it shows.
type browser struct {
	*world
	jar http.CookieJar
	page

	old      bool // it does not say where a request comes from
	careless bool // it sends cookies along wherever a request comes from
}

// A page as it came.
type page struct {
	*goquery.Document
	url    *url.URL
	status int
	header http.Header
	body   string
	trail  []string // of the redirects on the way, as "303 /"
}

func (w *world) browser() *browser {
	w.Helper()
	jar, err := cookiejar.New(nil)
	w.must(err)
	return &browser{world: w, jar: jar}
}

// cookies are the browser's of ours.
func (b *browser) cookies() []*http.Cookie {
	return b.jar.Cookies(b.server.PublicURL)
}

// hold puts a cookie of ours into the browser.
func (b *browser) hold(c *http.Cookie) {
	kept := *c
	kept.Path = "/"
	b.jar.SetCookies(b.server.PublicURL, []*http.Cookie{&kept})
}

// direct sends requests as they are.
var direct = &http.Client{
	Transport:     &http.Transport{MaxIdleConnsPerHost: 4},
	CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
}

// send sends a request, with the cookies a browser would send along, keeps
// what it is given, and returns the answer and its text.
func (b *browser) send(r *http.Request) (*http.Response, string) {
	b.Helper()
	crossSite := r.Header.Get("Sec-Fetch-Site") == "cross-site" && r.Method == http.MethodPost
	if !crossSite || b.careless { // ours are Lax
		for _, c := range b.jar.Cookies(r.URL) {
			r.AddCookie(c)
		}
	}
	response, err := direct.Do(r)
	b.must(err)
	defer response.Body.Close()
	body, err := io.ReadAll(response.Body)
	b.must(err)
	b.jar.SetCookies(r.URL, response.Cookies())
	for _, c := range response.Cookies() {
		if c.Value != "" {
			b.secrets = append(b.secrets, c.Value)
		}
	}
	if strings.HasPrefix(r.URL.String(), b.world.url) {
		b.checkHeaders(response)
	}
	return response, string(body)
}

// load sends a request, follows where it leads and shows the page.
func (b *browser) load(r *http.Request) *browser {
	b.Helper()
	var trail []string
	for range 10 {
		response, body := b.send(r)
		if location := response.Header.Get("Location"); location != "" {
			trail = append(trail, fmt.Sprint(response.StatusCode, " ", location))
			to, err := r.URL.Parse(location)
			b.must(err)
			r = b.request(http.MethodGet, to.String(), nil)
			continue
		}
		// Terms and what they say are told apart by their place.
		doc, err := goquery.NewDocumentFromReader(strings.NewReader(strings.ReplaceAll(body, "</dt>", "</dt> ")))
		b.must(err)
		b.page = page{doc, r.URL, response.StatusCode, response.Header, body, trail}
		return b
	}
	b.Fatalf("too many redirects: %v", trail)
	return nil
}

// request makes a request, from the page that is shown.
func (b *browser) request(method, address string, form url.Values) *http.Request {
	b.Helper()
	if strings.HasPrefix(address, "/") {
		address = b.world.url + address
	}
	r, err := http.NewRequestWithContext(b.Context(), method, address, strings.NewReader(form.Encode()))
	b.must(err)
	r.Header.Set("Accept-Language", "it-IT,it;q=0.9")
	if form != nil {
		r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	}
	if b.old {
		return r
	}
	site := "none"
	if b.page.url != nil && method == http.MethodPost {
		site = "same-origin"
		if b.page.url.Hostname() != r.URL.Hostname() {
			site = "cross-site"
		}
		r.Header.Set("Origin", b.page.url.Scheme+"://"+b.page.url.Host)
	}
	r.Header.Set("Sec-Fetch-Site", site)
	return r
}

// get opens an address.
func (b *browser) get(address string) *browser {
	b.Helper()
	return b.load(b.request(http.MethodGet, address, nil))
}

// post sends a form that is not on the page shown.
func (b *browser) post(f filled) *browser {
	b.Helper()
	return b.load(b.request(http.MethodPost, f.action, f.values))
}

// click follows the link of that name.
func (b *browser) click(name string) *browser {
	b.Helper()
	return b.get(b.link(name))
}

// link is where the link of that name leads.
func (b *browser) link(name string) string {
	b.Helper()
	link := b.Find("a").FilterFunction(func(_ int, s *goquery.Selection) bool { return text(s) == name })
	if link.Length() == 0 {
		b.Fatalf("no link %q on the page: %s", name, b.text())
	}
	to, err := b.page.url.Parse(link.AttrOr("href", ""))
	b.must(err)
	return to.String()
}

// filled is a form as it would be sent.
type filled struct {
	action string
	values url.Values
}

// with replaces a field.
func (f filled) with(field, value string) filled {
	f.values = maps.Clone(f.values)
	f.values.Set(field, value)
	return f
}

// without leaves a field out.
func (f filled) without(fields ...string) filled {
	f.values = maps.Clone(f.values)
	for _, field := range fields {
		f.values.Del(field)
	}
	return f
}

// form is the form of the button of that name, filled in.
func (b *browser) form(button string, typed ...string) filled {
	b.Helper()
	found := b.Find("button").FilterFunction(func(_ int, s *goquery.Selection) bool { return text(s) == button })
	// Where several do, it is the one whose form has the field.
	form := found.First().Closest("form")
	for i := range found.Nodes {
		f := found.Eq(i).Closest("form")
		if len(typed) > 0 && f.Find(`input[name="`+typed[0]+`"]`).Length() > 0 {
			form = f
		}
	}
	if form.Length() == 0 {
		b.Fatalf("no form with a button %q on the page: %s", button, b.text())
	}
	if form.AttrOr("method", "") != "post" {
		b.Errorf("the form of %q is not posted", button)
	}
	values := url.Values{}
	form.Find("input").Each(func(_ int, input *goquery.Selection) {
		_, checked := input.Attr("checked")
		if input.AttrOr("type", "") != "radio" || checked {
			values.Set(input.AttrOr("name", ""), input.AttrOr("value", ""))
		}
	})
	clicked := found.First()
	if name := clicked.AttrOr("name", ""); name != "" {
		values.Set(name, clicked.AttrOr("value", ""))
	}
	for i := 0; i < len(typed); i += 2 {
		input := form.Find(`input[name="` + typed[i] + `"]`)
		if input.AttrOr("type", "") == "radio" {
			input = input.FilterFunction(func(_ int, s *goquery.Selection) bool { return s.AttrOr("value", "") == typed[i+1] })
		}
		if input.Length() == 0 {
			b.Fatalf("the form of %q has no %s %q: %s", button, typed[i], typed[i+1], b.text())
		}
		values.Set(typed[i], typed[i+1])
	}
	to, err := b.page.url.Parse(form.AttrOr("action", ""))
	b.must(err)
	return filled{to.String(), values}
}

// press sends the form of the button of that name, filled in.
func (b *browser) press(button string, typed ...string) *browser {
	b.Helper()
	return b.post(b.form(button, typed...))
}

// handOver comes from the webmail.
func (b *browser) handOver(h holder) *browser {
	b.Helper()
	return b.start(b.handOff(h))
}

// start sends the webmail's form, which is from another site.
func (b *browser) start(secret string) *browser {
	b.Helper()
	r := b.request(http.MethodPost, "/start/"+secret, nil)
	r.Header.Set("Origin", "https://webmail.example")
	r.Header.Set("Sec-Fetch-Site", "cross-site")
	return b.load(r)
}

// text is what is read on the page, but for header and footer.
func (p page) text() string { return text(p.Find("main")) }

func text(s *goquery.Selection) string { return strings.Join(strings.Fields(s.Text()), " ") }

// at checks where one is, by the page's heading, and what is said there.
func (b *browser) at(heading string, sentences ...string) *browser {
	b.Helper()
	return b.answered(http.StatusOK, heading, sentences...)
}

// answered is at with a status.
func (b *browser) answered(status int, heading string, sentences ...string) *browser {
	b.Helper()
	if got := text(b.Find("h1")); b.status != status || got != heading {
		b.Fatalf("the answer is %d %q, want %d %q: %s (%v)", b.status, got, status, heading, b.text(), b.trail)
	}
	if title := strings.TrimPrefix(text(b.Find("title")), "Errore: "); !strings.HasPrefix(title, heading+" – ") && b.page.url.Hostname() == "127.0.0.1" {
		b.Errorf("the title is %q", text(b.Find("title")))
	}
	for _, s := range sentences {
		if !strings.Contains(b.text(), s) {
			b.Errorf("the page does not say %q: %s", s, b.text())
		}
	}
	return b
}

// tells checks the notice above the page; an empty one that there is none.
func (b *browser) tells(notice string) *browser {
	b.Helper()
	if got := text(b.Find(".notice")); got != notice {
		b.Errorf("the notice is %q, want %q", got, notice)
	}
	return b
}

// wrong checks that the page says what is wrong with an input, at the top and
// at the input.
func (b *browser) wrong(field, sentence string) *browser {
	b.Helper()
	if b.status != http.StatusUnprocessableEntity {
		b.Fatalf("the status is %d, want 422: %s (%v)", b.status, b.text(), b.trail)
	}
	if title := text(b.Find("title")); !strings.HasPrefix(title, "Errore: ") {
		b.Errorf("the title is %q", title)
	}
	summary := b.Find(`.summary[role="alert"]`)
	if got := text(summary.Find("h2")); got != "C'è un problema" {
		b.Errorf("the summary of errors has the heading %q", got)
	}
	var said []string
	summary.Find(`a[href="#` + field + `"]`).Each(func(_ int, s *goquery.Selection) { said = append(said, text(s)) })
	if !slices.Contains(said, sentence) {
		b.Errorf("the summary does not say %q of %s: %s", sentence, field, text(summary))
	}
	if b.Find("#"+field).Length() != 1 {
		b.Errorf("the summary leads to %s, which is not there", field)
	}
	if got := text(b.Find("#" + field + "-fault")); got != "Errore: "+sentence {
		b.Errorf("the input says %q", got)
	}
	return b
}

// holds checks what stands in an input.
func (b *browser) holds(field, value string) *browser {
	b.Helper()
	input := b.Find(`input[name="` + field + `"]`)
	got := input.AttrOr("value", "")
	if input.AttrOr("type", "") == "radio" {
		got = b.Find(`input[name="`+field+`"][checked]`).AttrOr("value", "")
	}
	if got != value {
		b.Errorf("%s holds %q, want %q", field, got, value)
	}
	return b
}

// secure is what every answer of ours carries.
var secure = map[string]string{
	"Content-Security-Policy": "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; font-src 'self'; " +
		"connect-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'",
	"Referrer-Policy":            "same-origin",
	"X-Content-Type-Options":     "nosniff",
	"X-Frame-Options":            "DENY",
	"Cross-Origin-Opener-Policy": "same-origin",
	"Permissions-Policy":         "camera=(), geolocation=(), microphone=()",
	"Cache-Control":              "no-store",
}

func (w *world) checkHeaders(r *http.Response) {
	w.Helper()
	for name, want := range secure {
		if name == "Cache-Control" && strings.HasPrefix(r.Request.URL.Path, "/static/") {
			continue
		}
		if got := r.Header.Values(name); !slices.Equal(got, []string{want}) {
			w.Errorf("%s of %s (%d) is %q", name, r.Request.URL.Path, r.StatusCode, got)
		}
	}
	if html := r.Header.Get("Content-Type"); strings.HasPrefix(html, "text/html") && r.Header.Get("Location") == "" &&
		(html != "text/html; charset=utf-8" || r.Header.Get("Content-Language") == "") {
		w.Errorf("%s is %q in %q", r.Request.URL.Path, html, r.Header.Get("Content-Language"))
	}
	for _, c := range r.Cookies() {
		if c.Path != "/" || c.Domain != "" || !c.HttpOnly || c.SameSite != http.SameSiteLaxMode || c.Secure {
			w.Errorf("the cookie %s of %s is open: %v", c.Name, r.Request.URL.Path, r.Header.Values("Set-Cookie"))
		}
	}
}

// logbook is a log that can be read back.
type logbook struct {
	mu   sync.Mutex
	text bytes.Buffer
	// What goes wrong on our side is logged as an error; a test that provokes
	// one says so.
	errorsExpected bool
}

func (l *logbook) Write(b []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.text.Write(b)
}

func (l *logbook) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.text.String()
}

// checkLog reads the log of every test: whatever people did in it, it holds
// nothing personal and no secret.
func (w *world) checkLog() {
	log := w.log.String()
	if !w.log.errorsExpected && strings.Contains(log, "level=ERROR") {
		w.Errorf("something went wrong on our side: %s", log)
	}
	private := slices.Clone(w.secrets)
	for _, p := range spidtest.DemoPeople() {
		private = append(private, p.Name, p.FamilyName, strings.TrimPrefix(p.FiscalNumber, "TINIT-"))
	}
	for _, h := range []holder{anna, sara, bianchi, cooperativa} {
		private = append(private, h.record.FiscalCode, h.record.Name)
	}
	rows, err := w.store.Pool().Query(context.Background(), `select 'code', nonce from codes union all select 'invitation', nonce from invitations`)
	w.must(err)
	defer rows.Close()
	for rows.Next() {
		var kind string
		var nonce []byte
		w.must(rows.Scan(&kind, &nonce))
		if kind == "code" {
			private = append(private, otp.Key(w.procedure.Key).Code(nonce))
		} else {
			private = append(private, workflow.InvitationSecret(w.procedure.Key, nonce))
		}
	}
	w.must(rows.Err())
	for _, s := range append(private, "@", "SAMLResponse", "cellulare", "<saml") {
		if regexp.MustCompile(`(^|[^0-9A-Za-z])` + regexp.QuoteMeta(s) + `($|[^0-9A-Za-z])`).MatchString(log) {
			w.Errorf("the log holds %q: %s", s, log)
		}
	}
}

// A walk is the way of a holder who does everything right, as far as a state.
var walk = []struct {
	state workflow.State
	step  func(*browser, holder)
}{
	{workflow.HolderChoice, func(*browser, holder) {}},
	{workflow.Introduction, func(b *browser, _ holder) { b.press("Conferma", "ruolo", "si") }},
	{workflow.HolderKind, func(b *browser, _ holder) { b.press("PROCEDI") }},
	{workflow.CompanyData, func(b *browser, h holder) {
		if h.company != "" {
			b.press("Conferma", "intestatario", "impresa")
		}
	}},
	{workflow.ContactData, func(b *browser, h holder) {
		if h.company != "" {
			b.press("Conferma", "codice_fiscale_impresa", h.company)
		} else {
			b.press("Conferma", "intestatario", "privato")
		}
	}},
	{workflow.Summary, func(b *browser, h holder) { b.press("Conferma", "email", h.email) }},
	{workflow.Identification, func(b *browser, _ holder) { b.press("SALVA E PROCEDI") }},
	{workflow.AtProvider, func(b *browser, _ holder) {
		b.click("Inizia l'identificazione").click("Entra con SPID").click("Prosegui con Identità di prova")
	}},
	{workflow.Identified, func(b *browser, h holder) {
		b.press("Accedi come " + h.person).press("Autorizza").press("Continua")
	}},
	{workflow.Contract, func(b *browser, _ holder) { b.press("PROCEDI") }},
	{workflow.CodeEntry, func(b *browser, _ holder) { b.press("COMPLETA LA RICHIESTA DI IDENTIFICAZIONE") }},
	{workflow.Qualified, func(b *browser, _ holder) { b.press("Conferma", "codice", b.sendCode()) }},
}

// goOn walks from one state to another.
func (b *browser) goOn(h holder, from, to workflow.State) *browser {
	b.Helper()
	walking := false
	for _, w := range walk {
		if walking {
			w.step(b, h)
		}
		walking = walking || w.state == from
		if w.state == to {
			break
		}
	}
	if got := b.state(h); got != to {
		b.Fatalf("the walk led to %s instead of %s: %s", got, to, b.text())
	}
	return b
}

// at begins in a new world and walks to a state.
func at(t *testing.T, h holder, to workflow.State) *browser {
	t.Helper()
	w := newWorld(t)
	w.record(h)
	return w.enter(h).goOn(h, workflow.HolderChoice, to)
}

// invited begins in a new world, invites a holder and opens their link in
// their own browser.
func invited(t *testing.T, h holder, email string) (delegate, guest *browser, link string) {
	t.Helper()
	w := newWorld(t)
	w.record(h)
	delegate = w.enter(h).press("Conferma", "ruolo", "no").press("Invia l'invito", "email", email)
	link = w.invitationLink()
	return delegate, w.browser().get(link), link
}

// asked is what an identity provider is asked.
type asked struct {
	spid.Request
	provider string // where the browser was sent
}

// ask starts a login and stops before the identity provider.
func (b *browser) ask() asked {
	b.Helper()
	link := b.get("/identificazione/spid").link("Prosegui con Identità di prova")
	response, _ := b.send(b.request(http.MethodGet, link, nil))
	to, err := response.Location()
	if response.StatusCode != http.StatusFound || err != nil {
		b.Fatalf("a login is started with %d %v", response.StatusCode, err)
	}
	deflated, err := base64.StdEncoding.DecodeString(to.Query().Get("SAMLRequest"))
	b.must(err)
	document, err := io.ReadAll(flate.NewReader(bytes.NewReader(deflated)))
	b.must(err)
	return asked{spid.Request{XML: document, RelayState: to.Query().Get("RelayState")}, to.String()}
}

// answer makes the provider's answer for somebody.
func (w *world) answer(a asked, name string, edits ...spidtest.Edit) filled {
	w.Helper()
	response, err := w.idp.Answer(a.Request, person(name), edits...)
	w.must(err)
	return w.acs(response, a)
}

// fail makes the provider's answer for a login that failed.
func (w *world) fail(a asked, code string, edits ...spidtest.Edit) filled {
	w.Helper()
	response, err := w.idp.Fail(a.Request, code, edits...)
	w.must(err)
	return w.acs(response, a)
}

func (w *world) acs(response string, a asked) filled {
	return filled{"/spid/acs", url.Values{"SAMLResponse": {response}, "RelayState": {a.RelayState}}}
}

// deliver posts an answer from the provider's page, and follows where it leads.
func (b *browser) deliver(answer filled) *browser {
	b.Helper()
	return b.load(b.delivery(answer))
}

func (b *browser) delivery(answer filled) *http.Request {
	b.Helper()
	r := b.request(http.MethodPost, answer.action, answer.values)
	r.Header.Set("Origin", b.idp.EntityID())
	r.Header.Set("Sec-Fetch-Site", "cross-site")
	return r
}

// parked counts the answers that wait for a browser.
func (w *world) parked() string {
	w.Helper()
	return w.query(`select count(*)::text from logins where answer is not null`)
}

// archived counts the answers in the archive.
func (w *world) archived() string {
	w.Helper()
	return w.query(`select count(*)::text from messages where direction = 'response'`)
}
