package web

import (
	"net/http"
	"net/http/httptest"
	"net/netip"
	"net/url"
	"slices"
	"strings"
	"testing"
	"time"

	"stella/spid"
	"stella/workflow"
)

// gone checks that a browser is let nowhere.
func (b *browser) gone() {
	b.Helper()
	b.get("/").at("La sessione è scaduta", "Se hai ricevuto un invito, apri di nuovo il link del messaggio.")
	b.unchanged(func() {
		for path := range forms {
			for _, method := range []string{http.MethodGet, http.MethodPost} {
				b.load(b.request(method, path, url.Values{})).answered(http.StatusForbidden, "La sessione è scaduta")
			}
		}
		for _, path := range []string{"/identificazione", "/identificazione/spid", "/identificazione/avvia"} {
			b.get(path).answered(http.StatusForbidden, "La sessione è scaduta")
		}
		if b.get("/codice/stato"); b.status != 200 || !strings.Contains(b.body, `"elsewhere"`) {
			b.Errorf("where the code stands is answered %d %s", b.status, b.body)
		}
	})
}

func TestSessionEnds(t *testing.T) {
	t.Parallel()
	b := at(t, anna, workflow.Summary)
	form := b.form("SALVA E PROCEDI")
	for range 3 { // it lasts while it is used
		b.clock.Advance(29 * time.Minute)
		b.get("/").at("Controlla i dati")
	}
	b.clock.Advance(30 * time.Minute)
	b.unchanged(func() { b.post(form).answered(http.StatusForbidden, "La sessione è scaduta") })
	b.gone()
	b.handOver(anna).at("Controlla i dati")
}

func TestLeaving(t *testing.T) {
	t.Parallel()
	b := at(t, anna, workflow.Summary)
	old := b.cookies()
	b.unchanged(func() {
		b.press("Esci e riprendi più tardi").at("Qualifica la tua casella PEC Esempio").
			tells("Sei uscito dalla procedura. Per riprendere torna alla webmail e seleziona Conferma identità.")
	})
	if left := b.cookies(); len(left) != 0 || len(old) != 1 {
		t.Errorf("the cookies %v became %v", old, left)
	}
	b.hold(old[0])
	b.gone()
	b.handOver(anna).at("Controlla i dati", anna.email)
	// Leaving without a session is no fault.
	stranger := b.world.browser().get("/")
	stranger.load(stranger.request(http.MethodPost, "/esci", url.Values{})).at("Qualifica la tua casella PEC Esempio")
}

func TestForgedCookie(t *testing.T) {
	t.Parallel()
	b := at(t, anna, workflow.Summary)
	digest := b.query(`select encode(digest, 'hex') from sessions`)
	for _, value := range []string{"x", digest, strings.Repeat("A", 4000), "%00"} {
		other := b.world.browser()
		other.hold(&http.Cookie{Name: "stella", Value: value})
		other.get("/").at("La sessione è scaduta")
	}
}

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

func TestOtherSitesFormsAreRefused(t *testing.T) {
	t.Parallel()
	b := at(t, anna, workflow.Summary)
	form := b.form("SALVA E PROCEDI")
	b.careless = true // the cookie's attributes are another guard
	send := func(headers ...string) *browser {
		r := b.request(http.MethodPost, form.action, form.values)
		r.Header.Del("Origin")
		r.Header.Del("Sec-Fetch-Site")
		for i := 0; i < len(headers); i += 2 {
			r.Header.Set(headers[i], headers[i+1])
		}
		return b.load(r)
	}
	b.unchanged(func() {
		for _, headers := range [][]string{
			{"Sec-Fetch-Site", "cross-site", "Origin", "https://evil.example"},
			{"Sec-Fetch-Site", "same-site", "Origin", "https://altro.posta.example"},
			{"Sec-Fetch-Site", "cross-site"},
			{"Origin", "https://evil.example"},
			{"Origin", "null"},
		} {
			send(headers...).answered(http.StatusForbidden, "Richiesta non accettata", "Torna alla tua procedura e riprova.")
		}
	})
	// An old browser says nothing of where it comes from.
	send().at("Ora identificati")
	form = b.get("/").form("Indietro")
	send("Origin", b.world.url).at("Controlla i dati")
}

func TestBrowserThatSaysNothingOfItself(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.record(anna)
	b := w.browser()
	b.old = true
	b.handOver(anna).goOn(anna, workflow.HolderChoice, workflow.Qualified).at("Identificazione avvenuta con successo")
}

