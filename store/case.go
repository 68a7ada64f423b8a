package store

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/jackc/pgx/v5"

	"stella/workflow"
	"stella/workflow/qualification"
)

// View reads the case of a mailbox from one snapshot, without a lock. It returns
// workflow.ErrUnknown if there is no such mailbox.
func (s *Store) View(ctx context.Context, mailbox int64) (*qualification.Case, error) {
	b, c := &batch{}, &qualification.Case{}
	b.BeginTx(snapshot)
	readCase(b, mailbox, c)
	err := s.transact(ctx, b, func(pgx.Tx) error { return checkFound(c) })
	if err != nil {
		return nil, fmt.Errorf("reading the case of a mailbox: %w", err)
	}
	return c, nil
}

// snapshot are the options of a read-only transaction in which all queries see
// the same snapshot.
var snapshot = pgx.TxOptions{IsoLevel: pgx.RepeatableRead, AccessMode: pgx.ReadOnly}

// Update locks a mailbox, calls step with its case, and writes what step changed
// and added, all in one transaction. If step returns an error, nothing is written.
func (s *Store) Update(ctx context.Context, mailbox int64, step func(*qualification.Case) error) error {
	b, c := &batch{}, &qualification.Case{}
	// The lock is a separate first statement. At this isolation level, each later
	// statement has a new snapshot, which includes what the previous step committed.
	b.BeginTx(pgx.TxOptions{IsoLevel: pgx.ReadCommitted})
	b.Queue(`select from mailboxes where id = $1 for update`, mailbox)
	readCase(b, mailbox, c)
	return s.transact(ctx, b, func(tx pgx.Tx) error {
		if err := checkFound(c); err != nil {
			return err
		}
		if err := step(c); err != nil || len(c.Added) == 0 { // every change adds a row
			return err
		}
		return s.writeCase(ctx, tx, c)
	})
}

// checkFound returns workflow.ErrUnknown if the mailbox of a case was not found.
func checkFound(c *qualification.Case) error {
	if c.Mailbox.ID == 0 {
		return workflow.ErrUnknown
	}
	return nil
}

func readCase(b *batch, mailbox int64, c *qualification.Case) {
	readMailbox(b, mailbox, &c.Mailbox)
	readSavedEmail(b, mailbox, &c.SavedEmail)
	readRecordedCertified(b, mailbox, &c.RecordedCertified)
	readQualification(b, &c.Qualification, `q.mailbox_id = $1 `+current, mailbox)
	readCodes(b, mailbox, &c.Codes)
	readInvitationTimes(b, mailbox, &c.Invitations)
	readMailTimes(b, mailbox, workflow.MailContactsChanged, &c.ContactMails)
	readMailTimes(b, mailbox, workflow.MailRejected, &c.RejectionMails)
	readAll(b, (*[]workflow.Suspension)(&c.Suspensions), scanSuspension, suspensions)
}

// readSavedEmail reads the email address of the latest declaration that the log of
// the current qualification refers to. A declaration from before the qualification
// passed to another person does not count: the steps that pass it on refer to no
// declaration, and so the result is empty.
func readSavedEmail(b *batch, mailbox int64, email *string) {
	b.Queue(`
		select coalesce((
			select d.email
			from (select (s.refs ->> 'declaration')::uuid as declaration
			      from steps s
			      where s.qualification_id = (select q.id from qualifications q where q.mailbox_id = $1 `+current+`)
			        and s.event = any($2)
			      order by s.version desc limit 1) saved
			join declarations d on d.id = saved.declaration), '')`,
		mailbox, []qualification.Event{qualification.DataConfirmed, qualification.ContactsCorrected,
			qualification.InvitationAccepted, qualification.InvitationDeclined, qualification.InvitationWithdrawn}).
		QueryRow(func(row pgx.Row) error { return row.Scan(email) })
}

