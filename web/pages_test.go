package web

import (
	"io"
	"maps"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"testing"

	"stella/templates"
	"stella/web/webtest"
	"stella/workflow/qualification"
)

func TestEveryStateHasItsPage(t *testing.T) {
	t.Parallel()
	all, err := parseTemplates(templates.Site{})
	if err != nil {
		t.Fatal(err)
	}
	names := all.Names()
	for _, state := range qualification.States {
		if page, ok := pages[state]; !ok || !slices.Contains(names, page.name) {
			t.Errorf("%s has the unknown page %q", state, page.name)
		}
	}
	if len(pages) != len(qualification.States) {
		t.Errorf("there are %d pages for %d states", len(pages), len(qualification.States))
	}
	for path, f := range forms {
		if f.page != "" && (!slices.Contains(names, f.page) || f.state == "" || f.fill == nil) {
			t.Errorf("the form %s has the unknown page %q, no state or no fill", path, f.page)
		}
	}
	// Other pages that are rendered by name.
	for _, name := range []string{"welcome", "session_ended", "not_eligible", "start", "start_ended", "invitation", "invitation_ended",
		"methods", "providers", "login_failed", "fault"} {
		if !slices.Contains(names, name) {
			t.Errorf("there is no page %s", name)
		}
	}
}

func TestEveryNoticeHasItsText(t *testing.T) {
	t.Parallel()
	all, err := parseTemplates(templates.Site{})
	if err != nil {
		t.Fatal(err)
	}
	for _, f := range forms {
		if f.notice != "" && notices[f.notice] == nil {
			t.Errorf("the notice %s is never shown", f.notice)
		}
	}
	for n := range notices {
		for _, locale := range []string{"it", "en"} {
			if err := all.Page(io.Discard, "welcome", templates.Page{Locale: locale, Notice: "notice_" + n}); err != nil {
				t.Error(err)
			}
		}
	}
}

// Every form has a route for GET and POST, which needs a session.
func TestEveryFormHasARoute(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	for _, path := range slices.Sorted(maps.Keys(forms)) {
		for _, method := range []string{http.MethodGet, http.MethodPost} {
			answer := httptest.NewRecorder()
			r := httptest.NewRequest(method, path, nil)
			w.handler.ServeHTTP(answer, r)
			if answer.Code != http.StatusForbidden || !strings.Contains(answer.Body.String(), "La sessione è scaduta") {
				t.Errorf("%s %s without a session returns %d", method, path, answer.Code)
			}
			if r.Pattern == "/" {
				t.Errorf("%s %s has no route", method, path)
			}
		}
	}
}

func TestWelcomePage(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	b := w.browser().get("/")
	b.at("Qualifica la tua casella PEC Esempio", "seleziona Conferma identità")
	if got := b.link("Vai alla webmail"); got != "https://webmail.example" {
		t.Errorf("the link to the webmail is %s", got)
	}
	b.SetCookie(&http.Cookie{Name: "stella-notice", Value: "<b>"})
	b.get("/").showsNotice("")
}

func TestUnknownPathsAndMethods(t *testing.T) {
	t.Parallel()
	b := newWorld(t).browser().get("/")
	for _, path := range []string{"/altrove", "/spid", "/start", "/start/", "/invito/a/b", "/codice/", "/.env", "/static/none.css/x"} {
		if b.get(path).Status != http.StatusNotFound {
			t.Errorf("%s returns %d", path, b.Status)
		}
	}
	b.get("/altrove").answered(http.StatusNotFound, "Pagina non trovata", "L'indirizzo non porta a nessuna pagina.", "800 000 000")
	if reference := webtest.Text(b.Find("p.small")); !strings.HasPrefix(reference, "Riferimento: ") ||
		!strings.Contains(b.log.String(), strings.TrimPrefix(reference, "Riferimento: ")) {
		t.Errorf("the log lacks the reference %q", reference)
	}
	for _, c := range []struct{ method, path, allow string }{
		{http.MethodPost, "/", "GET, HEAD"},
		{http.MethodPost, "/codice/stato", "GET, HEAD"},
		{http.MethodPost, "/identificazione/avvia", "GET, HEAD"},
		{http.MethodGet, "/spid/acs", "POST"},
		{http.MethodGet, "/esci", "POST"},
		{http.MethodDelete, "/codice", "GET, HEAD, POST"},
		{http.MethodPut, "/start/x", "GET, HEAD, POST"},
	} {
		b.load(b.request(c.method, c.path, nil)).answered(http.StatusMethodNotAllowed, "Richiesta non prevista")
		if got := b.Header.Get("Allow"); got != c.allow {
			t.Errorf("%s %s: Allow is %q, want %q", c.method, c.path, got, c.allow)
		}
	}
}

func TestEnglish(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	r := httptest.NewRequest(http.MethodGet, "/", nil)
	r.Header.Set("Accept-Language", "en-GB,en;q=0.9,it;q=0.1")
	answer := httptest.NewRecorder()
	w.handler.ServeHTTP(answer, r)
	if got := answer.Header().Get("Content-Language"); got != "en" || !strings.Contains(answer.Body.String(), `<html lang="en">`) {
		t.Errorf("the page for an English browser is in %s", got)
	}
	w.record(anna)
	// The webmail's language has precedence over the browser's.
	secret, err := w.provider.HandOff(t.Context(), w.webmail, anna.mailbox, returnURL, "en", "")
	w.must(err)
	b := w.browser().start(secret)
	if got := b.Header.Get("Content-Language"); got != "en" {
		t.Errorf("the page for a user of an English webmail is in %s", got)
	}
}
