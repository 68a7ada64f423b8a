package middleware

import (
	"net/http"
	"strings"
)

// Secure sets the headers of every response, for a handler that is not in a Stack.
func Secure(https bool, next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		secure(w.Header(), https)
		next.ServeHTTP(w, r)
	})
}

// secure sets the headers of every response. Browsers do not guess its content
// type, and caches do not store it unless the handler sets another Cache-Control.
// If the public URL is https, browsers use https for the host and its subdomains
// for a year (HSTS).
func secure(h http.Header, https bool) {
	h.Set("X-Content-Type-Options", "nosniff")
	h.Set("Cache-Control", "no-store")
	if https {
		h.Set("Strict-Transport-Security", "max-age=31536000; includeSubDomains")
	}
}

// contentSecurity is the Content-Security-Policy of all pages: nothing inline, and
// nothing from other sites.
const contentSecurity = "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; font-src 'self'; " +
	"connect-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'"

// Pages sets the headers of responses that a browser shows, and limits the size of the
// request's body in bytes.
func Pages(maxBody int64, next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		h := w.Header()
		h.Set("Content-Security-Policy", contentSecurity)
		h.Set("Referrer-Policy", "same-origin") // with no-referrer our own forms would send Origin: null
		h.Set("X-Frame-Options", "DENY")
		h.Set("Cross-Origin-Opener-Policy", "same-origin")
		h.Set("Permissions-Policy", "camera=(), geolocation=(), microphone=()")
		r.Body = http.MaxBytesReader(w, r.Body, maxBody)
		next.ServeHTTP(w, r)
	})
}

// AllowFormsTo changes the policy of a page: its forms may be posted to this origin, and
// nowhere else.
func AllowFormsTo(h http.Header, origin string) {
	h.Set("Content-Security-Policy", strings.Replace(contentSecurity, "form-action 'self'", "form-action "+origin, 1))
}
