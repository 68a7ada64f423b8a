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
	"stella/workflow"
)

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
		b.deliver(answer).at("Identificazione riuscita")
		b.deliver(b.answer(request, "Anna Neri")).at("Identificazione riuscita")
		b.deliver(b.answer(request, "Sara Verdi")).at("Identificazione riuscita", "Anna Neri")
		b.deliver(b.fail(request, "nr25")).at("Identificazione riuscita")
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
	b.get("/").at("Ora identificati", unfinished)
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
	b.server.SPID.Registry = spid.NewRegistry(nil, nil)
	b.unchanged(func() { b.deliver(answer).refused(technical) })
	b.get("/identificazione/spid").at("Scegli il gestore della tua identità SPID", "In questo momento nessun gestore SPID è disponibile.")
}
