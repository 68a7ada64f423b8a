package web

import (
	"net/http"
	"net/url"
	"strings"
	"testing"

	"github.com/beevik/etree"

	"stella/spid/spidtest"
	"stella/workflow"
)

// collaudo opens the door to official testers.
func collaudo(w *world) { w.server.Collaudo = true }

// trial is where a tester begins, with what is to be asked for.
func (w *world) trial(with ...string) string {
	query := url.Values{"idp": {w.idp.EntityID()}}
	for i := 0; i < len(with); i += 2 {
		query.Set(with[i], with[i+1])
	}
	return "/spid/collaudo?" + query.Encode()
}

// bring posts an answer as a tester does, who may have no cookies and follows no
// redirect, and checks that the endpoint itself answers.
func (b *browser) bring(answer filled) *browser {
	b.Helper()
	b.deliver(answer)
	if len(b.trail) > 0 || len(b.header.Values("Set-Cookie")) > 0 {
		b.Errorf("a trial leads on: %v %v", b.trail, b.header.Values("Set-Cookie"))
	}
	return b
}

const tried = "Accesso di collaudo riuscito"

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
	tester.bring(answer).at(tried, "La risposta del gestore rispetta tutte le regole.", "SPID, livello 2", "Identità di prova",
		"fiscalNumber TINIT-NRENNA80A41H501T", "familyName Neri", "name Anna", "spidCode PROV0000000001")
	if got := tester.page.url.Path; got != "/spid/acs" {
		t.Errorf("the tester ends at %s", got)
	}
	if parked := w.parked(); parked != "0" {
		t.Error("an answer waits for a browser that never comes")
	}
	if got := w.query(`select concat((select count(*) from identities), ' ', (select count(*) from messages))`); got != "0 2" {
		t.Errorf("identities and messages are %s", got)
	}
	// It counts once, and so does whom it asserts, for testers too.
	w.unchanged(func() {
		tester.bring(answer).refused(elsewhere)
		tester.bring(w.answer(request, "Anna Neri")).refused(elsewhere)
		tester.bring(w.fail(request, "nr25")).refused(elsewhere)
	})
	first := tester.askAt(w.trial())
	seen := w.answer(first, "Anna Neri", assertionID("_seen"))
	tester.bring(seen).at(tried)
	tester.bring(w.answer(tester.askAt(w.trial()), "Anna Neri", assertionID("_seen"))).refused(elsewhere)
}

// assertionID makes an answer whose assertion has that ID.
func assertionID(id string) spidtest.Edit {
	return spidtest.BeforeSigning(func(r *etree.Element) { r.SelectElement("saml:Assertion").CreateAttr("ID", id) })
}

// What testers may ask for, besides a login.
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
	if form := tester.Find("form").First(); form.ChildrenFiltered("input[name=SAMLRequest]").Length() != 1 || form.AttrOr("action", "") == "" {
		t.Error("the tester finds no form")
	}
	tester.press("Continua").at("Con quale identità vuoi accedere?").press("Accedi come Sara Verdi").press("Autorizza").press("Continua").at(tried, "Sara")
	w.unchanged(func() {
		for _, path := range []string{"/spid/collaudo", w.trial("idp", "https://idp.example"), w.trial("idp", "<script>")} {
			tester.get(path).answered(http.StatusNotFound, "Pagina non trovata")
		}
		for _, path := range []string{w.trial("level", "9"), w.trial("level", "SpidL9"), w.trial("purpose", "XX"), w.trial("purpose", `"><x>`)} {
			tester.get(path).answered(http.StatusBadRequest, "Richiesta non accettata")
		}
		r := tester.request(http.MethodGet, w.trial(), nil)
		r.Header.Set("Sec-Purpose", "prefetch")
		tester.load(r).refused("Il browser ha aperto questa pagina in anticipo")
	})
	w.must(w.procedure.Suspend(t.Context(), "operatore", w.idp.EntityID(), w.clock.Now(), "chiave rubata"))
	w.unchanged(func() {
		tester.get(w.trial()).refused("In questo momento l'accesso con questo gestore non è disponibile.")
	})
}

