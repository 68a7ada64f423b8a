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

	"stella/otp"
	"stella/request"
	"stella/spid"
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
	cie       *idp // if one can log in with CIE
	site      templates.Site
	log       *logbook
	webmail   workflow.Client
	secrets   []string // given out, and in no log
	from      string   // where browsers are, as our proxy tells; empty without one
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
	FiscalCode: "01234567897", Municipality: "H501", NACE2Code: "61.90.99",
	Billing: spid.Billing{Street: "Via Esempio", StreetNumber: "1", PostalCode: "00100", City: "Roma"}}

// signer is made once: keys are slow.
var signer = sync.OnceValues(func() (*spid.ServiceProvider, error) {
	key, certificate, err := spid.SelfSigned("https://stella.example", organization, storetest.NewClock().Now().Add(-time.Hour))
	return &spid.ServiceProvider{Key: key, Certificate: certificate, Organization: organization}, err
})

// parsed are the templates by their site.
var parsed sync.Map

// texts parses the templates once for each site: that is slow too.
func texts(site templates.Site) (*templates.Templates, error) {
	if known, ok := parsed.Load(site); ok {
		return known.(*templates.Templates), nil
	}
	all, err := templates.New(site)
	if err == nil {
		parsed.Store(site, all)
	}
	return all, err
}

// newWorld makes a world whose server is configured further before it starts.
func newWorld(t *testing.T, configure ...func(*world)) *world {
	t.Helper()
	return makeWorld(t, "", configure...)
}

// after returns the minute in which d will have passed, as pages show it.
func (w *world) after(d time.Duration) string {
	return w.clock.RomeIn(d + time.Minute - 1).Format("15:04")
}

// date returns the day and the time after d, as Italian pages show them.
func (w *world) date(d time.Duration) string {
	at := w.clock.RomeIn(d)
	months := strings.Fields("gennaio febbraio marzo aprile maggio giugno luglio agosto settembre ottobre novembre dicembre")
	return fmt.Sprintf("%d %s %d, %s", at.Day(), months[at.Month()-1], at.Year(), at.Format("15:04"))
}

// makeWorld makes a world with a public URL, or with that of its test server.
func makeWorld(t *testing.T, public string, configure ...func(*world)) *world {
	t.Helper()
	w := &world{T: t, clock: storetest.NewClock(), store: storetest.New(t), log: &logbook{}, secrets: []string{token}}
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
	w.procedure = &workflow.Procedure{Store: w.store, Keys: workflow.Keys{[]byte("the server's key, of thirty-two bytes")}, Limits: otp.Defaults,
		Documents: documents, Now: w.clock.Now}
	w.server = &Server{Procedure: w.procedure, SPID: Federation{ServiceProvider: &sp, Registry: spid.NewRegistry(providers, w.clock.Now)}, PublicURL: publicURL,
		Away: store.Away, Log: slog.New(slog.NewTextHandler(w.log, nil)), Now: w.clock.Now}
	w.server.Requests = &request.Log{Logger: w.server.Log, Refused: func(string) {}}
	for _, change := range configure {
		change(w)
	}
	w.server.Templates, err = texts(w.site)
	w.must(err)
	w.handler = w.server.Handler()
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
	secret, err := w.procedure.HandOff(w.Context(), w.webmail, h.mailbox, returnURL, "it", "utente-7")
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
	return otp.Key(w.procedure.Keys[0]).Code(m.Nonce)
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
	return "/invito/" + workflow.InvitationSecret(w.procedure.Keys, m.Nonce)
}
