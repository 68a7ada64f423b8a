package store

import (
	"context"
	"fmt"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"stella/workflow"
)

// View reads the case of a mailbox, as of one moment, without a lock.
func (s *Store) View(ctx context.Context, mailbox int64) (*workflow.Case, error) {
	var c *workflow.Case
	snapshot := pgx.TxOptions{IsoLevel: pgx.RepeatableRead, AccessMode: pgx.ReadOnly}
	err := pgx.BeginTxFunc(ctx, s.pool, snapshot, func(tx pgx.Tx) (err error) {
		c, err = readCase(ctx, tx, mailbox)
		return err
	})
	return c, err
}

// Update locks a mailbox, calls step on its case, and writes what it changed
// and added; all in one transaction. An error of step undoes it.
func (s *Store) Update(ctx context.Context, mailbox int64, step func(*workflow.Case) error) error {
	return pgx.BeginFunc(ctx, s.pool, func(tx pgx.Tx) error {
		// The lock comes first and alone: what is read after it is what the
		// step before this one committed.
		var id int64
		err := tx.QueryRow(ctx, `select id from mailboxes where id = $1 for update`, mailbox).Scan(&id)
		if err != nil {
			return found(err)
		}
		c, err := readCase(ctx, tx, mailbox)
		if err != nil {
			return err
		}
		if err := step(c); err != nil || len(c.Added) == 0 { // whatever changes has its row
			return err
		}
		return s.writeCase(ctx, tx, c)
	})
}

func readCase(ctx context.Context, tx pgx.Tx, mailbox int64) (*workflow.Case, error) {
	c := &workflow.Case{}
	if err := readMailbox(ctx, tx, mailbox, &c.Mailbox); err != nil {
		return nil, fmt.Errorf("reading the mailbox: %w", found(err))
	}
	q, err := readQualification(ctx, tx, `q.mailbox_id = $1 `+current, mailbox)
	if err != nil {
		return nil, fmt.Errorf("reading the qualification: %w", err)
	}
	if q == nil {
		return c, nil
	}
	c.Qualification = q
	if c.Codes, err = readCodes(ctx, tx, mailbox); err != nil {
		return nil, fmt.Errorf("reading the codes: %w", err)
	}
	if c.Invitations, err = readInvitationTimes(ctx, tx, mailbox); err != nil {
		return nil, fmt.Errorf("reading the invitations: %w", err)
	}
	if c.Suspensions, err = readSuspensions(ctx, tx); err != nil {
		return nil, err
	}
	if c.ToldContacts, err = readMailTimes(ctx, tx, mailbox, workflow.MailContactsChanged, c.Mailbox.Address); err != nil {
		return nil, fmt.Errorf("reading the mails: %w", err)
	}
	if c.ToldRejected, err = readMailTimes(ctx, tx, mailbox, workflow.MailRejected, ""); err != nil {
		return nil, fmt.Errorf("reading the mails: %w", err)
	}
	return c, nil
}

// readMailTimes returns when the newest mails of a kind were asked for, to one
// address or any, newest first.
func readMailTimes(ctx context.Context, tx pgx.Tx, mailbox int64, k workflow.MailKind, to string) ([]time.Time, error) {
	rows, err := tx.Query(ctx, `
		select m.requested_at from mails m join qualifications q on q.id = m.qualification_id
		where q.mailbox_id = $1 and m.kind = $2 and ($3 = '' or m.recipient = $3)
		order by m.requested_at desc limit 10`, mailbox, k, to)
	if err != nil {
		return nil, err
	}
	return pgx.CollectRows(rows, pgx.RowTo[time.Time])
}

func readMailbox(ctx context.Context, tx pgx.Tx, id int64, m *workflow.Mailbox) error {
	return tx.QueryRow(ctx, `
		select m.id, m.address, m.status, coalesce(m.ordinary, ''), m.star, m.wrong_codes,
		       r.id, r.kind, r.name, r.fiscal_code, r.vat_number, r.representatives, r.email, r.status, r.imported_by, r.imported_at
		from mailboxes m join records r on r.id = m.record_id
		where m.id = $1`, id).Scan(
		&m.ID, &m.Address, &m.Status, &m.Ordinary, &m.Star, &m.WrongCodes,
		&m.Record.ID, &m.Record.Kind, &m.Record.Name, &m.Record.FiscalCode, &m.Record.VATNumber,
		&m.Record.Representatives, &m.Record.Email, &m.Record.Status, &m.Record.ImportedBy, &m.Record.ImportedAt)
}

// current orders the qualifications of a mailbox so that the one in force
// comes first: the unfinished, else the qualified, else the newest.
const current = `order by (q.state not in ('qualified', 'revoked', 'expired')) desc, (q.state = 'qualified') desc, q.number desc limit 1`