// The official testers judge by the status at the final URL (italia/spid-sp-test):
// 200 where somebody is identified, and 4xx everywhere else.
func TestTrialVerdicts(t *testing.T) {
	t.Parallel()
	w := newWorld(t, collaudo)
	w.log.errorsExpected = true
	fresh := func() (*browser, asked) {
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
		tester.bring(w.fail(request, c.code)).answered(http.StatusForbidden, c.heading, c.sentence, "Era un accesso di collaudo: nessuna casella è coinvolta.")
		if tester.Find("a.button").Length() > 0 {
			t.Errorf("%s: a tester is sent on to a procedure", c.code)
		}
	}
	if log := w.log.String(); !strings.Contains(log, "code=nr08") || strings.Contains(log, "code=nr25") {
		t.Errorf("the operator is not told of our fault alone: %s", log)
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
		tester.bring(answer).refused(technical)
		if got := text(tester.Find("p.small")); !strings.HasSuffix(got, " · "+reason) {
			t.Errorf("the tester is told %q, want %s", got, reason)
		}
		tester.bring(w.answer(request, "Anna Neri")).at(tried) // nothing was used up
	}
	tester, request := fresh()
	good := w.answer(request, "Anna Neri")
	for _, garbage := range []filled{
		{"/spid/acs", nil},
		good.with("SAMLResponse", "x"), good.with("SAMLResponse", "PGE+"), good.without("RelayState"), good.with("RelayState", "x"),
		w.answer(request, "Anna Neri", spidtest.BeforeSigning(func(r *etree.Element) { r.RemoveAttr("InResponseTo") })),
		w.answer(request, "Anna Neri", spidtest.BeforeSigning(func(r *etree.Element) { r.CreateAttr("InResponseTo", "_another") })),
	} {
		if tester.bring(garbage); tester.status != http.StatusForbidden {
			t.Errorf("%v is answered %d", garbage.values, tester.status)
		}
	}
}

// Neither a trial nor a mailbox's login can be passed off as the other.
func TestTrialIsNoLogin(t *testing.T) {
	t.Parallel()
	b := at(t, anna, workflow.Identification, collaudo)
	request := b.ask()
	tester := b.world.browser()
	trial := tester.askAt(b.trial())
	b.unchanged(func() {
		// In the browser of a procedure a trial's answer is a trial's.
		b.deliver(b.answer(trial, "Anna Neri")).at(tried)
		b.get("/spid/return").refused(elsewhere)
	})
	b.wants(anna, workflow.AtProvider)

	// The one's relay state or request does not go with the other's answer.
	mixed := tester.askAt(b.trial())
	mixed.RelayState = request.RelayState
	b.unchanged(func() { b.deliver(b.answer(mixed, "Anna Neri")).refused(technical) })
	mixed = request
	mixed.RelayState = trial.RelayState
	b.unchanged(func() { tester.deliver(b.answer(mixed, "Anna Neri")).refused(technical) })

	// What a trial asserted identifies nobody, and what identified is no trial.
	trial = tester.askAt(b.trial())
	b.unchanged(func() { b.deliver(b.answer(trial, "Anna Neri", assertionID("_trial"))).at(tried) })
	b.deliver(b.answer(request, "Anna Neri", assertionID("_trial"))).refused(elsewhere)
	b.wants(anna, workflow.AtProvider)
	b.deliver(b.answer(request, "Anna Neri", assertionID("_login"))).at("Identificazione riuscita")
	tester.deliver(b.answer(tester.askAt(b.trial()), "Anna Neri", assertionID("_login"))).refused(elsewhere)

	// A tester who posts a mailbox's answer gets no attributes, but the page that
	// wants the browser that asked.
	b.press("Non sono io / casella sbagliata")
	request = b.ask()
	b.unchanged(func() { tester.deliver(b.answer(request, "Anna Neri")).refused(elsewhere) })
	if strings.Contains(tester.body, "Anna") {
		t.Error("a tester is told who logged in")
	}
}

// Where testers are no longer let in, what they began is not answered.
func TestTrialsEnd(t *testing.T) {
	t.Parallel()
	w := newWorld(t, collaudo)
	tester := w.browser()
	request := tester.askAt(w.trial())
	w.server.Collaudo = false
	tester.bring(w.answer(request, "Anna Neri")).refused(elsewhere)
}
