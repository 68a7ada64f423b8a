package web

import (
	"net/http"
	"net/url"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/beevik/etree"

	"stella/spid"
	"stella/spid/spidtest"
	"stella/templates"
	"stella/web/webtest"
	"stella/workflow/qualification"
)

// notDone is the heading if the user cancelled the login, which is not an error.
const notDone = "Identificazione non completata"

// Each anomaly has its page, and some are logged for the operator (SPID technical
// rules, "Messaggi di errore").
func TestAnomalies(t *testing.T) {
	t.Parallel()
	b := at(t, anna, qualification.Identification)
	b.log.errorsExpected = true // some anomalies are errors in our request
	for _, c := range []struct{ code, heading, sentence string }{
		{"nr19", failed, "Hai inserito più volte credenziali errate."},
		{"nr20", failed, "La tua identità SPID non ha il livello richiesto (livello 2)."},
		{"nr21", failed, "Il tempo per completare l'accesso è scaduto."},
		{"nr22", notDone, "Non hai autorizzato l'invio dei dati."},
		{"nr23", failed, "La tua identità SPID risulta sospesa, revocata o bloccata."},
		{"nr25", notDone, "Hai annullato l'accesso. Quando vuoi, riprova."},
		{"nr30", failed,
			"Hai usato un tipo di identità SPID non ammesso qui (per esempio a uso professionale). Usa SPID personale."},
		{"nr08", failed, technical},
		{"nr09", failed, technical},
		{"nr11", failed, technical},
		{"nr12", failed, technical},
		{"nr13", failed, technical},
		{"nr14", failed, technical},
		{"nr15", failed, technical},
		{"nr16", failed, technical},
		{"nr17", failed, technical},
		{"nr18", failed, technical},
		{"nr24", failed, technical},
		{"nr99", failed, technical},
		{"", failed, technical},
	} {
		b.deliver(b.fail(b.ask(), c.code)).answered(http.StatusForbidden, c.heading, c.sentence, "I dati già inseriti sono salvati.")
		if got := b.URL.Path; got != "/spid/return" {
			t.Errorf("the page of %s has the path %s", c.code, got)
		}
		if b.Find("[role=alert], .summary, .fault").Length() > 0 {
			t.Errorf("%s is shown with the markup of an error", c.code)
		}
		b.stateIs(anna, qualification.Identification)
		shown := c.code
		if c.sentence == technical {
			shown = "tecnico"
		}
		if reference := webtest.Text(b.Find("p.small")); !strings.HasPrefix(reference, "Riferimento: "+shown+" · ") {
			t.Errorf("%s has the reference %q", c.code, reference)
		}
		line := regexp.MustCompile(`level=ERROR msg="an identity provider faults our request" .*provider=` +
			regexp.QuoteMeta(b.idp.EntityID()) + ` code="?` + c.code + `"?\n`)
		if logged := line.MatchString(b.log.String()); logged != (c.sentence == technical) {
			t.Errorf("%q is logged as an error: %v", c.code, logged)
		}
		b.click("Riprova").at("Scegli il gestore della tua identità SPID")
	}
	b.get("/").at("Ora identificati")
	if text := b.Content(); strings.Contains(text, lapsed) {
		t.Error("the page says that a failed login has expired")
	}
	b.press("Indietro").at("Controlla i dati", anna.email) // the data are kept
	b.press("SALVA E PROCEDI").proceed(anna, qualification.Identification, qualification.Identified)
}

