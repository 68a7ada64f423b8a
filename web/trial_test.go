package web

import (
	"net/http"
	"net/url"
	"strings"
	"testing"

	"github.com/beevik/etree"

	"stella/spid/spidtest"
	"stella/web/webtest"
	"stella/workflow/qualification"
)

// collaudo enables trials.
func collaudo(w *world) { w.server.Collaudo = true }

// trial returns the URL that starts a trial. with are names and values of options.
func (w *world) trial(with ...string) string {
	query := url.Values{"idp": {w.idp.EntityID()}}
	for i := 0; i < len(with); i += 2 {
		query.Set(with[i], with[i+1])
	}
	return "/spid/collaudo?" + query.Encode()
}

// postAsTester posts a response as testers do. They may have no cookies and follow
// no redirects, so it checks that the endpoint itself shows the result.
func (b *browser) postAsTester(answer webtest.Form) *browser {
	b.Helper()
	b.deliver(answer)
	if len(b.Trail()) > 0 || len(b.Header.Values("Set-Cookie")) > 0 {
		b.Errorf("a trial has redirects or cookies: %v %v", b.Trail(), b.Header.Values("Set-Cookie"))
	}
	return b
}

const trialSucceeded = "Accesso di collaudo riuscito"

func TestTrialsAreOff(t *testing.T) {
	t.Parallel()
	b := newWorld(t, withCIE).browser()
	for _, path := range []string{b.trial(), "/cie/collaudo?idp=" + url.QueryEscape(b.cie.EntityID())} {
		b.unchanged(func() { b.get(path).answered(http.StatusNotFound, "Pagina non trovata") })
	}
}

func TestTrial(t *testing.T) {
	t.Parallel()
	w := newWorld(t, collaudo)
	tester := w.browser()
	request := tester.askAt(w.trial())
	answer := w.answer(request, "Anna Neri")
	tester.postAsTester(answer).at(trialSucceeded, "La risposta del gestore rispetta tutte le regole.",
		"SPID, livello 2", "Identità di prova",
		"fiscalNumber TINIT-NRENNA80A41H501T", "familyName Neri", "name Anna", "spidCode PROV0000000001")
	if got := tester.URL.Path; got != "/spid/acs" {
		t.Errorf("the result is shown at %s", got)
	}
	if parked := w.storedAnswers(); parked != "0" {
		t.Error("the response of a trial is stored for a browser")
	}
	if got := w.query(`select concat((select count(*) from identities), ' ', (select count(*) from messages))`); got != "0 2" {
		t.Errorf("the numbers of identities and messages are %s", got)
	}
	// A response is valid once, and an assertion too, as for other logins.
	w.unchanged(func() {
		tester.postAsTester(answer).refused(elsewhere)
		tester.postAsTester(w.answer(request, "Anna Neri")).refused(elsewhere)
		tester.postAsTester(w.fail(request, "nr25")).refused(elsewhere)
	})
	first := tester.askAt(w.trial())
	seen := w.answer(first, "Anna Neri", assertionID("_seen"))
	tester.postAsTester(seen).at(trialSucceeded)
	tester.postAsTester(w.answer(tester.askAt(w.trial()), "Anna Neri", assertionID("_seen"))).refused(elsewhere)
}

// assertionID sets the ID of the assertion.
func assertionID(id string) spidtest.Edit {
	return spidtest.BeforeSigning(func(r *etree.Element) { r.SelectElement("saml:Assertion").CreateAttr("ID", id) })
}

// The options of a trial.
func TestTrialOptions(t *testing.T) {
	t.Parallel()
	w := newWorld(t, collaudo)
	tester := w.browser()
	request := string(tester.askAt(w.trial("level", "SpidL3", "purpose", "PG")).XML)
	for _, wanted := range []string{"SpidL3</saml:AuthnContextClassRef>", ">PG</spid:Purpose>", `AttributeConsumingServiceIndex="1"`} {
		if !strings.Contains(request, wanted) {
			t.Errorf("the request lacks %s: %s", wanted, request)
		}
	}
	tester.get(w.trial("binding", "post")).at("Attendi qualche secondo…")
	form := tester.Find("form").First()
	if form.ChildrenFiltered("input[name=SAMLRequest]").Length() != 1 || form.AttrOr("action", "") == "" {
		t.Error("the page lacks the form that the tester expects")
	}
	tester.press("Continua").at("Con quale identità vuoi accedere?")
	tester.press("Accedi come Sara Verdi").press("Autorizza").press("Continua").at(trialSucceeded, "Sara")
	w.unchanged(func() {
		for _, path := range []string{"/spid/collaudo", w.trial("idp", "https://idp.example"), w.trial("idp", "<script>")} {
			tester.get(path).answered(http.StatusNotFound, "Pagina non trovata")
		}
		for _, path := range []string{
			w.trial("level", "9"), w.trial("level", "SpidL9"), w.trial("purpose", "XX"), w.trial("purpose", `"><x>`),
		} {
			tester.get(path).answered(http.StatusBadRequest, "Richiesta non accettata")
		}
		r := tester.request(http.MethodGet, w.trial(), nil)
		r.Header.Set("Sec-Purpose", "prefetch")
		tester.load(r).refused("Il browser ha aperto questa pagina in anticipo")
	})
	w.must(w.provider.Suspend(t.Context(), "operatore", w.idp.EntityID(), w.clock.Now(), "chiave rubata"))
	w.unchanged(func() {
		tester.get(w.trial()).refused("In questo momento l'accesso con questo gestore non è disponibile.")
	})
}

