package web

import (
	"net/http"
	"net/url"
	"slices"
	"strings"
	"testing"

	"stella/workflow"
	"stella/workflow/qualification"
)

func TestHandOff(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.record(anna)
	secret := w.handOff(anna)
	b := w.browser()
	// Programs may open the link too, so its page has a button.
	w.unchanged(func() {
		b.get("/start/"+secret).at("Un ultimo clic", "Arrivi dalla webmail", "Casella: anna.neri@pec.example")
		b.get("/start/" + secret).at("Un ultimo clic")
		if buttons := b.Find("button").Length(); buttons != 1 || len(b.Cookies()) != 0 {
			t.Errorf("there are %d buttons, and the cookies %v", buttons, b.Cookies())
		}
	})
	b.press("Continua").at("Conferma identità")
	b.press("Conferma", "ruolo", "si").at("Cosa occorre")

	// A second use of the link ends the session: one of the two is not the user.
	thief := w.browser()
	w.unchanged(func() {
		thief.get("/start/"+secret).answered(http.StatusGone, "Questo collegamento non è più valido", "ritrovi i dati già salvati")
		b.get("/").at("Cosa occorre") // opening the page of the link ends nothing
		thief.start(secret).answered(http.StatusGone, "Questo collegamento non è più valido")
		b.sessionOver(sessionClosed, usedTwice)
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

// startFrom sends the form of a hand-off with the headers Origin and Sec-Fetch-Site.
func (b *browser) startFrom(secret, origin, site string) *browser {
	b.Helper()
	r := b.request(http.MethodPost, "/start/"+secret, url.Values{"csrf": {"x"}}) // a 307 sends the webmail's fields too
	r.Header.Del("Origin")
	r.Header.Del("Sec-Fetch-Site")
	if origin != "" {
		r.Header.Set("Origin", origin)
	}
	if site != "" {
		r.Header.Set("Sec-Fetch-Site", site)
	}
	return b.load(r)
}

// A hand-off is accepted only from the origins of the client's return URLs.
func TestOriginOfAHandOff(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.record(anna)
	for _, c := range []struct{ origin, site string }{
		{"https://webmail.example", "cross-site"}, // a form, or a form that the webmail redirects with 307
		{"https://webmail.example", "same-site"},
		{"https://webmail.example", ""},
		{w.url, "same-origin"}, // the page with the button
		{"", ""},               // a browser without these headers
		{"", "none"},
	} {
		secret := w.handOff(anna)
		b := w.browser().startFrom(secret, c.origin, c.site).at("Conferma identità")
		if want := []string{"303 /"}; !slices.Equal(b.Trail(), want) {
			t.Errorf("%q: the redirects are %v", c, b.Trail())
		}
	}
	secret := w.handOff(anna)
	for _, c := range []struct{ origin, site string }{
		{"https://evil.example", "cross-site"},
		{"https://evil.example", ""},
		{"https://evil.webmail.example", "same-site"},
		{"https://webmail.example.evil.example", "cross-site"},
		{"http://webmail.example", "cross-site"},
		{"https://webmail.example:8443", "cross-site"},
		{"", "cross-site"},
		{"", "same-site"},
	} {
		b := w.browser()
		w.unchanged(func() {
			b.startFrom(secret, c.origin, c.site).answered(http.StatusForbidden, "Richiesta non accettata")
		})
		if len(b.Cookies()) != 0 {
			t.Errorf("%q: the cookies are %v", c, b.Cookies())
		}
	}
	entry := `reason=cross_origin address=127.0.0.1 client=posta-web ` +
		`error="a form from another site: no return URL of the client has the origin \"https://evil.example\""`
	if got := w.log.String(); !strings.Contains(got, entry) {
		t.Errorf("the log lacks the refusal: %s", got)
	}
	// If the origin is hidden, by the page or by a redirect of a third site, the page
	// with the button is shown.
	b := w.browser()
	w.unchanged(func() {
		b.startFrom(secret, "null", "cross-site").at("Un ultimo clic", "Casella: anna.neri@pec.example")
		if len(b.Cookies()) != 0 {
			t.Errorf("the cookies are %v", b.Cookies())
		}
	})
	b.press("Continua").at("Conferma identità")
}

// Chromium hides the origin of a form that the webmail redirects with 307, but sends
// the webmail's Referer.
func TestHandOffIsRedirectedByTheWebmail(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.record(anna)
	for referer, heading := range map[string]string{
		"https://webmail.example/":              "Conferma identità",
		"https://evil.example/":                 "Un ultimo clic",
		"https://webmail.example.evil.example/": "Un ultimo clic",
		"no address":                            "Un ultimo clic",
		"":                                      "Un ultimo clic",
	} {
		b := w.browser()
		r := b.request(http.MethodPost, "/start/"+w.handOff(anna), nil)
		r.Header.Set("Origin", "null")
		r.Header.Set("Sec-Fetch-Site", "cross-site")
		r.Header.Set("Referer", referer)
		if b.load(r).at(heading); (len(b.Cookies()) != 0) != (heading == "Conferma identità") {
			t.Errorf("with the Referer %q the cookies are %v", referer, b.Cookies())
		}
	}
}

func TestOriginOfAReturnURL(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]string{
		"https://webmail.example/":             "https://webmail.example",
		"https://WebMail.Example:443/a?b=c#d":  "https://webmail.example",
		"https://webmail.example:8443/casella": "https://webmail.example:8443",
		"http://localhost:8081/":               "http://localhost:8081",
		"http://webmail.example:80":            "http://webmail.example",
		"https://posta.città.example/":         "https://posta.xn--citt-3na.example",
		"https://[2001:DB8::1]:443/":           "https://[2001:db8::1]",
		"/casella":                             "",
		"null":                                 "",
		"https://" + strings.Repeat("è", 254):  "",
	} {
		if got := originOf(text); got != want {
			t.Errorf("the origin of %s is %q, want %q", text, got, want)
		}
	}
}

func TestMailboxIsNotEligible(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	if _, err := w.provider.HandOff(t.Context(), w.webmail, anna.mailbox, returnURL, "it", ""); err != workflow.ErrUnknown {
		t.Errorf("an unknown mailbox: %v", err)
	}
	w.record(anna)
	secret := w.handOff(anna)
	w.recordAs(anna, workflow.Cancelled)
	const title = "Questa casella non può essere qualificata"
	w.unchanged(func() { w.browser().start(secret).answered(http.StatusConflict, title, "800 000 000") })

	w.recordAs(anna, workflow.Active)
	b := w.enter(anna).proceed(anna, qualification.HolderChoice, qualification.CodeEntry)
	form := b.form("Conferma", "codice", b.sendCode())
	w.recordAs(anna, workflow.MailboxExpired)
	w.unchanged(func() {
		for _, path := range []string{"/", "/identificazione", "/identificazione/spid", "/codice/contatti"} {
			b.get(path).answered(http.StatusConflict, title)
		}
		b.post(form).answered(http.StatusConflict, title)
		if b.get("/codice/stato"); b.Status != 200 || !strings.Contains(b.Body, `"elsewhere"`) {
			t.Errorf("the status of the code is %d %s", b.Status, b.Body)
		}
	})
	w.recordAs(anna, workflow.Active)
	b.post(form).at("Identificazione avvenuta con successo")
	w.recordAs(anna, workflow.Cancelled)
	b.get("/").answered(http.StatusConflict, title)
}

func TestMailboxEndsDuringTheLogin(t *testing.T) {
	t.Parallel()
	b := at(t, anna, qualification.Identification)
	answer := b.answer(b.ask(), "Anna Neri")
	b.recordAs(anna, workflow.Cancelled)
	b.deliver(answer).answered(http.StatusConflict, "Questa casella non può essere qualificata")
	b.stateIs(anna, qualification.AtProvider)
}
