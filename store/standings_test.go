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
	standsAs := func(j *storetest.Journey, state workflow.State) {
		t.Helper()
		kept, err := w.StandingOf(t.Context(), j.Address)
		storetest.Must(t, err)
		q, level := j.Case().Qualification, ""
		if q.Identity != nil {
			level = q.Identity.Level
		}
		if kept.State != state || q.State != state || !kept.Since.Equal(q.SteppedAt) || kept.Level != level {
			t.Errorf("kept is %+v, want %s since %v by %q", kept, state, q.SteppedAt, level)
		}
	}
	for _, state := range workflow.States {
		j := w.Reach(t, state)
		standsAs(j, state)
		if state == workflow.Expired {
			w.Clock.Advance(-workflow.UnfinishedLife)
		}
	}
	again := w.Reach(t, workflow.Revoked)
	again.Enter("another browser") // opens another qualification
	standsAs(again, workflow.HolderChoice)
}
