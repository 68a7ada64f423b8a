package store

import (
	"context"
	"fmt"
	"time"

	"github.com/jackc/pgx/v5"

	"stella/workflow"
)

// claimMails claims up to $4 due mails of the queue $1. A row of the result is a mail, or
// has only nulls if there is none. Each row also contains the next time at which a mail
// can be claimed: a mail that waits for its next attempt, or whose claim expires. The
// first rows of the queue are enough to find it: mails that are claimed come first.
//
// The planner does not know $4. The constant limits, which are maxClaim, let it expect
// few rows, also if the queue is long.
const claimMails = `
	with due as (
		select mail_id from mail_queue
		where queue = $1 and due_at <= $2 and (claimed_until is null or claimed_until <= $2)
		order by due_at limit $4
		for update skip locked),
	claimed as (
		update mail_queue q set claimed_at = $2, claimed_until = $3 from (select mail_id from due limit 16) due
		where q.mail_id = due.mail_id
		returning q.mail_id, q.queued_at),
	started as (
		update mails m set attempts = m.attempts + 1, started_at = coalesce(m.started_at, $2)
		from (select mail_id, queued_at from claimed limit 16) q
		join mails before on before.id = q.mail_id
		where m.id = q.mail_id
		returning m.*, q.queued_at, before.started_at is not null as perhaps_sent)
	select (select min(at) from (
	           select greatest(due_at, claimed_until) as at from mail_queue
	           where queue = $1 order by due_at limit 100) first where at > $2),
	       m.id, m.qualification_id, m.kind, m.recipient, m.locale, m.code_id, m.invitation_id, m.details, m.requested_at, m.attempts,
	       m.queued_at, m.perhaps_sent,
	       b.address, q.number, coalesce(c.nonce, i.nonce), i.expires_at,
	       coalesce(c.spent_at, i.ended_at) is not null,
	       coalesce(d.sha256, ''), coalesce(d.version, ''), d.date, coalesce(d.locale, ''), d.body
	from (select) always
	left join started m on true
	left join qualifications q on q.id = m.qualification_id
	left join mailboxes b on b.id = q.mailbox_id
	left join codes c on c.id = m.code_id
	left join invitations i on i.id = m.invitation_id
	left join documents d on d.sha256 = m.details ->> 'contract'`

// maxClaim is the maximum number of mails in one claim.
const maxClaim = 16

// ClaimMails claims up to n due mails of a queue, at most maxClaim, for attempts that end before until, and
// returns the data for their texts. If the process crashes, the mails can be claimed again
// after that time. If an earlier attempt may have sent a mail, it keeps the start time of
// that attempt, because the lifetime of a code runs from it.
//
// If fewer than n mails are returned, next is when another one can be claimed, or zero if
// that is unknown.
func (s *Store) ClaimMails(
	ctx context.Context, queue string, now, until time.Time, n int,
) (mails []workflow.PendingMail, next time.Time, err error) {
	rows, _ := s.pool.Query(ctx, claimMails, queue, now, until, min(n, maxClaim)) // the rows have its error
	defer rows.Close()
	for rows.Next() {
		if rows.RawValues()[1] == nil { // nothing is due
			if err := rows.Scan(append([]any{zeroIfNull(&next)}, make([]any, len(rows.RawValues())-1)...)...); err != nil {
				return nil, next, fmt.Errorf("claiming mails: %w", err)
			}
			continue
		}
		m, err := scanPendingMail(rows, &next)
		if err != nil {
			return nil, next, fmt.Errorf("claiming mails: %w", err)
		}
		m.Queue = queue
		mails = append(mails, m)
	}
	if err := rows.Err(); err != nil {
		return nil, next, fmt.Errorf("claiming mails: %w", err)
	}
	return mails, next, nil
}

func scanPendingMail(row pgx.Row, next *time.Time) (m workflow.PendingMail, err error) {
	err = row.Scan(zeroIfNull(next),
		&m.ID, &m.Qualification, &m.Kind, &m.To, &m.Locale, &m.Code, &m.Invitation, &m.Details, &m.RequestedAt, &m.Attempts,
		&m.QueuedAt, &m.PerhapsSent,
		&m.Mailbox, &m.Number, &m.Nonce, zeroIfNull(&m.Expires), &m.Useless,
		&m.Notice.SHA256, &m.Notice.Version, zeroIfNull(&m.Notice.Date), &m.Notice.Locale, &m.Notice.Body)
	return m, err
}

// MailAccepted records that the relay accepted a mail, with its reply. The first
// acceptance counts, also that of an attempt whose claim has expired.
func (s *Store) MailAccepted(ctx context.Context, a workflow.MailAttempt, reply string, at time.Time) error {
	return s.endMail(ctx, `
		with ended as (delete from mail_queue where mail_id = $1)
		update mails set accepted_at = $2, reply = $3 where id = $1 and accepted_at is null`, a.Mail, at, reply)
}

// MailRefused records that the relay refused a mail permanently, with its reply. It does
// nothing if a newer attempt has begun, and neither do MailDropped and MailDeferred.
func (s *Store) MailRefused(ctx context.Context, a workflow.MailAttempt, reply string, at time.Time) error {
	return s.endMail(ctx, `
		with ended as (
			update mails set refused_at = $3, reply = $4 where id = $1 and attempts = $2 and accepted_at is null
			returning id)
		delete from mail_queue where mail_id = (select id from ended)`, a.Mail, a.Number, at, reply)
}

// MailDropped records that a mail will not be sent: it is no longer useful, or was
// retried for too long.
func (s *Store) MailDropped(ctx context.Context, a workflow.MailAttempt, at time.Time) error {
	return s.endMail(ctx, `
		with ended as (
			update mails set dropped_at = $3, started_at = null where id = $1 and attempts = $2 and accepted_at is null
			returning id)
		delete from mail_queue where mail_id = (select id from ended)`, a.Mail, a.Number, at)
}

// MailDeferred records that an attempt failed and will be repeated at the time due. If the
// mail was certainly not sent, it clears the start time, so that the lifetime of a code
// does not run.
func (s *Store) MailDeferred(ctx context.Context, a workflow.MailAttempt, reply string, perhapsSent bool, due time.Time) error {
	return s.endMail(ctx, `
		with ended as (
			update mails set started_at = case when $4 then started_at end, reply = $3
			where id = $1 and attempts = $2 and accepted_at is null
			returning id)
		update mail_queue set due_at = $5, claimed_at = null, claimed_until = null where mail_id = (select id from ended)`,
		a.Mail, a.Number, reply, perhapsSent, due)
}

func (s *Store) endMail(ctx context.Context, sql string, args ...any) error {
	if _, err := s.pool.Exec(ctx, sql, args...); err != nil {
		return fmt.Errorf("recording the result of a mail: %w", err)
	}
	return nil
}
