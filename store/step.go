package store

import (
	"errors"
	"fmt"
	"net/netip"
	"slices"
	"time"

	"github.com/google/uuid"

	"stella/workflow"
	"stella/workflow/qualification"
)

// saved are the parts of a case as they were read: a step writes what it changed.
type saved struct {
	mailbox workflow.Mailbox
	version int            // of the qualification; 0 if there is none
	login   workflow.Login // the current one; the zero value if there is none
}

func savedParts(c *qualification.Case) saved {
	was := saved{mailbox: c.Mailbox}
	was.mailbox.WrongCodes = slices.Clone(c.Mailbox.WrongCodes)
	if q := c.Qualification; q != nil {
		was.version = q.Version
		if q.Login != nil {
			was.login = *q.Login
		}
	}
	return was
}

// writeCase returns the statements that write the qualification, if it made a step, the
// rows that a step added, and the mailbox, if it changed.
func (s *Store) writeCase(was saved, c *qualification.Case) (*batch, error) {
	b := &batch{}
	if q := c.Qualification; q != nil && (q.Number == 0 || q.Version != was.version) {
		writeQualification(b, c.Mailbox.ID, q)
		writeLoginEnd(b, was.login, q)
	}
	for _, row := range c.Added {
		if err := s.writeRow(b, c.Mailbox.ID, row); err != nil {
			return nil, fmt.Errorf("writing %T: %w", row, err)
		}
	}
	if m := c.Mailbox; !sameMailbox(was.mailbox, m) {
		b.Queue(`
			update mailboxes set status = $2, record_id = $3, ordinary = nullif($4, ''), star = $5,
			       wrong_codes = coalesce($6, '{}'::timestamptz[]), deleted_at = $7
			where id = $1`,
			m.ID, m.Status, m.Record.ID, m.Ordinary, m.Star, m.WrongCodes, nullIfZero(m.DeletedAt))
	}
	return b, nil
}

// sameMailbox reports whether two versions of a mailbox have the same row.
func sameMailbox(a, b workflow.Mailbox) bool {
	sameStar := a.Star == b.Star || a.Star != nil && b.Star != nil && *a.Star == *b.Star
	return sameStar && a.Status == b.Status && a.Record.ID == b.Record.ID && a.Ordinary == b.Ordinary &&
		slices.EqualFunc(a.WrongCodes, b.WrongCodes, time.Time.Equal) && a.DeletedAt.Equal(b.DeletedAt)
}

func writeQualification(b *batch, mailbox int64, q *qualification.Qualification) {
	var declaration, invitation, identity *uuid.UUID
	var login *string
	if q.Declaration != nil {
		declaration = &q.Declaration.ID
	}
	if q.Invitation != nil {
		invitation = &q.Invitation.ID
	}
	if q.Identity != nil {
		identity = &q.Identity.ID
	}
	if q.Login != nil {
		login = &q.Login.ID
	}
	// Not "insert ... on conflict do update": it would consume a case number for
	// every update.
	write := `
		update qualifications set version = $3, state = $4, opened_at = $5, stepped_at = $6, owner = $7, locale = $8,
		       declaration_id = $9, invitation_id = $10, login_id = $11, identity_id = $12,
		       document = nullif($13, ''), reason = $14, remark = $15, invited_locale = $16
		where id = $1 and mailbox_id = $2`
	if q.Number == 0 {
		write = `
		insert into qualifications (id, mailbox_id, version, state, opened_at, stepped_at, owner, locale,
		                            declaration_id, invitation_id, login_id, identity_id, document, reason, remark, invited_locale)
		values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, nullif($13, ''), $14, $15, $16)`
	}
	b.Queue(write,
		q.ID, mailbox, q.Version, q.State, q.OpenedAt, q.SteppedAt, q.Owner, q.Locale,
		declaration, invitation, login, identity, q.Document, q.Reason, q.Remark, q.InvitedLocale)
}

// writeLoginEnd deletes the stored responses to logins that are over, and writes why the
// login failed.
func writeLoginEnd(b *batch, was workflow.Login, q *qualification.Qualification) {
	var is workflow.Login
	if q.Login != nil {
		is = *q.Login
	}
	waiting := "" // the login whose response is still stored
	if is.Answer != nil {
		waiting = is.ID
	}
	if was.ID != is.ID || was.Answer != nil && waiting == "" {
		b.Queue(`
			update logins set answer = null, handle = null
			where qualification_id = $1 and answer is not null and id <> $2`, q.ID, waiting)
	}
	if is.Failure != "" && is.Failure != was.Failure {
		b.Queue(`update logins set failure = $2 where id = $1`, is.ID, is.Failure)
	}
}

