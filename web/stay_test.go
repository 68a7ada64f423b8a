package web

import (
	"net/http"
	"strings"
	"testing"
	"time"

	"stella/workflow"
)

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
