package spid

import (
	"crypto/tls"
	"crypto/x509"
	"net/http"
)

// Trust makes the registry believe servers with certificates of that pool, since
// a test's server has none that the system's pool knows.
func (r *Registry) Trust(pool *x509.CertPool) {
	r.client.Transport.(*http.Transport).TLSClientConfig = &tls.Config{RootCAs: pool}
}
