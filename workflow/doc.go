// Package workflow is the procedure by which the holder of a mailbox is
// identified and the mailbox qualified: its states, events and rules, with one
// method for each thing that can happen.
//
//   - machine.go: the table of what can follow what
//   - procedure.go: how a step is made, and what is needed of the store
//   - qualification.go, mailbox.go: what a step reads and writes
//   - visitor.go: who stands before the page, and what they may see
//   - match.go: whether the identified person is the holder on record
//   - handoff.go, holder.go, contacts.go, invitation.go, login.go,
//     contract.go, code.go, review.go, record.go, expiry.go: the steps
//   - codepage.go: where the newest code stands
//   - client.go: the programs that call the API, and what they may do
//   - directory.go: what operators and auditors read
//   - register.go, registration.go: mailboxes as their providers know them
//   - suspension.go: identity providers that are not believed
//   - limits.go, lease.go: how often each thing may be done
//   - trial.go: logins of testers, which belong to no mailbox
//   - input.go: what people type
//   - secret.go: what codes, links and digests are computed with
//   - mail.go, retry.go: the mails a step asks for, and those tried again
//   - standing.go: what webmails are told of a mailbox
//   - announcement.go, webhook.go: what is told to those who follow a mailbox,
//     and where
//   - observe.go: what is told to whoever counts
//   - fiscal: Italian fiscal codes
//   - diagram: draws the table for docs/workflow.md
//
// It knows no SAML, SQL, HTTP or SMTP. A step locks the mailbox, fires one
// event, adds rows and commits; it makes no call over the network.
package workflow
