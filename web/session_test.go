package web

import (
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"
	"time"

	"stella/spid"
	"stella/store"
	"stella/workflow"
	"stella/workflow/qualification"
)

// The headings for a session that has ended, and the reasons.
const (
	sessionExpired = "La sessione è scaduta"
	sessionClosed  = "La sessione è terminata"
	wasIdle        = "Per sicurezza la sessione si chiude dopo 30 minuti senza attività."
	hasLeft        = "Sei uscito dalla procedura."
	usedTwice      = "Il collegamento con cui sei entrato è stato usato un'altra volta: per sicurezza abbiamo chiuso la sessione."
	byProvider     = "Posta Esempio ha chiuso la sessione per sicurezza."
)

// sessionOver checks that the browser's session has ended: every page and form says
// so, and why.
func (b *browser) sessionOver(heading, why string) {
	b.Helper()
	b.get("/").at(heading, why)
	b.unchanged(func() {
		for path := range forms {
			for _, method := range []string{http.MethodGet, http.MethodPost} {
				b.load(b.request(method, path, url.Values{})).answered(http.StatusForbidden, heading, why)
			}
		}
		for _, path := range []string{"/identificazione", "/identificazione/spid", "/identificazione/avvia"} {
			b.get(path).answered(http.StatusForbidden, heading, why)
		}
		if b.get("/codice/stato"); b.Status != 200 || !strings.Contains(b.Body, `"elsewhere"`) {
			b.Errorf("the status of the code is %d %s", b.Status, b.Body)
		}
	})
}

func TestSessionEnds(t *testing.T) {
	t.Parallel()
	b := at(t, anna, qualification.Summary)
	form := b.form("SALVA E PROCEDI")
	for range 3 { // each request prolongs the session
		b.clock.Advance(29 * time.Minute)
		b.get("/").at("Controlla i dati")
	}
	b.clock.Advance(31 * time.Minute)
	b.unchanged(func() {
		b.post(form).answered(http.StatusForbidden, sessionExpired, wasIdle,
			"Torna alla webmail. Se la procedura non è finita, seleziona Conferma identità")
	})
	b.sessionOver(sessionExpired, wasIdle)
	b.handOver(anna).at("Controlla i dati")
}

// A session ends a day after its start, even if it is used.
func TestSessionEndsAfterADay(t *testing.T) {
	t.Parallel()
	b := at(t, anna, qualification.Summary)
	for range int(workflow.SessionLife/(20*time.Minute)) - 1 {
		b.clock.Advance(20 * time.Minute)
		b.get("/").at("Controlla i dati")
	}
	b.clock.Advance(20 * time.Minute)
	b.sessionOver(sessionExpired, "Per sicurezza una sessione dura al massimo 24 ore.")
}

// If a client is disabled, the sessions and the hand-offs that it started end.
func TestSessionsEndWithTheirClient(t *testing.T) {
	t.Parallel()
	delegate, guest, _ := invited(t, bianchi, luca)
	guest.press("PROCEDI").at("Intestatario della casella PEC")
	late := delegate.handOff(bianchi)
	delegate.must(delegate.store.DisableClient(t.Context(), client, delegate.clock.Now()))
	delegate.sessionOver(sessionClosed, byProvider)
	guest.get("/").at("Intestatario della casella PEC") // the session of the invited holder continues
	fresh := delegate.world.browser()
	fresh.get("/start/"+late).answered(http.StatusGone, "Questo collegamento non è più valido")
	fresh.start(late).answered(http.StatusGone, "Questo collegamento non è più valido")
	delegate.must(delegate.store.EnableClient(t.Context(), client))
	delegate.sessionOver(sessionClosed, byProvider)
}

func TestOperatorEndsASession(t *testing.T) {
	t.Parallel()
	b := at(t, anna, qualification.Summary)
	n, err := b.store.EndSessions(t.Context(), store.SessionFilter{Client: client}, workflow.SessionByOperator, b.clock.Now())
	if n != 1 || err != nil {
		t.Fatal(n, err)
	}
	b.sessionOver(sessionClosed, byProvider)
}

func TestLeaving(t *testing.T) {
	t.Parallel()
	b := at(t, anna, qualification.Summary)
	old := b.Cookies()
	b.unchanged(func() {
		b.press("Esci e riprendi più tardi").at("Qualifica la tua casella PEC Esempio").
			showsNotice("Sei uscito dalla procedura. Per riprendere torna alla webmail e seleziona Conferma identità.")
	})
	if kept := b.Cookies(); len(kept) != 0 || len(old) != 2 {
		t.Errorf("the browser had the cookies %v, and has %v", old, kept)
	}
	for _, c := range old {
		b.SetCookie(c)
	}
	b.sessionOver(sessionClosed, hasLeft)
	b.handOver(anna).at("Controlla i dati", anna.email)
	// Leaving without a session is not an error.
	stranger := b.world.browser().get("/")
	stranger.load(stranger.request(http.MethodPost, "/esci", url.Values{})).at("Qualifica la tua casella PEC Esempio")
}

