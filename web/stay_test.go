package web

import (
	"net/http"
	"strings"
	"testing"
	"time"

	"stella/workflow"
)

// From the login to the end the page says until when the login counts, and what
// leaving costs (WCAG 2.2.1).
func TestThePageSaysUntilWhenTheLoginCounts(t *testing.T) {
	t.Parallel()
	for state, told := range map[workflow.State]bool{workflow.Summary: false, workflow.Identification: false,
		workflow.Identified: true, workflow.Contract: true, workflow.CodeEntry: true} {
		b := at(t, anna, state)
		until := b.clock.RomeIn(workflow.LoginLife).Format("15:04")
		if got := strings.Contains(text(b.get("/").Find("main")), "La tua identificazione vale fino alle "+until); got != told {
			t.Errorf("%s: the page says %s", state, b.text())
		}
	}
}

// A page of a procedure says when its session ends, and its script is answered
// how much is left and may prolong it (WCAG 2.2.1).
func TestASessionIsProlongedOnRequest(t *testing.T) {
	t.Parallel()
	b := at(t, anna, workflow.Summary)
	if got := b.get("/").Find("#idle").AttrOr("data-seconds", ""); got != "1800" {
		t.Errorf("the script is told %q seconds", got)
	}
	if got := text(b.Find(".idle")); !strings.HasPrefix(got, "Dopo 30 minuti senza attività") {
		t.Errorf("without a script the page says %q", got)
	}
	left := func(want string) {
		t.Helper()
		_, body := b.send(b.request(http.MethodGet, b.world.url+"/sessione", nil))
		if strings.TrimSpace(body) != want {
			t.Errorf("the answer is %s, want %s", body, want)
		}
	}
	stay := func(want int) {
		t.Helper()
		if answer, _ := b.send(b.request(http.MethodPost, b.world.url+"/sessione", nil)); answer.StatusCode != want {
			t.Errorf("staying is answered %d, want %d", answer.StatusCode, want)
		}
	}
	b.clock.Advance(28 * time.Minute)
	left(`{"seconds":120}`)
	left(`{"seconds":120}`) // asking prolongs nothing
	stay(http.StatusNoContent)
	left(`{"seconds":1800}`)
	b.clock.Advance(31 * time.Minute)
	left(`{"seconds":0}`)
	stay(http.StatusForbidden)
}

// What a page's script asks by itself prolongs nothing: a page that was left open
// does not keep its session.
func TestAPageThatIsLeftOpenKeepsNoSession(t *testing.T) {
	t.Parallel()
	delegate, _, _ := invited(t, bianchi, luca)
	for path, b := range map[string]*browser{"/codice/stato": at(t, anna, workflow.CodeEntry), "/invito/stato": delegate} {
		for range 3 {
			b.clock.Advance(10*time.Minute + time.Second)
			b.send(b.request(http.MethodGet, path, nil))
		}
		if b.get("/"); !strings.Contains(b.text(), "La sessione è scaduta") {
			t.Errorf("after half an hour of %s the page says %s", path, b.text())
		}
	}
}

// Where nothing is left to do, the end of the session matters to nobody.
func TestTheLastPageSpeaksOfNoSession(t *testing.T) {
	t.Parallel()
	b := at(t, anna, workflow.Qualified)
	if got := b.get("/").Find(".idle").Length(); got != 0 {
		t.Errorf("the page says %s", b.text())
	}
}
