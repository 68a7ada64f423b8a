// Package spid implements a SAML 2.0 service provider for SPID, the Italian
// public digital identity, and for CIE, the electronic identity card, which
// uses almost the same profile (scheme.go). It does not know the purpose of a
// login.
//
// A login works like this:
//
//	request, dispatch, err := sp.Login(registry.Providers().Find(id), spid.LoginOptions{}) // request.go
//	// store the request and redirect the browser with dispatch; when it returns:
//	response, err := spid.Open(form.Get("SAMLResponse"))                          // response.go
//	// find the request by response.InResponseTo(), then:
//	provider := registry.Find(request.Provider, request.IssuedAt)                 // registry.go
//	assertion, err := sp.Verify(response, form.Get("RelayState"), request, provider)
//
// Login requests a [Level] (level.go), one of the attribute sets in the
// metadata and, if needed, a type of identity (purpose.go). The request is sent
// either in a signed query (query.go) or in a form, as a signed document.
//
// Verify works in three passes. First it checks the structure of the document,
// before it trusts any content (document.go, structure.go). Then it verifies
// the signatures (signature.go). Then it checks the signed content, parsed
// again from the signed bytes only: the envelope (envelope.go) and the
// assertion (assertion.go). The error is a *[Rejection], which names the broken
// rule, or an *[Anomaly], if the identity provider reports that the login
// failed (anomaly.go).
//
// AnswerLogout answers the logout requests of providers (logout.go).
//
// Metadata describes the service provider and its [Organization] (metadata.go,
// contact.go). The service provider signs with a key (key.go) and a certificate
// whose fields SPID prescribes (certificate.go).
//
// Identity providers are read from their metadata (provider.go), or from the
// aggregate that AgID signs (aggregate.go), which a [Registry] fetches and
// stores (source.go, refresh.go). [Expiries] lists when the certificates
// expire.
//
// The other files: serviceprovider.go, names.go (namespaces and identifiers), verify.go
// (the order of the checks), scan.go (limits of a document), rejection.go, organization.go,
// expiry.go, fingerprint.go, der.go, brand.go (names of providers for people).
//
// The rules are the SPID technical rules,
// https://docs.italia.it/italia/spid/spid-regole-tecniche, with the notices
// ("Avvisi") that amended them, CIE's manual,
// https://github.com/italia/cie-eid-saml-docs, and SAML 2.0. A comment cites a
// rule by the title of its chapter.
package spid
