package store

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"

	"stella/workflow"
)

// AddWebhook writes a webhook of a client and returns its ID. It returns
// workflow.ErrUnknown if there is no such client, and ErrExists if the client
// already has a webhook with this URL.
func (s *Store) AddWebhook(ctx context.Context, w workflow.Webhook) (int64, error) {
	err := s.pool.QueryRow(ctx, `
		insert into webhooks (client_id, url, kinds, nonce, created_at)
		select id, $2, coalesce($3, '{}'::text[]), $4, $5 from clients where name = $1
		returning id`, w.Client, w.URL, w.Kinds, w.Nonce, w.CreatedAt).Scan(&w.ID)
	var pgErr *pgconn.PgError
	if errors.As(err, &pgErr) && pgErr.Code == "23505" {
		return 0, fmt.Errorf("webhook %s of %q: %w", w.URL, w.Client, ErrExists)
	}
	if err != nil {
		return 0, fmt.Errorf("adding a webhook of %q: %w", w.Client, noRowsToUnknown(err))
	}
	return w.ID, nil
}

// RotateWebhook gives a webhook a new nonce, from which its secret is computed. The
// previous nonce remains valid until the given time.
func (s *Store) RotateWebhook(ctx context.Context, id int64, nonce []byte, until time.Time) error {
	return s.changeWebhook(ctx, `
		update webhooks set former_nonce = nonce, former_until = $3, nonce = $2 where id = $1`, id, nonce, until)
}

// EnableWebhook enables a webhook and resets its count of failures.
func (s *Store) EnableWebhook(ctx context.Context, id int64) error {
	return s.changeWebhook(ctx, `
		update webhooks set disabled_at = null, disabled = '', failing_since = null, failures = 0, retry_at = null
		where id = $1`, id)
}

func (s *Store) changeWebhook(ctx context.Context, sql string, args ...any) error {
	done, err := s.pool.Exec(ctx, sql, args...)
	if err == nil && done.RowsAffected() == 0 {
		err = workflow.ErrUnknown
	}
	if err != nil {
		return fmt.Errorf("changing a webhook: %w", err)
	}
	return nil
}

// DisableWebhook disables a webhook and drops its open deliveries. If the webhook is
// already disabled, its time and reason do not change.
func (s *Store) DisableWebhook(ctx context.Context, id int64, why workflow.DisabledWhy, at time.Time) error {
	b := &batch{}
	b.BeginTx(pgx.TxOptions{})
	var exists bool
	b.Queue(`select exists (select from webhooks where id = $1)`, id).QueryRow(func(row pgx.Row) error { return row.Scan(&exists) })
	disable(b, id, why, at)
	return s.transact(ctx, b, func(pgx.Tx) error {
		if !exists {
			return fmt.Errorf("disabling a webhook: %w", workflow.ErrUnknown)
		}
		return nil
	})
}

func disable(b *batch, webhook int64, why workflow.DisabledWhy, at time.Time) {
	b.Queue(`update webhooks set disabled_at = $3, disabled = $2 where id = $1 and disabled_at is null`, webhook, why, at)
	b.Queue(`
		update deliveries set dropped_at = $2, claimed_until = null,
		       outcome = coalesce(nullif(outcome, ''), 'the webhook was disabled')
		where webhook_id = $1 and open`, webhook, at)
}

// Webhook returns a webhook, or workflow.ErrUnknown if there is none.
func (s *Store) Webhook(ctx context.Context, id int64) (workflow.Webhook, error) {
	w, err := one(ctx, s, scanWebhook, webhook+`where w.id = $1`, id)
	if err != nil {
		return w.Webhook, fmt.Errorf("reading a webhook: %w", err)
	}
	return w.Webhook, nil
}

// ListedWebhook is a webhook in a list.
type ListedWebhook struct {
	workflow.Webhook
	Waiting  int       // open deliveries
	OldestAt time.Time // when the oldest open delivery was requested
}

// Webhooks lists the webhooks of all clients.
func (s *Store) Webhooks(ctx context.Context) ([]ListedWebhook, error) {
	all, err := list(ctx, s, scanWebhook, webhook+`order by c.name, w.id`)
	if err != nil {
		return nil, fmt.Errorf("listing the webhooks: %w", err)
	}
	return all, nil
}

// webhook is the query of scanWebhook.
const webhook = `
	select w.id, c.name, w.url, w.kinds, w.nonce, w.former_nonce, w.former_until, w.created_at, w.disabled_at, w.disabled,
	       w.failing_since, w.failures, coalesce(d.waiting, 0), d.oldest
	from webhooks w
	join clients c on c.id = w.client_id
	left join (select webhook_id, count(*) as waiting, min(asked_at) as oldest from deliveries where open group by webhook_id) d
	     on d.webhook_id = w.id
	`

func scanWebhook(row pgx.CollectableRow) (w ListedWebhook, err error) {
	err = row.Scan(&w.ID, &w.Client, &w.URL, &w.Kinds, &w.Nonce, &w.FormerNonce, zeroIfNull(&w.FormerUntil),
		&w.CreatedAt, zeroIfNull(&w.DisabledAt), &w.Disabled,
		zeroIfNull(&w.FailingSince), &w.Failures, &w.Waiting, zeroIfNull(&w.OldestAt))
	return w, err
}
