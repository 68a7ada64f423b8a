package web

import (
	"encoding/base64"
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/beevik/etree"

	"stella/spid"
	"stella/spid/spidtest"
	"stella/workflow"
)

const (
	failed    = "Identificazione non riuscita"
	elsewhere = "Questa identificazione è scaduta o è stata aperta in un'altra finestra. Torna alla procedura e riprova."
	technical = "C'è stato un problema tecnico nel collegamento con SPID. Non dipende da te: abbiamo avvisato l'assistenza."
	lapsed    = "L'identificazione di prima non vale più, perché è passato troppo tempo o perché era stata fatta in un altro browser. " +
		"I dati inseriti sono salvati: ripeti solo l'accesso."
)

// refused checks that nothing came of an answer, and of what it was made in.
func (b *browser) refused(sentence string) *browser {
	b.Helper()
	return b.answered(http.StatusForbidden, failed, sentence)
}

func TestAnomalies(t *testing.T) {
	t.Parallel()
	b := at(t, anna, workflow.Identification)
	b.log.errorsExpected = true // what is our request's fault
	for _, c := range []struct{ code, heading, sentence string }{
		{"nr19", failed, "Hai inserito più volte credenziali errate."},
		{"nr20", failed, "La tua identità SPID non ha il livello richiesto (livello 2)."},
		{"nr21", failed, "Il tempo per completare l'accesso è scaduto."},
		{"nr22", failed, "Non hai autorizzato l'invio dei dati."},
		{"nr23", failed, "La tua identità SPID risulta sospesa, revocata o bloccata."},
		{"nr25", "Identificazione non completata", "Hai annullato l'accesso. Quando vuoi, riprova."},
		{"nr30", failed, "Hai usato un tipo di identità SPID non ammesso qui"},
		{"nr08", failed, technical},
		{"nr18", failed, technical},
		{"nr99", failed, technical},
		{"", failed, technical},
	} {
		b.deliver(b.fail(b.ask(), c.code)).answered(http.StatusForbidden, c.heading, c.sentence, "I dati già inseriti sono salvati.")
		if got := b.page.url.Path; got != "/spid/return" {
			t.Errorf("%s ends at %s", c.code, got)
		}
		b.wants(anna, workflow.Identification)
		shown := c.code
		if c.sentence == technical {
			shown = "technical"
		}
		if reference := text(b.Find("p.small")); !strings.HasPrefix(reference, "Riferimento: "+shown+" · ") {
			t.Errorf("%s has the reference %q", c.code, reference)
		}
		b.click("Riprova").at("Scegli il gestore della tua identità SPID")
	}
	for _, code := range []string{"nr08", "nr18", "nr99"} {
		if !strings.Contains(b.log.String(), "code="+code) {
			t.Errorf("the log does not tell of %s", code)
		}
	}
	b.get("/").at("Ora identificati")
	if text := b.text(); strings.Contains(text, lapsed) {
		t.Error("a login that failed is told as one that lapsed")
	}
	b.goOn(anna, workflow.Identification, workflow.Identified)
}

func TestLoginIsCancelledAndRepeated(t *testing.T) {
	t.Parallel()
	b := at(t, anna, workflow.AtProvider).press("Annulla").press("Continua")
	b.answered(http.StatusForbidden, "Identificazione non completata", "Hai annullato l'accesso.")
	b.click("Scegli un altro metodo").at("Scegli come identificarti")
	b.click("Entra con SPID").click("Prosegui con Identità di prova").press("Accedi come Anna Neri").press("Non autorizzo").press("Continua")
	b.answered(http.StatusForbidden, failed, "Non hai autorizzato l'invio dei dati.")
	b.click("Riprova").click("Prosegui con Identità di prova").press("Accedi come Anna Neri").press("Autorizza").press("Continua").at("Identificazione riuscita")
}

func TestComingBackByHand(t *testing.T) {
	t.Parallel()
	b := at(t, anna, workflow.AtProvider)
	b.get("/").at("Accesso in corso con Identità di prova", "Hai iniziato l'accesso con Identità di prova, ma non è ancora finito.")
	b.click("Scegli un altro gestore").at("Scegli il gestore della tua identità SPID").get("/")
	b.click("Ricomincia l'accesso").press("Accedi come Anna Neri").press("Autorizza").press("Continua").at("Identificazione riuscita")
	// Where no login can begin, its pages lead on.
	for _, path := range []string{"/identificazione", "/identificazione/spid"} {
		b.unchanged(func() { b.get(path).at("Identificazione riuscita") })
	}
}

