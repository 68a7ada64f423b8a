package spidtest_test

import (
	"bytes"
	"compress/flate"
	"crypto"
	"crypto/rand"
	"crypto/rsa"
	"crypto/sha256"
	"encoding/base64"
	"errors"
	"net/http"
	"net/http/httptest"
	"net/url"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/PuerkitoBio/goquery"
	"github.com/beevik/etree"

	"stella/spid"
	"stella/spid/spidtest"
)

var (
	sp       *spid.ServiceProvider
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
	var handler http.Handler
	server = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { handler.ServeHTTP(w, r) }))
	idp, err := spidtest.New(spidtest.Config{BaseURL: server.URL, ServiceProvider: sp.Metadata})
	check(err)
	handler = idp
	response, err := http.Get(server.URL + "/metadata")
	check(err)
	var metadata bytes.Buffer
	_, err = metadata.ReadFrom(response.Body)
	check(err)
	check(response.Body.Close())
	providers, err := spid.ParseProviders(metadata.Bytes())
	check(err)
	provider = providers.Find(server.URL)
	code := m.Run()
	server.Close()
	os.Exit(code)
}

func check(err error) {
	if err != nil {
		panic(err)
	}
}

// A page as a visitor sees it.
type page struct {
	*goquery.Document
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
	p := page{doc, response.StatusCode, response.Header.Get("Content-Security-Policy")}
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
		t.Errorf("the policy %q does not let the form through", p.policy)
	}
	values := url.Values{}
	form.Find("input").Each(func(_ int, input *goquery.Selection) {
		values.Add(input.AttrOr("name", ""), input.AttrOr("value", ""))
	})
	values.Add(button.AttrOr("name", ""), button.AttrOr("value", ""))
	response, err := http.PostForm(server.URL+form.AttrOr("action", ""), values)
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

// answer reads the page that posts back.
func (p page) answer(t *testing.T) (response *spid.Response, relayState string) {
	t.Helper()
	form := p.button(t, "Continua").Closest("form")
	if got := form.AttrOr("action", ""); got != sp.ACSURL || form.AttrOr("method", "") != "post" {
		t.Errorf("the form goes to %s", got)
	}
	if !strings.HasSuffix(p.policy, "form-action https://sp.example") {
		t.Errorf("the policy is %q", p.policy)
	}
	if p.Find("script[src='/post.js']").Length() != 1 {
		t.Error("the form is not posted by itself")
	}
	response, err := spid.Open(form.Find("input[name=SAMLResponse]").AttrOr("value", ""))
	if err != nil {
		t.Fatal(err)
	}
	return response, form.Find("input[name=RelayState]").AttrOr("value", "")
}

