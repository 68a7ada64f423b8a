package web

import (
	"net/http"
	"net/url"
	"slices"
	"strings"
	"testing"

	"stella/workflow"
)

func TestHandOff(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.record(anna)
	secret := w.handOff(anna)
	b := w.browser()
	// A link may be opened by machines: its page has one button.
	w.unchanged(func() {
		b.get("/start/"+secret).at("Un ultimo clic", "Arrivi dalla webmail")
		b.get("/start/" + secret).at("Un ultimo clic")
		if buttons := b.Find("button").Length(); buttons != 1 || len(b.cookies()) != 0 {
			t.Errorf("there are %d buttons, and the cookies %v", buttons, b.cookies())
		}
	})
	b.press("Continua").at("Conferma identità")
	b.press("Conferma", "ruolo", "si").at("Cosa occorre")

	// Who else has the link ends what it began: one of the two is not the user.
	thief := w.browser()
	w.unchanged(func() {
		thief.get("/start/"+secret).answered(http.StatusGone, "Questo collegamento non è più valido", "ritrovi i dati già salvati")
		b.get("/").at("Cosa occorre") // looking at it ends nothing
		thief.start(secret).answered(http.StatusGone, "Questo collegamento non è più valido")
		b.gone()
		thief.get("/").at("Qualifica la tua casella PEC Esempio")
	})

	late := w.handOff(anna)
	w.clock.Advance(workflow.HandOffLife)
	for _, s := range []string{late, "unknown", strings.Repeat("x", 3000)} {
		w.unchanged(func() {
			b.get("/start/"+s).answered(http.StatusGone, "Questo collegamento non è più valido")
			b.start(s).answered(http.StatusGone, "Questo collegamento non è più valido")
		})
	}
}

func TestHandOffByRedirect(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.record(anna)
	// A webmail answers its own form with 307, and the body comes along.
	r := w.browser().request(http.MethodPost, "/start/"+w.handOff(anna), url.Values{"csrf": {"x"}})
	r.Header.Set("Origin", "null")
	r.Header.Set("Sec-Fetch-Site", "cross-site")
	b := w.browser().load(r)
	if want := []string{"303 /"}; !slices.Equal(b.trail, want) || b.status != 200 {
		t.Errorf("the way in is %v %d", b.trail, b.status)
	}
}

func TestMailboxIsNotEligible(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	if _, err := w.procedure.HandOff(t.Context(), w.webmail, anna.mailbox, returnURL, "it", ""); err != workflow.ErrUnknown {
		t.Errorf("an unknown mailbox: %v", err)
	}
	w.record(anna)
	secret := w.handOff(anna)
	w.recordAs(anna, workflow.Cancelled)
	const title = "Questa casella non può essere qualificata"
	w.unchanged(func() { w.browser().start(secret).answered(http.StatusConflict, title, "800 000 000") })

	w.recordAs(anna, workflow.Active)
	b := w.enter(anna).goOn(anna, workflow.HolderChoice, workflow.CodeEntry)
	form := b.form("Conferma", "codice", b.sendCode())
	w.recordAs(anna, workflow.MailboxExpired)
	w.unchanged(func() {
		for _, path := range []string{"/", "/identificazione", "/identificazione/spid", "/codice/contatti"} {
			b.get(path).answered(http.StatusConflict, title)
		}
		b.post(form).answered(http.StatusConflict, title)
		if b.get("/codice/stato"); b.status != 200 || !strings.Contains(b.body, `"elsewhere"`) {
			t.Errorf("where the code stands is answered %d %s", b.status, b.body)
		}
	})
	w.recordAs(anna, workflow.Active)
	b.post(form).at("Identificazione avvenuta con successo")
	w.recordAs(anna, workflow.Cancelled)
	b.get("/").answered(http.StatusConflict, title)
}

func TestMailboxEndsDuringTheLogin(t *testing.T) {
	t.Parallel()
	b := at(t, anna, workflow.Identification)
	answer := b.answer(b.ask(), "Anna Neri")
	b.recordAs(anna, workflow.Cancelled)
	b.deliver(answer).answered(http.StatusConflict, "Questa casella non può essere qualificata")
	b.wants(anna, workflow.AtProvider)
}
