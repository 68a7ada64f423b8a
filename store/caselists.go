package store

import (
	"fmt"
	"strings"

	"stella/workflow"
	"stella/workflow/qualification"
)

// listColumns are the columns of listsInto, from the tables of a case. A list is read
// only in the states of the steps and pages that need it; it is empty in the others.
var listColumns = savedEmail + `, ` +
	`coalesce(` + inStates(qualification.StatesWithContacts, recordedCertified) + `, false), ` +
	inStates(qualification.StatesWithContacts, mailTimes(workflow.MailContactsChanged, `mails.recipient = m.address`)) + `, ` +
	inStates(qualification.StatesWithRejections, mailTimes(workflow.MailRejected, `true`)) + `, ` +
	inStates(qualification.StatesWithInvitations, invitationTimes) + `, ` +
	inStates(qualification.StatesWithCodes, newestCodes) + `,
	(select json_agg(s) from (` + suspensions + `) s)`

func listsInto(c *qualification.Case) []any {
	return []any{&c.SavedEmail, &c.RecordedCertified, &c.ContactMails, &c.RejectionMails, &c.Invitations, &c.Codes, &c.Suspensions}
}

// inStates returns a column that is null unless the qualification is in one of the states.
func inStates(states []qualification.State, column string) string {
	return `case when q.state in (` + quoted(states) + `) then ` + column + ` end`
}

// quoted returns words as a list of SQL strings.
func quoted[T ~string](words []T) string {
	list := make([]string, len(words))
	for i, w := range words {
		list[i] = literal(string(w))
	}
	return strings.Join(list, ", ")
}

// savedEmail selects the email address of the latest declaration that the log refers to.
// A declaration from before the qualification passed to another person does not count:
// the steps that pass it on refer to no declaration, and so the result is empty.
var savedEmail = `
	coalesce((
		select saved.email
		from (select (s.refs ->> 'declaration')::uuid as declaration
		      from steps s
		      where s.qualification_id = q.id and s.event in (` + quoted([]qualification.Event{
	qualification.DataConfirmed, qualification.ContactsCorrected,
	qualification.InvitationAccepted, qualification.InvitationDeclined, qualification.InvitationWithdrawn}) + `)
		      order by s.version desc limit 1) newest
		join declarations saved on saved.id = newest.declaration), '')`

// recordedCertified selects whether the ordinary address on record has a domain of
// certified mail.
const recordedCertified = `(` + certified + `(select split_part(coalesce(m.ordinary, r.email), '@', 2)) d(name))`

// mailTimes selects when the newest mails of a kind were requested, newest first.
func mailTimes(k workflow.MailKind, condition string) string {
	return fmt.Sprintf(`array(
		select mails.requested_at
		from qualifications each join mails on mails.qualification_id = each.id
		where each.mailbox_id = m.id and mails.kind = %s and %s
		order by mails.requested_at desc limit 10)`, literal(string(k)), condition)
}

// invitationTimes selects when the newest invitations were sent, newest first.
var invitationTimes = fmt.Sprintf(`array(
		select sent.sent_at
		from qualifications each join invitations sent on sent.qualification_id = each.id
		where each.mailbox_id = m.id order by sent.sent_at desc limit %d)`, qualification.InvitationsPerDay)

// newestCodes selects the newest codes of the mailbox with the outcome of their mails:
// qualification.CodesKept of them, which is enough to check the limits. The names of the
// columns are those of the fields of qualification.Code.
var newestCodes = fmt.Sprintf(`(
		select json_agg(newest)
		from (select c.id, c.qualification_id as qualification, encode(c.nonce, 'base64') as nonce,
		             c.requested_at as requestedat, c.spent_at as spentat, sent.started_at as startedat,
		             sent.accepted_at as acceptedat, sent.refused_at as refusedat, sent.dropped_at as droppedat
		      from qualifications each
		      join codes c on c.qualification_id = each.id
		      left join mails sent on sent.code_id = c.id
		      where each.mailbox_id = m.id
		      order by c.requested_at desc, c.id desc limit %d) newest)`, qualification.CodesKept)
