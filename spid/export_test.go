package spid

import "net/http"

// Through makes the registry fetch with the given transport: one that trusts
// the certificate of a test server, or one that fails.
func (r *Registry) Through(transport http.RoundTripper) { r.client.Transport = transport }
