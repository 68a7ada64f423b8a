package api_test

import (
	"strings"
	"testing"

	"stella/store/storetest"
	"stella/workflow"
)

// A refused call is logged in one line with the reason, the address and, if the token
// is known, the client.
func TestRefusedCallsAreLogged(t *testing.T) {
	w := newWorld(t)
	w.RecordAs(t, anna, storetest.AnnasRecord)
	reader := w.addClient("reader", storetest.Domain, workflow.ScopeAuditor)
	for _, c := range []struct {
		method, path, token string
		status              int
		want                string
	}{
		{"GET", "/api/v1/mailboxes/" + anna, "", 401, "reason=no_token address=192.0.2.1\n"},
		{"GET", "/api/v1/mailboxes/" + anna, "guess", 401, "reason=unknown_token address=192.0.2.1\n"},
		{"GET", "/api/v1/mailboxes", "", 401, "reason=no_token address=192.0.2.1\n"},
		{"GET", "/api/v1/mailboxes", "guess", 401, "reason=unknown_token address=192.0.2.1\n"},
		{"DELETE", "/api/v1/mailboxes/" + anna, reader, 403, "reason=scope address=192.0.2.1 client=reader\n"},
	} {
		w.log.Reset()
		var header []string
		if c.token != "" {
			header = []string{"Authorization", "Bearer " + c.token}
		}
		call(t, w.handler, c.method, c.path, "", header...).problem(c.status)
		text := w.log.String()
		if strings.Count(text, "\n") != 1 || !strings.Contains(text, "level=WARN msg=refused") || !strings.HasSuffix(text, c.want) {
			t.Errorf("%s %s is logged as %q, want %q", c.method, c.path, text, c.want)
		}
	}
}