// readMailTimes reads when the newest mails of a kind were requested, newest first.
// For MailContactsChanged it counts only the mails to the certified mailbox.
func readMailTimes(b *batch, mailbox int64, k workflow.MailKind, times *[]time.Time) {
	readAll(b, times, pgx.RowTo[time.Time], `
		select m.requested_at
		from mails m
		join qualifications q on q.id = m.qualification_id
		join mailboxes b on b.id = q.mailbox_id
		where b.id = $1 and m.kind = $2 and ($2 <> $3 or m.recipient = b.address)
		order by m.requested_at desc limit 10`, mailbox, k, workflow.MailContactsChanged)
}

// readMailbox reads a mailbox with its current record. It leaves the ID zero if
// there is none.
func readMailbox(b *batch, id int64, m *workflow.Mailbox) {
	b.Queue(`
		select `+mailboxColumns+`
		from mailboxes m join records r on r.id = m.record_id
		where m.id = $1`, id).QueryRow(func(row pgx.Row) error {
		err := row.Scan(mailboxInto(m)...)
		if errors.Is(err, pgx.ErrNoRows) {
			return nil
		}
		return err
	})
}

// mailboxColumns are the columns of mailboxInto: a mailbox m with its current record r.
const mailboxColumns = `m.id, m.address, m.status, coalesce(m.ordinary, ''), m.star, m.wrong_codes, m.deleted_at, ` + recordColumns

func mailboxInto(m *workflow.Mailbox) []any {
	mailbox := []any{&m.ID, &m.Address, &m.Status, &m.Ordinary, &m.Star, &m.WrongCodes, zeroIfNull(&m.DeletedAt)}
	return append(mailbox, recordInto(&m.Record)...)
}

// recordColumns are the columns of recordInto, from a record r.
const recordColumns = `
	r.id, r.kind, r.name, r.fiscal_code, r.vat_number, r.representatives, r.email, r.status, r.imported_by, r.imported_at`

func recordInto(r *workflow.Record) []any {
	return []any{&r.ID, &r.Kind, &r.Name, &r.FiscalCode, &r.VATNumber, &r.Representatives, &r.Email, &r.Status,
		&r.ImportedBy, &r.ImportedAt}
}

// current selects the current qualification of a mailbox: the unfinished one,
// otherwise the qualified one, otherwise the newest.
var current = `order by (` + unfinished + `) desc, (q.state = 'qualified') desc, q.number desc limit 1`

// unfinished is the SQL condition of a qualification q that is not over. It is text,
// so that the partial indexes on the same condition are used.
var unfinished = `q.state not in (` + quoted(qualification.EndedStates) + `)`

// quoted returns states as a list of SQL strings.
func quoted(states []qualification.State) string {
	list := make([]string, len(states))
	for i, s := range states {
		list[i] = "'" + string(s) + "'"
	}
	return strings.Join(list, ", ")
}

// readQualification reads the qualification that matches a condition, with the
// declaration, invitation, login and identity it refers to. It stores nil if there
// is none.
func readQualification(b *batch, into **qualification.Qualification, where string, args ...any) {
	q := &qualification.Qualification{}
	b.Queue(`
		select q.id, q.number, q.version, q.state, q.opened_at, q.stepped_at, q.owner, q.locale, q.invited_locale,
		       coalesce(q.document, ''), coalesce((select d.version from documents d where d.sha256 = q.document), ''), q.reason, q.remark
		from qualifications q where `+where, args...).QueryRow(func(row pgx.Row) error {
		err := row.Scan(
			&q.ID, &q.Number, &q.Version, &q.State, &q.OpenedAt, &q.SteppedAt, &q.Owner, &q.Locale, &q.InvitedLocale,
			&q.Document, &q.Notice, &q.Reason, &q.Remark)
		switch {
		case err == nil:
			*into = q
		case errors.Is(err, pgx.ErrNoRows):
			*into, err = nil, nil
		}
		return err
	})
	referenced := func(column string) string {
		return `where id = (select q.` + column + ` from qualifications q where ` + where + `)`
	}
	readOne(b, &q.Declaration, scanDeclaration, declarations+referenced("declaration_id"), args...)
	readOne(b, &q.Invitation, scanInvitation, invitations+referenced("invitation_id"), args...)
	readOne(b, &q.Login, scanLogin, logins+referenced("login_id"), args...)
	readOne(b, &q.Identity, scanIdentity, identities+referenced("identity_id"), args...)
}