func TestLoginPages(t *testing.T) {
	t.Parallel()
	b := at(t, anna, workflow.Identification)
	link, err := url.Parse(b.get("/identificazione/spid").link("Prosegui con Identità di prova"))
	b.must(err)
	value := func(idp, token string) string {
		return "/identificazione/avvia?" + url.Values{"idp": {idp}, "t": {token}}.Encode()
	}
	ours := link.Query().Get("t")
	b.unchanged(func() {
		for _, forged := range []string{"", "x", ours + "x", ours[1:]} {
			b.get(value(b.idp.EntityID(), forged)).refused(elsewhere)
		}
		b.get(value("https://idp.example", ours)).answered(http.StatusNotFound, "Pagina non trovata")
		b.get(value("", ours)).answered(http.StatusNotFound, "Pagina non trovata")
		// The link of another session, of the same mailbox.
		other := b.enter(anna)
		other.get(link.String()).refused(elsewhere)
		b.world.browser().get(link.String()).answered(http.StatusForbidden, "La sessione è scaduta")
		for _, header := range []string{"Sec-Purpose", "Purpose", "X-Moz", "X-Purpose"} {
			r := b.request(http.MethodGet, link.String(), nil)
			r.Header.Set(header, "prefetch;prerender")
			b.load(r).refused("Il browser ha aperto questa pagina in anticipo, senza un tuo clic: per sicurezza non abbiamo fatto nulla. Riprova.")
		}
	})
	before := b.everything()
	stale := link.String()
	b.get("/identificazione/spid").click("Prosegui con Identità di prova").at("Con quale identità vuoi accedere?")
	if b.everything() == before {
		t.Error("a login was not recorded")
	}
	b.press("Accedi come Anna Neri").press("Autorizza").press("Continua")
	b.unchanged(func() { b.get(stale).at("Identificazione riuscita").tells(movedOn) })
}

func TestOnlyTheNewestRequestIsAnswered(t *testing.T) {
	t.Parallel()
	b := at(t, anna, workflow.Identification)
	older := b.answer(b.ask(), "Anna Neri")
	newer := b.answer(b.ask(), "Anna Neri")
	b.unchanged(func() { b.deliver(older).refused(elsewhere) })
	if b.parked() != "0" {
		t.Error("the older answer is kept")
	}
	b.wants(anna, workflow.AtProvider)
	b.deliver(newer).at("Identificazione riuscita")
}

func TestAnswerCountsOnce(t *testing.T) {
	t.Parallel()
	b := at(t, anna, workflow.Identification)
	request := b.ask()
	answer := b.answer(request, "Anna Neri")
	b.deliver(answer).at("Identificazione riuscita")
	b.unchanged(func() {
		b.deliver(answer).refused(elsewhere)
		b.deliver(b.answer(request, "Anna Neri")).refused(elsewhere)
		b.deliver(b.fail(request, "nr25")).refused(elsewhere)
		b.get("/spid/return").refused(elsewhere)
	})
	b.get("/").at("Identificazione riuscita")
	// A cancelled login cannot be answered after all.
	b.press("Non sono io / casella sbagliata")
	request = b.ask()
	b.deliver(b.fail(request, "nr25")).answered(http.StatusForbidden, "Identificazione non completata")
	b.unchanged(func() { b.deliver(b.answer(request, "Anna Neri")).refused(elsewhere) })
}

// Whoever makes somebody else's browser bring an answer of their own, or takes
// another's answer along, gets nowhere, and nor does the answer.
func TestAnswerInAnotherBrowser(t *testing.T) {
	t.Parallel()
	for name, open := range map[string]func(w *world) *browser{
		"without a session":  func(w *world) *browser { return w.browser().get("/") },
		"of another mailbox": func(w *world) *browser { w.record(sara); return w.enter(sara) },
		"at another mailbox's login": func(w *world) *browser {
			w.record(sara)
			b := w.enter(sara).goOn(sara, workflow.HolderChoice, workflow.Identification)
			b.ask()
			return b
		},
		"of the same mailbox":            func(w *world) *browser { return w.enter(anna) },
		"with a session that has ended":  func(w *world) *browser { b := w.enter(anna); b.end(b); return b },
		"with a session that was forged": func(w *world) *browser { b := w.browser().get("/"); b.forge(); return b },
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			b := at(t, anna, workflow.Identification)
			other := open(b.world)
			request := b.ask()
			answer := b.answer(request, "Anna Neri")
			b.unchanged(func() {
				other.get("/")
				secret := other.keepReturn(answer)
				other.get("/spid/return").refused(elsewhere)
				known := other.Find(`a[href="/identificazione/spid"]`).Length() == 1
				if session := !strings.Contains(name, "session"); known != session {
					t.Errorf("the way on leads to a procedure: %v", known)
				}
				if b.parked() != "0" {
					t.Error("the answer is kept")
				}
				// Nor can the right browser use it any more.
				b.hold(secret)
				b.get("/spid/return").refused(elsewhere)
				b.deliver(answer).refused(elsewhere)
			})
			b.wants(anna, workflow.AtProvider)
			b.get("/").click("Ricomincia l'accesso").press("Accedi come Anna Neri").press("Autorizza").press("Continua").at("Identificazione riuscita")
		})
	}
}

