package store

import (
	"context"
	"fmt"
	"slices"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"stella/workflow"
)

// MailFilter selects mails. If both Pending and Failed are set, mails that match
// either are listed.
type MailFilter struct {
	Mailbox string // its address; empty for all
	Pending bool   // mails still to be sent
	Failed  bool   // mails refused or dropped
	Limit   int    // at most this many, the newest
}

// SentMails lists mails, oldest first.
func (s *Store) SentMails(ctx context.Context, f MailFilter) ([]workflow.SentMail, error) {
	all, err := list(ctx, s, scanSentMail, sentMail+`
		where ($1 = '' or b.address = $1)
		  and (not $2 and not $3
		       or $2 and coalesce(m.accepted_at, m.refused_at, m.dropped_at) is null
		       or $3 and m.accepted_at is null and coalesce(m.refused_at, m.dropped_at) is not null)
		order by m.requested_at desc, m.id desc limit $4`, f.Mailbox, f.Pending, f.Failed, f.Limit)
	if err != nil {
		return nil, fmt.Errorf("listing the mails: %w", err)
	}
	slices.Reverse(all)
	return all, nil
}

// SentMail returns one mail, or workflow.ErrUnknown if there is none.
func (s *Store) SentMail(ctx context.Context, id uuid.UUID) (workflow.SentMail, error) {
	m, err := one(ctx, s, scanSentMail, sentMail+`where m.id = $1`, id)
	if err != nil {
		return m, fmt.Errorf("reading a mail: %w", err)
	}
	return m, nil
}

// sentMail is the query of scanSentMail. As in ClaimMails, a mail is useless if its
// code was replaced or its invitation ended.
const sentMail = `
	select m.id, m.qualification_id, b.address, q.number, m.kind, m.recipient, m.requested_at, m.attempts, m.reply,
	       coalesce(m.accepted_at, m.refused_at, m.dropped_at),
	       ` + mailOutcome + `,
	       coalesce(c.spent_at, i.ended_at) is not null
	from mails m
	join qualifications q on q.id = m.qualification_id
	join mailboxes b on b.id = q.mailbox_id
	left join codes c on c.id = m.code_id
	left join invitations i on i.id = m.invitation_id
	`

// mailOutcome is the workflow.MailOutcome of a mail m.
const mailOutcome = `
	case when m.accepted_at is not null then 'accepted'
	     when m.refused_at is not null then 'refused'
	     when m.dropped_at is not null then 'dropped'
	     else 'waiting' end`

func scanSentMail(row pgx.CollectableRow) (m workflow.SentMail, err error) {
	err = row.Scan(&m.ID, &m.Qualification, &m.Mailbox, &m.Number, &m.Kind, &m.To, &m.RequestedAt, &m.Attempts, &m.Reply,
		zeroIfNull(&m.EndedAt), &m.Outcome, &m.Useless)
	return m, err
}

// RetryMail clears the outcome of a refused or dropped mail, adds it to a queue again, and
// writes the operator's decision. It returns workflow.ErrUnknown if the mail is unknown,
// pending or accepted.
func (s *Store) RetryMail(ctx context.Context, id uuid.UUID, queue string, d workflow.Decision) error {
	return pgx.BeginFunc(ctx, s.pool, func(tx pgx.Tx) error {
		done, err := tx.Exec(ctx, `
			with mail as (
				update mails set refused_at = null, dropped_at = null, started_at = null
				where id = $1 and accepted_at is null and coalesce(refused_at, dropped_at) is not null
				returning id),
			queued as (
				insert into mail_queue (mail_id, queue, queued_at, due_at) select id, $2, $3, $3 from mail
				returning queue)
			`+notifyMail+` from queued`, id, queue, d.DecidedAt)
		if err != nil {
			return fmt.Errorf("retrying a mail: %w", err)
		}
		if done.RowsAffected() == 0 {
			return fmt.Errorf("retrying a mail: %w", workflow.ErrUnknown)
		}
		b := &batch{}
		writeDecision(b, d)
		if err := send(ctx, tx, b); err != nil {
			return fmt.Errorf("writing the decision: %w", err)
		}
		return nil
	})
}
