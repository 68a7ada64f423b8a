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
		inSQL("every mail that was asked for was accepted, refused, or dropped because nobody could use it any more",
			`select count(*) from mails`,
			`select kind || ' mail ' || m.id || ' waits' from mails m where accepted_at is null and refused_at is null and dropped_at is null
			union all
			select kind || ' mail ' || m.id || ' was dropped' from mails m
			left join codes c on c.id = m.code_id left join invitations i on i.id = m.invitation_id
			where dropped_at is not null and coalesce(c.spent_at, i.ended_at) is null
			and not (kind = 'code' and m.dropped_at > m.requested_at + interval '90 seconds')
			union all
			select kind || ' mail ' || m.id || ' was refused: ' || reply from mails m where refused_at is not null and recipient not like 'nessuno.%'`),
		{name: "every mail that was accepted arrived, to the letter as often as it came, and no more often than crashes explain", find: arrivals},
		{name: "no mail came that no committed step had asked for", find: orphans},
		inSQL("nothing is stuck: no job, no lock, no transaction", `select count(*) from river_job where kind = 'send_mail'`, stuckInSQL),
		{name: "everything came back by itself", find: comebacks},
		{name: "no code, link, cookie or token is in the database, a log or a metric, and nobody's name, code or address in a log or a metric", find: leaks},
	}
}

// arrivals looks in the relay's inbox for the mails that it accepted.
func arrivals(ctx context.Context, e *evidence) (n int, broken []string, err error) {
	rows, err := e.db.Query(ctx, `select id::text, kind from mails where accepted_at is not null`)
	if err != nil {
		return 0, nil, err
	}
	copies := map[string][]*mail{}
	for _, m := range e.world.inbox.all() {
		copies[m.id] = append(copies[m.id], m)
	}
	var id, kind string
	_, err = pgx.ForEachRow(rows, []any{&id, &kind}, func() error {
		n++
		if len(copies[id]) == 0 {
			broken = append(broken, fmt.Sprintf("%s mail %s was accepted, and never came", kind, id))
		}
		return nil
	})
	for id, all := range copies {
		for i, again := range all[1:] {
			if !bytes.Equal(again.Message, all[0].Message) || again.To != all[0].To {
				broken = append(broken, fmt.Sprintf("mail %s came again in other words", id))
			}
			if s := e.explain(all[i].ReceivedAt, again.ReceivedAt); s == nil {
				broken = append(broken, fmt.Sprintf("mail %s came again at %s, with no crash since %s", id, again.ReceivedAt.Format(clock), all[i].ReceivedAt.Format(clock)))
			} else {
				e.repeated = append(e.repeated, repetition{again.ReceivedAt.Sub(all[i].ReceivedAt), s.what})
			}
		}
	}
	if most := e.sendersHit(); len(e.repeated) > most {
		broken = append(broken, fmt.Sprintf("%d mails came again, and only %d senders were hit", len(e.repeated), most))
	}
	return n, broken, err
}

const clock = "15:04:05.000"

// unsaid is for how long after a mail was taken its sender may not have written
// that down.
const unsaid = 15 * time.Second

// explain finds the blow that most likely kept a sender from writing down that
// its mail was taken, so that another sent it again: the nearest of those that
// were not over when it was taken, and began before it came again.
func (e *evidence) explain(taken, again time.Time) (nearest *strike) {
	for _, s := range e.chaos.strikes() {
		if s.senders == 0 || s.to.Before(taken.Add(-unsaid)) || s.from.After(taken.Add(unsaid)) || s.from.After(again) {
			continue
		}
		if nearest == nil || s.from.Sub(taken).Abs() < nearest.from.Sub(taken).Abs() {
			nearest = &s
		}
	}
	return nearest
}

func (e *evidence) sendersHit() (n int) {
	for _, s := range e.chaos.strikes() {
		n += s.senders
	}
	return n
}

// codesLives compares when codes were taken with when they were sent: as it is
// on record, or, where that is not, as the relay has it.
func codesLives(ctx context.Context, e *evidence) (n int, broken []string, err error) {
	rows, err := e.db.Query(ctx, `
		select m.id::text, s.at, coalesce(m.accepted_at, m.started_at), count(*) over (partition by m.id) from steps s
		join mails m on m.code_id = (s.refs ->> 'code')::uuid
		where s.event in ('code_right', 'code_right_unproven')`)
	if err != nil {
		return 0, nil, err
	}
	taken := map[string]time.Time{}
	for _, m := range e.world.inbox.all() {
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
			broken = append(broken, fmt.Sprintf("the code of mail %s was right %v after it was sent", id, life))
		}
		if times > 1 {
			broken = append(broken, fmt.Sprintf("the code of mail %s was right %d times", id, times))
		}
		return nil
	})
	return n, broken, err
}

// orphans looks for mails that came, and for the steps that asked for them.
func orphans(ctx context.Context, e *evidence) (n int, broken []string, err error) {
	all := e.world.inbox.all()
	ids := make([]string, len(all))
	for i, m := range all {
		ids[i] = m.id
	}
	rows, err := e.db.Query(ctx, `select id from unnest($1::text[]) id where id not in (select id::text from mails)`, ids)
	if err != nil {
		return 0, nil, err
	}
	lost, err := pgx.CollectRows(rows, pgx.RowTo[string])
	for _, id := range lost {
		broken = append(broken, "mail "+id+" came, and is nowhere in the database")
	}
	return len(all), broken, err
}

// comebacks tells what did not: processes that ended by themselves, walks and
// mails that came to no end, pages that failed when all was well again.
func comebacks(_ context.Context, e *evidence) (n int, broken []string, err error) {
	broken = append(broken, e.stuck...)
	daemons := []*daemon{e.world.relay}
	for _, i := range e.world.instances {
		daemons = append(daemons, &i.daemon)
	}
	for _, d := range daemons {
		d.mu.Lock()
		n += d.starts
		broken = append(broken, d.faults...)
		d.mu.Unlock()
	}
	if failed := e.world.ledger.failedSince(e.calm.Add(calmAfter)); failed > 0 {
		broken = append(broken, fmt.Sprintf("%d pages failed after everything was well again", failed))
	}
	if e.drained >= drainWithin {
		broken = append(broken, fmt.Sprintf("mails still wait after %v", drainWithin))
	}
	return n, broken, nil
}

// calmAfter is for how long after the last blow a page may still fail: as long
// as somebody waits for one that began before it.
const calmAfter = patience
