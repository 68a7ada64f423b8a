package store

import (
	"context"
	"fmt"
	"time"

	"github.com/google/uuid"

	"stella/workflow"
)

// StartMail records an attempt to send a mail, and returns the data for its text. If
// an earlier attempt may have sent the mail, it keeps the start time of that
// attempt, because the lifetime of a code runs from it. It returns
// workflow.ErrUnknown if the mail was already accepted, refused or dropped.
func (s *Store) StartMail(ctx context.Context, id uuid.UUID, now time.Time) (workflow.PendingMail, error) {
	m := workflow.PendingMail{Mail: workflow.Mail{ID: id}}
	err := s.pool.QueryRow(ctx, `
		with started as (
			update mails set attempts = attempts + 1, started_at = coalesce(started_at, $2)
			where id = $1 and accepted_at is null and refused_at is null and dropped_at is null
			returning *)
		select m.qualification_id, m.kind, m.recipient, m.locale, m.code_id, m.invitation_id, m.details, m.requested_at, m.attempts,
		       b.address, q.number, coalesce(c.nonce, i.nonce), i.expires_at,
		       coalesce(c.spent_at, i.ended_at) is not null,
		       coalesce(d.sha256, ''), coalesce(d.version, ''), d.date, coalesce(d.locale, ''), d.body
		from started m
		join qualifications q on q.id = m.qualification_id
		join mailboxes b on b.id = q.mailbox_id
		left join codes c on c.id = m.code_id
		left join invitations i on i.id = m.invitation_id
		left join documents d on d.sha256 = m.details ->> 'contract'`, id, now).Scan(
		&m.Qualification, &m.Kind, &m.To, &m.Locale, &m.Code, &m.Invitation, &m.Details, &m.RequestedAt, &m.Attempts,
		&m.Mailbox, &m.Number, &m.Nonce, zeroIfNull(&m.Expires), &m.Useless,
		&m.Notice.SHA256, &m.Notice.Version, zeroIfNull(&m.Notice.Date), &m.Notice.Locale, &m.Notice.Body)
	if err != nil {
		return m, fmt.Errorf("starting a mail: %w", noRowsToUnknown(err))
	}
	return m, nil
}

// MailAccepted records that the relay accepted a mail, with its reply.
func (s *Store) MailAccepted(ctx context.Context, id uuid.UUID, reply string, at time.Time) error {
	return s.endMail(ctx, `update mails set accepted_at = $2, reply = $3 where id = $1`, id, at, reply)
}

// MailRefused records that the relay refused a mail permanently, with its reply.
func (s *Store) MailRefused(ctx context.Context, id uuid.UUID, reply string, at time.Time) error {
	return s.endMail(ctx, `update mails set refused_at = $2, reply = $3 where id = $1 and accepted_at is null`, id, at, reply)
}

// MailDropped records that a mail will not be sent: it is no longer useful, or was
// retried for too long.
func (s *Store) MailDropped(ctx context.Context, id uuid.UUID, at time.Time) error {
	return s.endMail(ctx, `update mails set dropped_at = $2, started_at = null where id = $1 and accepted_at is null`, id, at)
}

// MailDeferred records that an attempt failed and will be repeated. If the mail was
// certainly not sent, it clears the start time, so that the lifetime of a code does
// not run.
func (s *Store) MailDeferred(ctx context.Context, id uuid.UUID, reply string, perhapsSent bool) error {
	return s.endMail(ctx, `
		update mails set started_at = case when $3 then started_at end, reply = $2
		where id = $1 and accepted_at is null`, id, reply, perhapsSent)
}

func (s *Store) endMail(ctx context.Context, sql string, args ...any) error {
	if _, err := s.pool.Exec(ctx, sql, args...); err != nil {
		return fmt.Errorf("recording the result of a mail: %w", err)
	}
	return nil
}
