package main

import (
	"bytes"
	"context"
	"fmt"
	"time"

	"github.com/jackc/pgx/v5"
)

func mailInvariants() []*invariant {
	return []*invariant{
		sqlInvariant("every requested mail was accepted, refused, or dropped because it was no longer useful",
			`select count(*) from mails`,
			`select kind || ' mail ' || m.id || ' waits' from mails m
			where accepted_at is null and refused_at is null and dropped_at is null
			union all
			select kind || ' mail ' || m.id || ' was dropped' from mails m
			left join codes c on c.id = m.code_id left join invitations i on i.id = m.invitation_id
			where dropped_at is not null and coalesce(c.spent_at, i.ended_at) is null
			and not (kind = 'code' and m.dropped_at > m.requested_at + interval '90 seconds')
			union all
			select kind || ' mail ' || m.id || ' was refused: ' || reply from mails m
			where refused_at is not null and recipient not like 'nessuno.%'`),
		{name: "every accepted mail arrived; all copies are identical, and a fault explains each duplicate", check: arrivals},
		{name: "every mail that arrived was requested by a committed step", check: orphans},
		sqlInvariant("no job, lock or transaction stays behind", `select count(*) from mails`, stuckSQL),
		{name: "everything recovered without intervention", check: recoveries},
		{name: "no code, link, cookie or token is in the database, a log or a metric; no name, fiscal code or address is in a log or a metric",
			check: leaks},
	}
}

// arrivals searches the relay's inbox for the accepted mails, and checks their
// duplicates.
func arrivals(ctx context.Context, o *observations) (n int, broken []string, err error) {
	rows, err := o.db.Query(ctx, `select id::text, kind from mails where accepted_at is not null`)
	if err != nil {
		return 0, nil, err
	}
	copies := map[string][]*mail{}
	for _, m := range o.world.inbox.all() {
		copies[m.id] = append(copies[m.id], m)
	}
	var id, kind string
	_, err = pgx.ForEachRow(rows, []any{&id, &kind}, func() error {
		n++
		if len(copies[id]) == 0 {
			broken = append(broken, fmt.Sprintf("%s mail %s was accepted, but did not arrive", kind, id))
		}
		return nil
	})
	for id, all := range copies {
		for i, again := range all[1:] {
			if !bytes.Equal(again.Message, all[0].Message) || again.To != all[0].To {
				broken = append(broken, fmt.Sprintf("a duplicate of mail %s has another content", id))
			}
			if s := o.explain(all[i].ReceivedAt, again.ReceivedAt); s == nil {
				broken = append(broken, fmt.Sprintf("mail %s was duplicated at %s without a fault since %s",
					id, again.ReceivedAt.Format(clock), all[i].ReceivedAt.Format(clock)))
			} else {
				o.duplicates = append(o.duplicates, duplicate{again.ReceivedAt.Sub(all[i].ReceivedAt), s.what})
			}
		}
	}
	if most := o.sendersHit(); len(o.duplicates) > most {
		broken = append(broken, fmt.Sprintf("%d duplicate mails, but only %d senders were interrupted", len(o.duplicates), most))
	}
	return n, broken, err
}

const clock = "15:04:05.000"

// recordDelay is the maximum time between the acceptance of a mail and its record in
// the database.
const recordDelay = 15 * time.Second

// explain returns the fault that most likely prevented a sender from recording that
// its mail was accepted, so that the mail was sent again. This is the fault nearest
// in time among those that were active within recordDelay of the acceptance and began
// before the duplicate arrived. It returns nil if there is none.
func (o *observations) explain(taken, again time.Time) (nearest *injection) {
	for _, s := range o.injector.injections() {
		if s.senders == 0 || s.to.Before(taken.Add(-recordDelay)) || s.from.After(taken.Add(recordDelay)) || s.from.After(again) {
			continue
		}
		if nearest == nil || s.from.Sub(taken).Abs() < nearest.from.Sub(taken).Abs() {
			nearest = &s
		}
	}
	return nearest
}

func (o *observations) sendersHit() (n int) {
	for _, s := range o.injector.injections() {
		n += s.senders
	}
	return n
}

// codeLifetimes checks that every correct code was typed within a minute of its mail.
// The time of the mail is in the database or, if it is not, in the relay's inbox.
func codeLifetimes(ctx context.Context, o *observations) (n int, broken []string, err error) {
	rows, err := o.db.Query(ctx, `
		select m.id::text, s.at, coalesce(m.accepted_at, m.started_at), count(*) over (partition by m.id) from steps s
		join mails m on m.code_id = (s.refs ->> 'code')::uuid
		where s.event in ('code_right', 'code_right_unproven')`)
	if err != nil {
		return 0, nil, err
	}
	taken := map[string]time.Time{}
	for _, m := range o.world.inbox.all() {
		taken[m.id] = m.ReceivedAt
	}
	var id string
	var typed time.Time
	var sent *time.Time
	var times int
	_, err = pgx.ForEachRow(rows, []any{&id, &typed, &sent, &times}, func() error {
		n++
		from := taken[id]
		if sent != nil {
			from = *sent
		}
		if life := typed.Sub(from); life > time.Minute {
			broken = append(broken, fmt.Sprintf("the code of mail %s was accepted %v after it was sent", id, life))
		}
		if times > 1 {
			broken = append(broken, fmt.Sprintf("the code of mail %s was accepted %d times", id, times))
		}
		return nil
	})
	return n, broken, err
}

// orphans searches for mails that arrived but are not in the database.
func orphans(ctx context.Context, o *observations) (n int, broken []string, err error) {
	all := o.world.inbox.all()
	ids := make([]string, len(all))
	for i, m := range all {
		ids[i] = m.id
	}
	rows, err := o.db.Query(ctx, `select id from unnest($1::text[]) id where id not in (select id::text from mails)`, ids)
	if err != nil {
		return 0, nil, err
	}
	lost, err := pgx.CollectRows(rows, pgx.RowTo[string])
	for _, id := range lost {
		broken = append(broken, "mail "+id+" arrived, but is not in the database")
	}
	return len(all), broken, err
}

// recoveries returns what did not recover: processes that exited unexpectedly,
// procedures and mails that did not end, and pages that failed although everything
// worked again.
func recoveries(_ context.Context, o *observations) (n int, broken []string, err error) {
	broken = append(broken, o.stuck...)
	daemons := []*daemon{o.world.relay}
	for _, i := range o.world.instances {
		daemons = append(daemons, &i.daemon)
	}
	for _, d := range daemons {
		d.mu.Lock()
		n += d.starts
		broken = append(broken, d.failures...)
		d.mu.Unlock()
	}
	if failed := o.world.recorder.failedSince(o.recovered.Add(recoveryTime)); failed > 0 {
		broken = append(broken, fmt.Sprintf("%d pages failed after everything worked again", failed))
	}
	if o.drained >= drainTimeout {
		broken = append(broken, fmt.Sprintf("mails are still waiting after %v", drainTimeout))
	}
	return n, broken, nil
}

// recoveryTime is how long after the last fault a page may still fail: a request that
// began before it can take up to pageTimeout.
const recoveryTime = pageTimeout