// writeRow writes one row that a step added. If an invitation or a code already
// exists, it updates the times of acceptance and end.
func (s *Store) writeRow(b *batch, mailbox int64, row workflow.Row) error {
	switch r := row.(type) {
	case qualification.Step:
		b.Queue(`
			insert into steps (qualification_id, version, event, from_state, to_state, at,
			                   actor, client, actor_name, address, request, refs)
			values ($1, $2, $3, nullif($4, ''), $5, $6, $7, $8, $9, $10, $11, $12)`,
			r.Qualification, r.Version, r.Event, r.From, r.To, r.At,
			r.Actor.Kind, r.Actor.Client, r.Actor.Name, nullAddress(r.Actor.Address), r.Actor.Request, refs(r.Refs))
	case qualification.Declaration:
		b.Queue(`
			insert into declarations (id, qualification_id, kind, company_name, company_code, email, phone, declared_at)
			values ($1, $2, $3, $4, $5, $6, $7, $8)`,
			r.ID, r.Qualification, r.Kind, r.CompanyName, r.CompanyCode, r.Email, r.Phone, r.DeclaredAt)
	case qualification.Invitation:
		b.Queue(`
			insert into invitations (id, qualification_id, version, nonce, digest, email, sent_at, expires_at, accepted_at, ended_at, ended)
			values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11)
			on conflict (id) do update set accepted_at = $9, ended_at = $10, ended = $11`,
			r.ID, r.Qualification, r.Version, r.Nonce, r.Digest, r.Email, r.SentAt, r.ExpiresAt,
			nullIfZero(r.AcceptedAt), nullIfZero(r.EndedAt), r.Ended)
	case workflow.Login:
		writeLogin(b, r)
	case workflow.Message:
		return s.writeMessage(b, r)
	case qualification.Identity:
		b.Queue(`
			insert into identities (id, qualification_id, login_id, assertion_id, provider, provider_name, level, name,
			                        family_name, fiscal_number, date_of_birth, person_code, company_name,
			                        company_fiscal_number, company_vat_number, authenticated_at, identified_at)
			values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $17)`,
			r.ID, r.Qualification, r.Login, r.AssertionID, r.Provider, r.ProviderName, r.Level, r.Name,
			r.FamilyName, r.FiscalNumber, r.DateOfBirth, r.PersonCode, r.CompanyName,
			r.CompanyFiscalNumber, r.CompanyVATNumber, r.AuthenticatedAt, r.IdentifiedAt)
	case qualification.Code:
		b.Queue(`
			insert into codes (id, qualification_id, nonce, requested_at, spent_at)
			values ($1, $2, $3, $4, $5)
			on conflict (id) do update set spent_at = $5`,
			r.ID, r.Qualification, r.Nonce, r.RequestedAt, nullIfZero(r.SpentAt))
	case workflow.Decision:
		writeDecision(b, r)
	case workflow.Document:
		b.Queue(`
			insert into documents (sha256, version, date, locale, body)
			values ($1, $2, $3, $4, $5)
			on conflict (sha256) do nothing`,
			r.SHA256, r.Version, r.Date, r.Locale, r.Body)
	case workflow.Record:
		writeRecord(b, mailbox, r)
	case workflow.Spend:
		spend(b, r)
	case workflow.Mail:
		writeMail(b, r)
	case workflow.Announcement:
		writeAnnouncement(b, r)
	default:
		return errors.New("it has no table")
	}
	return nil
}

func writeDecision(b *batch, d workflow.Decision) {
	b.Queue(`
		insert into decisions (id, qualification_id, operator, event, reason, decided_at)
		values ($1, $2, $3, $4, $5, $6)`,
		d.ID, d.Qualification, d.Operator, d.Event, d.Reason, d.DecidedAt)
}

func writeRecord(b *batch, mailbox int64, r workflow.Record) {
	representatives := r.Representatives
	if representatives == nil {
		representatives = []workflow.Representative{}
	}
	b.Queue(`
		insert into records (id, mailbox_id, kind, name, fiscal_code, vat_number, representatives, email, status, imported_by, imported_at)
		values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11)`,
		r.ID, mailbox, r.Kind, r.Name, r.FiscalCode, r.VATNumber, representatives, r.Email, r.Status, r.ImportedBy, r.ImportedAt)
}

// writeMail writes a mail, adds it to its queue and notifies the queue.
func writeMail(b *batch, m workflow.Mail) {
	b.Queue(`
		with mail as (
			insert into mails (id, qualification_id, kind, recipient, locale, code_id, invitation_id, details, requested_at)
			values ($1, $3, $4, $5, $6, $7, $8, $9, $10)),
		queued as (
			insert into mail_queue (mail_id, queue, queued_at, due_at) values ($1, $2, $10, $10))
		`+notifyMail,
		m.ID, m.Queue, m.Qualification, m.Kind, m.To, m.Locale, m.Code, m.Invitation, m.Details, m.RequestedAt)
}

// writeMessage encrypts a message to the auditor and writes it.
func (s *Store) writeMessage(b *batch, m workflow.Message) error {
	encrypted, err := s.encrypt(m.Body)
	if err != nil {
		return err
	}
	b.Queue(`
		insert into messages (id, login_id, direction, sha256, sealed, at)
		values ($1, $2, $3, $4, $5, $6)`,
		m.ID, m.Login, m.Direction, m.SHA256(), encrypted, m.ReceivedAt)
	return nil
}

func refs(r qualification.Refs) qualification.Refs {
	if r == nil {
		return qualification.Refs{}
	}
	return r
}

func nullAddress(a netip.Addr) *netip.Addr {
	if !a.IsValid() {
		return nil
	}
	return &a
}
