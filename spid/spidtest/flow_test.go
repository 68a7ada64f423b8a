package spidtest_test

import (
	"errors"
	"net/http"
	"net/http/httptest"
	"net/url"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/PuerkitoBio/goquery"

	"stella/spid"
	"stella/spid/spidtest"
)

var (
	sp       *spid.ServiceProvider
	idp      *spidtest.Provider
	provider *spid.Provider
	server   *httptest.Server
)

func TestMain(m *testing.M) {
	organization := spid.Organization{
		Name: "Esempio S.p.A.", DisplayName: "Esempio", URL: "https://esempio.example", Email: "spid@esempio.example",
		VATNumber: "IT01234567897",
		Billing:   spid.Billing{Street: "Via Roma", PostalCode: "00184", City: "Roma"},
	}
	key, certificate, err := spid.SelfSigned("https://sp.example", organization, time.Now().Add(-time.Hour))
	check(err)
	sp = &spid.ServiceProvider{
		EntityID: "https://sp.example", ACSURL: "https://sp.example/spid/acs", LogoutURL: "https://sp.example/spid/logout",
		Key: key, Certificate: certificate, Organization: organization,
	}
	idp, server = serve(spidtest.Config{ServiceProvider: sp.Metadata})
	provider = parse(idp.Metadata())
	code := m.Run()
	server.Close()
	os.Exit(code)
}

// serve starts an identity provider.
func serve(config spidtest.Config) (*spidtest.Provider, *httptest.Server) {
	var handler http.Handler
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { handler.ServeHTTP(w, r) }))
	config.BaseURL = server.URL
	idp, err := spidtest.New(config)
	check(err)
	handler = idp
	return idp, server
}

func parse(metadata []byte) *spid.Provider {
	providers, err := spid.ParseProviders(metadata)
	check(err)
	return providers[0]
}

func check(err error) {
	if err != nil {
		panic(err)
	}
}

// A page is a page as the visitor's browser receives it.
type page struct {
	*goquery.Document
	base   string // the provider's URL
	status int
	policy string
}

func read(t *testing.T, response *http.Response, err error) page {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
	defer response.Body.Close()
	doc, err := goquery.NewDocumentFromReader(response.Body)
	if err != nil {
		t.Fatal(err)
	}
	from := response.Request.URL
	p := page{doc, from.Scheme + "://" + from.Host, response.StatusCode, response.Header.Get("Content-Security-Policy")}
	if doc.Find("html").AttrOr("lang", "") != "it" || doc.Find("title").Text() == "" || doc.Find("main h1").Length() != 1 {
		t.Errorf("the page has no language, title or heading: %s", doc.Text())
	}
	if doc.Find("style, [style], [onload], [onclick], script:not([src])").Length() > 0 {
		t.Error("the page has inline style or script")
	}
	if !strings.Contains(p.policy, "default-src 'none'") {
		t.Errorf("the policy is %q", p.policy)
	}
	return p
}

func get(t *testing.T, url string) page {
	t.Helper()
	response, err := http.Get(url)
	return read(t, response, err)
}

// press submits the form of the button with that name.
func (p page) press(t *testing.T, name string) page {
	t.Helper()
	button := p.button(t, name)
	form := button.Closest("form")
	if !strings.Contains(p.policy, "form-action 'self'") {
		t.Errorf("the policy %q does not allow the form", p.policy)
	}
	values := url.Values{}
	form.Find("input").Each(func(_ int, input *goquery.Selection) {
		values.Add(input.AttrOr("name", ""), input.AttrOr("value", ""))
	})
	values.Add(button.AttrOr("name", ""), button.AttrOr("value", ""))
	response, err := http.PostForm(p.base+form.AttrOr("action", ""), values)
	return read(t, response, err)
}

func (p page) button(t *testing.T, name string) *goquery.Selection {
	t.Helper()
	button := p.Find("button").FilterFunction(func(_ int, s *goquery.Selection) bool { return s.Text() == name })
	if button.Length() != 1 {
		t.Fatalf("%d buttons %s in %s", button.Length(), name, p.Text())
	}
	return button
}