func TestForgedCookie(t *testing.T) {
	t.Parallel()
	b := at(t, anna, qualification.Summary)
	digest := b.query(`select encode(digest, 'hex') from sessions`)
	for _, value := range []string{"x", digest, strings.Repeat("A", 4000), "%00"} {
		other := b.world.browser()
		other.SetCookie(&http.Cookie{Name: "stella", Value: value})
		other.get("/").at("La sessione è scaduta")
	}
}

// Over https the names of the cookies have the prefix __Host-.
func TestSecureCookies(t *testing.T) {
	t.Parallel()
	w := makeWorld(t, "https://stella.example")
	w.record(anna)
	var cookies []*http.Cookie
	serve := func(method, path string, form url.Values, site string) *http.Response {
		r := httptest.NewRequest(method, "https://stella.example"+path, strings.NewReader(form.Encode()))
		r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
		r.Header.Set("Sec-Fetch-Site", site)
		if site == "cross-site" {
			r.Header.Set("Origin", "https://webmail.example")
		}
		if site != "cross-site" {
			for _, c := range cookies {
				r.AddCookie(c)
			}
		}
		answer := httptest.NewRecorder()
		w.handler.ServeHTTP(answer, r)
		if got := answer.Header().Get("Strict-Transport-Security"); got != "max-age=31536000; includeSubDomains" {
			t.Errorf("%s: Strict-Transport-Security is %q", path, got)
		}
		return answer.Result()
	}
	check := func(r *http.Response, name string, age int) {
		t.Helper()
		set := r.Header.Values("Set-Cookie")
		if len(set) != 1 || !strings.HasPrefix(set[0], name+"=") || !strings.Contains(set[0], "; Path=/;") ||
			r.Cookies()[0].MaxAge != age || !strings.HasSuffix(set[0], "; HttpOnly; Secure; SameSite=Lax") ||
			strings.Contains(set[0], "Domain") {
			t.Fatalf("the cookies are %q", set)
		}
		cookies = append(cookies, r.Cookies()...)
		w.secrets = append(w.secrets, r.Cookies()[0].Value)
	}
	check(serve("POST", "/start/"+w.handOff(anna), nil, "cross-site"), "__Host-stella", 0)
	check(serve("GET", "/", nil, "none"), "__Host-stella-known", 0)
	if r := serve("GET", "/", nil, "none"); r.StatusCode != 200 || len(r.Cookies()) > 0 {
		t.Errorf("the next request returns %d and the cookies %v", r.StatusCode, r.Cookies())
	}

	visitor := w.toIdentification(cookies[0].Value)
	request, _, err := w.server.SPID.Login(w.server.SPID.Providers()[0], spid.LoginOptions{})
	w.must(err)
	w.must(w.procedure.StartLogin(t.Context(), visitor, loginOf(request, "Identità di prova"), request.XML))
	answer := w.answer(loginRequest{request, w.idp, "/spid/acs"}, "Anna Neri")
	check(serve("POST", "/spid/acs", answer.Values, "cross-site"), "__Host-stella-return", 600)
	r := serve("GET", "/spid/return", nil, "cross-site-navigation")
	if got := r.Header.Get("Location"); r.StatusCode != http.StatusSeeOther || got != "/" {
		t.Errorf("the return from the login is %d %s", r.StatusCode, got)
	}
	set := r.Header.Values("Set-Cookie")
	if len(set) != 1 || !strings.HasPrefix(set[0], "__Host-stella-return=;") || !strings.Contains(set[0], "Max-Age=0") {
		t.Errorf("the one-time cookie is not deleted: %q", set)
	}
	w.stateIs(anna, qualification.Identified)
}

// toIdentification takes a session's visitor to identification without the pages.
func (w *world) toIdentification(session string) workflow.Visitor {
	w.Helper()
	mailbox, err := w.store.MailboxByAddress(w.Context(), anna.mailbox)
	w.must(err)
	v := workflow.Visitor{Mailbox: mailbox, Client: client, Session: workflow.Digest(session)}
	for _, step := range []func(qualification.Form) error{
		func(f qualification.Form) error {
			return w.procedure.ChooseRole(w.Context(), v, f, qualification.Holder)
		},
		func(f qualification.Form) error { return w.procedure.Begin(w.Context(), v, f) },
		func(f qualification.Form) error {
			return w.procedure.ChooseKind(w.Context(), v, f, workflow.KindPerson)
		},
		func(f qualification.Form) error { return w.procedure.EnterContacts(w.Context(), v, f, anna.email, "") },
		func(f qualification.Form) error { return w.procedure.ConfirmData(w.Context(), v, f) },
	} {
		c, err := w.procedure.View(w.Context(), v)
		w.must(err)
		w.must(step(qualification.Form{Qualification: c.Qualification.ID, Version: c.Qualification.Version}))
	}
	return v
}
