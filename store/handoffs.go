package store

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"stella/workflow"
	"stella/workflow/qualification"
)

// AddHandOff writes a hand-off: a user whom a webmail sends to Stella. It counts it against
// a limit, and returns a workflow.LimitError if the limit is exceeded.
func (s *Store) AddHandOff(ctx context.Context, h workflow.HandOff, limit workflow.Spend) error {
	b := &batch{} // one transaction
	spend(b, limit)
	b.Queue(`
		insert into handoffs (token, client_id, mailbox_id, return_url, locale, user_ref, created_at, expires_at)
		values ($1, $2, $3, $4, $5, $6, $7, $8)`,
		h.Token, h.Client.ID, h.Mailbox, h.ReturnURL, h.Locale, h.User, h.CreatedAt, h.ExpiresAt)
	err := s.pool.SendBatch(ctx, &b.Batch).Close()
	if isExceeded(err) {
		err = s.refusal(ctx, limit)
	}
	if err != nil {
		return fmt.Errorf("writing a hand-off: %w", err)
	}
	return nil
}

// HandOffByToken returns a hand-off, used or not, with the return URLs of its
// client. It returns workflow.ErrUnknown if there is none.
func (s *Store) HandOffByToken(ctx context.Context, token []byte) (workflow.HandOff, error) {
	h, err := one(ctx, s, func(row pgx.CollectableRow) (h workflow.HandOff, err error) {
		h.Token = token
		err = row.Scan(&h.Client.ID, &h.Client.Name, &h.Client.ReturnURLs, &h.Mailbox, &h.Address,
			&h.ReturnURL, &h.Locale, &h.User, &h.CreatedAt, &h.ExpiresAt, &h.Closed)
		return h, err
	}, `
		select c.id, c.name, c.return_urls, h.mailbox_id, m.address, h.return_url, h.locale, h.user_ref,
		       h.created_at, h.expires_at, h.used_at is not null or c.disabled_at is not null
		from handoffs h
		join clients c on c.id = h.client_id
		join mailboxes m on m.id = h.mailbox_id
		where h.token = $1`, token)
	if err != nil {
		return h, fmt.Errorf("reading a hand-off: %w", err)
	}
	return h, nil
}

// StartSession uses a hand-off for a session. It calls step with the case of the mailbox,
// and writes what step changed and added, the session that step returns, and the use of
// the hand-off, all in one transaction. It returns workflow.ErrUnknown if the hand-off is
// unknown, expired, already used, or of a disabled client. A second use also ends the
// session of the first.
func (s *Store) StartSession(ctx context.Context, token, session []byte, now time.Time,
	step func(workflow.HandOff, *qualification.Case) (workflow.Session, error)) error {
	var h *workflow.HandOff
	var c *qualification.Case
	read := &batch{}
	read.Queue(`begin isolation level read committed`)
	readOne(read, &h, func(row pgx.CollectableRow) (workflow.HandOff, error) {
		h := workflow.HandOff{Token: token}
		return h, row.Scan(&h.Client.ID, &h.Client.Name, &h.Mailbox, &h.ReturnURL, &h.Locale, &h.User, &h.CreatedAt, &h.ExpiresAt)
	}, `
		update handoffs h set used_at = $2, session = $3
		from clients c
		where h.token = $1 and h.used_at is null and h.expires_at > $2 and c.id = h.client_id and c.disabled_at is null
		returning c.id, c.name, h.mailbox_id, h.return_url, h.locale, h.user_ref, h.created_at, h.expires_at`, token, now, session)
	read.Queue(`
		select from mailboxes where id = (select mailbox_id from handoffs where token = $1 and session = $2) for update`, token, session)
	readOne(read, &c, scanCase, handOffCase, token, session)
	err := s.inTransaction(ctx, read, func() (*batch, error) {
		if h == nil || c == nil {
			return nil, workflow.ErrUnknown
		}
		was := savedParts(c)
		opened, err := step(*h, c)
		if err != nil {
			return nil, err
		}
		write, err := s.writeCase(was, c)
		if err == nil {
			err = openSession(write, opened)
		}
		return write, err
	})
	if errors.Is(err, workflow.ErrUnknown) {
		return cmp.Or(s.endSessionUsedTwice(ctx, token, now), workflow.ErrUnknown)
	}
	if err != nil {
		return fmt.Errorf("starting a session: %w", err)
	}
	return nil
}

// handOffCase reads the case of a hand-off that a session uses.
var handOffCase = `select ` + caseColumns + `
	from handoffs h join mailboxes m on m.id = h.mailbox_id` + caseJoins(`q.id = m.current_id`) + `
	where h.token = $1 and h.session = $2`

// endSessionUsedTwice ends the session that used a hand-off, because of a second use.
func (s *Store) endSessionUsedTwice(ctx context.Context, token []byte, now time.Time) error {
	_, err := s.pool.Exec(ctx, `
		with taken as (
			update handoffs h set session = null
			from (select token, session from handoffs where token = $1 and used_at is not null for update) first
			where h.token = first.token
			returning first.session)
		update sessions set ended = 'used_twice', expires_at = $2, draft = null
		where digest in (select session from taken) and ended = '' and expires_at > $2`, token, now)
	if err != nil {
		return fmt.Errorf("ending the session of a hand-off used twice: %w", err)
	}
	return nil
}

// InvitationByToken returns the invitation of a link and the ID of its mailbox. It
// returns workflow.ErrUnknown if there is none. The digest is the SHA-256 of the
// secret in the link.
func (s *Store) InvitationByToken(ctx context.Context, digest []byte) (int64, qualification.Invitation, error) {
	b := &batch{}
	var i *qualification.Invitation
	var mailbox *int64
	readOne(b, &i, scanInvitation, `select `+invitationColumns+` from invitations i where i.digest = $1`, digest)
	readOne(b, &mailbox, pgx.RowTo[int64], `
		select q.mailbox_id from invitations i join qualifications q on q.id = i.qualification_id where i.digest = $1`, digest)
	err := s.pool.SendBatch(ctx, &b.Batch).Close()
	if err == nil && (i == nil || mailbox == nil) {
		err = workflow.ErrUnknown
	}
	if err != nil {
		return 0, qualification.Invitation{}, fmt.Errorf("reading an invitation: %w", err)
	}
	return *mailbox, *i, nil
}

// InvitationEnd returns how an invitation ended, or "" if it has not ended.
func (s *Store) InvitationEnd(ctx context.Context, id uuid.UUID) (string, error) {
	how, err := one(ctx, s, pgx.RowTo[string], `select ended from invitations where id = $1`, id)
	if err != nil {
		return "", fmt.Errorf("reading how an invitation ended: %w", err)
	}
	return how, nil
}
