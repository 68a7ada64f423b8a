package store_test

import (
	"testing"

	"stella/store/storetest"
	"stella/workflow/qualification"
)

// The standing columns of a mailbox match the current qualification, in every state.
func TestStandingMatchesCurrentQualification(t *testing.T) {
	w := newWorld(t)
	checkStanding := func(j *storetest.Journey, state qualification.State) {
		t.Helper()
		kept, err := w.SummaryOf(t.Context(), j.Address)
		storetest.Must(t, err)
		q, level := j.Case().Qualification, ""
		if q.Identity != nil {
			level = q.Identity.Level
		}
		if kept.State != state.Public() || q.State != state || !kept.Since.Equal(q.SteppedAt) || kept.Level != level {
			t.Errorf("the standing is %+v, want %s since %v with level %q", kept, state, q.SteppedAt, level)
		}
	}
	for _, state := range qualification.States {
		j := w.RecordInState(t, state)
		checkStanding(j, state)
		if state == qualification.Expired {
			w.Clock.Advance(-qualification.UnfinishedLife)
		}
	}
	again := w.RecordInState(t, qualification.Revoked)
	again.Enter("another browser") // opens another qualification
	checkStanding(again, qualification.HolderChoice)
}
