package web

import (
	"net/http"
	"slices"
	"strings"
)

// secure is what every answer of ours carries.
var secure = map[string]string{
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
	for name, want := range secure {
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
			w.Errorf("the cookie %s of %s is open: %v", c.Name, r.Request.URL.Path, r.Header.Values("Set-Cookie"))
		}
	}
}
