package main

import (
	"context"
	"fmt"

	"github.com/jackc/pgx/v5"
)

// An invariant is something that must hold at the end of a run, whatever was
// done to it.
type invariant struct {
	name   string
	find   func(context.Context, *evidence) (checked int, broken []string, err error)
	broken []string
	looked int // at so many things
}

// Evidence is what there is to be held against each other.
type evidence struct {
	*report
	db *pgx.Conn
}

// inSQL makes an invariant of two queries: how many things there are, and a
// sentence for each that breaks it.
func inSQL(name, things, breaches string) *invariant {
	return &invariant{name: name, find: func(ctx context.Context, e *evidence) (n int, broken []string, err error) {
		if err := e.db.QueryRow(ctx, things).Scan(&n); err != nil {
			return 0, nil, err
		}
		rows, err := e.db.Query(ctx, breaches)
		if err != nil {
			return 0, nil, err
		}
		broken, err = pgx.CollectRows(rows, pgx.RowTo[string])
		return n, broken, err
	}}
}

// invariants are all of them: what docs/reliability.md promises.
func invariants() []*invariant {
	all := []*invariant{
		{name: "every step that was answered, and every state that was shown, is in the log", find: answeredSteps},
		{name: "nobody was told what is not so", find: lies},
		inSQL("stars and qualified qualifications are one to one",
			`select count(*) from qualifications where state = 'qualified'`,
			`select coalesce(m.address, q.id::text) || ': star ' || coalesce(m.star::text, 'none') || ', qualified ' || coalesce(q.id::text, 'none')
			from (select id, address, star from mailboxes where star is not null) m
			full join (select id, mailbox_id from qualifications where state = 'qualified') q on q.mailbox_id = m.id and q.id = m.star
			where m.id is null or q.id is null`),
		inSQL("a mailbox has at most one unfinished and one qualified qualification",
			`select count(distinct mailbox_id) from qualifications`,
			`select 'mailbox ' || mailbox_id || ' has ' || count(*) from qualifications where state not in ('qualified', 'revoked', 'expired')
			group by mailbox_id having count(*) > 1
			union all
			select 'mailbox ' || mailbox_id || ' has ' || count(*) || ' qualified' from qualifications where state = 'qualified'
			group by mailbox_id having count(*) > 1`),
		inSQL("the state of a qualification is the last row of its log",
			`select count(*) from qualifications`,
			`select q.id || ' is ' || q.state || ' at ' || q.version || ', and its log ends with ' || coalesce(s.to_state, 'nothing') || ' at ' || coalesce(s.version, 0)
			from qualifications q
			left join lateral (select version, to_state from steps where qualification_id = q.id order by version desc limit 1) s on true
			where s.version is distinct from q.version or s.to_state is distinct from q.state`),
		inSQL("the log is whole: each step begins where the one before it ended",
			`select count(*) from steps`,
			`select qualification_id || ' at ' || version || ': ' || event || ' from ' || coalesce(from_state, 'nothing')
			from (select *, lag(version) over log before, lag(to_state) over log was, lag(at) over log earlier
				from steps window log as (partition by qualification_id order by version)) s
			where version <> coalesce(before, 0) + 1 or from_state is distinct from was or (event = 'opened') <> (was is null) or at < earlier`),
		{name: "each step is one that the procedure allows", find: allowedSteps},
		inSQL("a mailbox is qualified in the name of its holder on record, or by an operator",
			`select count(*) from qualifications where state = 'qualified'`,
			`select m.address || ' is qualified for another than its holder' from qualifications q
			join steps s on s.qualification_id = q.id and s.version = q.version
			join mailboxes m on m.id = q.mailbox_id join records r on r.id = m.record_id join identities i on i.id = q.identity_id
			where q.state = 'qualified' and s.event <> 'review_approved' and i.fiscal_number <> r.fiscal_code
			and not exists (select from jsonb_array_elements(r.representatives) p where p::text like '%' || i.fiscal_number || '%')`),
		inSQL("the address that came with the star is the one that was declared last",
			`select count(*) from mailboxes where star is not null`,
			`select m.address || ' has ' || coalesce(m.ordinary, 'none') || ', declared was ' || d.email from mailboxes m
			join qualifications q on q.id = m.star join declarations d on d.id = q.declaration_id
			where m.ordinary is distinct from d.email`),
	}
	return append(append(all, codeInvariants()...), mailInvariants()...)
}

