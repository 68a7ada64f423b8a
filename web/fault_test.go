package web

import (
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"stella/store/storetest"
	"stella/web/webtest"
	"stella/workflow/qualification"
)

// The page of an internal error has the request's reference, and the data are kept.
func TestInternalErrors(t *testing.T) {
	t.Parallel()
	b := at(t, anna, qualification.Summary)
	b.log.errorsExpected = true
	panicking := *b.server
	panicking.Procedure = nil
	answer := httptest.NewRecorder()
	r := httptest.NewRequest(http.MethodGet, "/invito/x", nil)
	panicking.Handler().ServeHTTP(answer, r)
	if answer.Code != http.StatusInternalServerError || !strings.Contains(answer.Body.String(), "I dati salvati non sono persi") {
		t.Errorf("after a panic the response is %d %s", answer.Code, answer.Body)
	}
	form := b.form("SALVA E PROCEDI")
	_, err := storetest.Owner(t, b.store).Exec(t.Context(), `alter table mailboxes rename to lost`)
	b.must(err)
	b.post(form).answered(http.StatusInternalServerError, "C'è un problema con il servizio",
		"I dati salvati non sono persi: riprova tra poco.")
	reference := strings.TrimPrefix(webtest.Text(b.Find("p.small")), "Riferimento: ")
	if !strings.Contains(b.log.String(), `level=ERROR msg="a request failed" request=`+reference) {
		t.Errorf("the log lacks the reference %q", reference)
	}
	_, err = storetest.Owner(t, b.store).Exec(t.Context(), `alter table lost rename to mailboxes`)
	b.must(err)
	b.post(form).at("Ora identificati")
}
