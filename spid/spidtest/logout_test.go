package spidtest_test

import (
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/PuerkitoBio/goquery"
	"github.com/beevik/etree"

	"stella/spid"
	"stella/spid/spidtest"
)

// A visitor who logs out is redirected to the service and back.
func TestExit(t *testing.T) {
	t.Parallel()
	here := *sp
	var provider *spid.Provider
	service := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		location, _, err := here.AnswerLogout(r.URL.RawQuery, spid.Providers{provider}.Find)
		if err != nil {
			t.Error(err)
		}
		http.Redirect(w, r, location, http.StatusFound)
	}))
	t.Cleanup(service.Close)
	here.LogoutURL = service.URL + "/spid/logout"
	idp, server := serve(spidtest.Config{ServiceProvider: here.Metadata})
	t.Cleanup(server.Close)
	provider = parse(idp.Metadata())
	exit := get(t, server.URL+"/").Find("a").FilterFunction(func(_ int, s *goquery.Selection) bool {
		return s.Text() == "Esci dal servizio"
	})
	p := get(t, server.URL+exit.AttrOr("href", ""))
	if p.status != http.StatusOK || p.base != server.URL || !strings.Contains(p.Find("h1").Text(), "Sei uscito") {
		t.Errorf("got %d, %s at %s", p.status, p.Find("h1").Text(), p.base)
	}
}

// Answers that match no logout in progress, or have other content.
func TestLoggedOutRejects(t *testing.T) {
	t.Parallel()
	answer := func(edits ...func(*etree.Element)) string {
		location, err := idp.Logout(edits...)
		if err != nil {
			t.Fatal(err)
		}
		_, query, _ := strings.Cut(location, "?")
		answer, _, err := sp.AnswerLogout(query, spid.Providers{provider}.Find)
		if err != nil {
			t.Fatal(err)
		}
		return answer
	}
	good := answer()
	for what, location := range map[string]string{
		"another URL":         strings.Replace(good, "/logged-out", "/sso", 1),
		"another relay state": strings.Replace(good, "RelayState=_", "RelayState=x", 1),
		"another request":     answer(func(r *etree.Element) { r.CreateAttr("ID", "_another") }),
	} {
		if err := idp.LoggedOut(location); err == nil {
			t.Errorf("%s: want an error", what)
		}
	}
	if err := idp.LoggedOut(good); err != nil {
		t.Error(err)
	}
	if err := idp.LoggedOut(good); err == nil {
		t.Error("the same answer again: want an error")
	}
	if p := get(t, good); p.status != http.StatusBadRequest {
		t.Errorf("got %d", p.status)
	}
}
