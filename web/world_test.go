package web

import (
	"context"
	"fmt"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"net/url"
	"os"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/uuid"

	"stella/middleware"
	"stella/otp"
	"stella/spid"
	"stella/store"
	"stella/store/storetest"
	"stella/templates"
	"stella/workflow"
	"stella/workflow/qualification"
)

func TestMain(m *testing.M) { os.Exit(storetest.Run(m)) }

// world is a server with a database and an identity provider. All are real except
// the clock and the mail relay.
type world struct {
	*testing.T
	clock     *storetest.Clock
	store     *store.Store
	procedure *qualification.Procedure
	cases     *qualification.Cases
	provider  *workflow.Provider
	logins    *workflow.Logins
	sessions  *workflow.Sessions
	server    *Server
	stack     middleware.Stack
	handler   http.Handler
	url       string
	idp       *idp
	cie       *idp // nil without withCIE
	site      templates.Site
	log       *testLog
	webmail   workflow.Client
	secrets   []string // must not be in the log
	from      string   // X-Forwarded-For of the browsers; empty for none
}

const (
	returnURL = "https://webmail.example/casella"
	client    = "posta-web"
	token     = "the webmail's token"
)

// holder is a mailbox, its record, and the input of the user who identifies.
type holder struct {
	mailbox string
	record  workflow.Record
	person  string // logs in
	company string // the fiscal code to type; empty for a citizen
	email   string // the address to type
}

var (
	anna = holder{
		mailbox: "anna.neri@pec.example", person: "Anna Neri", email: "anna.neri@mail.example",
		record: workflow.Record{
			Kind: workflow.KindPerson, Name: "Anna Neri", FiscalCode: "NRENNA80A41H501T", Email: "anna.neri@mail.example",
		},
	}
	sara = holder{
		mailbox: "sara.verdi@pec.example", person: "Sara Verdi", email: "sara.verdi@mail.example",
		record: workflow.Record{
			Kind: workflow.KindPerson, Name: "Sara Verdi", FiscalCode: "VRDSRA82E50L219E", Email: "sara.verdi@mail.example",
		},
	}
	bianchi = holder{
		mailbox: "officine.bianchi@pec.example", person: "Luca Bianchi", company: "09876543217",
		email: "amministrazione@bianchi.example",
		record: workflow.Record{
			Kind: workflow.KindCompany, Name: "Officine Bianchi S.r.l.", FiscalCode: "09876543217",
			Email:           "amministrazione@bianchi.example",
			Representatives: []workflow.Representative{{FiscalCode: "BNCLCU75C12F205G", Name: "Luca Bianchi"}},
		},
	}
	cooperativa = holder{
		mailbox: "nuova.cooperativa@pec.example", person: "Paola Conti", company: "02468135799",
		email: "info@cooperativa.example",
		record: workflow.Record{
			Kind: workflow.KindCompany, Name: "Nuova Cooperativa", FiscalCode: "02468135799", Email: "info@cooperativa.example",
		},
	}
	unrecorded = holder{mailbox: "ignota@pec.example", person: "Anna Neri", email: "ignota@mail.example"} // its record is empty
)

var organization = spid.Organization{Name: "Posta Esempio S.p.A.", DisplayName: "Posta Esempio", URL: "https://posta.example",
	Locality: "Roma", VATNumber: "IT01234567897", Email: "staff@posta.example",
	FiscalCode: "01234567897", Municipality: "H501", NACE2Code: "61.90.99",
	Billing: spid.Billing{Street: "Via Esempio", StreetNumber: "1", PostalCode: "00100", City: "Roma"}}

// signer creates the service provider's key and certificate once, since that is slow.
var signer = sync.OnceValues(func() (*spid.ServiceProvider, error) {
	key, certificate, err := spid.SelfSigned("https://stella.example", organization, storetest.NewClock().Now().Add(-time.Hour))
	return &spid.ServiceProvider{Key: key, Certificate: certificate, Organization: organization}, err
})

// parsed has the parsed templates of each site.
var parsed sync.Map

// parseTemplates parses the templates once for each site, since that is slow.
func parseTemplates(site templates.Site) (*templates.Templates, error) {
	if known, ok := parsed.Load(site); ok {
		return known.(*templates.Templates), nil
	}
	all, err := templates.New(site)
	if err == nil {
		parsed.Store(site, all)
	}
	return all, err
}

// newWorld creates a world. configure changes it before the server starts.
func newWorld(t *testing.T, configure ...func(*world)) *world {
	t.Helper()
	return makeWorld(t, "", configure...)
}