// keepReturn brings an answer without following where it leads, and tells the
// one-time cookie.
func (b *browser) keepReturn(answer filled) *http.Cookie {
	b.Helper()
	response, body := b.send(b.delivery(answer))
	if response.StatusCode != http.StatusSeeOther || response.Header.Get("Location") != "/spid/return" {
		b.Fatalf("the answer leads to %d %s", response.StatusCode, body)
	}
	for _, c := range response.Cookies() {
		if c.Name == "stella-return" && c.MaxAge == 600 {
			return c
		}
	}
	b.Fatalf("no one-time cookie: %v", response.Cookies())
	return nil
}

// end ends the session of a browser, behind its back.
func (w *world) end(b *browser) {
	w.Helper()
	for _, c := range b.cookies() {
		_, err := w.store.Pool().Exec(w.Context(), `delete from sessions where digest = $1`, workflow.Digest(c.Value))
		w.must(err)
	}
}

func (b *browser) forge() {
	b.Helper()
	b.hold(&http.Cookie{Name: "stella", Value: "forged"})
}

func TestReturnNeedsTheOneTimeCookie(t *testing.T) {
	t.Parallel()
	b := at(t, anna, workflow.Identification)
	answer := b.answer(b.ask(), "Anna Neri")
	secret := b.keepReturn(answer)
	b.get("/").at("Accesso in corso con Identità di prova") // looking elsewhere destroys nothing
	if b.parked() != "1" {
		t.Error("the answer does not wait")
	}
	b.hold(&http.Cookie{Name: secret.Name, MaxAge: -1})
	b.unchanged(func() {
		b.get("/spid/return").refused(elsewhere)
		if b.parked() != "0" {
			t.Error("the answer is kept")
		}
		b.hold(secret)
		b.get("/spid/return").refused(elsewhere)
	})
	b.wants(anna, workflow.AtProvider)

	// A forged one does the same.
	answer = b.answer(b.ask(), "Anna Neri")
	secret = b.keepReturn(answer)
	b.hold(&http.Cookie{Name: secret.Name, Value: "forged"})
	b.unchanged(func() { b.get("/spid/return").refused(elsewhere) })
	if b.parked() != "0" {
		t.Error("the answer is kept")
	}
}

func TestReturnIsPrefetched(t *testing.T) {
	t.Parallel()
	b := at(t, anna, workflow.Identification)
	b.keepReturn(b.answer(b.ask(), "Anna Neri"))
	b.unchanged(func() {
		r := b.request(http.MethodGet, "/spid/return", nil)
		r.Header.Set("Sec-Purpose", "prefetch")
		b.load(r).refused("Il browser ha aperto questa pagina in anticipo")
		b.send(b.request(http.MethodHead, "/spid/return", nil))
	})
	b.get("/spid/return").at("Identificazione riuscita")
}

func TestAnswerWaitsTenMinutes(t *testing.T) {
	t.Parallel()
	b := at(t, anna, workflow.Identification)
	b.keepReturn(b.answer(b.ask(), "Anna Neri"))
	b.clock.Advance(workflow.AnswerLife + time.Second)
	b.unchanged(func() { b.get("/spid/return").refused(elsewhere) })
	if b.parked() != "0" {
		t.Error("the answer is kept")
	}
}