func TestHeaders(t *testing.T) {
	t.Parallel()
	b := at(t, anna, workflow.Summary) // every answer is checked on its way
	for path, status := range map[string]int{"/": 200, "/altrove": 404, "/spid/metadata": 200, "/codice/stato": 200, "/static/none": 404} {
		if b.get(path); b.status != status {
			t.Errorf("%s is answered %d", path, b.status)
		}
	}
	if got := b.get("/").header.Get("Strict-Transport-Security"); got != "" {
		t.Errorf("over http browsers are told %q", got)
	}
	style := b.Find(`link[rel="stylesheet"]`).AttrOr("href", "")
	if b.get(style); b.status != 200 || !strings.Contains(b.header.Get("Cache-Control"), "immutable") {
		t.Errorf("%s is answered %d, to be kept %q", style, b.status, b.header.Get("Cache-Control"))
	}
	b.get("/spid/metadata")
	if got := b.header.Get("Content-Type"); got != "application/samlmetadata+xml" || !strings.Contains(b.body, b.world.url+"/spid/acs") {
		t.Errorf("the metadata are %s: %s", got, b.body)
	}
	b.get("/codice/stato")
	if got := b.header.Get("Content-Type"); got != "application/json" {
		t.Errorf("where the code stands is told in %s", got)
	}
	// Nobody who asks for the head of a page moves anything.
	b.goOn(anna, workflow.Summary, workflow.Summary).get("/").press("SALVA E PROCEDI")
	link := b.get("/identificazione/spid").link("Prosegui con Identità di prova")
	b.unchanged(func() {
		for _, address := range []string{b.world.url + "/", link, b.world.url + "/spid/return"} {
			if response, body := b.send(b.request(http.MethodHead, address, nil)); body != "" || response.StatusCode >= 500 {
				t.Errorf("HEAD %s is answered %d", address, response.StatusCode)
			}
		}
	})
}

// Over https the cookies are bound to the host.
func TestSecureCookies(t *testing.T) {
	t.Parallel()
	w := makeWorld(t, "https://stella.example")
	w.record(anna)
	var cookies []*http.Cookie
	serve := func(method, path string, form url.Values, site string) *http.Response {
		r := httptest.NewRequest(method, "https://stella.example"+path, strings.NewReader(form.Encode()))
		r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
		r.Header.Set("Sec-Fetch-Site", site)
		if site != "cross-site" {
			for _, c := range cookies {
				r.AddCookie(c)
			}
		}
		answer := httptest.NewRecorder()
		w.handler.ServeHTTP(answer, r)
		if got := answer.Header().Get("Strict-Transport-Security"); got != "max-age=31536000" {
			t.Errorf("%s: Strict-Transport-Security is %q", path, got)
		}
		return answer.Result()
	}
	check := func(r *http.Response, name string, age int) {
		t.Helper()
		set := r.Header.Values("Set-Cookie")
		if len(set) != 1 || !strings.HasPrefix(set[0], name+"=") || !strings.Contains(set[0], "; Path=/;") || r.Cookies()[0].MaxAge != age ||
			!strings.HasSuffix(set[0], "; HttpOnly; Secure; SameSite=Lax") || strings.Contains(set[0], "Domain") {
			t.Fatalf("the cookies are %q", set)
		}
		cookies = append(cookies, r.Cookies()...)
		w.secrets = append(w.secrets, r.Cookies()[0].Value)
	}
	check(serve("POST", "/start/"+w.handOff(anna), nil, "cross-site"), "__Host-stella", 0)
	if r := serve("GET", "/", nil, "none"); r.StatusCode != 200 || len(r.Cookies()) > 0 {
		t.Errorf("the session is answered %d %v", r.StatusCode, r.Cookies())
	}

	visitor := w.walkOver(cookies[0].Value)
	request, _, err := w.server.SPID.Login(w.server.SPID.Providers()[0], spid.Ask{})
	w.must(err)
	w.must(w.procedure.StartLogin(t.Context(), visitor, loginOf(request, w.server.SPID.Providers()[0]), request.XML))
	answer := w.answer(asked{request, w.idp, "/spid/acs"}, "Anna Neri")
	check(serve("POST", "/spid/acs", answer.values, "cross-site"), "__Host-stella-return", 600)
	r := serve("GET", "/spid/return", nil, "cross-site-navigation")
	if got := r.Header.Get("Location"); r.StatusCode != http.StatusSeeOther || got != "/" {
		t.Errorf("the way back is %d %s", r.StatusCode, got)
	}
	if set := r.Header.Values("Set-Cookie"); len(set) != 1 || !strings.HasPrefix(set[0], "__Host-stella-return=;") || !strings.Contains(set[0], "Max-Age=0") {
		t.Errorf("the one-time cookie is left: %q", set)
	}
	w.wants(anna, workflow.Identified)
}

