package web

import (
	"encoding/base64"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/beevik/etree"

	"stella/spid"
	"stella/spid/spidtest"
	"stella/web/webtest"
	"stella/workflow"
	"stella/workflow/qualification"
)

func TestOnlyTheNewestRequestCanBeAnswered(t *testing.T) {
	t.Parallel()
	b := at(t, anna, qualification.Identification)
	older := b.answer(b.ask(), "Anna Neri")
	newer := b.answer(b.ask(), "Anna Neri")
	b.unchanged(func() { b.deliver(older).refused(elsewhere) })
	if b.storedAnswers() != "0" {
		t.Error("the response to the older request is stored")
	}
	b.stateIs(anna, qualification.AtProvider)
	b.deliver(newer).at("Identificazione riuscita")
}

func TestAnswerIsValidOnce(t *testing.T) {
	t.Parallel()
	b := at(t, anna, qualification.Identification)
	request := b.ask()
	answer := b.answer(request, "Anna Neri")
	b.deliver(answer).at("Identificazione riuscita")
	b.unchanged(func() {
		b.deliver(answer).at("Identificazione riuscita")
		b.deliver(b.answer(request, "Anna Neri")).at("Identificazione riuscita")
		b.deliver(b.answer(request, "Sara Verdi")).at("Identificazione riuscita", "Anna Neri")
		b.deliver(b.fail(request, "nr25")).at("Identificazione riuscita")
		b.get("/spid/return").refused(elsewhere)
	})
	b.get("/").at("Identificazione riuscita")
	// A cancelled login cannot succeed later.
	b.press("Non sono io / casella sbagliata")
	request = b.ask()
	b.deliver(b.fail(request, "nr25")).answered(http.StatusForbidden, "Identificazione non completata")
	b.unchanged(func() { b.deliver(b.answer(request, "Anna Neri")).refused(elsewhere) })
}

// A response is valid only in the browser that started the login. In another browser
// it has no effect, and then it is no longer valid in the right browser either.
func TestAnswerInAnotherBrowser(t *testing.T) {
	t.Parallel()
	for name, open := range map[string]func(w *world) *browser{
		"without a session":  func(w *world) *browser { return w.browser().get("/") },
		"of another mailbox": func(w *world) *browser { w.record(sara); return w.enter(sara) },
		"at another mailbox's login": func(w *world) *browser {
			w.record(sara)
			b := w.enter(sara).proceed(sara, qualification.HolderChoice, qualification.Identification)
			b.ask()
			return b
		},
		"of the same mailbox":            func(w *world) *browser { return w.enter(anna) },
		"with a session that has ended":  func(w *world) *browser { b := w.enter(anna); b.deleteSessions(b); return b },
		"with a session that was forged": func(w *world) *browser { b := w.browser().get("/"); b.forge(); return b },
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			b := at(t, anna, qualification.Identification)
			other := open(b.world)
			request := b.ask()
			answer := b.answer(request, "Anna Neri")
			b.unchanged(func() {
				other.get("/")
				secret := other.deliverOnly(answer)
				other.get("/spid/return").refused(elsewhere)
				known := other.Find(`a[href="/identificazione/spid"]`).Length() == 1
				if session := !strings.Contains(name, "session"); known != session {
					t.Errorf("the page has a link to the procedure: %v", known)
				}
				if b.storedAnswers() != "0" {
					t.Error("the response is stored")
				}
				// The right browser cannot use it any more.
				b.SetCookie(secret)
				b.get("/spid/return").refused(elsewhere)
				b.deliver(answer).refused(elsewhere)
			})
			b.stateIs(anna, qualification.AtProvider)
			b.get("/").click("Ricomincia l'accesso")
			b.press("Accedi come Anna Neri").press("Autorizza").press("Continua").at("Identificazione riuscita")
		})
	}
}

