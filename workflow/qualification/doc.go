// Package qualification is the procedure that identifies the holder of a mailbox and
// gives the mailbox its star. It contains the states, the events and the rules, with one
// method for each thing that can happen: of Procedure for the visitors of the pages, of
// Cases for the provider.
//
// Start with machine.go and procedure.go. The files:
//
//   - machine.go: the table of states and events
//   - procedure.go, guard.go, form.go: how a step runs, and its guards
//   - case.go, qualification.go, row.go: the data that a step reads and writes
//   - rights.go, login_validity.go: what a visitor may see and do
//   - start.go, holder.go, company.go, contacts.go, ordinary.go, invitation.go, login.go,
//     contract.go, code.go: the steps of visitors, and the check of what they type
//   - codepage.go: the status of the newest code
//   - review.go, withdrawal.go: the decisions of operators
//   - record.go, register.go, register_filter.go: the register of mailboxes, whose
//     changes are steps
//   - expiry.go: the end of abandoned cases
//   - directory.go: the lists that operators and auditors read
//   - limits.go: rate limits of the steps, such as codes for a network
//   - mail.go, announce.go, language.go: the mails and notifications that a step requests
//   - other_procedure.go: whether a browser is still in the case of another mailbox
//   - observer.go: callbacks for metrics
//   - diagram: writes the table to docs/workflow.md
//
// A step locks the mailbox, fires one event, adds rows and commits. It makes no network
// calls.
package qualification
