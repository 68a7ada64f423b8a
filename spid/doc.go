// Package spid is a service provider of SPID, the Italian public digital
// identity, over SAML 2.0, and of CIE, the electronic identity card, which
// speaks the same dialect (scheme.go). It knows nothing of what the login is
// for.
//
// A login goes like this:
//
//	request, dispatch, err := sp.Login(registry.Providers().Find(id), spid.Ask{}) // request.go
//	// keep request, send the browser by dispatch, and when it comes back:
//	response, err := spid.Open(form.Get("SAMLResponse"))                          // response.go
//	// find the request by response.InResponseTo(), then:
//	provider := registry.Find(request.Provider, request.IssuedAt)                 // registry.go
//	assertion, err := sp.Verify(response, form.Get("RelayState"), request, provider)
//
// Login asks at a [Level] (level.go), for one of the sets of attributes in the
// metadata, and if need be for a type of identity (purpose.go). The request goes
// in a query that is signed as a whole (query.go), or in a form, signed in
// itself.
//
// Verify reads in three passes. The structure of the document is checked
// before anything in it is believed (document.go, structure.go), then its
// signatures (signature.go), and then what stands under them, the envelope
// (envelope.go) and the assertion (assertion.go), read again from the signed
// bytes alone. The error is a *[Rejection], which names the rule that does not
// hold, or an *[Anomaly], the identity provider's word that the login failed
// (anomaly.go).
//
// AnswerLogout answers the logout requests of providers (logout.go).
//
// The service provider describes itself and its [Organization] with Metadata
// (metadata.go, contact.go), and signs with a key (key.go) whose certificate
// SPID prescribes (certificate.go).
//
// Identity providers are read from their metadata (provider.go), or from the
// aggregate that AgID signs (aggregate.go), which a [Registry] fetches and keeps
// (source.go, refresh.go). [Expiries] tells when keys end.
//
// The rules are those of the SPID technical rules,
// https://docs.italia.it/italia/spid/spid-regole-tecniche, with the notices
// ("Avvisi") that amended them, of CIE's manual,
// https://github.com/italia/cie-eid-saml-docs, and of SAML 2.0. Rules are cited
// by the title of the chapter they stand in.
package spid
