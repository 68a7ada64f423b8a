// Package spidtest is a SPID identity provider for tests and demonstrations. It
// speaks SAML 2.0 for real: it verifies the requests of one service provider,
// whose metadata it is given, lets a visitor choose who to be, and posts back a
// signed response. Nobody is authenticated. It can do as CIE's provider too, and
// [Registry] does as the registry that lists providers.
//
// Besides answering over HTTP (a [Provider] is an http.Handler), it answers a
// request directly with [Provider.Answer] and [Provider.Fail], and can be told
// to spoil its answers on the way with an [Edit], before, between and after the
// two signatures: that is how bad responses are made for tests. It asks for
// logouts with [Provider.Logout] and changes its key with [Provider.Rotate].
package spidtest