const declarations = `
	select id, qualification_id, kind, company_name, company_code, email, phone, declared_at
	from declarations `

func scanDeclaration(row pgx.CollectableRow) (d qualification.Declaration, err error) {
	err = row.Scan(&d.ID, &d.Qualification, &d.Kind, &d.CompanyName, &d.CompanyCode, &d.Email, &d.Phone, &d.DeclaredAt)
	return d, err
}

const invitations = `
	select id, qualification_id, version, nonce, digest, email, sent_at, expires_at, accepted_at, ended_at, ended,
	       (select ` + mailOutcome + ` from mails m where m.invitation_id = invitations.id)
	from invitations `

func scanInvitation(row pgx.CollectableRow) (i qualification.Invitation, err error) {
	err = row.Scan(&i.ID, &i.Qualification, &i.Version, &i.Nonce, &i.Digest, &i.Email, &i.SentAt, &i.ExpiresAt,
		zeroIfNull(&i.AcceptedAt), zeroIfNull(&i.EndedAt), &i.Ended, &i.Mail)
	return i, err
}

const identities = `
	select id, qualification_id, login_id, assertion_id, provider, provider_name, level, name, family_name,
	       fiscal_number, date_of_birth, person_code, company_name, company_fiscal_number, company_vat_number,
	       authenticated_at, identified_at
	from identities `

func scanIdentity(row pgx.CollectableRow) (i qualification.Identity, err error) {
	err = row.Scan(
		&i.ID, &i.Qualification, &i.Login, &i.AssertionID, &i.Provider, &i.ProviderName, &i.Level, &i.Name, &i.FamilyName,
		&i.FiscalNumber, &i.DateOfBirth, &i.PersonCode, &i.CompanyName, &i.CompanyFiscalNumber, &i.CompanyVATNumber,
		&i.AuthenticatedAt, &i.IdentifiedAt)
	return i, err
}

// readCodes reads the newest codes of a mailbox with the outcome of their mails:
// workflow.CodesKept of them, which is enough to check the limits.
func readCodes(b *batch, mailbox int64, codes *[]qualification.Code) {
	readAll(b, codes, scanCode, `
		select c.id, c.qualification_id, c.nonce, c.requested_at, c.spent_at,
		       m.started_at, m.accepted_at, m.refused_at, m.dropped_at
		from codes c
		join qualifications q on q.id = c.qualification_id
		left join mails m on m.code_id = c.id
		where q.mailbox_id = $1
		order by c.requested_at desc, c.id desc limit $2`, mailbox, qualification.CodesKept)
}

func scanCode(row pgx.CollectableRow) (c qualification.Code, err error) {
	err = row.Scan(&c.ID, &c.Qualification, &c.Nonce, &c.RequestedAt, zeroIfNull(&c.SpentAt),
		zeroIfNull(&c.StartedAt), zeroIfNull(&c.AcceptedAt), zeroIfNull(&c.RefusedAt), zeroIfNull(&c.DroppedAt))
	return c, err
}

// readInvitationTimes reads when the newest invitations were sent, newest first.
func readInvitationTimes(b *batch, mailbox int64, times *[]time.Time) {
	readAll(b, times, pgx.RowTo[time.Time], `
		select i.sent_at from invitations i join qualifications q on q.id = i.qualification_id
		where q.mailbox_id = $1 order by i.sent_at desc limit $2`, mailbox, qualification.InvitationsPerDay)
}
