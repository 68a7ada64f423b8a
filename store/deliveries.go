package store

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"
	"github.com/riverqueue/river"

	"stella/workflow"
)

// claimable is true of a delivery d of a webhook w, of a client c, that may be
// attempted at $1: an earlier one of the same mailbox has ended.
const claimable = `w.disabled_at is null and c.disabled_at is null and coalesce(w.retry_at <= $1, true)
	and d.open and d.due_at <= $1 and coalesce(d.claimed_until <= $1, true)
	and not exists (select from deliveries e where e.open and e.webhook_id = d.webhook_id and e.mailbox_id = d.mailbox_id and e.id < d.id)`

// ClaimDelivery takes the next delivery of a webhook, for an attempt that ends
// before the time given: if the process dies, another takes it after that. At
// most so many are attempted at once, by all processes; one, where the last one
// failed. ErrUnknown where there is nothing to do.
func (s *Store) ClaimDelivery(ctx context.Context, webhook int64, now, until time.Time, atOnce int) (workflow.Webhook, workflow.Delivery, error) {
	var w workflow.Webhook
	var d workflow.Delivery
	claimed := false
	b := &batch{}
	b.BeginTx(pgx.TxOptions{IsoLevel: pgx.ReadCommitted})
	// One after another, so that they count right. Steps, whose deliveries refer
	// to the webhook, do not wait for this lock.
	b.Queue(`select from webhooks where id = $1 for no key update`, webhook)
	b.Queue(`
		with next as (
			select d.id
			from webhooks w
			join clients c on c.id = w.client_id
			join deliveries d on d.webhook_id = w.id
			where w.id = $3 and `+claimable+`
			  and (select count(*) from deliveries where webhook_id = $3 and claimed_until > $1) < case when w.failures = 0 then $4 else 1 end
			order by d.due_at, d.id limit 1),
		claimed as (
			update deliveries d set claimed_until = $2, attempts = d.attempts + 1 from next where d.id = next.id
			returning d.*)
		select w.id, w.url, w.nonce, w.former_nonce, w.former_until, w.failing_since, w.failures,
		       d.id, d.webhook_id, d.asked_at, d.attempts,`+told+`
		join claimed d on d.announcement_id = a.id
		join webhooks w on w.id = d.webhook_id`, now, until, webhook, atOnce).QueryRow(func(row pgx.Row) error {
		err := row.Scan(append([]any{&w.ID, &w.URL, &w.Nonce, &w.FormerNonce, orZero(&w.FormerUntil), orZero(&w.FailingSince), &w.Failures,
			&d.ID, &d.Webhook, &d.AskedAt, &d.Attempts}, toldInto(&d.Told)...)...)
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

// Delivered records that a webhook took a delivery over: so all is well with it.
func (s *Store) Delivered(ctx context.Context, d workflow.Delivery, outcome string, at time.Time) error {
	b := &batch{}
	b.BeginTx(pgx.TxOptions{})
	b.Queue(`update deliveries set delivered_at = $2, dropped_at = null, claimed_until = null, outcome = $3 where id = $1`, d.ID, at, outcome)
	b.Queue(`update webhooks set failing_since = null, failures = 0, retry_at = null where id = $1 and failures > 0`, d.Webhook)
	return s.endAttempt(ctx, b)
}

// DeliveryFailed records an attempt that failed: the delivery is due again, or
// given up where that time is zero, and nothing is sent to the webhook before
// another.
func (s *Store) DeliveryFailed(ctx context.Context, d workflow.Delivery, outcome string, at, due, resume time.Time) error {
	b := &batch{}
	b.BeginTx(pgx.TxOptions{})
	failed(b, d, outcome, at, due, resume)
	return s.endAttempt(ctx, b)
}

// DeliveryRefused records an attempt that failed and was the last: the webhook
// is disabled with it.
func (s *Store) DeliveryRefused(ctx context.Context, d workflow.Delivery, outcome string, at time.Time, why workflow.DisabledWhy) error {
	b := &batch{}
	b.BeginTx(pgx.TxOptions{})
	failed(b, d, outcome, at, time.Time{}, at)
	disable(b, d.Webhook, why, at)
	return s.endAttempt(ctx, b)
}

// failed writes an attempt that failed. It is not the newest where it lasted for
// longer than its claim, and then says nothing of the delivery.
func failed(b *batch, d workflow.Delivery, outcome string, at, due, resume time.Time) {
	b.Queue(`
		update deliveries set due_at = coalesce($4, due_at), dropped_at = case when $4::timestamptz is null then $3::timestamptz end,
		       claimed_until = null, outcome = $5
		where id = $1 and attempts = $2 and open`, d.ID, d.Attempts, at, orNull(due), outcome)
	b.Queue(`
		update webhooks set failing_since = coalesce(failing_since, $2), failures = failures + 1, retry_at = $3
		where id = $1`, d.Webhook, at, resume)
}

func (s *Store) endAttempt(ctx context.Context, b *batch) error {
	if err := s.transact(ctx, b, func(pgx.Tx) error { return nil }); err != nil {
		return fmt.Errorf("recording what became of a delivery: %w", err)
	}
	return nil
}

// WakeWebhooks adds a job for each webhook with something to do.
func (s *Store) WakeWebhooks(ctx context.Context, now time.Time) error {
	webhooks, err := list(ctx, s, pgx.RowTo[int64], `
		select w.id from webhooks w join clients c on c.id = w.client_id
		where exists (select from deliveries d where d.webhook_id = w.id and `+claimable+`)`, now)
	if err != nil {
		return fmt.Errorf("looking for deliveries: %w", err)
	}
	if len(webhooks) == 0 {
		return nil
	}
	jobs := make([]river.InsertManyParams, len(webhooks))
	for i, w := range webhooks {
		jobs[i] = deliver(w)
	}
	if _, err = s.jobs.InsertMany(ctx, jobs); err != nil {
		return fmt.Errorf("waking the webhooks: %w", err)
	}
	return nil
}

// Redeliver has deliveries of a webhook made again: the one given, whatever
// became of it, or for zero all that were given up. It returns how many there
// are; ErrUnknown for a webhook that there is not, or that is disabled.
func (s *Store) Redeliver(ctx context.Context, webhook, delivery int64, now time.Time) (int64, error) {
	var n int64
	var enabled bool
	b := &batch{}
	b.BeginTx(pgx.TxOptions{IsoLevel: pgx.ReadCommitted})
	b.Queue(`select exists (select from webhooks where id = $1 and disabled_at is null)`, webhook).QueryRow(func(row pgx.Row) error { return row.Scan(&enabled) })
	b.Queue(`
		update deliveries set delivered_at = null, dropped_at = null, asked_at = $3, due_at = $3
		where webhook_id = $1 and not open and case when $2 = 0 then dropped_at is not null else id = $2 end`, webhook, delivery, now).Exec(func(done pgconn.CommandTag) error { n = done.RowsAffected(); return nil })
	err := s.transact(ctx, b, func(tx pgx.Tx) error {
		if !enabled {
			return workflow.ErrUnknown
		}
		_, err := s.jobs.InsertManyTx(ctx, tx, []river.InsertManyParams{deliver(webhook)})
		return err
	})
	if err != nil {
		return 0, fmt.Errorf("delivering again: %w", err)
	}
	return n, nil
}

// DeliveryFilter says which deliveries are listed.
type DeliveryFilter struct {
	Webhook int64 // 0 for all
	Waiting bool  // only those still to be made
	GivenUp bool  // only those given up; with Waiting, those too
	Limit   int   // at most so many, the newest
}

// Deliveries lists deliveries, the oldest first.
func (s *Store) Deliveries(ctx context.Context, f DeliveryFilter) ([]workflow.Delivery, error) {
	all, err := list(ctx, s, scanDelivery, `
		select d.id, d.webhook_id, d.asked_at, d.due_at, d.attempts, coalesce(d.delivered_at, d.dropped_at),
		       case when d.open then 'waiting' when d.delivered_at is not null then 'delivered' else 'given up' end, d.outcome,`+told+`
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
	err = row.Scan(append([]any{&d.ID, &d.Webhook, &d.AskedAt, &d.DueAt, &d.Attempts, orZero(&d.EndedAt), &d.Ended, &d.Outcome}, toldInto(&d.Told)...)...)
	return d, err
}
