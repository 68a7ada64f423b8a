package web

import (
	"net/http"
	"slices"
	"strings"
	"testing"

	"stella/workflow/qualification"
)

// secureHeaders has the headers of every response.
var secureHeaders = map[string]string{
	"Content-Security-Policy": "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; font-src 'self'; " +
		"connect-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'",
	"Referrer-Policy":            "same-origin",
	"X-Content-Type-Options":     "nosniff",
	"X-Frame-Options":            "DENY",
	"Cross-Origin-Opener-Policy": "same-origin",
	"Permissions-Policy":         "camera=(), geolocation=(), microphone=()",
	"Cache-Control":              "no-store",
}

func (w *world) checkHeaders(r *http.Response) {
	w.Helper()
	path := r.Request.URL.Path
	logo := strings.HasPrefix(path, "/loghi/") && r.StatusCode == http.StatusOK
	form := r.StatusCode == http.StatusOK && (path == "/identificazione/avvia" || strings.HasSuffix(path, "/collaudo"))
	for name, want := range secureHeaders {
		if name == "Cache-Control" && (logo || strings.HasPrefix(path, "/static/")) {
			continue
		}
		if name == "Content-Security-Policy" && (logo || form) { // see TestLogos, TestRequestByForm
			continue
		}
		if got := r.Header.Values(name); !slices.Equal(got, []string{want}) {
			w.Errorf("%s of %s (%d) is %q", name, r.Request.URL.Path, r.StatusCode, got)
		}
	}
	if html := r.Header.Get("Content-Type"); strings.HasPrefix(html, "text/html") && r.Header.Get("Location") == "" &&
		(html != "text/html; charset=utf-8" || r.Header.Get("Content-Language") == "") {
		w.Errorf("%s is %q in %q", r.Request.URL.Path, html, r.Header.Get("Content-Language"))
	}
	for _, c := range r.Cookies() {
		if c.Path != "/" || c.Domain != "" || !c.HttpOnly || c.SameSite != http.SameSiteLaxMode || c.Secure {
			w.Errorf("the cookie %s of %s is not secure: %v", c.Name, r.Request.URL.Path, r.Header.Values("Set-Cookie"))
		}
	}
}

func TestHeaders(t *testing.T) {
	t.Parallel()
	b := at(t, anna, qualification.Summary) // send checks the headers of every response
	for path, status := range map[string]int{"/": 200, "/altrove": 404, "/spid/metadata": 200, "/codice/stato": 200, "/static/none": 404} {
		if b.get(path); b.Status != status {
			t.Errorf("%s returns %d, want %d", path, b.Status, status)
		}
	}
	if got := b.get("/").Header.Get("Strict-Transport-Security"); got != "" {
		t.Errorf("over http, Strict-Transport-Security is %q", got)
	}
	style := b.Find(`link[rel="stylesheet"]`).AttrOr("href", "")
	if b.get(style); b.Status != 200 || !strings.Contains(b.Header.Get("Cache-Control"), "immutable") {
		t.Errorf("%s returns %d with Cache-Control %q", style, b.Status, b.Header.Get("Cache-Control"))
	}
	b.get("/spid/metadata")
	if got := b.Header.Get("Content-Type"); got != "application/samlmetadata+xml" || !strings.Contains(b.Body, b.world.url+"/spid/acs") {
		t.Errorf("the metadata are %s: %s", got, b.Body)
	}
	b.get("/codice/stato")
	if got := b.Header.Get("Content-Type"); got != "application/json" {
		t.Errorf("the content type of the code's status is %s", got)
	}
	// HEAD requests change nothing.
	b.proceed(anna, qualification.Summary, qualification.Summary).get("/").press("SALVA E PROCEDI")
	link := b.get("/identificazione/spid").link("Prosegui con Identità di prova")
	b.unchanged(func() {
		for _, address := range []string{b.world.url + "/", link, b.world.url + "/spid/return"} {
			if response, body := b.send(b.request(http.MethodHead, address, nil)); body != "" || response.StatusCode >= 500 {
				t.Errorf("HEAD %s returns %d", address, response.StatusCode)
			}
		}
	})
}
