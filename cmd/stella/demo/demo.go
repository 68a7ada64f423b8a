// Package demo holds the toy neighbours of `stella demo`: the webmail that
// hands its users over to Stella, and the relay that keeps their mail where
// it can be read. Both stand on the public side of Stella's interfaces, like
// the real ones: the webmail speaks only the HTTP API, the relay only SMTP.
//
//	mailboxes.csv    the sample mailboxes, in the format of `stella mailbox import`
//	sample.go        the same mailboxes read back, with what to type for each
//	webmail.go       the pages of the webmail
//	stella.go        its two calls of Stella's API, by package client
//	inbox.go         the pages of the relay, and messages.json
//	smtp.go          how the relay takes mail, and the mail it refuses on purpose
//	message.go       from the bytes of a mail to what is read
//	certificate.go   the relay's certificate, made at every start
//	page.go          what every page has in common
//
// The third neighbour, the SPID identity provider, is spid/spidtest.
package demo
