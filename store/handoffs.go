package store

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/jackc/pgx/v5"

	"stella/workflow"
)

// AddHandOff keeps a webmail's user on the way to Stella.
func (s *Store) AddHandOff(ctx context.Context, h workflow.HandOff) error {
	_, err := s.pool.Exec(ctx, `
		insert into handoffs (token, client_id, mailbox_id, return_url, locale, user_ref, created_at, expires_at)
		values ($1, $2, $3, $4, $5, $6, $7, $8)`,
		h.Token, h.Client.ID, h.Mailbox, h.ReturnURL, h.Locale, h.User, h.CreatedAt, h.ExpiresAt)
	if err != nil {
		return fmt.Errorf("writing a hand-off: %w", err)
	}
	return nil
}

// HandOffOpen reports whether a hand-off may still be used.
func (s *Store) HandOffOpen(ctx context.Context, token []byte, now time.Time) (bool, error) {
	var open bool
	err := s.pool.QueryRow(ctx, `
		select exists (select from handoffs where token = $1 and used_at is null and expires_at > $2)`, token, now).Scan(&open)
	if err != nil {
		return false, fmt.Errorf("reading a hand-off: %w", err)
	}
	return open, nil
}

// UseHandOff marks a hand-off as used by a session. A second use ends the
// session of the first, and gets ErrUnknown.
func (s *Store) UseHandOff(ctx context.Context, token, session []byte, now time.Time) (workflow.HandOff, error) {
	h := workflow.HandOff{Token: token}
	err := s.pool.QueryRow(ctx, `
		update handoffs h set used_at = $2, session = $3
		from clients c
		where h.token = $1 and h.used_at is null and h.expires_at > $2 and c.id = h.client_id
		returning c.id, c.name, h.mailbox_id, h.return_url, h.locale, h.user_ref, h.created_at, h.expires_at`, token, now, session).Scan(
		&h.Client.ID, &h.Client.Name, &h.Mailbox, &h.ReturnURL, &h.Locale, &h.User, &h.CreatedAt, &h.ExpiresAt)
	if err == nil {
		return h, nil
	}
	if !errors.Is(err, pgx.ErrNoRows) {
		return h, fmt.Errorf("using a hand-off: %w", err)
	}
	// The first use may not have written its session yet: it looks, when it has,
	// whether the hand-off is still its own.
	_, err = s.pool.Exec(ctx, `
		with taken as (
			update handoffs h set session = null
			from (select token, session from handoffs where token = $1 and used_at is not null for update) first
			where h.token = first.token
			returning first.session)
		delete from sessions where digest in (select session from taken)`, token)
	if err != nil {
		return h, fmt.Errorf("ending the session of a hand-off used twice: %w", err)
	}
	return h, workflow.ErrUnknown
}

// HandOffHeld reports whether a hand-off is still the one of a session: nobody
// used it a second time.
func (s *Store) HandOffHeld(ctx context.Context, token, session []byte) (bool, error) {
	var held bool
	err := s.pool.QueryRow(ctx, `select exists (select from handoffs where token = $1 and session = $2)`, token, session).Scan(&held)
	if err != nil {
		return false, fmt.Errorf("reading a hand-off: %w", err)
	}
	return held, nil
}

// InvitationByToken finds the invitation of a link, and its mailbox.
func (s *Store) InvitationByToken(ctx context.Context, digest []byte) (int64, workflow.Invitation, error) {
	b := &batch{}
	var i *workflow.Invitation
	var mailbox *int64
	readOne(b, &i, scanInvitation, invitations+`where digest = $1`, digest)
	readOne(b, &mailbox, pgx.RowTo[int64], `
		select q.mailbox_id from invitations i join qualifications q on q.id = i.qualification_id where i.digest = $1`, digest)
	err := s.pool.SendBatch(ctx, &b.Batch).Close()
	if err == nil && (i == nil || mailbox == nil) {
		err = workflow.ErrUnknown
	}
	if err != nil {
		return 0, workflow.Invitation{}, fmt.Errorf("reading an invitation: %w", err)
	}
	return *mailbox, *i, nil
}