// answer reads the page that posts the response to the service.
func (p page) answer(t *testing.T) (response *spid.Response, relayState string) {
	t.Helper()
	form := p.button(t, "Continua").Closest("form")
	if got := form.AttrOr("action", ""); got != sp.ACSURL || form.AttrOr("method", "") != "post" {
		t.Errorf("the form is posted to %s", got)
	}
	if !strings.HasSuffix(p.policy, "form-action https://sp.example") {
		t.Errorf("the policy is %q", p.policy)
	}
	if p.Find("script[src='/post.js']").Length() != 1 {
		t.Error("the page has no script that posts the form")
	}
	response, err := spid.Open(form.Find("input[name=SAMLResponse]").AttrOr("value", ""))
	if err != nil {
		t.Fatal(err)
	}
	return response, form.Find("input[name=RelayState]").AttrOr("value", "")
}

func TestLogin(t *testing.T) {
	t.Parallel()
	req, redirect, err := sp.Login(provider, spid.LoginOptions{})
	if err != nil {
		t.Fatal(err)
	}
	login := get(t, redirect.URL)
	for _, name := range []string{
		"Accedi come Anna Neri", "Accedi come Luca Bianchi", "Accedi come Sara Verdi", "Accedi come Paola Conti",
		"Annulla",
	} {
		login.button(t, name)
	}
	consent := login.press(t, "Accedi come Luca Bianchi")
	consent.button(t, "Non autorizzo")
	sent := map[string]string{}
	consent.Find("dt").Each(func(_ int, dt *goquery.Selection) { sent[dt.Text()] = dt.Next().Text() })
	if len(sent) != 5 || sent["Codice fiscale"] != "TINIT-BNCLCU75C12F205G" {
		t.Errorf("the data to be sent are %v", sent)
	}
	response, relayState := consent.press(t, "Autorizza").answer(t)
	a, err := sp.Verify(response, relayState, req, provider)
	if err != nil {
		t.Fatal(err)
	}
	if a.Attributes["fiscalNumber"] != "TINIT-BNCLCU75C12F205G" || a.Attributes["name"] != "Luca" {
		t.Errorf("the attributes are %v", a.Attributes)
	}
	raw := string(response.XML())
	if strings.Count(raw, "<ds:SignatureValue>") != 2 || strings.Contains(raw, "SessionIndex") {
		t.Error("want response and assertion signed, and no SessionIndex")
	}
}

func TestLoginFails(t *testing.T) {
	t.Parallel()
	for want, press := range map[string][]string{
		"nr25": {"Annulla"},
		"nr22": {"Accedi come Anna Neri", "Non autorizzo"},
	} {
		req, redirect, err := sp.Login(provider, spid.LoginOptions{})
		if err != nil {
			t.Fatal(err)
		}
		p := get(t, redirect.URL)
		for _, name := range press {
			p = p.press(t, name)
		}
		response, relayState := p.answer(t)
		_, err = sp.Verify(response, relayState, req, provider)
		var anomaly *spid.Anomaly
		if !errors.As(err, &anomaly) || anomaly.Code != want || !anomaly.Signed {
			t.Errorf("%v: got %v, want %s", press, err, want)
		}
	}
}

func TestOtherPages(t *testing.T) {
	t.Parallel()
	if p := get(t, server.URL+"/"); p.status != http.StatusOK {
		t.Errorf("home: %d", p.status)
	}
	for path, kind := range map[string]string{
		"/style.css": "text/css",
		"/post.js":   "text/javascript",
		"/metadata":  "application/samlmetadata+xml",
	} {
		response, err := http.Get(server.URL + path)
		if err != nil {
			t.Fatal(err)
		}
		response.Body.Close()
		if got := response.Header.Get("Content-Type"); response.StatusCode != http.StatusOK || !strings.HasPrefix(got, kind) {
			t.Errorf("%s: %d, %s", path, response.StatusCode, got)
		}
	}
	for _, path := range []string{"/login", "/consent"} {
		response, err := http.PostForm(server.URL+path, url.Values{"login": {"unknown"}, "person": {"0"}})
		if p := read(t, response, err); p.status != http.StatusBadRequest || !strings.Contains(p.Text(), "scaduto") {
			t.Errorf("%s without a login: %d", path, p.status)
		}
	}
}
