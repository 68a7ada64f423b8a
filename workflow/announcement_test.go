package workflow_test

import (
	"slices"
	"testing"
	"time"

	"stella/store/storetest"
	"stella/workflow"
)

// arrivals are what each state is announced as, where a step comes to it from
// another.
var arrivals = map[workflow.State]workflow.AnnouncementKind{
	workflow.Invited:     "qualification.invited",
	workflow.UnderReview: "qualification.under_review",
	workflow.Rejected:    "qualification.rejected",
	workflow.Qualified:   "qualification.completed",
	workflow.Revoked:     "qualification.revoked",
	workflow.Expired:     "qualification.expired",
}

// told is what was announced of a journey's mailbox.
func told(x *storetest.Journey) []workflow.Told {
	x.Helper()
	all, _, err := x.Procedure.Events(x.Context(), x.Client, nil, 0, 1000)
	x.Must(err)
	return slices.DeleteFunc(all, func(t workflow.Told) bool { return t.Address != x.Address })
}

// isAnnounced checks what is told of a row of the table, which
// TestEveryEventInEveryState walks: a step that changes what others see is
// announced, once and with its number, and no other is.
func isAnnounced(x *storetest.Journey, news []workflow.Told, s workflow.State, e workflow.Event, to workflow.State) {
	x.Helper()
	want, announced := arrivals[to]
	if !announced || to == s {
		if len(news) != 0 {
			x.Errorf("%s from %s: told %+v", e, s, news)
		}
		return
	}
	q := x.Case().Qualification
	if len(news) != 1 || news[0].Kind != want || news[0].Number != q.Number || news[0].Event != e || !news[0].Active || !news[0].At.Equal(q.SteppedAt) {
		x.Errorf("%s from %s: told %+v, want %s of case %d", e, s, news, want, q.Number)
		return
	}
	reason := workflow.Reason("")
	if to == workflow.Rejected {
		reason = q.Reason
	}
	if news[0].Reason() != reason {
		x.Errorf("%s from %s: the reason told is %q, want %q", e, s, news[0].Reason(), reason)
	}
}

// A new qualification is announced, also after another that ended.
func TestABeginningIsAnnounced(t *testing.T) {
	x := reach(t, workflow.Revoked)
	x.Clock.Advance(time.Hour)
	x.Enter("another browser")
	all := told(x)
	want := []workflow.AnnouncementKind{"qualification.started", "qualification.completed", "qualification.revoked", "qualification.started"}
	kinds := make([]workflow.AnnouncementKind, len(all))
	for i, a := range all {
		kinds[i] = a.Kind
	}
	if !slices.Equal(kinds, want) {
		t.Fatalf("told %v, want %v", kinds, want)
	}
	if all[0].Number == all[3].Number || all[3].Number != x.Case().Qualification.Number {
		t.Errorf("the cases are %d and %d", all[0].Number, all[3].Number)
	}
}

// A mailbox that is not active shows nothing, whatever is told of it.
func TestAnInactiveMailboxShowsNothing(t *testing.T) {
	x := reach(t, workflow.Qualified)
	record := x.Case().Mailbox.Record
	_, err := x.Procedure.Record(x.Context(), "tests", x.Address, workflow.Cancelled, record)
	x.Must(err)
	x.Must(x.Procedure.Revoke(x.Context(), "tests", x.Address, 0, "a mistake"))
	all := told(x)
	if state, show := all[1].Outward(); state != "qualified" || show != "star" {
		t.Errorf("with the star: %s, %s", state, show)
	}
	if state, show := all[2].Outward(); all[2].Kind != workflow.AnnounceRevoked || state != "not_eligible" || show != "none" {
		t.Errorf("%s: %s, %s", all[2].Kind, state, show)
	}
}
