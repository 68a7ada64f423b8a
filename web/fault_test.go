package web

import (
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"stella/store/storetest"
	"stella/workflow"
)

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
	_, err := storetest.Owner(t, b.store).Exec(t.Context(), `alter table mailboxes rename to lost`)
	b.must(err)
	b.post(form).answered(http.StatusInternalServerError, "C'è un problema con il servizio", "I dati salvati non sono persi: riprova tra poco.")
	reference := strings.TrimPrefix(text(b.Find("p.small")), "Riferimento: ")
	if !strings.Contains(b.log.String(), `level=ERROR msg="a request failed" request=`+reference) {
		t.Errorf("the reference %q is not the log's", reference)
	}
	_, err = storetest.Owner(t, b.store).Exec(t.Context(), `alter table lost rename to mailboxes`)
	b.must(err)
	b.post(form).at("Ora identificati")
}