// The page of a failed login is the same if it is loaded again, until the state
// changes.
func TestFailurePageCanBeReloaded(t *testing.T) {
	t.Parallel()
	b := at(t, anna, qualification.AtProvider).press("Accedi come Anna Neri").press("Non autorizzo").press("Continua")
	const denied = "Non hai autorizzato l'invio dei dati."
	b.answered(http.StatusForbidden, notDone, denied)
	b.unchanged(func() {
		for range 2 {
			b.get("/spid/return").answered(http.StatusForbidden, notDone, denied, "I dati già inseriti sono salvati.")
			if reference := webtest.Text(b.Find("p.small")); !strings.HasPrefix(reference, "Riferimento: nr22 · ") {
				t.Errorf("the reference is %q", reference)
			}
		}
		if got := b.link("Indietro"); got != b.URL.ResolveReference(&url.URL{Path: "/"}).String() {
			t.Errorf("the link Indietro leads to %s", got)
		}
		// Other sessions cannot see it.
		b.enter(anna).get("/spid/return").refused(elsewhere)
		stranger := b.world.browser().get("/spid/return")
		stranger.answered(http.StatusForbidden, failed, "Questa identificazione è scaduta o è stata aperta in un'altra finestra.",
			"Per continuare torna alla webmail", "Riferimento: altrove · ")
		if strings.Contains(stranger.Content(), "Torna alla procedura e riprova") || stranger.Find(".progress").Length() != 0 {
			t.Errorf("a visitor without a procedure gets a link to it: %s", stranger.Content())
		}
	})
	b.click("Riprova")
	b.ask()
	b.get("/spid/return").refused(elsewhere)

	b.get("/").click("Ricomincia l'accesso")
	b.must(b.provider.Suspend(t.Context(), "operatore", b.idp.EntityID(), b.clock.Now(), "chiave rubata"))
	b.press("Accedi come Anna Neri").press("Autorizza").press("Continua")
	b.refused("In questo momento l'accesso con questo gestore non è disponibile.")
	b.unchanged(func() {
		b.get("/spid/return").refused("In questo momento l'accesso con questo gestore non è disponibile.")
	})
}

// A response with a level below the requested one is shown like anomaly nr20.
func TestLevelIsTooLow(t *testing.T) {
	t.Parallel()
	b := at(t, anna, qualification.Identification)
	request := b.ask()
	low := spidtest.BeforeSigning(func(r *etree.Element) {
		r.FindElement("//saml:AuthnContextClassRef").SetText(spid.SpidL1.URI())
	})
	b.unchanged(func() {
		b.deliver(b.answer(request, "Anna Neri", low)).refused("La tua identità SPID non ha il livello richiesto (livello 2).")
	})
	if !strings.Contains(b.log.String(), "level=WARN") {
		t.Error("the log has no warning")
	}
}

func TestAnomalyInEnglish(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.record(anna)
	secret, err := w.provider.HandOff(t.Context(), w.webmail, anna.mailbox, returnURL, "en", "")
	w.must(err)
	b := w.browser().start(secret)
	for _, step := range []struct{ button, field, value string }{
		{"Confirm", "ruolo", "si"},
		{button: "PROCEED"},
		{"Confirm", "intestatario", "privato"},
		{"Confirm", "email", anna.email},
		{button: "SAVE AND PROCEED"},
	} {
		if step.field == "" {
			b.press(step.button)
		} else {
			b.press(step.button, step.field, step.value)
		}
	}
	request := b.askAt(b.get("/identificazione/spid").link("Continue with Identità di prova"))
	b.deliver(w.fail(request, "nr25")).answered(http.StatusForbidden, "Identification not completed", "You cancelled the login.")
}

// No login starts at a suspended provider, and its responses are refused.
func TestProviderIsSuspended(t *testing.T) {
	t.Parallel()
	const away = "In questo momento l'accesso con questo gestore non è disponibile. Scegline un altro."
	b := at(t, anna, qualification.Identification)
	link := b.get("/identificazione/spid").link("Prosegui con Identità di prova")
	request := b.askAt(link)
	b.must(b.provider.Suspend(t.Context(), "operatore", b.idp.EntityID(), b.clock.Now(), "chiave rubata"))
	b.deliver(b.answer(request, "Anna Neri")).refused(away)
	b.stateIs(anna, qualification.Identification)
	b.unchanged(func() { b.get(link).refused(away) })
	b.click("Scegli un altro gestore")
	b.at("Scegli il gestore della tua identità SPID", "In questo momento nessun gestore SPID è disponibile.")
	b.clock.Advance(time.Minute)
	b.must(b.provider.Resume(t.Context(), "operatore", b.idp.EntityID(), "chiave nuova"))
	b.get("/").proceed(anna, qualification.Identification, qualification.Identified)
}

