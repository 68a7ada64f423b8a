package web

import (
	"encoding/base64"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"stella/spid"
	"stella/templates"
	"stella/workflow"
)

// postOnly makes the provider take requests by HTTP-POST alone.
func postOnly(w *world) {
	p := *w.server.SPID.Providers()[0]
	p.RedirectURL = ""
	w.server.SPID.Registry = spid.NewRegistry(spid.Providers{&p}, w.clock.Now)
}

// A provider that takes requests by HTTP-POST gets them by a page whose form
// posts itself (SPID technical rules, "Trasmissione").
func TestRequestByForm(t *testing.T) {
	t.Parallel()
	b := at(t, anna, workflow.Identification, postOnly)
	b.get("/identificazione/spid").click("Prosegui con Identità di prova")
	b.at("Attendi qualche secondo…", "Ti stiamo portando sulle pagine di Identità di prova", "Se la pagina non prosegue da sola, seleziona Continua.")
	b.wants(anna, workflow.AtProvider)
	if !strings.HasPrefix(b.Find("script[src*='/post.']").AttrOr("src", ""), "/static/") || b.Find("form").Length() != 1 {
		t.Error("the page does not post its one form by itself")
	}
	policy := strings.Replace(contentSecurity, "form-action 'self'", "form-action "+b.idp.EntityID(), 1)
	if got := b.header.Values("Content-Security-Policy"); len(got) != 1 || got[0] != policy {
		t.Errorf("the policy is %q", got)
	}
	form := b.form("Continua")
	if form.action != b.idp.EntityID()+"/sso" || len(form.values) != 2 {
		t.Errorf("the form takes %v to %s", form.values, form.action)
	}
	request, err := base64.StdEncoding.DecodeString(form.values.Get("SAMLRequest"))
	if err != nil || !strings.Contains(string(request), "<ds:Signature") || form.values.Get("RelayState") == "" {
		t.Errorf("the request is not signed: %v %s", err, request)
	}
	b.press("Continua").at("Con quale identità vuoi accedere?").press("Accedi come Anna Neri").press("Autorizza").press("Continua")
	b.at("Identificazione riuscita", "SPID, livello 2, con Identità di prova")
}

// What metadata or a relay state hold becomes neither part of the page nor of
// its policy.
func TestFormIsNoWayIn(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.log.errorsExpected = true
	send := func(url string) *httptest.ResponseRecorder {
		answer := httptest.NewRecorder()
		r := httptest.NewRequest(http.MethodGet, "/", nil)
		err := w.server.dispatch(answer, r, templates.Page{Locale: "it"}, workflow.Login{ProviderName: "<b>idp</b>"},
			spid.Dispatch{URL: url, SAMLRequest: `"><b>x</b>`, RelayState: `"><script>alert(1)</script>`})
		if err != nil {
			w.server.fault(answer, r, err)
		}
		return answer
	}
	for url, policy := range map[string]string{
		"https://idp.example/sso?a=1":              "form-action https://idp.example;",
		"https://idp.example:8443/\"><b>x</b>":     "form-action https://idp.example:8443;",
		"https://idp.example;script-src/sso":       "",
		"https://idp.example,script-src/sso":       "",
		"https://'unsafe-inline'/sso":              "",
		"https://*/sso":                            "",
		"https://idp.example /sso":                 "",
		"javascript:alert(1)//https://idp.example": "",
		"/sso": "",
	} {
		answer := send(url)
		if policy == "" {
			if answer.Code != http.StatusInternalServerError || strings.Contains(answer.Header().Get("Content-Security-Policy"), "script-src/") {
				t.Errorf("%s is answered %d under %q", url, answer.Code, answer.Header().Get("Content-Security-Policy"))
			}
			continue
		}
		if answer.Code != http.StatusOK || !strings.Contains(answer.Header().Get("Content-Security-Policy"), policy) {
			t.Errorf("%s is answered %d under %q", url, answer.Code, answer.Header().Get("Content-Security-Policy"))
		}
		if body := answer.Body.String(); strings.Contains(body, "<b>") || strings.Contains(body, "alert(1)</") {
			t.Errorf("%s becomes part of the page: %s", url, body)
		}
	}
}