// after returns the time after d, rounded up to the minute, in the format of the
// pages.
func (w *world) after(d time.Duration) string {
	return w.clock.RomeIn(d + time.Minute - 1).Format("15:04")
}

// date returns the day and the time after d, in the format of the Italian pages.
func (w *world) date(d time.Duration) string {
	at := w.clock.RomeIn(d)
	months := strings.Fields("gennaio febbraio marzo aprile maggio giugno luglio agosto settembre ottobre novembre dicembre")
	return fmt.Sprintf("%d %s %d, %s", at.Day(), months[at.Month()-1], at.Year(), at.Format("15:04"))
}

// makeWorld creates a world with a public URL. If it is empty, the public URL is that
// of the test server.
func makeWorld(t *testing.T, public string, configure ...func(*world)) *world {
	t.Helper()
	return makeWorldIn(t, storetest.New(t), public, configure...)
}

// makeWorldIn is makeWorld with a database.
func makeWorldIn(t *testing.T, db *store.Store, public string, configure ...func(*world)) *world {
	t.Helper()
	w := &world{T: t, clock: storetest.NewClock(), store: db, log: &testLog{}, secrets: []string{token}}
	listening := httptest.NewUnstartedServer(nil)
	w.url = "http://" + listening.Listener.Addr().String()
	if public == "" {
		public = w.url
	}
	publicURL, err := url.Parse(public)
	w.must(err)
	w.idp = w.borrow(spid.SPID, func() ([]byte, error) { return w.server.SPID.Metadata() })
	providers, err := spid.ParseProviders(w.idp.Metadata())
	w.must(err)
	contracts, err := templates.Contracts(templates.SampleContract())
	w.must(err)
	documents := map[string]workflow.Document{}
	for locale, d := range contracts {
		documents[locale] = workflow.Document{SHA256: d.SHA256, Version: d.Version, Date: d.Date, Locale: d.Locale, Body: d.Bytes}
	}
	w.site = templates.Site{Provider: "Posta Esempio", Service: "PEC Esempio",
		WebmailURL: "https://webmail.example", PrivacyURL: "https://posta.example/privacy",
		AccessibilityURL: "https://posta.example/accessibilita", HelpURL: "https://posta.example/aiuto",
		HelpContact: "800 000 000", MailSender: "staff@posta.example"}
	made, err := signer()
	w.must(err)
	sp := *made
	sp.EntityID, sp.ACSURL, sp.LogoutURL, sp.Now = public, public+"/spid/acs", public+"/spid/logout", w.clock.Now
	w.cases = &qualification.Cases{Store: w.store, Now: w.clock.Now}
	w.procedure = &qualification.Procedure{
		Cases:     w.cases,
		Keys:      workflow.Keys{[]byte("the server's key, of thirty-two bytes")},
		Limits:    otp.Defaults,
		Documents: documents,
	}
	w.provider = &workflow.Provider{Store: w.store, Keys: w.procedure.Keys, Now: w.clock.Now}
	w.logins = &workflow.Logins{Store: w.store, Keys: w.procedure.Keys, Now: w.clock.Now}
	w.sessions = &workflow.Sessions{Store: w.store, Now: w.clock.Now}
	w.server = &Server{
		Procedure:     w.procedure,
		Provider:      w.provider,
		Logins:        w.logins,
		Sessions:      w.sessions,
		SPID:          Federation{ServiceProvider: &sp, Registry: spid.NewRegistry(providers, w.clock.Now)},
		PublicURL:     publicURL,
		IsUnavailable: store.IsUnavailable,
		Log:           slog.New(slog.NewTextHandler(w.log, nil)),
		Now:           w.clock.Now,
	}
	w.stack = middleware.Stack{Log: w.server.Log, HTTPS: publicURL.Scheme == "https", Timeout: time.Minute}
	for _, change := range configure {
		change(w)
	}
	w.server.Templates, err = parseTemplates(w.site)
	w.must(err)
	w.handler = w.stack.Wrap(w.server.Handler())
	listening.Config.Handler = w.handler
	listening.Start()
	t.Cleanup(listening.Close)
	w.must(w.store.AddClient(t.Context(), workflow.Client{Name: client, Domains: []string{"pec.example"}, ReturnURLs: []string{returnURL},
		Scopes: []workflow.Scope{workflow.ScopeWebmail}}, workflow.Digest(token), w.clock.Now()))
	w.webmail, err = w.store.ClientByToken(t.Context(), workflow.Digest(token), w.clock.Now())
	w.must(err)
	t.Cleanup(w.checkLog)
	return w
}

// must fails the test if err is not nil.
func (w *world) must(err error) {
	w.Helper()
	if err != nil {
		w.Fatal(err)
	}
}