func TestLoginLastsHalfAnHour(t *testing.T) {
	t.Parallel()
	b := at(t, anna, workflow.Identification)
	request := b.ask()
	b.clock.Advance(20 * time.Minute)
	b.get("/").at("Accesso in corso con Identità di prova")
	b.clock.Advance(10*time.Minute + time.Second)
	b.unchanged(func() { b.deliver(b.answer(request, "Anna Neri")).refused(elsewhere) })
	b.get("/").at("Ora identificati", lapsed)
	b.goOn(anna, workflow.Identification, workflow.Identified)

	// It waits for the browser no longer, either.
	b.press("Non sono io / casella sbagliata")
	request = b.ask()
	b.clock.Advance(25 * time.Minute)
	b.get("/")
	b.keepReturn(b.answer(request, "Anna Neri"))
	b.clock.Advance(5 * time.Minute)
	b.unchanged(func() { b.get("/spid/return").refused(elsewhere) })
	if b.parked() != "0" {
		t.Error("the answer is kept")
	}
}

func TestAnswerThatIsNone(t *testing.T) {
	t.Parallel()
	b := at(t, anna, workflow.Identification)
	request := b.ask()
	good := b.answer(request, "Anna Neri")
	unknown := b.answer(request, "Anna Neri", spidtest.BeforeSigning(func(r *etree.Element) { r.CreateAttr("InResponseTo", "_unknown") }))
	b.unchanged(func() {
		b.deliver(unknown).refused(elsewhere)
		for _, s := range []string{"", "x", "%%%", base64.StdEncoding.EncodeToString([]byte("<a/>")), base64.StdEncoding.EncodeToString([]byte("<!DOCTYPE a>"))} {
			b.deliver(good.with("SAMLResponse", s)).refused(technical)
		}
		b.deliver(filled{"/spid/acs", nil}).refused(technical)
	})
	if b.archived() != "0" {
		t.Error("what answers no request of ours is archived")
	}
	b.deliver(good).at("Identificazione riuscita")
}

// What does not stand up to its verification is archived, and the login may
// still be answered.
func TestTamperedAnswer(t *testing.T) {
	t.Parallel()
	b := at(t, anna, workflow.Identification)
	request := b.ask()
	replaceName := func(r *etree.Element) {
		for _, v := range r.FindElements("//saml:AttributeValue") {
			if strings.Contains(v.Text(), "TINIT-") {
				v.SetText("TINIT-NRENNA80A41H501T")
			}
		}
	}
	bad := []filled{
		b.answer(request, "Sara Verdi", spidtest.AfterSigning(replaceName)),
		b.answer(request, "Sara Verdi", spidtest.BetweenSignatures(replaceName)),
		b.answer(request, "Anna Neri", spidtest.AfterSigning(func(r *etree.Element) {
			for _, s := range r.FindElements("//ds:Signature") {
				s.Parent().RemoveChild(s)
			}
		})),
		b.answer(request, "Anna Neri").with("RelayState", "another"),
		b.answer(request, "Anna Neri").without("RelayState"),
		b.answer(request, "Anna Neri", spidtest.BeforeSigning(func(r *etree.Element) { r.CreateAttr("Destination", "https://altro.example") })),
	}
	b.unchanged(func() {
		for i, a := range bad {
			b.deliver(a).refused(technical)
			if b.parked() != "0" {
				t.Errorf("the tampered answer %d is parked", i)
			}
		}
	})
	if got := b.archived(); got != "5" { // the rest is somebody's attempt to fill the disk
		t.Errorf("%s answers are archived", got)
	}
	b.wants(anna, workflow.AtProvider)
	b.deliver(b.answer(request, "Anna Neri")).at("Identificazione riuscita")
	if got := b.archived(); got != "6" {
		t.Errorf("%s answers are archived", got)
	}
}

// Providers need not sign that a login failed; who says so must know the
// request all the same.
func TestUnsignedAnomaly(t *testing.T) {
	t.Parallel()
	unsigned := spidtest.AfterSigning(func(r *etree.Element) { r.RemoveChild(r.SelectElement("ds:Signature")) })
	b := at(t, anna, workflow.Identification)
	request := b.ask()
	b.unchanged(func() { b.deliver(b.fail(request, "nr25", unsigned).with("RelayState", "guess")).refused(technical) })
	b.deliver(b.fail(request, "nr25", unsigned)).answered(http.StatusForbidden, "Identificazione non completata")
	b.wants(anna, workflow.Identification)
}

func TestProviderIsRemoved(t *testing.T) {
	t.Parallel()
	b := at(t, anna, workflow.Identification)
	answer := b.answer(b.ask(), "Anna Neri")
	b.server.SPID.Registry = spid.NewRegistry(nil)
	b.unchanged(func() { b.deliver(answer).refused(technical) })
	b.get("/identificazione/spid").at("Scegli il gestore della tua identità SPID", "In questo momento nessun gestore SPID è disponibile.")
}

