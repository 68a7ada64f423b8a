package request

import "net/http"

// Protect sets the headers that every answer carries, whatever it is: it is what
// its type says, it is kept nowhere unless its handler allows it, and over https
// the host and its subdomains are never asked in clear again.
func Protect(h http.Header, https bool) {
	h.Set("X-Content-Type-Options", "nosniff")
	h.Set("Cache-Control", "no-store")
	if https {
		h.Set("Strict-Transport-Security", "max-age=31536000; includeSubDomains")
	}
}