// deliverOnly posts a response without following the redirect, and returns the
// one-time cookie.
func (b *browser) deliverOnly(answer webtest.Form) *http.Cookie {
	b.Helper()
	response, body := b.send(b.delivery(answer))
	if response.StatusCode != http.StatusSeeOther || response.Header.Get("Location") != "/spid/return" {
		b.Fatalf("posting the response returns %d %s", response.StatusCode, body)
	}
	for _, c := range response.Cookies() {
		if c.Name == "stella-return" && c.MaxAge == 600 {
			return c
		}
	}
	b.Fatalf("no one-time cookie: %v", response.Cookies())
	return nil
}

// deleteSessions deletes the sessions of a browser from the database.
func (w *world) deleteSessions(b *browser) {
	w.Helper()
	for _, c := range b.Cookies() {
		_, err := w.store.Pool().Exec(w.Context(), `delete from sessions where digest = $1`, workflow.Digest(c.Value))
		w.must(err)
	}
}

func (b *browser) forge() {
	b.Helper()
	b.SetCookie(&http.Cookie{Name: "stella", Value: "forged"})
}

func TestReturnNeedsTheOneTimeCookie(t *testing.T) {
	t.Parallel()
	b := at(t, anna, qualification.Identification)
	answer := b.answer(b.ask(), "Anna Neri")
	secret := b.deliverOnly(answer)
	b.get("/").at("Accesso in corso con Identità di prova") // opening another page changes nothing
	if b.storedAnswers() != "1" {
		t.Error("the response is not stored")
	}
	b.SetCookie(&http.Cookie{Name: secret.Name, MaxAge: -1})
	b.unchanged(func() {
		b.get("/spid/return").refused(elsewhere)
		if b.storedAnswers() != "0" {
			t.Error("the response is still stored")
		}
		b.SetCookie(secret)
		b.get("/spid/return").refused(elsewhere)
	})
	b.stateIs(anna, qualification.AtProvider)

	// A forged cookie has the same effect.
	answer = b.answer(b.ask(), "Anna Neri")
	secret = b.deliverOnly(answer)
	b.SetCookie(&http.Cookie{Name: secret.Name, Value: "forged"})
	b.unchanged(func() { b.get("/spid/return").refused(elsewhere) })
	if b.storedAnswers() != "0" {
		t.Error("the response is still stored")
	}
}

func TestReturnIsNotPrefetched(t *testing.T) {
	t.Parallel()
	b := at(t, anna, qualification.Identification)
	b.deliverOnly(b.answer(b.ask(), "Anna Neri"))
	b.unchanged(func() {
		r := b.request(http.MethodGet, "/spid/return", nil)
		r.Header.Set("Sec-Purpose", "prefetch")
		b.load(r).refused("Il browser ha aperto questa pagina in anticipo")
		b.send(b.request(http.MethodHead, "/spid/return", nil))
	})
	b.get("/spid/return").at("Identificazione riuscita")
}

func TestAnswerExpiresAfterTenMinutes(t *testing.T) {
	t.Parallel()
	b := at(t, anna, qualification.Identification)
	b.deliverOnly(b.answer(b.ask(), "Anna Neri"))
	b.clock.Advance(workflow.AnswerLife + time.Second)
	b.unchanged(func() { b.get("/spid/return").refused(elsewhere) })
	if b.storedAnswers() != "0" {
		t.Error("the response is still stored")
	}
}

func TestLoginExpiresAfterHalfAnHour(t *testing.T) {
	t.Parallel()
	b := at(t, anna, qualification.Identification)
	request := b.ask()
	b.clock.Advance(20 * time.Minute)
	b.get("/").at("Accesso in corso con Identità di prova")
	b.clock.Advance(10*time.Minute + time.Second)
	b.unchanged(func() { b.deliver(b.answer(request, "Anna Neri")).refused(elsewhere) })
	b.get("/").at("Ora identificati", unfinished)
	b.proceed(anna, qualification.Identification, qualification.Identified)

	// A stored response expires with the login too.
	b.press("Non sono io / casella sbagliata")
	request = b.ask()
	b.clock.Advance(25 * time.Minute)
	b.get("/")
	b.deliverOnly(b.answer(request, "Anna Neri"))
	b.clock.Advance(5 * time.Minute)
	b.unchanged(func() { b.get("/spid/return").refused(elsewhere) })
	if b.storedAnswers() != "0" {
		t.Error("the response is still stored")
	}
}

