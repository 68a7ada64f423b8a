package spid

import "net/http"

// Through makes the registry fetch by another transport: one that believes a
// test's server, whose certificate no system knows, or that goes nowhere.
func (r *Registry) Through(transport http.RoundTripper) { r.client.Transport = transport }
