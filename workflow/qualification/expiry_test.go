package qualification_test

import (
	"testing"
	"time"

	"stella/store/storetest"
	"stella/workflow/qualification"
)

func TestExpireStale(t *testing.T) {
	w := newWorld(t)
	old := w.Reach(t, qualification.Summary)
	review := w.Record(t, unknownRecord).To(qualification.UnderReview)
	qualified := w.Reach(t, qualification.Qualified)
	w.Clock.Advance(qualification.UnfinishedLife)
	recent := w.Reach(t, qualification.Summary)
	w.Clock.Advance(time.Second)
	n, err := w.Cases.ExpireStale(t.Context())
	storetest.Must(t, err)
	if n != 1 {
		t.Errorf("%d expired, want 1", n)
	}
	old.IsAt(qualification.Expired)
	review.IsAt(qualification.UnderReview)
	qualified.IsAt(qualification.Qualified)
	recent.IsAt(qualification.Summary)

	old.Visitor = old.Enter("first browser")
	old.IsAt(qualification.HolderChoice)
}
