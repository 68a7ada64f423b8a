package main

import (
	"context"
	"fmt"

	"github.com/jackc/pgx/v5"
)

// An invariant is a condition that must be true at the end of every run.
type invariant struct {
	name    string
	check   func(context.Context, *observations) (checked int, broken []string, err error)
	broken  []string
	checked int // number of checked items
}

// Observations are the data that the checks compare: the report of the run and the
// database.
type observations struct {
	*report
	db *pgx.Conn
}

// sqlInvariant returns an invariant that consists of two queries: things returns the
// number of checked items, breaches a message for each violation.
func sqlInvariant(name, things, breaches string) *invariant {
	return &invariant{name: name, check: func(ctx context.Context, o *observations) (n int, broken []string, err error) {
		if err := o.db.QueryRow(ctx, things).Scan(&n); err != nil {
			return 0, nil, err
		}
		rows, err := o.db.Query(ctx, breaches)
		if err != nil {
			return 0, nil, err
		}
		broken, err = pgx.CollectRows(rows, pgx.RowTo[string])
		return n, broken, err
	}}
}

// invariants returns all invariants. docs/reliability.md describes them.
func invariants() []*invariant {
	all := []*invariant{
		{name: "every answered step and every shown state is in the log", check: answeredSteps},
		{name: "no page contained a false statement", check: falseStatements},
		sqlInvariant("stars and qualified qualifications are one to one",
			`select count(*) from qualifications where state = 'qualified'`,
			`select coalesce(m.address, q.id::text) || ': star ' || coalesce(m.star::text, 'none') || ', qualified ' || coalesce(q.id::text, 'none')
			from (select id, address, star from mailboxes where star is not null) m
			full join (select id, mailbox_id from qualifications where state = 'qualified') q on q.mailbox_id = m.id and q.id = m.star
			where m.id is null or q.id is null`),
		sqlInvariant("a mailbox has at most one unfinished and one qualified qualification",
			`select count(distinct mailbox_id) from qualifications`,
			`select 'mailbox ' || mailbox_id || ' has ' || count(*) from qualifications where state not in ('qualified', 'revoked', 'expired')
			group by mailbox_id having count(*) > 1
			union all
			select 'mailbox ' || mailbox_id || ' has ' || count(*) || ' qualified' from qualifications where state = 'qualified'
			group by mailbox_id having count(*) > 1`),
		sqlInvariant("the state of a qualification is the last row of its log",
			`select count(*) from qualifications`,
			`select q.id || ' is ' || q.state || ' at ' || q.version || ', and its log ends with ' || coalesce(s.to_state, 'nothing') || ' at ' || coalesce(s.version, 0)
			from qualifications q
			left join lateral (select version, to_state from steps where qualification_id = q.id order by version desc limit 1) s on true
			where s.version is distinct from q.version or s.to_state is distinct from q.state`),
		sqlInvariant("the log is complete: each step begins in the state in which the previous one ended",
			`select count(*) from steps`,
			`select qualification_id || ' at ' || version || ': ' || event || ' from ' || coalesce(from_state, 'nothing')
			from (select *, lag(version) over log before, lag(to_state) over log was, lag(at) over log earlier
				from steps window log as (partition by qualification_id order by version)) s
			where version <> coalesce(before, 0) + 1 or from_state is distinct from was or (event = 'opened') <> (was is null) or at < earlier`),
		{name: "the procedure allows each step", check: allowedSteps},
		sqlInvariant("a mailbox is qualified by its holder on record, or by an operator",
			`select count(*) from qualifications where state = 'qualified'`,
			`select m.address || ' is qualified for another than its holder' from qualifications q
			join steps s on s.qualification_id = q.id and s.version = q.version
			join mailboxes m on m.id = q.mailbox_id join records r on r.id = m.record_id join identities i on i.id = q.identity_id
			where q.state = 'qualified' and s.event <> 'review_approved' and i.fiscal_number <> r.fiscal_code
			and not exists (select from jsonb_array_elements(r.representatives) p where p::text like '%' || i.fiscal_number || '%')`),
		sqlInvariant("the ordinary address of a mailbox with a star is the one that was declared last",
			`select count(*) from mailboxes where star is not null`,
			`select m.address || ' has ' || coalesce(m.ordinary, 'none') || ', declared was ' || d.email from mailboxes m
			join qualifications q on q.id = m.star join declarations d on d.id = q.declaration_id
			where m.ordinary is distinct from d.email`),
	}
	return append(append(all, codeInvariants()...), mailInvariants()...)
}

