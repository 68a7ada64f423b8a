package web

import (
	"bytes"
	"crypto/x509"
	"io/fs"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"testing"
	"testing/fstest"

	"github.com/PuerkitoBio/goquery"

	"stella/spid"
	"stella/web/webtest"
	"stella/workflow/qualification"
)

// providers returns a registry with some providers, which share a certificate.
func (w *world) providers(entityIDs ...string) *spid.Registry {
	var all spid.Providers
	for _, id := range entityIDs {
		u, _ := url.Parse(id)
		all = append(all, &spid.Provider{EntityID: id, Name: "Gestore " + u.Hostname(), RedirectURL: id + "/sso",
			Certificates: []*x509.Certificate{w.server.SPID.Certificate}})
	}
	return spid.NewRegistry(all, w.clock.Now)
}

func TestProvidersPage(t *testing.T) {
	t.Parallel()
	b := at(t, anna, qualification.Identification, func(w *world) {
		w.server.SPID.Registry = w.providers("https://a.example", "https://b.example", "https://c.example", "https://d.example")
	})
	b.must(b.provider.Suspend(t.Context(), "operatore", "https://c.example", b.clock.Now(), "prova"))
	names := func() []string {
		return b.get("/identificazione/spid").at("Scegli il gestore della tua identità SPID").Find(".providers a").
			Map(func(_ int, s *goquery.Selection) string { return webtest.Text(s) })
	}
	first, shuffled := names(), false
	for range 50 {
		shuffled = shuffled || !slices.Equal(names(), first)
	}
	if !shuffled {
		t.Error("the providers are always in the same order")
	}
	slices.Sort(first)
	want := []string{"Prosegui con Gestore a.example", "Prosegui con Gestore b.example", "Prosegui con Gestore d.example"}
	if !slices.Equal(first, want) {
		t.Errorf("the providers are %v, want %v", first, want)
	}
	for name, to := range map[string]string{
		"Maggiori informazioni su SPID": "https://www.spid.gov.it",
		"Non hai SPID?":                 "https://www.spid.gov.it/richiedi-spid",
		"Serve aiuto con SPID?":         "https://www.spid.gov.it/serve-aiuto",
	} {
		if got := b.link(name); got != to {
			t.Errorf("%s leads to %s", name, got)
		}
	}
	// The list contains only links, which work without a script and without a mouse.
	if b.Find("main script, main [onclick], main [tabindex]:not([tabindex=\"-1\"])").Length() > 0 ||
		b.Find(".providers a[href]").Length() != 3 {
		t.Error("the list does not contain only links")
	}
	if b.Find("main img").Length() > 0 {
		t.Error("the page shows logos that were not configured")
	}
}

const drawing = `<svg xmlns="http://www.w3.org/2000/svg"><script>alert(1)</script></svg>`

func TestLogos(t *testing.T) {
	t.Parallel()
	b := at(t, anna, qualification.Identification, withCIE, func(w *world) {
		w.server.SPID.Registry = w.providers("https://posteid.poste.it", "https://login.id.tim.it/a/saml2sso", "https://senza.example")
		w.server.Logos = fstest.MapFS{
			"posteid.poste.it.svg": {Data: []byte(drawing)},
			"posteid.poste.it.png": {Data: []byte("a picture too")},
			"login.id.tim.it.png":  {Data: []byte("\x89PNG\r\n\x1a\nx")},
			"spid.svg":             {Data: []byte(drawing)},
			"cie.svg":              {Data: []byte(drawing)},
			"big.example.svg":      {Data: bytes.Repeat([]byte("x"), maxLogo+1)},
			"Maiuscole.svg":        {Data: []byte(drawing)},
			"leggimi.html":         {Data: []byte("<script>")},
			"folder.svg/x":         {Data: []byte("x")},
			"other/secret.svg":     {Data: []byte("a drawing of others")},
		}
	})
	logo := func(link string) string {
		a := b.Find("a").FilterFunction(func(_ int, s *goquery.Selection) bool { return webtest.Text(s) == link })
		if img := a.Find("img"); a.Length() != 1 || img.Length() > 0 && img.AttrOr("alt", "none") != "" {
			t.Errorf("there are %d links %s, with a logo whose alt is %q", a.Length(), link, img.AttrOr("alt", "none"))
		}
		return a.Find("img").AttrOr("src", "")
	}
	b.get("/identificazione")
	if got := logo("Entra con SPID") + " " + logo("Entra con CIE"); got != "/loghi/spid.svg /loghi/cie.svg" {
		t.Errorf("the schemes have the logos %s", got)
	}
	b.get("/identificazione/spid")
	for link, want := range map[string]string{
		"Prosegui con Gestore posteid.poste.it": "/loghi/posteid.poste.it.svg",
		"Prosegui con Gestore login.id.tim.it":  "/loghi/login.id.tim.it.png",
		"Prosegui con Gestore senza.example":    "",
	} {
		if got := logo(link); got != want {
			t.Errorf("%s has the logo %q", link, got)
		}
	}
	for path, kind := range map[string]string{"/loghi/posteid.poste.it.svg": "image/svg+xml", "/loghi/login.id.tim.it.png": "image/png"} {
		response, body := b.send(b.request(http.MethodGet, path, nil))
		if response.StatusCode != 200 || response.Header.Get("Content-Type") != kind || body == "" ||
			response.Header.Get("X-Content-Type-Options") != "nosniff" || response.Header.Get("Cache-Control") != "public, max-age=3600" {
			t.Errorf("%s returns %d %v", path, response.StatusCode, response.Header)
		}
		// An SVG that is opened directly must not run its scripts.
		if policy := response.Header.Values("Content-Security-Policy"); len(policy) != 1 ||
			!strings.HasPrefix(policy[0], "default-src 'none'; style-src 'unsafe-inline'") || !strings.HasSuffix(policy[0], "; sandbox") {
			t.Errorf("%s has the policy %q", path, policy)
		}
	}
	for _, path := range []string{
		"/loghi/", "/loghi/none.svg", "/loghi/big.example.svg", "/loghi/Maiuscole.svg", "/loghi/leggimi.html", "/loghi/folder.svg",
		"/loghi/secret.svg", "/loghi/other%2Fsecret.svg",
		"/loghi/..%2Fserver.go", "/loghi/%2e%2e%2fserver.go", "/loghi/..%5Cserver.go", "/loghi/../web/server.go",
	} {
		response, body := b.send(b.request(http.MethodGet, path, nil))
		if response.StatusCode != http.StatusNotFound && response.StatusCode/100 != 3 || strings.Contains(body, "a drawing of others") {
			t.Errorf("%s returns %d %s", path, response.StatusCode, body)
		}
	}
	for _, ignored := range []string{"big.example.svg", "Maiuscole.svg", "leggimi.html", "folder.svg", "other"} {
		if !strings.Contains(b.log.String(), `msg="a logo is left out" file=`+ignored) {
			t.Errorf("the log does not say that %s is ignored: %s", ignored, b.log)
		}
	}
}

// If the folder cannot be read, logins work without logos.
func TestLogosAreMissing(t *testing.T) {
	t.Parallel()
	b := at(t, anna, qualification.Identification, func(w *world) { w.server.Logos = noFolder{} })
	b.proceed(anna, qualification.Identification, qualification.Identified)
	if !strings.Contains(b.log.String(), `level=WARN msg="the logos cannot be read"`) {
		t.Errorf("the log has no warning: %s", b.log)
	}
}

type noFolder struct{}

func (noFolder) Open(string) (fs.File, error) { return nil, fs.ErrNotExist }