// lapses checks that a browser cannot go on from a login that is not its own,
// or too old.
func (b *browser) lapses(forms ...filled) {
	b.Helper()
	b.unchanged(func() {
		b.get("/").at("Ora identificati", lapsed)
		b.get("/identita/contatti").at("Ora identificati")
		b.get("/codice/contatti").at("Ora identificati")
		b.told("elsewhere", 0, 0)
	})
	declared := b.query(`select count(*)::text from declarations`)
	codes, mails := b.query(`select count(*)::text from codes`), b.query(`select count(*)::text from mails`)
	b.post(forms[0]).at("Ora identificati").tells("Per sicurezza ripeti l'identificazione. I dati inseriti sono salvati.")
	b.wants(anna, workflow.Identification)
	if got := b.query(`select event from steps order by version desc limit 1`); got != string(workflow.IdentityLapsed) {
		b.Errorf("the step is %s", got)
	}
	if b.query(`select count(*)::text from declarations`) != declared || b.query(`select count(*)::text from codes`) != codes ||
		b.query(`select count(*)::text from mails`) != mails {
		b.Error("more was done")
	}
	b.press("Indietro").at("Controlla i dati", anna.email).press("SALVA E PROCEDI")
}

// The places where a login must hold, and the forms there.
var holding = []struct {
	state workflow.State
	forms func(b *browser) []filled
}{
	{workflow.Identified, func(b *browser) []filled {
		return []filled{b.form("PROCEDI"), b.form("Non sono io / casella sbagliata"),
			b.click("Modifica dove arriverà il codice OTP").form("Conferma", "email", "ladro@mail.example")}
	}},
	{workflow.Contract, func(b *browser) []filled {
		return []filled{b.form("COMPLETA LA RICHIESTA DI IDENTIFICAZIONE")}
	}},
	{workflow.CodeEntry, func(b *browser) []filled {
		return []filled{b.form("Conferma", "codice", b.sendCode()), b.form("Invia di nuovo"),
			b.click("Modifica i contatti").form("Conferma", "email", "ladro@mail.example")}
	}},
}

func TestAnotherBrowserCannotFinish(t *testing.T) {
	t.Parallel()
	for _, place := range holding {
		t.Run(string(place.state), func(t *testing.T) {
			t.Parallel()
			b := at(t, anna, workflow.Identification)
			for i := range 3 {
				b.goOn(anna, workflow.Identification, place.state)
				forms := place.forms(b)
				if i >= len(forms) {
					break
				}
				b.clock.Advance(5 * time.Minute) // as many codes may be sent
				other := b.enter(anna)
				other.lapses(forms[i])
				// The first sees the same now.
				b.get("/").at("Ora identificati")
			}
		})
	}
}

func TestOldLoginCannotFinish(t *testing.T) {
	t.Parallel()
	for _, place := range holding {
		t.Run(string(place.state), func(t *testing.T) {
			t.Parallel()
			b := at(t, anna, workflow.Identification)
			for i := range 3 {
				b.goOn(anna, workflow.Identification, place.state)
				forms := place.forms(b)
				if i >= len(forms) {
					break
				}
				b.clock.Advance(16 * time.Minute)
				if b.get("/"); text(b.Find("h1")) == "Ora identificati" {
					t.Error("the login is lost too early")
				}
				b.clock.Advance(15 * time.Minute)
				b.lapses(forms[i])
			}
		})
	}
}

// A new login can begin at once from there.
func TestLapsedLoginIsRepeated(t *testing.T) {
	t.Parallel()
	b := at(t, anna, workflow.CodeEntry)
	other := b.enter(anna).at("Ora identificati", lapsed)
	other.click("Inizia l'identificazione").click("Entra con SPID").click("Prosegui con Identità di prova")
	other.press("Accedi come Anna Neri").press("Autorizza").press("Continua").at("Identificazione riuscita")
	b.get("/").at("Ora identificati", lapsed)
	other.clock.Advance(20 * time.Second)
	other.get("/").goOn(anna, workflow.Identified, workflow.Qualified).at("Identificazione avvenuta con successo")

	b = at(t, anna, workflow.Identified)
	other = b.enter(anna).at("Ora identificati", lapsed)
	other.press("Indietro").at("Controlla i dati", anna.email)
}