// The official testers check the status at the final URL (italia/spid-sp-test): 200
// if a person is identified, otherwise 4xx.
func TestTrialStatuses(t *testing.T) {
	t.Parallel()
	w := newWorld(t, collaudo)
	w.log.errorsExpected = true
	fresh := func() (*browser, loginRequest) {
		tester := w.browser()
		return tester, tester.askAt(w.trial())
	}
	for _, c := range []struct{ code, heading, sentence string }{
		{"nr19", failed, "Hai inserito più volte credenziali errate."},
		{"nr20", failed, "(livello 2)"},
		{"nr21", failed, "Il tempo per completare l'accesso è scaduto."},
		{"nr22", notDone, "Non hai autorizzato l'invio dei dati."},
		{"nr23", failed, "sospesa, revocata o bloccata"},
		{"nr25", notDone, "Hai annullato l'accesso."},
		{"nr30", failed, "non ammesso qui"},
		{"nr08", failed, technical},
	} {
		tester, request := fresh()
		tester.postAsTester(w.fail(request, c.code)).answered(http.StatusForbidden, c.heading, c.sentence,
			"Era un accesso di collaudo: nessuna casella è coinvolta.")
		if tester.Find("a.button").Length() > 0 {
			t.Errorf("%s: the page has a link to a procedure", c.code)
		}
	}
	if log := w.log.String(); !strings.Contains(log, "code=nr08") || strings.Contains(log, "code=nr25") {
		t.Errorf("nr08 must be logged as an error, and nr25 must not: %s", log)
	}
	for reason, edit := range map[string]spidtest.Edit{
		"signature-invalid": spidtest.AfterSigning(func(r *etree.Element) {
			r.FindElement("//ds:SignatureValue").SetText("AAAA")
		}),
		"assertion-not-signed": spidtest.BetweenSignatures(func(r *etree.Element) {
			a := r.SelectElement("saml:Assertion")
			a.RemoveChild(a.SelectElement("ds:Signature"))
		}),
		"destination": spidtest.BeforeSigning(func(r *etree.Element) { r.CreateAttr("Destination", "https://altro.example") }),
	} {
		tester, request := fresh()
		answer := w.answer(request, "Anna Neri", edit)
		tester.postAsTester(answer).refused(technical)
		if got := webtest.Text(tester.Find("p.small")); !strings.HasSuffix(got, " · "+reason) {
			t.Errorf("the page has the reason %q, want %s", got, reason)
		}
		tester.postAsTester(w.answer(request, "Anna Neri")).at(trialSucceeded) // the request is still open
	}
	tester, request := fresh()
	good := w.answer(request, "Anna Neri")
	for _, garbage := range []webtest.Form{
		{Action: "/spid/acs"},
		good.With("SAMLResponse", "x"), good.With("SAMLResponse", "PGE+"), good.Without("RelayState"), good.With("RelayState", "x"),
		w.answer(request, "Anna Neri", spidtest.BeforeSigning(func(r *etree.Element) { r.RemoveAttr("InResponseTo") })),
		w.answer(request, "Anna Neri", spidtest.BeforeSigning(func(r *etree.Element) { r.CreateAttr("InResponseTo", "_another") })),
	} {
		if tester.postAsTester(garbage); tester.Status != http.StatusForbidden {
			t.Errorf("%v returns %d", garbage.Values, tester.Status)
		}
	}
}

// The response of a trial is not valid for the login of a mailbox, and vice versa.
func TestTrialsAndLoginsAreSeparate(t *testing.T) {
	t.Parallel()
	b := at(t, anna, qualification.Identification, collaudo)
	request := b.ask()
	tester := b.world.browser()
	trial := tester.askAt(b.trial())
	b.unchanged(func() {
		// The response of a trial in the browser of a procedure is still a trial.
		b.deliver(b.answer(trial, "Anna Neri")).at(trialSucceeded)
		b.get("/spid/return").refused(elsewhere)
	})
	b.stateIs(anna, qualification.AtProvider)

	// The relay state of one is not valid for the other.
	mixed := tester.askAt(b.trial())
	mixed.RelayState = request.RelayState
	b.unchanged(func() { b.deliver(b.answer(mixed, "Anna Neri")).refused(technical) })
	mixed = request
	mixed.RelayState = trial.RelayState
	b.unchanged(func() { tester.deliver(b.answer(mixed, "Anna Neri")).refused(technical) })

	// An assertion of a trial cannot be used again for a login, and vice versa.
	trial = tester.askAt(b.trial())
	b.unchanged(func() { b.deliver(b.answer(trial, "Anna Neri", assertionID("_trial"))).at(trialSucceeded) })
	b.deliver(b.answer(request, "Anna Neri", assertionID("_trial"))).refused(elsewhere)
	b.stateIs(anna, qualification.AtProvider)
	b.deliver(b.answer(request, "Anna Neri", assertionID("_login"))).at("Identificazione riuscita")
	tester.deliver(b.answer(tester.askAt(b.trial()), "Anna Neri", assertionID("_login"))).refused(elsewhere)

	// A tester who posts the response of a mailbox's login sees no attributes, but the
	// page that says that the login belongs to another browser.
	b.press("Non sono io / casella sbagliata")
	request = b.ask()
	b.unchanged(func() { tester.deliver(b.answer(request, "Anna Neri")).refused(elsewhere) })
	if strings.Contains(tester.Body, "Anna") {
		t.Error("the tester sees who logged in")
	}
}

// After trials are switched off, responses of earlier trials are refused.
func TestTrialsEnd(t *testing.T) {
	t.Parallel()
	w := newWorld(t, collaudo)
	tester := w.browser()
	request := tester.askAt(w.trial())
	w.server.Collaudo = false
	tester.postAsTester(w.answer(request, "Anna Neri")).refused(elsewhere)
}
