// Package workflow implements the procedure that identifies the holder of a mailbox and
// qualifies the mailbox. It contains the states, the events and the rules, with one
// method of Procedure for each thing that can happen.
//
// Start with machine.go and procedure.go. The files:
//
//   - machine.go: the table of states and events
//   - procedure.go, guard.go: how a step runs, its guards, and the Store interface
//   - qualification.go, mailbox.go: the data that a step reads and writes
//   - visitor.go: the visitor of a page, and what they may see and do
//   - match.go: whether the identified person is the holder on record
//   - handoff.go, holder.go, contacts.go, invitation.go, login.go,
//     contract.go, code.go, review.go, record.go, expiry.go: the steps
//   - codepage.go: the status of the newest code
//   - client.go: the clients of the API and their scopes
//   - directory.go: the lists that operators and auditors read
//   - register.go, registration.go: the providers' register of mailboxes
//   - session.go: browser sessions
//   - suspension.go: suspended identity providers
//   - limits.go, lease.go: rate limits
//   - trial.go: test logins, which belong to no mailbox
//   - input.go, address.go, certified.go: validation of form input
//   - secret.go: keys, nonces and digests
//   - mail.go, retry.go: the mails that a step requests, and their retry by an operator
//   - language.go: the language of pages and mails
//   - standing.go: the public state that webmails show
//   - announcement.go, webhook.go: notifications and their delivery
//   - observe.go: callbacks for metrics
//   - fiscal: Italian fiscal codes
//   - diagram: writes the table to docs/workflow.md
//
// The package does not know SAML, SQL, HTTP or SMTP. A step locks the mailbox, fires
// one event, adds rows and commits. It makes no network calls.
package workflow
