package main

import (
	"fmt"
	"os"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"
)

// forgeries break every invariant once: with the constraints and triggers of
// the schema out of the way, which would have refused each.
var forgeries = []string{
	`set session_replication_role = replica`,
	`drop index one_unfinished`,
	// A step that was answered is gone, and with it what the state rests on.
	`delete from steps where (qualification_id, version) = (select id, version from qualifications where state = 'qualified' order by number limit 1)`,
	// A star is gone.
	`update mailboxes set star = null where star = (select id from qualifications where state = 'qualified' order by number offset 1 limit 1)`,
	// The address is another.
	`update mailboxes set ordinary = 'altro@mail.example' where star = (select id from qualifications where state = 'qualified' order by number offset 2 limit 1)`,
	// Somebody else was identified.
	`update identities set fiscal_number = 'AAAAAA00A01A000A'`,
	// Two at once.
	`insert into qualifications (id, mailbox_id, version, state, opened_at, stepped_at, owner, locale, reason, remark)
		select gen_random_uuid(), min(id), 1, 'holder_choice', now(), now(), 'webmail', 'it', '', '' from mailboxes, generate_series(1, 2)
		group by generate_series`,
	// A step that leads nowhere from nowhere, and wrong codes in a pause.
	`insert into steps (qualification_id, version, event, from_state, to_state, at, actor, client, actor_name, request, refs)
		select id, 90 + n, (array['flown', 'code_spent', 'code_wrong'])[n], 'heaven', 'hell', now() + n * interval '1 second', 'system', '', '', '', '{}'
		from generate_series(1, 3) n, (select id from qualifications order by number limit 1) q`,
	// A code that was typed too late, and one that was sent too soon after.
	`update mails set accepted_at = accepted_at - interval '2 minutes', started_at = null where kind = 'code'`,
	`insert into codes (id, qualification_id, nonce, requested_at, spent_at)
		select gen_random_uuid(), qualification_id, 'n', requested_at + interval '1 second', now() from codes limit 1`,
	// A login too many.
	`insert into steps (qualification_id, version, event, from_state, to_state, at, actor, client, actor_name, request, refs)
		select id, 100 + n, 'login_started', 'at_provider', 'at_provider', now(), 'webmail', '', '', '', '{}'
		from generate_series(1, 31) n, (select id from qualifications order by number limit 1) q`,
	// Messages that were not archived.
	`delete from messages where direction = 'response'`,
	// A mail that waits for ever, with its job.
	`update mails set accepted_at = null where id = (select id from mails where kind = 'qualified' limit 1)`,
	`update river_job set state = 'running', finalized_at = null where kind = 'send_mail'`,
	// A mail that nobody asked for.
	`delete from mails where id = (select id from mails where kind = 'qualified_pec' and recipient <> 'casella0@pec.example' limit 1)`,
}

// Whatever is lost is seen: a run in which nothing happened is forged in all
// ways, and every invariant says so.
func TestEveryLossIsSeen(t *testing.T) {
	t.Parallel()
	w := openWorld(t, quick(t))
	r := w.begin(t.Context())
	r.until(t, "everybody has begun", func() bool {
		ended, under := r.crowd.standing()
		return ended+under >= w.holders
	})
	must(t, r.end(t.Context()))
	tell(t, r)

	must(t, w.database.do(t.Context(), func(db *pgx.Conn) error {
		for _, sql := range forgeries {
			if _, err := db.Exec(t.Context(), sql); err != nil {
				return err
			}
		}
		return nil
	}))
	var code string
	for to, mails := range w.inbox.by { // one is lost, one comes twice
		if m := mails[0]; m.code != "" {
			code = m.code
			w.inbox.by[to] = append(mails, mails[len(mails)-1])
		}
	}
	w.inbox.by[w.mailboxes[0].address] = nil // casella0's
	w.ledger.lie("a lie")
	w.instances[0].fault("it fell")
	must(t, os.WriteFile(w.file("other.log"), []byte(`{"msg":"the code is `+code+`"}`), 0o644))
	r.invariants, r.repeated = nil, nil
	must(t, r.check(t.Context()))
	for _, i := range r.invariants {
		if len(i.broken) == 0 {
			t.Errorf("it is not seen that this does not hold: %s", i.name)
		}
	}
}

// The same seed decides the same; another, something else.
func TestSeedDecides(t *testing.T) {
	t.Parallel()
	decided := func(seed uint64) (all string, kills int) {
		w := &world{options: options{seed: seed}}
		for _, name := range []string{"instance-1", "instance-2"} {
			i := &instance{toDatabase: []*link{{name: name + " to PostgreSQL"}}, toRelay: &link{name: name + " to the relay"}}
			i.name = name
			w.instances = append(w.instances, i)
		}
		for _, b := range w.plan(10*time.Minute, 2500*time.Millisecond, 1).blows {
			all += fmt.Sprintln(b.at, b.what, b.span)
			if b.kill {
				kills++
			}
		}
		return all, kills
	}
	first, kills := decided(7)
	if again, _ := decided(7); first != again {
		t.Error("the same seed decides otherwise")
	}
	if other, _ := decided(8); first == other {
		t.Error("another seed decides the same")
	}
	if kills < 50 {
		t.Errorf("%d kills in ten minutes, want 50", kills)
	}
}