// readQualification returns nil when there is none where the condition says.
func readQualification(ctx context.Context, tx pgx.Tx, where string, args ...any) (*workflow.Qualification, error) {
	var q workflow.Qualification
	var declaration, invitation, identity *uuid.UUID
	var login *string
	err := tx.QueryRow(ctx, `
		select q.id, q.number, q.version, q.state, q.opened_at, q.stepped_at, q.owner, q.locale,
		       q.declaration_id, q.invitation_id, q.login_id, q.identity_id, coalesce(q.document, ''), q.reason, q.remark
		from qualifications q where `+where, args...).Scan(
		&q.ID, &q.Number, &q.Version, &q.State, &q.OpenedAt, &q.SteppedAt, &q.Owner, &q.Locale,
		&declaration, &invitation, &login, &identity, &q.Document, &q.Reason, &q.Remark)
	if err != nil {
		if found(err) == workflow.ErrUnknown {
			return nil, nil
		}
		return nil, err
	}
	if declaration != nil {
		if q.Declaration, err = readDeclaration(ctx, tx, *declaration); err != nil {
			return nil, err
		}
	}
	if invitation != nil {
		if q.Invitation, err = readInvitation(ctx, tx, *invitation); err != nil {
			return nil, err
		}
	}
	if login != nil {
		if q.Login, err = readLogin(ctx, tx, *login); err != nil {
			return nil, err
		}
	}
	if identity != nil {
		if q.Identity, err = readIdentity(ctx, tx, *identity); err != nil {
			return nil, err
		}
	}
	return &q, nil
}

func readDeclaration(ctx context.Context, tx pgx.Tx, id uuid.UUID) (*workflow.Declaration, error) {
	var d workflow.Declaration
	err := tx.QueryRow(ctx, `
		select id, qualification_id, kind, company_name, company_code, email, phone, declared_at
		from declarations where id = $1`, id).Scan(
		&d.ID, &d.Qualification, &d.Kind, &d.CompanyName, &d.CompanyCode, &d.Email, &d.Phone, &d.DeclaredAt)
	return &d, err
}

func readInvitation(ctx context.Context, tx pgx.Tx, id uuid.UUID) (*workflow.Invitation, error) {
	var i workflow.Invitation
	var accepted, ended *time.Time
	err := tx.QueryRow(ctx, `
		select id, qualification_id, version, nonce, digest, email, sent_at, expires_at, accepted_at, ended_at, ended
		from invitations where id = $1`, id).Scan(
		&i.ID, &i.Qualification, &i.Version, &i.Nonce, &i.Digest, &i.Email, &i.SentAt, &i.ExpiresAt, &accepted, &ended, &i.Ended)
	i.AcceptedAt, i.EndedAt = timeOf(accepted), timeOf(ended)
	return &i, err
}

func readIdentity(ctx context.Context, tx pgx.Tx, id uuid.UUID) (*workflow.Identity, error) {
	var i workflow.Identity
	err := tx.QueryRow(ctx, `
		select id, qualification_id, login_id, assertion_id, provider, provider_name, level, name, family_name,
		       fiscal_number, date_of_birth, person_code, company_name, company_fiscal_number, company_vat_number,
		       authenticated_at, identified_at
		from identities where id = $1`, id).Scan(
		&i.ID, &i.Qualification, &i.Login, &i.AssertionID, &i.Provider, &i.ProviderName, &i.Level, &i.Name, &i.FamilyName,
		&i.FiscalNumber, &i.DateOfBirth, &i.PersonCode, &i.CompanyName, &i.CompanyFiscalNumber, &i.CompanyVATNumber,
		&i.AuthenticatedAt, &i.IdentifiedAt)
	return &i, err
}

// readCodes returns the newest codes of a mailbox, with what became of their
// mails; as many as the limits can ask about.
func readCodes(ctx context.Context, tx pgx.Tx, mailbox int64) ([]workflow.Code, error) {
	rows, err := tx.Query(ctx, `
		select c.id, c.qualification_id, c.nonce, c.requested_at, c.spent_at,
		       m.started_at, m.accepted_at, m.refused_at, m.dropped_at
		from codes c
		join qualifications q on q.id = c.qualification_id
		left join mails m on m.code_id = c.id
		where q.mailbox_id = $1
		order by c.requested_at desc, c.id desc limit $2`, mailbox, workflow.CodesKept)
	if err != nil {
		return nil, err
	}
	return pgx.CollectRows(rows, func(row pgx.CollectableRow) (workflow.Code, error) {
		var c workflow.Code
		var spent, started, accepted, refused, dropped *time.Time
		err := row.Scan(&c.ID, &c.Qualification, &c.Nonce, &c.RequestedAt, &spent, &started, &accepted, &refused, &dropped)
		c.SpentAt, c.StartedAt, c.AcceptedAt = timeOf(spent), timeOf(started), timeOf(accepted)
		c.RefusedAt, c.DroppedAt = timeOf(refused), timeOf(dropped)
		return c, err
	})
}

// readInvitationTimes returns when the newest invitations were sent, newest first.
func readInvitationTimes(ctx context.Context, tx pgx.Tx, mailbox int64) ([]time.Time, error) {
	rows, err := tx.Query(ctx, `
		select i.sent_at from invitations i join qualifications q on q.id = i.qualification_id
		where q.mailbox_id = $1 order by i.sent_at desc limit $2`, mailbox, workflow.InvitationsPerDay)
	if err != nil {
		return nil, err
	}
	return pgx.CollectRows(rows, pgx.RowTo[time.Time])
}

func timeOf(t *time.Time) time.Time {
	if t == nil {
		return time.Time{}
	}
	return *t
}

func nullTime(t time.Time) *time.Time {
	if t.IsZero() {
		return nil
	}
	return &t
}