func TestMalformedAnswer(t *testing.T) {
	t.Parallel()
	b := at(t, anna, qualification.Identification)
	request := b.ask()
	good := b.answer(request, "Anna Neri")
	unknown := b.answer(request, "Anna Neri", spidtest.BeforeSigning(func(r *etree.Element) {
		r.CreateAttr("InResponseTo", "_unknown")
	}))
	b.unchanged(func() {
		b.deliver(unknown).refused(elsewhere)
		encode := base64.StdEncoding.EncodeToString
		for _, s := range []string{"", "x", "%%%", encode([]byte("<a/>")), encode([]byte("<!DOCTYPE a>"))} {
			b.deliver(good.With("SAMLResponse", s)).refused(technical)
		}
		b.deliver(webtest.Form{Action: "/spid/acs"}).refused(technical)
	})
	if b.archived() != "0" {
		t.Error("a response to no known request is archived")
	}
	b.deliver(good).at("Identificazione riuscita")
}

// A response that fails verification is archived, and the login can still succeed.
func TestTamperedAnswer(t *testing.T) {
	t.Parallel()
	b := at(t, anna, qualification.Identification)
	request := b.ask()
	replaceName := func(r *etree.Element) {
		for _, v := range r.FindElements("//saml:AttributeValue") {
			if strings.Contains(v.Text(), "TINIT-") {
				v.SetText("TINIT-NRENNA80A41H501T")
			}
		}
	}
	bad := []webtest.Form{
		b.answer(request, "Sara Verdi", spidtest.AfterSigning(replaceName)),
		b.answer(request, "Sara Verdi", spidtest.BetweenSignatures(replaceName)),
		b.answer(request, "Anna Neri", spidtest.AfterSigning(func(r *etree.Element) {
			for _, s := range r.FindElements("//ds:Signature") {
				s.Parent().RemoveChild(s)
			}
		})),
		b.answer(request, "Anna Neri").With("RelayState", "another"),
		b.answer(request, "Anna Neri").Without("RelayState"),
		b.answer(request, "Anna Neri", spidtest.BeforeSigning(func(r *etree.Element) {
			r.CreateAttr("Destination", "https://altro.example")
		})),
	}
	b.unchanged(func() {
		for i, a := range bad {
			b.deliver(a).refused(technical)
			if b.storedAnswers() != "0" {
				t.Errorf("the tampered response %d is stored", i)
			}
		}
	})
	if got := b.archived(); got != "5" { // a limit protects the disk from an attacker
		t.Errorf("%s responses are archived, want 5", got)
	}
	b.stateIs(anna, qualification.AtProvider)
	b.deliver(b.answer(request, "Anna Neri")).at("Identificazione riuscita")
	if got := b.archived(); got != "6" {
		t.Errorf("%s responses are archived, want 6", got)
	}
}

// A response with an anomaly may be unsigned, but its sender must know the request's
// relay state.
func TestUnsignedAnomaly(t *testing.T) {
	t.Parallel()
	unsigned := spidtest.AfterSigning(func(r *etree.Element) { r.RemoveChild(r.SelectElement("ds:Signature")) })
	b := at(t, anna, qualification.Identification)
	request := b.ask()
	b.unchanged(func() { b.deliver(b.fail(request, "nr25", unsigned).With("RelayState", "guess")).refused(technical) })
	b.deliver(b.fail(request, "nr25", unsigned)).answered(http.StatusForbidden, "Identificazione non completata")
	b.stateIs(anna, qualification.Identification)
}

func TestProviderIsRemoved(t *testing.T) {
	t.Parallel()
	b := at(t, anna, qualification.Identification)
	answer := b.answer(b.ask(), "Anna Neri")
	b.server.SPID.Registry = spid.NewRegistry(nil, nil)
	b.unchanged(func() { b.deliver(answer).refused(technical) })
	b.get("/identificazione/spid")
	b.at("Scegli il gestore della tua identità SPID", "In questo momento nessun gestore SPID è disponibile.")
}
