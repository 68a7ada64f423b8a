package store

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"

	"stella/workflow"
)

// claimable is the SQL condition for a delivery d of a webhook w of a client c that
// may be attempted at time $1. The deliveries of a mailbox are made in order, so
// there must be no earlier open one.
const claimable = `w.disabled_at is null and c.disabled_at is null and coalesce(w.retry_at <= $1, true)
	and d.open and d.due_at <= $1 and coalesce(d.claimed_until <= $1, true)
	and not exists (select from deliveries e where e.open and e.webhook_id = d.webhook_id and e.mailbox_id = d.mailbox_id and e.id < d.id)`

// ClaimDelivery claims the next due delivery of a webhook for an attempt that ends
// before until. If the process dies, another process can claim the delivery after
// that time. At most atOnce deliveries of the webhook are attempted concurrently by
// all processes, or one if the last attempt failed. It returns workflow.ErrUnknown
// if there is nothing to do.
func (s *Store) ClaimDelivery(
	ctx context.Context, webhook int64, now, until time.Time, atOnce int,
) (workflow.Webhook, workflow.Delivery, error) {
	var w workflow.Webhook
	var d workflow.Delivery
	claimed := false
	b := &batch{}
	b.BeginTx(pgx.TxOptions{IsoLevel: pgx.ReadCommitted})
	// Lock the webhook, so that the count below is right. A step inserts deliveries
	// that refer to the webhook; it does not wait for this kind of lock.
	b.Queue(`select from webhooks where id = $1 for no key update`, webhook)
	b.Queue(`
		with next as (
			select d.id
			from webhooks w
			join clients c on c.id = w.client_id
			join deliveries d on d.webhook_id = w.id
			where w.id = $3 and `+claimable+`
			  and (select count(*) from deliveries where webhook_id = $3 and claimed_until > $1)
			      < case when w.failures = 0 then $4 else 1 end
			order by d.due_at, d.id limit 1),
		claimed as (
			update deliveries d set claimed_until = $2, attempts = d.attempts + 1 from next where d.id = next.id
			returning d.*)
		select w.id, w.url, w.nonce, w.former_nonce, w.former_until, w.failing_since, w.failures,
		       d.id, d.webhook_id, d.asked_at, d.attempts,`+feedEvent+`
		join claimed d on d.announcement_id = a.id
		join webhooks w on w.id = d.webhook_id`, now, until, webhook, atOnce).QueryRow(func(row pgx.Row) error {
		columns := []any{&w.ID, &w.URL, &w.Nonce, &w.FormerNonce, zeroIfNull(&w.FormerUntil), zeroIfNull(&w.FailingSince), &w.Failures,
			&d.ID, &d.Webhook, &d.AskedAt, &d.Attempts}
		err := row.Scan(append(columns, feedEventInto(&d.EventPayload)...)...)
		if errors.Is(err, pgx.ErrNoRows) {
			return nil
		}
		claimed = true
		return err
	})
	if err := s.transact(ctx, b, func(pgx.Tx) error { return nil }); err != nil {
		return w, d, fmt.Errorf("claiming a delivery: %w", err)
	}
	if !claimed {
		return w, d, workflow.ErrUnknown
	}
	return w, d, nil
}

// Delivered records that a webhook accepted a delivery, and resets its count of
// failures.
func (s *Store) Delivered(ctx context.Context, d workflow.Delivery, outcome string, at time.Time) error {
	b := &batch{}
	b.BeginTx(pgx.TxOptions{})
	b.Queue(`
		update deliveries set delivered_at = $2, dropped_at = null, claimed_until = null, outcome = $3
		where id = $1`, d.ID, at, outcome)
	b.Queue(`update webhooks set failing_since = null, failures = 0, retry_at = null where id = $1 and failures > 0`, d.Webhook)
	return s.endAttempt(ctx, b)
}

// DeliveryFailed records a failed attempt. The delivery is retried at due, or dropped
// if due is zero. Nothing is sent to the webhook before resume.
func (s *Store) DeliveryFailed(ctx context.Context, d workflow.Delivery, outcome string, at, due, resume time.Time) error {
	b := &batch{}
	b.BeginTx(pgx.TxOptions{})
	writeFailedAttempt(b, d, outcome, at, due, resume)
	return s.endAttempt(ctx, b)
}

// DeliveryRefused records a failed attempt after which no other is made: it drops the
// delivery and disables the webhook.
func (s *Store) DeliveryRefused(
	ctx context.Context, d workflow.Delivery, outcome string, at time.Time, why workflow.DisabledWhy,
) error {
	b := &batch{}
	b.BeginTx(pgx.TxOptions{})
	writeFailedAttempt(b, d, outcome, at, time.Time{}, at)
	disable(b, d.Webhook, why, at)
	return s.endAttempt(ctx, b)
}

