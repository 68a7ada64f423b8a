package web

import (
	"net/http"
	"strconv"
	"strings"
	"testing"
	"time"

	"stella/web/webtest"
	"stella/workflow"
	"stella/workflow/qualification"
)

// From the login to the end each page shows when the login expires (WCAG 2.2.1).
func TestPageShowsWhenTheLoginExpires(t *testing.T) {
	t.Parallel()
	for state, shown := range map[qualification.State]bool{
		qualification.Summary:        false,
		qualification.Identification: false,
		qualification.Identified:     true,
		qualification.Contract:       true,
		qualification.CodeEntry:      true,
	} {
		b := at(t, anna, state)
		until := b.clock.RomeIn(workflow.LoginLife).Format("15:04")
		if got := strings.Contains(webtest.Text(b.get("/").Find("main")), "La tua identificazione vale fino alle "+until); got != shown {
			t.Errorf("%s: the page is %s", state, b.Content())
		}
	}
}

// A page of a procedure says when its session ends. Its script gets the remaining
// time and can prolong the session (WCAG 2.2.1).
func TestSessionIsProlongedOnRequest(t *testing.T) {
	t.Parallel()
	b := at(t, anna, qualification.Summary)
	if got := b.get("/").Find("#idle").AttrOr("data-seconds", ""); got != "1860" {
		t.Errorf("the script gets %q seconds", got)
	}
	if got := webtest.Text(b.Find(".idle")); !strings.HasPrefix(got, "Dopo 30 minuti senza attività") {
		t.Errorf("the text without a script is %q", got)
	}
	left := func(want string) {
		t.Helper()
		_, body := b.send(b.request(http.MethodGet, b.world.url+"/sessione", nil))
		if strings.TrimSpace(body) != want {
			t.Errorf("the status is %s, want %s", body, want)
		}
	}
	stay := func(status int, want string) {
		t.Helper()
		answer, body := b.send(b.request(http.MethodPost, b.world.url+"/sessione", nil))
		if answer.StatusCode != status || status == http.StatusOK && strings.TrimSpace(body) != want {
			t.Errorf("prolonging the session returns %d %s, want %d %s", answer.StatusCode, body, status, want)
		}
	}
	b.clock.Advance(28 * time.Minute)
	left(`{"seconds":180,"keeps":false}`)
	left(`{"seconds":180,"keeps":false}`) // a GET does not prolong the session
	stay(http.StatusOK, `{"seconds":1860,"keeps":false}`)
	left(`{"seconds":1860,"keeps":false}`)
	b.clock.Advance(31 * time.Minute)
	left(`{"seconds":0,"keeps":true}`)
	stay(http.StatusOK, `{"seconds":0,"keeps":true}`)
}

// Near its absolute limit a session is prolonged by less than the idle time, and
// the page shows the seconds that are left.
func TestSessionIsNotProlongedBeyondADay(t *testing.T) {
	t.Parallel()
	b := at(t, anna, qualification.Summary)
	for range 71 { // to 20 minutes before a day is over
		b.clock.Advance(20 * time.Minute)
		b.get("/")
	}
	left := b.Find("#idle").AttrOr("data-seconds", "")
	answer, body := b.send(b.request(http.MethodPost, "/sessione", nil))
	if n, err := strconv.Atoi(left); err != nil || n < 1 || n > 1799 || answer.StatusCode != http.StatusOK ||
		strings.TrimSpace(body) != `{"seconds":`+left+`,"keeps":false}` {
		t.Errorf("the page has %s seconds, and prolonging returns %d %s", left, answer.StatusCode, body)
	}
	b.clock.Advance(30 * time.Minute)
	if b.get("/"); !strings.Contains(b.Content(), "dura al massimo 24 ore") {
		t.Errorf("after a day the page is %s", b.Content())
	}
}

// After a finished procedure the notice does not say how to continue.
func TestLeavingAFinishedProcedure(t *testing.T) {
	t.Parallel()
	b := at(t, anna, qualification.Qualified)
	b.press("Esci").showsNotice("Sei uscito dalla procedura.")
}

// During a review the delegate and the identified person see different texts.
func TestDelegateSeesTheReview(t *testing.T) {
	t.Parallel()
	delegate, guest, _ := invited(t, cooperativa, "paola.conti@mail.example")
	guest.press("PROCEDI")
	h := cooperativa
	h.email = "paola.conti@mail.example"
	guest.proceed(h, qualification.HolderKind, qualification.UnderReview).at("Richiesta in verifica", "Abbiamo ricevuto la tua identificazione.")
	delegate.get("/").at("Richiesta in verifica", "Per questa casella si è identificata una persona.",
		"l'esito arriva per e-mail a chi si è identificato")
}

// The polling requests of a page's script do not prolong the session: a page that
// is left open does not keep its session alive.
func TestPollingDoesNotProlongTheSession(t *testing.T) {
	t.Parallel()
	delegate, _, _ := invited(t, bianchi, luca)
	for path, b := range map[string]*browser{"/codice/stato": at(t, anna, qualification.CodeEntry), "/invito/stato": delegate} {
		for range 3 {
			b.clock.Advance(10*time.Minute + 20*time.Second)
			b.send(b.request(http.MethodGet, path, nil))
		}
		if b.get("/"); !strings.Contains(b.Content(), "La sessione è scaduta") {
			t.Errorf("after half an hour of requests to %s the page is %s", path, b.Content())
		}
	}
}

// The last page of a procedure does not warn about the session.
func TestLastPageHasNoSessionWarning(t *testing.T) {
	t.Parallel()
	b := at(t, anna, qualification.Qualified)
	if got := b.get("/").Find(".idle").Length(); got != 0 {
		t.Errorf("the page has a warning: %s", b.Content())
	}
}
