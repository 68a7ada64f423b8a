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
	"stella/workflow/qualification"
)

// postOnly makes the provider accept requests with HTTP-POST only.
func postOnly(w *world) {
	p := *w.server.SPID.Providers()[0]
	p.RedirectURL = ""
	w.server.SPID.Registry = spid.NewRegistry(spid.Providers{&p}, w.clock.Now)
}

// A provider that accepts only HTTP-POST gets the request from a page whose form is
// submitted by a script (SPID technical rules, "Trasmissione").
func TestRequestByForm(t *testing.T) {
	t.Parallel()
	b := at(t, anna, qualification.Identification, postOnly)
	b.get("/identificazione/spid")
	usual := b.Header.Get("Content-Security-Policy")
	b.click("Prosegui con Identità di prova")
	b.at("Attendi qualche secondo…", "Ti stiamo portando sulle pagine di Identità di prova",
		"Se la pagina non prosegue da sola, seleziona Continua.")
	b.stateIs(anna, qualification.AtProvider)
	if !strings.HasPrefix(b.Find("script[src*='/post.']").AttrOr("src", ""), "/static/") || b.Find("form").Length() != 1 {
		t.Error("the page does not have one form and the script that submits it")
	}
	policy := strings.Replace(usual, "form-action 'self'", "form-action "+b.idp.EntityID(), 1)
	if got := b.Header.Values("Content-Security-Policy"); len(got) != 1 || got[0] != policy {
		t.Errorf("the policy is %q", got)
	}
	form := b.form("Continua")
	if form.Action != b.idp.EntityID()+"/sso" || len(form.Values) != 2 {
		t.Errorf("the form sends %v to %s", form.Values, form.Action)
	}
	request, err := base64.StdEncoding.DecodeString(form.Values.Get("SAMLRequest"))
	if err != nil || !strings.Contains(string(request), "<ds:Signature") || form.Values.Get("RelayState") == "" {
		t.Errorf("the request is not signed: %v %s", err, request)
	}
	b.press("Continua").at("Con quale identità vuoi accedere?").press("Accedi come Anna Neri").press("Autorizza").press("Continua")
	b.at("Identificazione riuscita", "SPID, livello 2, con Identità di prova")
}

// Values from metadata and relay states cannot inject anything into the page or its
// policy.
func TestRequestFormIsSafe(t *testing.T) {
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
		got := answer.Header().Get("Content-Security-Policy")
		if policy == "" {
			if answer.Code != http.StatusInternalServerError || strings.Contains(got, "script-src/") {
				t.Errorf("%s: the status is %d, the policy %q", url, answer.Code, got)
			}
			continue
		}
		if answer.Code != http.StatusOK || !strings.Contains(got, policy) {
			t.Errorf("%s: the status is %d, the policy %q", url, answer.Code, got)
		}
		if body := answer.Body.String(); strings.Contains(body, "<b>") || strings.Contains(body, "alert(1)</") {
			t.Errorf("%s: a value is not escaped: %s", url, body)
		}
	}
}