// record imports an active mailbox with its record.
func (w *world) record(h holder) {
	w.Helper()
	w.recordAs(h, workflow.Active)
}

func (w *world) recordAs(h holder, s workflow.Status) {
	w.Helper()
	_, err := w.cases.SetRecord(w.Context(), "operator", h.mailbox, s, h.record)
	w.must(err)
}

// handOff requests a hand-off as the webmail does, and returns its secret.
func (w *world) handOff(h holder) string {
	w.Helper()
	secret, err := w.provider.HandOff(w.Context(), w.webmail, h.mailbox, returnURL, "it", "utente-7")
	w.must(err)
	w.secrets = append(w.secrets, secret)
	return secret
}

// enter opens a browser and starts the procedure from the webmail.
func (w *world) enter(h holder) *browser {
	w.Helper()
	b := w.browser()
	b.handOver(h)
	return b
}

func (w *world) query(sql string, args ...any) string {
	w.Helper()
	var s string
	// The context of the test is cancelled before its cleanup runs.
	w.must(w.store.Pool().QueryRow(context.Background(), sql, args...).Scan(&s))
	return s
}

func (w *world) state(h holder) qualification.State {
	w.Helper()
	return qualification.State(w.query(`select state from qualifications q join mailboxes m on m.id = q.mailbox_id
		where address = $1 order by number desc limit 1`, h.mailbox))
}

// stateIs checks the state of a mailbox.
func (w *world) stateIs(h holder, want qualification.State) {
	w.Helper()
	if got := w.state(h); got != want {
		w.Errorf("the state of %s is %s, want %s", h.mailbox, got, want)
	}
}

// snapshot returns everything that a step can change, for all mailboxes.
func (w *world) snapshot() string {
	w.Helper()
	return w.query(`select coalesce((select string_agg(concat_ws(' ',
			m.address, m.status, 'star', m.star, 'wrong codes', cardinality(m.wrong_codes),
			q.state, 'version', q.version, q.owner, q.declaration_id, q.invitation_id, q.login_id, q.identity_id, q.stepped_at),
			'; ' order by q.number)
		from mailboxes m join qualifications q on q.mailbox_id = m.id), '')
		|| concat(' steps ', (select count(*) from steps), ' declarations ', (select count(*) from declarations),
			' invitations ', (select count(*) from invitations where ended_at is null), '/', (select count(*) from invitations),
			' logins ', (select count(*) from logins), ' identities ', (select count(*) from identities),
			' codes ', (select count(*) from codes where spent_at is null), '/', (select count(*) from codes),
			' mails ', (select count(*) from mails))`)
}

// unchanged checks that do changes nothing in the database that a user could notice.
func (w *world) unchanged(do func()) {
	w.Helper()
	before := w.snapshot()
	do()
	if after := w.snapshot(); after != before {
		w.Errorf("something changed:\n%s\n%s", before, after)
	}
}

// mails returns the number of requested mails of a kind to an address.
func (w *world) mails(kind workflow.MailKind, to string) int {
	w.Helper()
	var n int
	w.must(w.store.Pool().QueryRow(w.Context(), `select count(*) from mails where kind = $1 and recipient = $2`, kind, to).Scan(&n))
	return n
}

// newestMail returns the ID of the newest mail of a kind.
func (w *world) newestMail(kind workflow.MailKind) uuid.UUID {
	w.Helper()
	return uuid.MustParse(w.query(`select id::text from mails where kind = $1 order by requested_at desc, id desc limit 1`, kind))
}

// startMail begins an attempt to send a mail.
func (w *world) startMail(id uuid.UUID) workflow.PendingMail {
	w.Helper()
	m, err := storetest.StartMail(w.Context(), w.store, id, w.clock.Now())
	w.must(err)
	return m
}

// sendCode records that the relay accepted the mail with the newest code, and
// returns the code.
func (w *world) sendCode() string {
	w.Helper()
	id := w.newestMail(workflow.MailCode)
	m := w.startMail(id)
	w.must(w.store.MailAccepted(w.Context(), m.Attempt(), "250 ok", w.clock.Now()))
	return otp.Key(w.procedure.Keys[0]).Code(m.Nonce)
}

// wrongCode returns a code that differs from code.
func wrongCode(code string) string {
	if code == "000000" {
		return "111111"
	}
	return "000000"
}

// invitationLink returns the path of the link in the newest invitation.
func (w *world) invitationLink() string {
	w.Helper()
	m := w.startMail(w.newestMail(workflow.MailInvitation))
	return "/invito/" + workflow.InvitationSecret(w.procedure.Keys, m.Nonce)
}