func codeInvariants() []*invariant {
	return []*invariant{
		{name: "a code is valid once, and for at most a minute after the relay accepts its mail", check: codeLifetimes},
		sqlInvariant("a mailbox gets at most five codes in 15 minutes, and at one address at least 20 seconds apart",
			`select count(*) from codes`,
			`select 'mailbox ' || mailbox_id || ': ' || what from (
				select q.mailbox_id, case
					when c.requested_at - lag(c.requested_at) over mailbox < interval '20 seconds'
						and coalesce(m.recipient = lag(m.recipient) over mailbox, true) then 'a code too soon after another'
					when c.requested_at - lag(c.requested_at, 5) over mailbox < interval '15 minutes' then 'a sixth code' end what
				from codes c join qualifications q on q.id = c.qualification_id
				left join mails m on m.code_id = c.id
				window mailbox as (partition by q.mailbox_id order by c.requested_at)) c
			where what is not null`),
		sqlInvariant("after five wrong codes a mailbox is paused for 15 minutes",
			`select count(*) from steps where event in ('code_wrong', 'code_spent')`,
			`select q.mailbox_id || ': ' || s.event || ' within the pause' from steps p
			join qualifications o on o.id = p.qualification_id
			join qualifications q on q.mailbox_id = o.mailbox_id
			join steps s on s.qualification_id = q.id and s.at > p.at and s.at < p.at + interval '15 minutes'
			where p.event = 'code_spent' and s.event in ('code_wrong', 'code_spent', 'code_right', 'code_right_unproven', 'code_requested')`),
		sqlInvariant("a mailbox starts at most 30 logins, and one more every two minutes",
			`select count(*) from steps where event = 'login_started'`,
			`select 'mailbox ' || q.mailbox_id || ' began ' || count(*) || ' logins' from steps s join qualifications q on q.id = s.qualification_id
			where s.event = 'login_started' group by q.mailbox_id
			having count(*) > 30 + extract(epoch from max(s.at) - min(s.at)) / 120`),
		sqlInvariant("an answer of an identity provider counts once, and every message with one is archived",
			`select count(*) from messages`,
			`select 'login ' || login_id || ' identified ' || count(*) || ' times' from identities group by login_id having count(*) > 1
			union all
			select 'step ' || s.version || ' of ' || s.qualification_id || ': its ' || d.direction || ' is not archived' from steps s
			cross join lateral (values ('request', s.refs ->> 'request_sha256'), ('response', s.refs ->> 'response_sha256')) d (direction, sha256)
			where d.sha256 is not null and not exists (select from messages m
				where m.login_id = s.refs ->> 'login' and m.direction = d.direction and m.sha256 = d.sha256)`),
	}
}

// stuckSQL returns open transactions, waiting locks and queued mails. There must be
// none after the run.
const stuckSQL = `
	select 'a transaction is open since ' || (now() - xact_start) || ': ' || left(query, 80) from pg_stat_activity
	where datname = current_database() and pid <> pg_backend_pid() and state like 'idle in transaction%' and now() - xact_start > interval '5 seconds'
	union all
	select 'process ' || pid || ' waits for a lock' from pg_locks where not granted
	union all
	select 'mail ' || mail_id || ' is in its queue since ' || queued_at from mail_queue`

// check checks all invariants.
func (r *report) check(ctx context.Context) error {
	r.world.inbox.refresh()
	return r.world.primary().do(ctx, func(db *pgx.Conn) error {
		o := &observations{report: r, db: db}
		for _, i := range invariants() {
			var err error
			if i.checked, i.broken, err = i.check(ctx, o); err != nil {
				return fmt.Errorf("checking that %s: %w", i.name, err)
			}
			r.invariants = append(r.invariants, i)
		}
		return nil
	})
}

// falseStatements returns the violations that were recorded during the run, and the
// mails that could not be parsed.
func falseStatements(_ context.Context, o *observations) (int, []string, error) {
	l := o.world.recorder
	return l.counted("pages"), append(l.violationList(), o.world.inbox.wrong...), nil
}
