// Package demo contains two of the simulated services of `stella demo`: a webmail that
// hands its users over to Stella, and a mail relay that shows the mails it receives in
// the browser. They use only Stella's public interfaces: the webmail the HTTP API, the
// relay SMTP.
//
//	mailboxes.csv    the sample mailboxes, in the format of `stella mailbox import`
//	sample.go        parses them, with instructions for each mailbox
//	webmail.go       the pages of the webmail
//	stella.go        the webmail's API client
//	inbox.go         the pages of the relay's inbox, and messages.json
//	smtp.go          what the relay accepts, and the recipients that it refuses
//	page.go          common parts of the pages
//
// The SMTP server and the parser of mails are in mail/mailtest. The third simulated
// service, the SPID identity provider, is in spid/spidtest.
package demo