// writeFailedAttempt writes a failed attempt. If the attempt outlasted its claim and
// another attempt was made since, the delivery does not change; the failure still
// counts for the webhook.
func writeFailedAttempt(b *batch, d workflow.Delivery, outcome string, at, due, resume time.Time) {
	b.Queue(`
		update deliveries set due_at = coalesce($4, due_at), dropped_at = case when $4::timestamptz is null then $3::timestamptz end,
		       claimed_until = null, outcome = $5
		where id = $1 and attempts = $2 and open`, d.ID, d.Attempts, at, nullIfZero(due), outcome)
	b.Queue(`
		update webhooks set failing_since = coalesce(failing_since, $2), failures = failures + 1, retry_at = $3
		where id = $1`, d.Webhook, at, resume)
}

func (s *Store) endAttempt(ctx context.Context, b *batch) error {
	if err := s.transact(ctx, b, func(pgx.Tx) error { return nil }); err != nil {
		return fmt.Errorf("recording the result of a delivery: %w", err)
	}
	return nil
}

// WakeWebhook adds a job for a webhook.
func (s *Store) WakeWebhook(ctx context.Context, id int64) error {
	if _, err := s.pool.Exec(ctx, `with `+addDeliveryJobs(`select $1::bigint`), id); err != nil {
		return fmt.Errorf("waking a webhook: %w", err)
	}
	return nil
}

// WakeWebhooks adds a job for each webhook that has a due delivery.
func (s *Store) WakeWebhooks(ctx context.Context, now time.Time) error {
	_, err := s.pool.Exec(ctx, `with `+addDeliveryJobs(`
		select w.id from webhooks w join clients c on c.id = w.client_id
		where exists (select from deliveries d where d.webhook_id = w.id and `+claimable+`)`), now)
	if err != nil {
		return fmt.Errorf("waking the webhooks: %w", err)
	}
	return nil
}

// Redeliver makes deliveries of a webhook due again: the given one if it has ended,
// delivered or dropped, or all dropped ones if delivery is zero. It returns how many.
// It returns workflow.ErrUnknown if the webhook is unknown or disabled.
func (s *Store) Redeliver(ctx context.Context, webhook, delivery int64, now time.Time) (int64, error) {
	var n int64
	var enabled bool
	b := &batch{}
	b.BeginTx(pgx.TxOptions{IsoLevel: pgx.ReadCommitted})
	b.Queue(`select exists (select from webhooks where id = $1 and disabled_at is null)`, webhook).
		QueryRow(func(row pgx.Row) error { return row.Scan(&enabled) })
	b.Queue(`
		update deliveries set delivered_at = null, dropped_at = null, asked_at = $3, due_at = $3
		where webhook_id = $1 and not open and case when $2 = 0 then dropped_at is not null else id = $2 end`, webhook, delivery, now).
		Exec(func(done pgconn.CommandTag) error {
			n = done.RowsAffected()
			return nil
		})
	err := s.transact(ctx, b, func(tx pgx.Tx) error {
		if !enabled {
			return workflow.ErrUnknown
		}
		_, err := tx.Exec(ctx, `with `+addDeliveryJobs(`select $1::bigint`), webhook)
		return err
	})
	if err != nil {
		return 0, fmt.Errorf("delivering again: %w", err)
	}
	return n, nil
}

// DeliveryFilter selects deliveries. If both Waiting and GivenUp are set, deliveries
// that match either are listed.
type DeliveryFilter struct {
	Webhook int64 // 0 for all
	Waiting bool  // deliveries still to be made
	GivenUp bool  // dropped deliveries
	Limit   int   // at most this many, the newest
}

// Deliveries lists deliveries, oldest first.
func (s *Store) Deliveries(ctx context.Context, f DeliveryFilter) ([]workflow.Delivery, error) {
	all, err := list(ctx, s, scanDelivery, `
		select d.id, d.webhook_id, d.asked_at, d.due_at, d.attempts, coalesce(d.delivered_at, d.dropped_at),
		       case when d.open then 'waiting' when d.delivered_at is not null then 'delivered' else 'given up' end, d.outcome,`+feedEvent+`
		join deliveries d on d.announcement_id = a.id
		where ($1 = 0 or d.webhook_id = $1) and (not $2 and not $3 or $2 and d.open or $3 and d.dropped_at is not null)
		order by d.id desc limit $4`, f.Webhook, f.Waiting, f.GivenUp, f.Limit)
	if err != nil {
		return nil, fmt.Errorf("listing the deliveries: %w", err)
	}
	slices.Reverse(all)
	return all, nil
}

func scanDelivery(row pgx.CollectableRow) (d workflow.Delivery, err error) {
	columns := []any{&d.ID, &d.Webhook, &d.AskedAt, &d.DueAt, &d.Attempts, zeroIfNull(&d.EndedAt), &d.Ended, &d.Outcome}
	err = row.Scan(append(columns, feedEventInto(&d.EventPayload)...)...)
	return d, err
}
