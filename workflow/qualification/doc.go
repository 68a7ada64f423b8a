// Package qualification is the procedure that identifies the holder of a mailbox and
// gives the mailbox its star. It contains the states, the events and the rules, with one
// method for each thing that can happen: of Procedure for the visitors of the pages, of
// Cases for the provider.
//
// Start with machine.go and procedure.go. The files:
//
//   - machine.go: the table of states and events
//   - procedure.go, guard.go: how a step runs, the guards of a form
//   - case.go: the data that a step reads and writes
//   - rights.go: what a visitor may see and do, and whether their login is valid
//   - start.go, holder.go, contacts.go, invitation.go, login.go, contract.go, code.go: the
//     steps of visitors; input.go: the check of what they type
//   - codepage.go: the status of the newest code
//   - decision.go: the decisions of operators
//   - record.go, register.go: the register of mailboxes, one or many, whose changes are
//     steps
//   - expiry.go: the end of abandoned cases
//   - directory.go: the lists that operators and auditors read
//   - limits.go: rate limits of the steps, such as codes for a network
//   - mail.go: the mails that a step requests, their address and language
//   - observer.go: callbacks for metrics
//   - diagram: writes the table to docs/workflow.md
//
// A step locks the mailbox, fires one event, adds rows and commits. It makes no network
// calls.
package qualification