// walkOver brings the visitor of a session to identification without pages.
func (w *world) walkOver(session string) workflow.Visitor {
	w.Helper()
	mailbox, err := w.store.MailboxByAddress(w.Context(), anna.mailbox)
	w.must(err)
	v := workflow.Visitor{Mailbox: mailbox, Client: client, Session: workflow.Digest(session)}
	for _, step := range []func(workflow.Form) error{
		func(f workflow.Form) error { return w.procedure.ChooseRole(w.Context(), v, f, workflow.Holder) },
		func(f workflow.Form) error { return w.procedure.Begin(w.Context(), v, f) },
		func(f workflow.Form) error { return w.procedure.ChooseKind(w.Context(), v, f, workflow.KindPerson) },
		func(f workflow.Form) error { return w.procedure.EnterContacts(w.Context(), v, f, anna.email, "") },
		func(f workflow.Form) error { return w.procedure.ConfirmData(w.Context(), v, f) },
	} {
		c, err := w.procedure.View(w.Context(), v)
		w.must(err)
		w.must(step(workflow.Form{Qualification: c.Qualification.ID, Version: c.Qualification.Version}))
	}
	return v
}

func TestClientAddress(t *testing.T) {
	t.Parallel()
	s := &Server{Proxies: []netip.Prefix{netip.MustParsePrefix("10.0.0.0/8"), netip.MustParsePrefix("fd00::/8")}}
	for _, c := range []struct {
		peer      string
		forwarded []string
		want      string
	}{
		{"198.51.100.7:4000", nil, "198.51.100.7"},
		{"198.51.100.7:4000", []string{"203.0.113.9"}, "198.51.100.7"}, // a stranger says so
		{"10.0.0.1:4000", nil, "10.0.0.1"},
		{"10.0.0.1:4000", []string{"203.0.113.9"}, "203.0.113.9"},
		{"10.0.0.1:4000", []string{"1.1.1.1, 203.0.113.9"}, "203.0.113.9"}, // the first was there when it came
		{"10.0.0.1:4000", []string{"1.1.1.1", "203.0.113.9"}, "203.0.113.9"},
		{"10.0.0.1:4000", []string{"1.1.1.1, 203.0.113.9, 10.0.0.2"}, "203.0.113.9"},
		{"10.0.0.1:4000", []string{"10.0.0.3, 10.0.0.2"}, "10.0.0.3"},
		{"10.0.0.1:4000", []string{"1.1.1.1, nonsense"}, "10.0.0.1"},
		{"[::ffff:10.0.0.1]:4000", []string{"::ffff:203.0.113.9"}, "203.0.113.9"},
		{"[fd00::1]:4000", []string{"2001:db8::1"}, "2001:db8::1"},
	} {
		r := httptest.NewRequest(http.MethodGet, "/", nil)
		r.RemoteAddr = c.peer
		for _, f := range c.forwarded {
			r.Header.Add("X-Forwarded-For", f)
		}
		if got := s.clientAddress(r); got.String() != c.want {
			t.Errorf("from %s for %q: %s, want %s", c.peer, c.forwarded, got, c.want)
		}
	}
	if got := s.clientAddress(&http.Request{RemoteAddr: "@"}); got.IsValid() {
		t.Errorf("a socket without an address is %s", got)
	}
}

// What breaks on our side is told as such, with the request's reference, and
// nothing was lost.
func TestOurOwnFaults(t *testing.T) {
	t.Parallel()
	b := at(t, anna, workflow.Summary)
	b.log.errorsExpected = true
	panicking := *b.server
	panicking.Procedure = nil
	answer := httptest.NewRecorder()
	r := httptest.NewRequest(http.MethodGet, "/invito/x", nil)
	panicking.Handler().ServeHTTP(answer, r)
	if answer.Code != http.StatusInternalServerError || !strings.Contains(answer.Body.String(), "I dati salvati non sono persi") {
		t.Errorf("a panic is answered %d %s", answer.Code, answer.Body)
	}
	form := b.form("SALVA E PROCEDI")
	_, err := b.store.Pool().Exec(t.Context(), `alter table mailboxes rename to lost`)
	b.must(err)
	b.post(form).answered(http.StatusInternalServerError, "C'è un problema con il servizio", "I dati salvati non sono persi: riprova tra poco.")
	reference := strings.TrimPrefix(text(b.Find("p.small")), "Riferimento: ")
	if !strings.Contains(b.log.String(), `level=ERROR msg="a request failed" request=`+reference) {
		t.Errorf("the reference %q is not the log's", reference)
	}
	_, err = b.store.Pool().Exec(t.Context(), `alter table lost rename to mailboxes`)
	b.must(err)
	b.post(form).at("Ora identificati")
}
