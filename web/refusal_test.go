package web

import (
	"net/http"
	"strings"
	"testing"
	"time"

	"stella/workflow/qualification"
)

// Each error whose status is a refusal has a reason for the log and the metric.
func TestEveryRefusalHasAReason(t *testing.T) {
	t.Parallel()
	for _, f := range faults {
		refused := f.status == http.StatusUnauthorized || f.status == http.StatusForbidden || f.status == http.StatusTooManyRequests
		if refused != (f.reason != "") && f.err != errLogout { // logout logs the reason itself
			t.Errorf("%q has the status %d and the reason %q", f.err, f.status, f.reason)
		}
	}
}

// Each refused request is one line of the log, with the reason and the client's
// address.
func TestRefusedRequestsAreLogged(t *testing.T) {
	t.Parallel()
	b := at(t, anna, qualification.CodeEntry, behindProxy)
	logged := func(reason string, status int) {
		t.Helper()
		log := strings.TrimSpace(b.log.String())
		last := log[strings.LastIndex(log, "\n")+1:]
		if !strings.Contains(last, "level=WARN msg=refused") || !strings.Contains(last, " reason="+reason+" address=192.0.2.7") {
			t.Errorf("the status %d is logged as %s, want the reason %s", status, last, reason)
		}
	}

	foreign := b.request(http.MethodPost, "/codice", nil)
	foreign.Header.Set("Origin", "https://evil.example")
	foreign.Header.Set("Sec-Fetch-Site", "cross-site")
	b.load(foreign)
	logged("cross_origin", b.Status)

	b.get("/identificazione/avvia?idp=x&t=forged")
	logged("foreign_link", b.Status)

	stranger := b.world.browser()
	stranger.load(stranger.request(http.MethodPost, "/codice", nil))
	logged("no_session", stranger.Status)

	b.clock.Advance(20 * time.Second)
	b.exhaust("codes_per_address", time.Hour)
	b.get("/").press("Invia di nuovo")
	logged("codes_per_address", b.Status)

	b.get("/")
	if log := strings.TrimSpace(b.log.String()); !strings.Contains(log[strings.LastIndex(log, "\n")+1:], "msg=served") {
		t.Errorf("an accepted request is not logged as served: %s", log)
	}
}
