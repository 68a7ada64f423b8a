// Package spid is a service provider of SPID, the Italian public digital
// identity, over SAML 2.0. It knows nothing of what the login is for.
//
// A login goes like this:
//
//	providers, err := spid.ParseProviders(metadata)        // provider.go
//	request, dispatch, err := sp.Login(providers.Find(id), spid.Ask{}) // request.go
//	// keep request, send the browser by dispatch, and when it comes back:
//	response, err := spid.Open(form.Get("SAMLResponse"))   // response.go
//	// find the request by response.InResponseTo(), then:
//	assertion, err := sp.Verify(response, form.Get("RelayState"), request, provider)
//
// Verify reads in three passes. The structure of the document is checked
// before anything in it is believed (structure.go), then its signatures
// (signature.go), and then what stands under them, the envelope (envelope.go)
// and the assertion (assertion.go), read again from the signed bytes alone.
// The error is a *[Rejection], which names the rule that does not hold, or an
// *[Anomaly], the identity provider's word that the login failed (anomaly.go).
//
// The service provider describes itself with Metadata (metadata.go) and signs
// with a key whose certificate SPID prescribes (certificate.go).
//
// The rules are those of the SPID technical rules,
// https://docs.italia.it/italia/spid/spid-regole-tecniche, with the notices
// ("Avvisi") that amended them, and of SAML 2.0. Rules are cited by the title
// of the chapter they stand in.
package spid