func codeInvariants() []*invariant {
	return []*invariant{
		{name: "a code is good once, and for no more than a minute from the relay's yes", find: codesLives},
		inSQL("a mailbox is sent no more than five codes in a quarter of an hour, 20 seconds apart",
			`select count(*) from codes`,
			`select 'mailbox ' || mailbox_id || ': ' || what from (
				select q.mailbox_id, case
					when c.requested_at - lag(c.requested_at) over mailbox < interval '20 seconds' then 'a code too soon after another'
					when c.requested_at - lag(c.requested_at, 5) over mailbox < interval '15 minutes' then 'a sixth code' end what
				from codes c join qualifications q on q.id = c.qualification_id
				window mailbox as (partition by q.mailbox_id order by c.requested_at)) c
			where what is not null`),
		inSQL("after five wrong codes a mailbox is left in peace for a quarter of an hour",
			`select count(*) from steps where event in ('code_wrong', 'code_spent')`,
			`select q.mailbox_id || ': ' || s.event || ' within the pause' from steps p
			join qualifications o on o.id = p.qualification_id
			join qualifications q on q.mailbox_id = o.mailbox_id
			join steps s on s.qualification_id = q.id and s.at > p.at and s.at < p.at + interval '15 minutes'
			where p.event = 'code_spent' and s.event in ('code_wrong', 'code_spent', 'code_right', 'code_right_unproven', 'code_requested')`),
		inSQL("a mailbox begins no more than 30 logins at once, and one more every two minutes",
			`select count(*) from steps where event = 'login_started'`,
			`select 'mailbox ' || q.mailbox_id || ' began ' || count(*) || ' logins' from steps s join qualifications q on q.id = s.qualification_id
			where s.event = 'login_started' group by q.mailbox_id
			having count(*) > 30 + extract(epoch from max(s.at) - min(s.at)) / 120`),
		inSQL("an answer of an identity provider counts once, and every message with one is archived",
			`select count(*) from messages`,
			`select 'login ' || login_id || ' identified ' || count(*) || ' times' from identities group by login_id having count(*) > 1
			union all
			select 'step ' || s.version || ' of ' || s.qualification_id || ': its ' || d.direction || ' is not archived' from steps s
			cross join lateral (values ('request', s.refs ->> 'request_sha256'), ('response', s.refs ->> 'response_sha256')) d (direction, sha256)
			where d.sha256 is not null and not exists (select from messages m
				where m.login_id = s.refs ->> 'login' and m.direction = d.direction and m.sha256 = d.sha256)`),
	}
}

// stuckInSQL lists what would hold the database up: nothing has any business
// there when all is quiet.
const stuckInSQL = `
	select 'a transaction is open since ' || (now() - xact_start) || ': ' || left(query, 80) from pg_stat_activity
	where datname = current_database() and pid <> pg_backend_pid() and state like 'idle in transaction%' and now() - xact_start > interval '5 seconds'
	union all
	select 'process ' || pid || ' waits for a lock' from pg_locks where not granted
	union all
	select 'job ' || id || ' (' || kind || ') is ' || state || ' since ' || coalesce(attempted_at, created_at) from river_job
	where kind = 'send_mail' and state not in ('completed')`

// check looks at every invariant.
func (r *report) check(ctx context.Context) error {
	r.world.inbox.refresh()
	return r.world.primary().do(ctx, func(db *pgx.Conn) error {
		e := &evidence{report: r, db: db}
		for _, i := range invariants() {
			var err error
			if i.looked, i.broken, err = i.find(ctx, e); err != nil {
				return fmt.Errorf("looking whether %s: %w", i.name, err)
			}
			r.invariants = append(r.invariants, i)
		}
		return nil
	})
}

// lies are what people saw that was not so, and what ended that should not.
func lies(_ context.Context, e *evidence) (int, []string, error) {
	l := e.world.ledger
	return l.counted("pages"), append(l.ofLies(), e.world.inbox.wrong...), nil
}
