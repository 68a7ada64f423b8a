package workflow_test

import (
	"testing"
	"time"

	"stella/store/storetest"
	"stella/workflow"
)

func TestExpireStale(t *testing.T) {
	w := newWorld(t)
	old := w.Reach(t, workflow.Summary)
	review := w.Record(t, unknownRecord).To(workflow.UnderReview)
	qualified := w.Reach(t, workflow.Qualified)
	w.Clock.Advance(workflow.UnfinishedLife)
	recent := w.Reach(t, workflow.Summary)
	w.Clock.Advance(time.Second)
	n, err := w.Cases.ExpireStale(t.Context())
	storetest.Must(t, err)
	if n != 1 {
		t.Errorf("%d expired, want 1", n)
	}
	old.IsAt(workflow.Expired)
	review.IsAt(workflow.UnderReview)
	qualified.IsAt(workflow.Qualified)
	recent.IsAt(workflow.Summary)

	old.Visitor = old.Enter("first browser")
	old.IsAt(workflow.HolderChoice)
}