func TestLogin(t *testing.T) {
	t.Parallel()
	req, redirect, err := sp.Login(provider, spid.Ask{})
	if err != nil {
		t.Fatal(err)
	}
	login := get(t, redirect.URL)
	for _, name := range []string{"Accedi come Anna Neri", "Accedi come Luca Bianchi", "Accedi come Sara Verdi", "Accedi come Paola Conti", "Annulla"} {
		login.button(t, name)
	}
	consent := login.press(t, "Accedi come Luca Bianchi")
	consent.button(t, "Non autorizzo")
	sent := map[string]string{}
	consent.Find("dt").Each(func(_ int, dt *goquery.Selection) { sent[dt.Text()] = dt.Next().Text() })
	if len(sent) != 5 || sent["Codice fiscale"] != "TINIT-BNCLCU75C12F205G" {
		t.Errorf("what will be sent is %v", sent)
	}
	response, relayState := consent.press(t, "Autorizza").answer(t)
	a, err := sp.Verify(response, relayState, req, provider)
	if err != nil {
		t.Fatal(err)
	}
	if a.Attributes["fiscalNumber"] != "TINIT-BNCLCU75C12F205G" || a.Attributes["name"] != "Luca" {
		t.Errorf("identified as %v", a.Attributes)
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
		req, redirect, err := sp.Login(provider, spid.Ask{})
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

// Requests that never get to the service.
func TestRefusals(t *testing.T) {
	t.Parallel()
	_, redirect, err := sp.Login(provider, spid.Ask{})
	if err != nil {
		t.Fatal(err)
	}
	another := *sp
	another.EntityID = "https://another.example"
	_, foreign, err := another.Login(provider, spid.Ask{})
	if err != nil {
		t.Fatal(err)
	}
	unsigned, _, _ := strings.Cut(redirect.URL, "&SigAlg=")
	for name, c := range map[string]struct{ url, code string }{
		"nothing":            {server.URL + "/sso", "ErrorCode 4"},
		"garbage":            {server.URL + "/sso?SAMLRequest=x", "ErrorCode 4"},
		"twice":              {redirect.URL + "&RelayState=x", "ErrorCode 4"},
		"unsigned":           {unsigned, "ErrorCode 5"},
		"another RelayState": {strings.Replace(redirect.URL, "RelayState=", "RelayState=X", 1), "ErrorCode 7"},
		"another service":    {foreign.URL, "ErrorCode 10"},
	} {
		p := get(t, c.url)
		if p.status != http.StatusForbidden || !strings.Contains(p.Text(), c.code+":") {
			t.Errorf("%s: got %d, %s, want %s", name, p.status, strings.TrimSpace(p.Find("main").Text()), c.code)
		}
	}
	response, err := http.Post(server.URL+"/sso", "application/x-www-form-urlencoded", nil)
	if p := read(t, response, err); p.status != http.StatusForbidden || !strings.Contains(p.Text(), "ErrorCode 6") {
		t.Errorf("POST: got %d", p.status)
	}
}

// Faults that are reported to the service.
func TestFaults(t *testing.T) {
	t.Parallel()
	set := func(path, key, value string) func(*etree.Element) {
		return func(root *etree.Element) { root.FindElement(path).CreateAttr(key, value) }
	}
	unset := func(path, key string) func(*etree.Element) {
		return func(root *etree.Element) { root.FindElement(path).RemoveAttr(key) }
	}
	remove := func(path string) func(*etree.Element) {
		return func(root *etree.Element) { root.RemoveChild(root.FindElement(path)) }
	}
	const context = "samlp:RequestedAuthnContext"
	for _, c := range []struct {
		what string
		edit func(*etree.Element)
		want string
	}{
		{"Issuer Format", unset("saml:Issuer", "Format"), "nr08"},
		{"Issuer NameQualifier", unset("saml:Issuer", "NameQualifier"), "nr08"},
		{"Version", set(".", "Version", "1.0"), "nr09"},
		{"ID absent", unset(".", "ID"), "nr11"},
		{"ID with a digit first", set(".", "ID", "1a"), "nr11"},
		{"context absent", remove(context), "nr12"},
		{"context empty", func(root *etree.Element) { root.FindElement(context).Child = nil }, "nr12"},
		{"level", func(root *etree.Element) { root.FindElement(context + "/*").SetText("https://www.spid.gov.it/SpidL4") }, "nr12"},
		{"Comparison", set(context, "Comparison", "more"), "nr12"},
		{"ForceAuthn", unset(".", "ForceAuthn"), "nr12"},
		{"IssueInstant", set(".", "IssueInstant", "yesterday"), "nr13"},
		{"IssueInstant old", set(".", "IssueInstant", "2018-01-01T00:00:00Z"), "nr13"},
		{"IssueInstant future", set(".", "IssueInstant", "2099-01-01T00:00:00Z"), "nr13"},
		{"Destination", set(".", "Destination", "https://other.example"), "nr14"},
		{"IsPassive", set(".", "IsPassive", "false"), "nr15"},
		{"ACS index", set(".", "AssertionConsumerServiceIndex", "7"), "nr16"},
		{"ACS index and URL", set(".", "AssertionConsumerServiceURL", "https://sp.example/spid/acs"), "nr16"},
		{"ACS absent", unset(".", "AssertionConsumerServiceIndex"), "nr16"},
		{"NameIDPolicy absent", remove("samlp:NameIDPolicy"), "nr17"},
		{"NameIDPolicy Format", unset("samlp:NameIDPolicy", "Format"), "nr17"},
		{"AllowCreate", set("samlp:NameIDPolicy", "AllowCreate", "true"), "nr17"},
		{"AttributeConsumingServiceIndex", set(".", "AttributeConsumingServiceIndex", "7"), "nr18"},
	} {
		t.Run(c.what, func(t *testing.T) {
			t.Parallel()
			req, _, err := sp.Login(provider, spid.Ask{})
			if err != nil {
				t.Fatal(err)
			}
			doc := etree.NewDocument()
			if err := doc.ReadFromBytes(req.XML); err != nil {
				t.Fatal(err)
			}
			c.edit(doc.Root())
			raw, err := doc.WriteToBytes()
			if err != nil {
				t.Fatal(err)
			}
			response, _ := get(t, signed(t, raw, req.RelayState)).answer(t)
			if got := string(response.XML()); !strings.Contains(got, "ErrorCode "+c.want+"<") {
				t.Errorf("want %s, got %s", c.want, got)
			}
		})
	}
}

// signed sends a message as the service provider would.
func signed(t *testing.T, message []byte, relayState string) string {
	t.Helper()
	var deflated bytes.Buffer
	w, err := flate.NewWriter(&deflated, flate.DefaultCompression)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := w.Write(message); err != nil {
		t.Fatal(err)
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	query := "SAMLRequest=" + url.QueryEscape(base64.StdEncoding.EncodeToString(deflated.Bytes())) +
		"&RelayState=" + relayState + "&SigAlg=" + url.QueryEscape("http://www.w3.org/2001/04/xmldsig-more#rsa-sha256")
	digest := sha256.Sum256([]byte(query))
	signature, err := rsa.SignPKCS1v15(rand.Reader, sp.Key.(*rsa.PrivateKey), crypto.SHA256, digest[:])
	if err != nil {
		t.Fatal(err)
	}
	return provider.RedirectURL + "?" + query + "&Signature=" + url.QueryEscape(base64.StdEncoding.EncodeToString(signature))
}

func TestOtherPages(t *testing.T) {
	t.Parallel()
	if p := get(t, server.URL+"/"); p.status != http.StatusOK {
		t.Errorf("home: %d", p.status)
	}
	for path, kind := range map[string]string{"/style.css": "text/css", "/post.js": "text/javascript", "/metadata": "application/samlmetadata+xml"} {
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
