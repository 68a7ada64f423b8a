package main

import (
	"fmt"
	"os"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"
)

// corruptions violate every invariant at least once. First they disable the triggers
// and an index of the schema, which would reject them.
var corruptions = []string{
	`set session_replication_role = replica`,
	`drop index one_unfinished`,
	// An answered step is missing, so that the state does not match the log.
	`delete from steps where (qualification_id, version) =
		(select id, version from qualifications where state = 'qualified' order by number limit 1)`,
	// A star is missing.
	`update mailboxes set star = null
		where star = (select id from qualifications where state = 'qualified' order by number offset 1 limit 1)`,
	// The ordinary address is another one.
	`update mailboxes set ordinary = 'altro@mail.example'
		where star = (select id from qualifications where state = 'qualified' order by number offset 2 limit 1)`,
	// Another person was identified.
	`update identities set fiscal_number = 'AAAAAA00A01A000A'`,
	// A mailbox has two unfinished qualifications.
	`insert into qualifications (id, mailbox_id, version, state, opened_at, stepped_at, owner, locale, reason, remark)
		select gen_random_uuid(), min(id), 1, 'holder_choice', now(), now(), 'webmail', 'it', '', '' from mailboxes, generate_series(1, 2)
		group by generate_series`,
	// A step with unknown states, and wrong codes during a pause.
	`insert into steps (qualification_id, version, event, from_state, to_state, at, actor, client, actor_name, request, refs)
		select id, 90 + n, (array['unknown', 'code_spent', 'code_wrong'])[n], 'no_state', 'other_state',
			now() + n * interval '1 second', 'system', '', '', '', '{}'
		from generate_series(1, 3) n, (select id from qualifications order by number limit 1) q`,
	// A code that was typed too late, and one that was requested too soon.
	`update mails set accepted_at = accepted_at - interval '2 minutes', started_at = null where kind = 'code'`,
	`insert into codes (id, qualification_id, nonce, requested_at, spent_at)
		select gen_random_uuid(), qualification_id, 'n', requested_at + interval '1 second', now() from codes limit 1`,
	// Too many logins.
	`insert into steps (qualification_id, version, event, from_state, to_state, at, actor, client, actor_name, request, refs)
		select id, 100 + n, 'login_started', 'at_provider', 'at_provider', now(), 'webmail', '', '', '', '{}'
		from generate_series(1, 31) n, (select id from qualifications order by number limit 1) q`,
	// Messages that were not archived.
	`delete from messages where direction = 'response'`,
	// A mail that waits forever, and one that stays in its queue.
	`update mails set accepted_at = null where id = (select id from mails where kind = 'qualified' limit 1)`,
	`insert into mail_queue (mail_id, queue, queued_at, due_at)
		select id, 'mails', requested_at, requested_at from mails where kind = 'code' limit 1`,
	// A mail that no step requested.
	`delete from mails where id = (select id from mails where kind = 'qualified_pec' and recipient <> 'casella0@pec.example' limit 1)`,
}

// A run without faults is corrupted in all these ways. The check of every invariant
// must report it.
func TestEveryViolationIsDetected(t *testing.T) {
	t.Parallel()
	w := newWorld(t, quickOptions(t))
	r := w.begin(t.Context())
	r.await(t, "all people have begun", func() bool {
		ended, active := r.load.progress()
		return ended+active >= w.holders
	})
	must(t, r.end(t.Context()))
	logReport(t, r)

	must(t, w.database.do(t.Context(), func(db *pgx.Conn) error {
		for _, sql := range corruptions {
			if _, err := db.Exec(t.Context(), sql); err != nil {
				return err
			}
		}
		return nil
	}))
	var code string
	for to, mails := range w.inbox.by { // one mail is lost, another one is duplicated
		if m := mails[0]; m.code != "" {
			code = m.code
			w.inbox.by[to] = append(mails, mails[len(mails)-1])
		}
	}
	w.inbox.by[w.mailboxes[0].address] = nil // the mail to casella0
	w.recorder.violation("a false statement")
	w.instances[0].fail("it crashed")
	must(t, os.WriteFile(w.file("other.log"), []byte(`{"msg":"the code is `+code+`"}`), 0o644))
	r.invariants, r.duplicates = nil, nil
	must(t, r.check(t.Context()))
	for _, i := range r.invariants {
		if len(i.broken) == 0 {
			t.Errorf("the violation is not detected: %s", i.name)
		}
	}
}

// The same seed gives the same faults, another seed gives other faults.
func TestTheSeedDeterminesTheFaults(t *testing.T) {
	t.Parallel()
	plan := func(seed uint64) (all string, kills int) {
		w := &world{options: options{seed: seed}}
		for _, name := range []string{"instance-1", "instance-2"} {
			i := &instance{toDatabase: []*link{{name: name + " to PostgreSQL"}}, toRelay: &link{name: name + " to the relay"}}
			i.name = name
			w.instances = append(w.instances, i)
		}
		for _, b := range w.plan(10*time.Minute, 2500*time.Millisecond, 1).faults {
			all += fmt.Sprintln(b.at, b.what, b.span)
			if b.kill {
				kills++
			}
		}
		return all, kills
	}
	first, kills := plan(7)
	if again, _ := plan(7); first != again {
		t.Error("the same seed gives other faults")
	}
	if other, _ := plan(8); first == other {
		t.Error("another seed gives the same faults")
	}
	if kills < 50 {
		t.Errorf("%d kills in ten minutes, want at least 50", kills)
	}
}
