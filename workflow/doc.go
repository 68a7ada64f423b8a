// Package workflow contains what the procedures of the provider share: mailboxes and
// their holders, clients of the API, logins, sessions, limits, mails, notifications. The
// procedures are in packages below it: qualification identifies the holder of a mailbox
// and gives the mailbox its star. A procedure imports this package and no other
// procedure.
//
// The types that do something:
//
//   - Provider: what the provider's programs and operators do apart from a procedure
//   - Logins: logins at identity providers, and test logins
//   - Sessions: browser sessions
//   - Limiter: uses of rate limits
//
// The files:
//
//   - provider.go: Provider and its Store; id.go: IDs, and the errors that all return
//   - mailbox.go, registration.go: mailboxes, their records, what a valid record is
//   - match.go: whether an identified person is the holder on record
//   - summary.go: what clients read about mailboxes, and the summary that webmails show
//   - client.go, lease.go: API clients, their scopes, the count of their calls
//   - handoff.go, session.go: how a user comes from a webmail; browser sessions and
//     their visitors
//   - login.go, assertion.go, logins.go: logins and their answers, test logins
//   - suspension.go: suspended identity providers
//   - limits.go: rate limits, and those that all procedures share
//   - input.go: errors in what people type
//   - secret.go: keys, nonces, digests
//   - mail.go: kinds of mail, how long each is tried, and the code or link in it;
//     mail_retry.go: the retry of a mail by an operator
//   - announcement.go, webhook.go: notifications, and where they are posted
//   - job.go: what the workers of jobs share
//   - step.go: what a step of any procedure writes
//   - contact, fiscal: e-mail addresses and phone numbers, Italian fiscal codes
//
// The package does not know SAML, SQL, HTTP or SMTP. Package store implements its
// Store interfaces.
package workflow
