package storetest

import (
	"context"
	"errors"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"stella/store"
	"stella/workflow"
)

// StartMail claims one mail for an attempt, whether it is due or not. If the mail is
// already claimed, the earlier attempt counts as crashed. It returns workflow.ErrUnknown
// if the mail has a result.
func StartMail(ctx context.Context, s *store.Store, id uuid.UUID, now time.Time) (m workflow.PendingMail, err error) {
	var queue string
	err = s.Pool().QueryRow(ctx, `select queue from mail_queue where mail_id = $1`, id).Scan(&queue)
	if errors.Is(err, pgx.ErrNoRows) {
		return m, workflow.ErrUnknown
	}
	if err != nil {
		return m, err
	}
	move := func(to string) error { // a queue of its own, so that no other mail is claimed
		_, err := s.Pool().Exec(ctx, `update mail_queue set queue = $2 where mail_id = $1`, id, to)
		return err
	}
	_, err = s.Pool().Exec(ctx, `
		update mail_queue set claimed_at = null, claimed_until = null, due_at = least(due_at, $2) where mail_id = $1`, id, now)
	if err := errors.Join(err, move(id.String())); err != nil {
		return m, err
	}
	all, _, err := s.ClaimMails(ctx, id.String(), now, now.Add(20*time.Second), 1)
	if err := errors.Join(err, move(queue)); err != nil {
		return m, err
	}
	if len(all) == 0 { // it got a result meanwhile
		return m, workflow.ErrUnknown
	}
	all[0].Queue = queue
	return all[0], nil
}
