package web

import (
	"net/http"
	"net/url"
	"strings"
	"testing"

	"stella/spid"
	"stella/web/webtest"
	"stella/workflow/qualification"
)

func TestPersonIsQualifiedWithCIE(t *testing.T) {
	t.Parallel()
	b := at(t, anna, qualification.Introduction, withCIE)
	b.at("Cosa occorre", "un account SPID già attivo, oppure la carta d'identità elettronica (CIE);")
	b.proceed(anna, qualification.Introduction, qualification.Identification).at("Ora identificati", "oppure la carta d'identità elettronica (CIE)")
	b.click("Inizia l'identificazione").at("Scegli come identificarti")
	if more := b.link("Maggiori informazioni sulla CIE"); more != "https://www.cartaidentita.interno.gov.it" {
		t.Errorf("the link about CIE leads to %s", more)
	}
	b.click("Entra con CIE").at("Con quale identità vuoi accedere?")
	b.stateIs(anna, qualification.AtProvider)
	b.get("/").at("Accesso in corso con Carta di Identità Elettronica")
	b.click("Scegli un altro metodo").at("Scegli come identificarti").get("/")
	b.click("Ricomincia l'accesso").press("Accedi come Anna Neri").press("Autorizza").press("Continua")
	if want := "303 /cie/return 303 /"; strings.Join(b.Trail(), " ") != want {
		t.Errorf("the redirects after the login are %v", b.Trail())
	}
	b.at("Identificazione riuscita", "Anna Neri", "termina con 501T")
	if method := webtest.Text(b.Find("dt:contains('Identificazione') + dd")); method != "CIE, livello 3" {
		t.Errorf("the method is %q", method)
	}
	got := b.query(`select concat_ws(', ', level, person_code, date_of_birth, company_name) from identities`)
	if got != "CieL3, , 1980-01-01, " {
		t.Errorf("the stored identity is %q", got)
	}
	b.proceed(anna, qualification.Identified, qualification.Qualified).at("Identificazione avvenuta con successo")
}

// Each scheme has its own metadata and endpoints, and accepts only responses of its
// own providers.
func TestSchemesAreSeparate(t *testing.T) {
	t.Parallel()
	b := at(t, anna, qualification.Identification, withCIE)
	for path, mark := range map[string]string{"/spid/metadata": "/spid/acs", "/metadata": "/spid/acs", "/cie/metadata": "/cie/acs"} {
		response, body := b.send(b.request(http.MethodGet, path, nil))
		if response.StatusCode != 200 || strings.Count(body, "/acs\"") != 1 || !strings.Contains(body, mark) {
			t.Errorf("%s returns %d %s", path, response.StatusCode, body)
		}
	}
	cie := b.askCIE()
	answer := b.answer(cie, "Anna Neri")
	b.unchanged(func() {
		elsewhere := answer
		elsewhere.Action = "/spid/acs"
		b.deliver(elsewhere).refused(technical)
	})
	if !strings.Contains(b.log.String(), "SPID knows no provider") {
		t.Errorf("the log lacks the reason: %s", b.log)
	}
	answer = b.answer(b.ask(), "Anna Neri")
	b.unchanged(func() {
		elsewhere := answer
		elsewhere.Action = "/cie/acs"
		b.deliver(elsewhere).refused("C'è stato un problema tecnico nel collegamento con CIE.")
	})
	b.deliver(answer).at("Identificazione riuscita", "SPID, livello 2")

	// Without CIE its endpoints do not exist.
	w := newWorld(t)
	for _, path := range []string{"/cie/metadata", "/cie/return", "/cie/logout"} {
		w.browser().get(path).answered(http.StatusNotFound, "Pagina non trovata")
	}
	other := at(t, anna, qualification.Identification).get("/identificazione")
	if other.Find("a.scheme").Length() != 1 || strings.Contains(other.Content(), "CIE") {
		t.Errorf("CIE is offered: %s", other.Content())
	}
}

func TestLoginWithCIEFails(t *testing.T) {
	t.Parallel()
	b := at(t, anna, qualification.Identification, withCIE)
	b.log.errorsExpected = true
	for code, sentence := range map[string]string{
		"nr20": "Non hai usato la CIE al livello richiesto (livello 3).",
		"nr21": "Il tempo per completare l'accesso è scaduto.",
		"nr23": "La tua CIE risulta scaduta, revocata o bloccata.",
		"nr08": "C'è stato un problema tecnico nel collegamento con CIE.",
	} {
		b.deliver(b.fail(b.askCIE(), code)).refused(sentence)
		b.stateIs(anna, qualification.Identification)
		b.click("Riprova").at("Scegli come identificarti")
	}
	b.deliver(b.fail(b.askCIE(), "nr25")).answered(http.StatusForbidden, notDone, "Hai annullato l'accesso.")
	b.deliver(b.fail(b.ask(), "nr23")).refused("Contatta il tuo gestore, oppure usa la CIE.")
	b.must(b.provider.Suspend(t.Context(), "operatore", b.cie.EntityID(), b.clock.Now(), "prova"))
	if b.get("/identificazione").Find("a.scheme").Length() != 1 {
		t.Error("a suspended CIE is offered")
	}
}

// A login with CIE has no purpose, since CIE has no professional identities.
func TestCompanyWithCIE(t *testing.T) {
	t.Parallel()
	b := at(t, bianchi, qualification.Identification, withCIE, func(w *world) { w.server.Purpose = "PG" })
	request := b.askCIE()
	if strings.Contains(string(request.XML), "Purpose") {
		t.Errorf("the request to CIE has a purpose: %s", request.XML)
	}
	b.deliver(b.answer(request, "Luca Bianchi")).at("Identificazione riuscita", "CIE, livello 3")
}

// The Ministry, which runs CIE, accepts no response to a logout request.
func TestLogoutByCIE(t *testing.T) {
	t.Parallel()
	b := at(t, anna, qualification.Identification, withCIE)
	b.unchanged(func() {
		b.get(b.cie.logoutURL(t)).at("Qualifica la tua casella PEC Esempio").
			showsNotice("Sei uscito dalla procedura. Per riprendere torna alla webmail e seleziona Conferma identità.")
		b.get("/").at("Qualifica la tua casella PEC Esempio")
	})
	stranger := b.borrow(spid.CIE, b.server.CIE.Metadata)
	b.handOver(anna).get(stranger.logoutURL(t, issuedBy(b.cie.EntityID()))).answered(http.StatusForbidden, "Uscita non accettata")
	b.get("/").at("Ora identificati")
}

func TestTrialWithCIE(t *testing.T) {
	t.Parallel()
	w := newWorld(t, withCIE, collaudo)
	tester := w.browser()
	path := "/cie/collaudo?idp=" + url.QueryEscape(w.cie.EntityID())
	request := tester.askAt(path)
	request.idp, request.at = w.cie, "/cie/acs"
	tester.postAsTester(w.answer(request, "Anna Neri")).at(trialSucceeded, "CIE, livello 3", "Carta di Identità Elettronica")
	tester.get(path+"&purpose=PG").answered(http.StatusBadRequest, "Richiesta non accettata")
	tester.get(strings.Replace(w.trial(), "/spid/", "/cie/", 1)).answered(http.StatusNotFound, "Pagina non trovata")
}
