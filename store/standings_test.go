package store_test

import (
	"testing"

	"stella/store/storetest"
	"stella/workflow"
)

// What the database keeps beside a mailbox, for webmails to ask, is what the
// qualification in force says, in every state.
func TestTheStandingIsThatOfTheQualificationInForce(t *testing.T) {
	w := newWorld(t)
	for _, state := range workflow.States {
		w.Reach(t, state)
		if state == workflow.Expired {
			w.Clock.Advance(-workflow.UnfinishedLife)
		}
	}
	again := w.Reach(t, workflow.Revoked)
	again.Enter("another browser") // opens another qualification
	rows, err := w.Pool().Query(t.Context(), `
		select m.address, m.standing_state, q.state
		from mailboxes m
		cross join lateral (select q.* from qualifications q where q.mailbox_id = m.id
			order by (q.state not in ('qualified', 'revoked', 'expired')) desc, (q.state = 'qualified') desc, q.number desc limit 1) q
		left join identities i on i.id = q.identity_id
		where (m.standing_state, m.standing_since) is distinct from (q.state, q.stepped_at)
		   or q.state = 'qualified' and m.standing_level is distinct from i.level`)
	storetest.Must(t, err)
	defer rows.Close()
	for rows.Next() {
		var address, kept, is string
		storetest.Must(t, rows.Scan(&address, &kept, &is))
		t.Errorf("%s is kept as %q, and is %q", address, kept, is)
	}
	found, err := w.StandingOf(t.Context(), again.Address)
	if err != nil || found.State != workflow.HolderChoice {
		t.Errorf("%+v, %v", found, err)
	}
}
