package qualification_test

import (
	"testing"
	"time"

	"stella/store/storetest"
	"stella/workflow/qualification"
)

func TestExpireStale(t *testing.T) {
	w := newWorld(t)
	old := w.RecordInState(t, qualification.Summary)
	review := w.Record(t, unknownRecord).AdvanceTo(qualification.UnderReview)
	qualified := w.RecordInState(t, qualification.Qualified)
	w.Clock.Advance(qualification.UnfinishedLife)
	recent := w.RecordInState(t, qualification.Summary)
	w.Clock.Advance(time.Second)
	n, err := w.Cases.ExpireStale(t.Context())
	storetest.Must(t, err)
	if n != 1 {
		t.Errorf("%d expired, want 1", n)
	}
	old.WantState(qualification.Expired)
	review.WantState(qualification.UnderReview)
	qualified.WantState(qualification.Qualified)
	recent.WantState(qualification.Summary)

	old.Visitor = old.Enter("first browser")
	old.WantState(qualification.HolderChoice)
}
