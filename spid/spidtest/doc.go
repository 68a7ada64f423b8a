// Package spidtest is a SPID identity provider for tests and demonstrations. It
// implements SAML 2.0 completely: it verifies the requests of one service
// provider, whose metadata it reads, lets the visitor choose a person, and
// posts back a signed response. It authenticates no one. It can also act as
// CIE's provider ([Config].Scheme), and [Registry] acts as the registry that
// lists providers.
//
// A [Provider], made by [New], is an http.Handler. It can also answer a request
// directly with [Provider.Answer] and [Provider.Fail]. An [Edit] changes such
// an answer before, between or after its two signatures; tests use this to make
// invalid responses. [Provider.Logout] requests a logout, and [Provider.Rotate]
// changes the key.
package spidtest
