package request

import "net/http"

// Protect sets the headers of every response. Browsers do not guess its content
// type, and caches do not store it unless the handler sets another Cache-Control.
// If the public URL is https, browsers use https for the host and its subdomains
// for a year (HSTS).
func Protect(h http.Header, https bool) {
	h.Set("X-Content-Type-Options", "nosniff")
	h.Set("Cache-Control", "no-store")
	if https {
		h.Set("Strict-Transport-Security", "max-age=31536000; includeSubDomains")
	}
}