// An identity that a suspended provider asserted is no longer valid, and the page
// says why.
func TestIdentityOfASuspendedProvider(t *testing.T) {
	t.Parallel()
	b := at(t, anna, qualification.Contract)
	b.must(b.provider.Suspend(t.Context(), "operatore", b.idp.EntityID(), b.clock.Now().Add(-time.Hour), "chiave rubata"))
	b.get("/").at("Ora identificati", "perché il gestore con cui è stata fatta è stato sospeso")
	if strings.Contains(b.Content(), "troppo tempo") {
		t.Error("the page gives another reason")
	}
}

// If the operator requires a professional identity for companies, the request and
// the pages say which one.
func TestPurpose(t *testing.T) {
	t.Parallel()
	const wanted = "occorre un'identità SPID a uso professionale rilasciata per l'impresa (persona giuridica)."
	b := at(t, bianchi, qualification.Identification, func(w *world) { w.server.Purpose = "PG" })
	b.at("Ora identificati", "Con SPID per questa casella "+wanted)
	request := b.ask()
	if !strings.Contains(string(request.XML), ">PG</spid:Purpose>") {
		t.Errorf("the request lacks the purpose: %s", request.XML)
	}
	b.deliver(b.fail(request, "nr30")).refused("Hai usato un tipo di identità SPID non ammesso qui. Per questa casella " + wanted)

	// A citizen's mailbox requires no professional identity.
	b.record(anna)
	other := b.enter(anna).proceed(anna, qualification.HolderChoice, qualification.Identification)
	if strings.Contains(other.Content(), "uso professionale") {
		t.Error("the page of a citizen requires a professional identity")
	}
	request = other.ask()
	if strings.Contains(string(request.XML), "Purpose") {
		t.Errorf("the request for a citizen has a purpose: %s", request.XML)
	}
	other.deliver(other.fail(request, "nr30")).refused("Usa SPID personale.")
}

// The company's data in an assertion are stored with the identity.
func TestCompanyOfTheIdentityIsStored(t *testing.T) {
	t.Parallel()
	b := at(t, bianchi, qualification.Identification, func(w *world) { w.server.Purpose = "PG" })
	request := b.ask()
	response, err := b.idp.Answer(request.Request, spidtest.LucaForOfficine())
	b.must(err)
	b.deliver(request.acs(response)).at("Identificazione riuscita", "Luca Bianchi")
	got := b.query(`select concat_ws(', ', company_name, company_fiscal_number, company_vat_number, person_code) from identities`)
	if got != "Officine Bianchi S.r.l., 09876543217, 09876543217, PROV0000000005" {
		t.Errorf("the stored data are %q", got)
	}
	b.omits("09876543217")
}

// Every code has a different text, in both languages.
func TestEveryFailureHasItsText(t *testing.T) {
	t.Parallel()
	w := newWorld(t, withCIE)
	for _, locale := range []string{"it", "en"} {
		texts := map[string]string{}
		for _, code := range []string{
			"nr19", "nr20", "nr21", "nr22", "nr23", "nr25", "nr30", "suspended", "elsewhere", "technical", "prefetch",
		} {
			var page strings.Builder
			w.must(w.server.Templates.Page(&page, "login_failed", templates.Page{
				Locale: locale,
				Data:   templates.LoginFailed{Code: code, Level: "2"},
			}))
			lead := page.String()[strings.Index(page.String(), `<p class="lead">`):]
			lead, _, _ = strings.Cut(lead, "</p>")
			if other, ok := texts[lead]; ok {
				t.Errorf("%s: %s and %s have the same text %q", locale, code, other, lead)
			}
			texts[lead] = code
		}
	}
}
