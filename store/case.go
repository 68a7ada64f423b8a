package store

import (
	"context"
	"fmt"

	"github.com/jackc/pgx/v5"

	"stella/workflow"
	"stella/workflow/qualification"
)

// View reads the case of a mailbox, without a lock. It returns workflow.ErrUnknown if
// there is no such mailbox.
func (s *Store) View(ctx context.Context, mailbox int64) (*qualification.Case, error) {
	c, err := one(ctx, s, scanCase, currentCase, mailbox)
	if err != nil {
		return nil, fmt.Errorf("reading the case of a mailbox: %w", err)
	}
	return &c, nil
}

// snapshot are the options of a read-only transaction in which all queries see
// the same snapshot.
var snapshot = pgx.TxOptions{IsoLevel: pgx.RepeatableRead, AccessMode: pgx.ReadOnly}

// Update locks a mailbox, calls step with its case, and writes what step changed
// and added, all in one transaction. If step returns an error, nothing is written.
func (s *Store) Update(ctx context.Context, mailbox int64, step func(*qualification.Case) error) error {
	var c *qualification.Case
	// The lock is a separate first statement. At this isolation level, each later
	// statement has a new snapshot, which includes what the previous step committed.
	read := &batch{}
	read.Queue(`begin isolation level read committed`)
	read.Queue(`select from mailboxes where id = $1 for update`, mailbox)
	readOne(read, &c, scanCase, currentCase, mailbox)
	return s.inTransaction(ctx, read, func() (*batch, error) {
		if c == nil {
			return nil, workflow.ErrUnknown
		}
		before := savedParts(c)
		if err := step(c); err != nil || len(c.Added) == 0 { // every change adds a row
			return nil, err
		}
		return s.writeCase(before, c)
	})
}

// currentCase and numberedCase read a case in one statement, for scanCase: the mailbox
// with its current qualification, or with the one of a case number. The connection keeps
// the plan, and each table is read by its key.
var (
	currentCase  = `select ` + caseColumns + ` from mailboxes m` + caseJoins(`q.id = m.current_id`) + ` where m.id = $1`
	numberedCase = `select ` + caseColumns + ` from mailboxes m` + caseJoins(`q.number = $2 and q.mailbox_id = m.id`) + ` where m.id = $1`
)

// caseColumns are the columns of scanCase, from a mailbox m and the tables of caseJoins.
var caseColumns = mailboxColumns + `, ` + qualificationColumns + `, ` + declarationColumns + `, ` + invitationColumns + `, ` +
	loginColumns + `, ` + identityColumns + `, ` + listColumns

func caseJoins(qualification string) string {
	return `
	join records r on r.id = m.record_id
	left join qualifications q on ` + qualification + `
	left join declarations d on d.id = q.declaration_id
	left join invitations i on i.id = q.invitation_id
	left join logins l on l.id = q.login_id
	left join identities e on e.id = q.identity_id`
}

func scanCase(row pgx.CollectableRow) (c qualification.Case, err error) {
	err = scanCasePart(partsOf(row), &c)
	return c, err
}

// scanCasePart scans the parts of a row that are a case.
func scanCasePart(p *parts, c *qualification.Case) error {
	q := &qualification.Qualification{}
	err := p.Scan(mailboxInto(&c.Mailbox)...)
	if err == nil {
		err = scanPart(p, &c.Qualification, scanQualification)
	}
	if c.Qualification != nil {
		q = c.Qualification
	}
	for _, scan := range []func() error{
		func() error { return scanPart(p, &q.Declaration, scanDeclaration) },
		func() error { return scanPart(p, &q.Invitation, scanInvitation) },
		func() error { return scanPart(p, &q.Login, scanLogin) },
		func() error { return scanPart(p, &q.Identity, scanIdentity) },
		func() error { return p.Scan(listsInto(c)...) },
	} {
		if err == nil {
			err = scan()
		}
	}
	return err
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

const qualificationColumns = `
	q.id, q.number, q.version, q.state, q.opened_at, q.stepped_at, q.owner, q.locale, q.invited_locale,
	coalesce(q.document, ''), coalesce((select n.version from documents n where n.sha256 = q.document), ''), q.reason, q.remark`

func scanQualification(row pgx.CollectableRow) (q qualification.Qualification, err error) {
	err = row.Scan(&q.ID, &q.Number, &q.Version, &q.State, &q.OpenedAt, &q.SteppedAt, &q.Owner, &q.Locale, &q.InvitedLocale,
		&q.Document, &q.Notice, &q.Reason, &q.Remark)
	return q, err
}

const declarationColumns = `
	d.id, d.qualification_id, d.kind, d.company_name, d.company_code, d.email, d.phone, d.declared_at`

func scanDeclaration(row pgx.CollectableRow) (d qualification.Declaration, err error) {
	err = row.Scan(&d.ID, &d.Qualification, &d.Kind, &d.CompanyName, &d.CompanyCode, &d.Email, &d.Phone, &d.DeclaredAt)
	return d, err
}

const invitationColumns = `
	i.id, i.qualification_id, i.version, i.nonce, i.digest, i.email, i.sent_at, i.expires_at, i.accepted_at, i.ended_at, i.ended,
	(select ` + mailOutcome + ` from mails m where m.invitation_id = i.id)`

func scanInvitation(row pgx.CollectableRow) (i qualification.Invitation, err error) {
	err = row.Scan(&i.ID, &i.Qualification, &i.Version, &i.Nonce, &i.Digest, &i.Email, &i.SentAt, &i.ExpiresAt,
		zeroIfNull(&i.AcceptedAt), zeroIfNull(&i.EndedAt), &i.Ended, &i.Mail)
	return i, err
}

const identityColumns = `
	e.id, e.qualification_id, e.login_id, e.assertion_id, e.provider, e.provider_name, e.level, e.name, e.family_name,
	e.fiscal_number, e.date_of_birth, e.person_code, e.company_name, e.company_fiscal_number, e.company_vat_number,
	e.authenticated_at, e.identified_at`

func scanIdentity(row pgx.CollectableRow) (i qualification.Identity, err error) {
	err = row.Scan(
		&i.ID, &i.Qualification, &i.Login, &i.AssertionID, &i.Provider, &i.ProviderName, &i.Level, &i.Name, &i.FamilyName,
		&i.FiscalNumber, &i.DateOfBirth, &i.PersonCode, &i.CompanyName, &i.CompanyFiscalNumber, &i.CompanyVATNumber,
		&i.AuthenticatedAt, &i.IdentifiedAt)
	return i, err
}
