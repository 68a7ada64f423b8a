package store

import (
	"context"
	"fmt"

	"github.com/jackc/pgx/v5"

	"stella/workflow"
)

// writeAnnouncement writes an announcement, and a delivery with its job for each
// webhook that receives it. Its position in the feed is assigned later, by
// assignPositions, so that steps do not wait for each other.
func writeAnnouncement(b *batch, a workflow.Announcement) {
	b.Queue(`
		with announced as (
			insert into announcements (id, kind, mailbox_id, qualification_id, version, active, at)
			values ($1, $2, $3, $4, $5, $6, $7)),
		asked as (
			insert into deliveries (webhook_id, announcement_id, mailbox_id, asked_at, due_at)
			select w.id, $1, m.id, $7, $7
			from mailboxes m
			join clients c on m.domain = any(c.domains) and c.disabled_at is null
			join webhooks w on w.client_id = c.id and w.disabled_at is null and (w.kinds = '{}' or $2 = any(w.kinds))
			where m.id = $3
			order by w.id
			returning webhook_id),`+addDeliveryJobs(`select webhook_id from asked`),
		a.ID, a.Kind, a.Mailbox, a.Subject, a.Version, a.Active, a.At)
}

// feedLock is the key of an advisory lock. The number is arbitrary.
const feedLock = 7_357_005

// positionsPerCall limits how long one reader works if the feed was not read for a
// long time. The next reader continues.
const positionsPerCall = 10_000

// assignPositions assigns a position in the feed to the committed announcements
// that have none. A lock admits one reader at a time, so that a position never
// becomes visible before a lower one. If there is nothing new, it takes no lock.
func (s *Store) assignPositions(ctx context.Context) error {
	var fresh bool
	err := s.pool.QueryRow(ctx, `select exists (select from announcements where position is null)`).Scan(&fresh)
	if err != nil || !fresh {
		return err
	}
	return pgx.BeginFunc(ctx, s.pool, func(tx pgx.Tx) error {
		// The lock is a separate statement, so that the next one sees what the
		// previous reader committed.
		if _, err := tx.Exec(ctx, `select pg_advisory_xact_lock($1)`, feedLock); err != nil {
			return err
		}
		_, err := tx.Exec(ctx, `
			update announcements a set position = (select coalesce(max(position), 0) from announcements) + new.nth
			from (select id, row_number() over (order by made) as nth
			      from announcements where position is null order by made limit $1) new
			where a.id = new.id`, positionsPerCall)
		return err
	})
}

// Feed returns a page of the feed: the events of mailboxes in the given domains
// after a position, in order. No kinds means all kinds. It also returns the position
// up to which the page is complete, from which to read the next page. It returns
// workflow.ErrPosition if after is greater than the last position of the feed.
func (s *Store) Feed(
	ctx context.Context, domains []string, kinds []workflow.AnnouncementKind, after int64, limit int,
) ([]workflow.EventPayload, int64, error) {
	if err := s.assignPositions(ctx); err != nil {
		return nil, 0, fmt.Errorf("numbering the announcements: %w", err)
	}
	type place struct {
		position int64
		workflow.EventPayload
	}
	var last int64
	var page []place
	b := &batch{}
	b.BeginTx(snapshot)
	b.Queue(`select coalesce(max(position), 0) from announcements`).QueryRow(func(row pgx.Row) error { return row.Scan(&last) })
	readAll(b, &page, func(row pgx.CollectableRow) (place, error) {
		var p place
		err := row.Scan(append([]any{&p.position}, feedEventInto(&p.EventPayload)...)...)
		return p, err
	}, `
		select a.position, `+feedEvent+`
		where a.position > $1 and m.domain = any($2) and (coalesce(cardinality($3::text[]), 0) = 0 or a.kind = any($3))
		order by a.position limit $4`, after, domains, kinds, limit)
	if err := s.transact(ctx, b, func(pgx.Tx) error { return nil }); err != nil {
		return nil, 0, fmt.Errorf("reading the announcements: %w", err)
	}
	if after > last {
		return nil, 0, workflow.ErrPosition
	}
	all := make([]workflow.EventPayload, len(page))
	for i, p := range page {
		all[i] = p.EventPayload
	}
	if len(page) == limit {
		last = page[limit-1].position
	}
	return all, last, nil
}

// feedEvent are the columns of feedEventInto, and their tables.
const feedEvent = `
	       a.id, a.kind, a.mailbox_id, a.qualification_id, a.version, a.active, a.at, m.address, q.number, s.event
	from announcements a
	join mailboxes m on m.id = a.mailbox_id
	join qualifications q on q.id = a.qualification_id
	join steps s on s.qualification_id = a.qualification_id and s.version = a.version`

func feedEventInto(t *workflow.EventPayload) []any {
	return []any{&t.ID, &t.Kind, &t.Mailbox, &t.Subject, &t.Version, &t.Active, &t.At, &t.Address, &t.Number, &t.Event}
}
