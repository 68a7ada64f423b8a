package qualification_test

import (
	"slices"
	"testing"
	"time"

	"stella/store/storetest"
	"stella/workflow"
	"stella/workflow/qualification"
)

// announcedStates maps each announced state to its kind.
var announcedStates = map[qualification.State]workflow.AnnouncementKind{
	qualification.Invited:     "qualification.invited",
	qualification.UnderReview: "qualification.under_review",
	qualification.Rejected:    "qualification.rejected",
	qualification.Qualified:   "qualification.completed",
	qualification.Revoked:     "qualification.revoked",
	qualification.Expired:     "qualification.expired",
}

// announcements returns the announcements for the mailbox of a journey.
func announcements(x *storetest.Journey) []workflow.EventPayload {
	x.Helper()
	all, _, err := x.Provider.Events(x.Context(), x.Client, nil, 0, 1000)
	x.Must(err)
	return slices.DeleteFunc(all, func(t workflow.EventPayload) bool { return t.Address != x.Address })
}

// checkAnnounced checks the announcements of one row of the table, for
// TestEveryEventInEveryState: a step that changes the public state is announced once
// and with its case number. Other steps are not announced.
func checkAnnounced(x *storetest.Journey, got []workflow.EventPayload, s qualification.State, e qualification.Event, to qualification.State) {
	x.Helper()
	want, ok := announcedStates[to]
	if !ok || to == s {
		if len(got) != 0 {
			x.Errorf("%s from %s: announced %+v, want nothing", e, s, got)
		}
		return
	}
	q := x.Case().Qualification
	if len(got) != 1 || got[0].Kind != want || got[0].Number != q.Number || got[0].Event != string(e) ||
		!got[0].Active || !got[0].At.Equal(q.SteppedAt) {
		x.Errorf("%s from %s: announced %+v, want %s of case %d", e, s, got, want, q.Number)
		return
	}
	reason := qualification.Reason("")
	if to == qualification.Rejected {
		reason = q.Reason
	}
	if got[0].Reason() != string(reason) {
		x.Errorf("%s from %s: announced reason %q, want %q", e, s, got[0].Reason(), reason)
	}
}

// A new qualification is announced, also if the mailbox had one before.
func TestNewQualificationIsAnnounced(t *testing.T) {
	x := reach(t, qualification.Revoked)
	x.Clock.Advance(time.Hour)
	x.Enter("another browser")
	all := announcements(x)
	want := []workflow.AnnouncementKind{
		"qualification.started", "qualification.completed", "qualification.revoked", "qualification.started",
	}
	kinds := make([]workflow.AnnouncementKind, len(all))
	for i, a := range all {
		kinds[i] = a.Kind
	}
	if !slices.Equal(kinds, want) {
		t.Fatalf("announced %v, want %v", kinds, want)
	}
	if all[0].Number == all[3].Number || all[3].Number != x.Case().Qualification.Number {
		t.Errorf("case numbers %d and %d", all[0].Number, all[3].Number)
	}
}

// An inactive mailbox shows nothing, whatever the announcement.
func TestInactiveMailboxShowsNothing(t *testing.T) {
	x := reach(t, qualification.Qualified)
	record := x.Case().Mailbox.Record
	_, err := x.Cases.SetRecord(x.Context(), "tests", x.Address, workflow.Cancelled, record)
	x.Must(err)
	x.Must(x.Cases.Revoke(x.Context(), "tests", x.Address, 0, "a mistake"))
	all := announcements(x)
	if state, show := all[1].PublicState(); state != "qualified" || show != "star" {
		t.Errorf("with the star: %s, %s", state, show)
	}
	if state, show := all[2].PublicState(); all[2].Kind != workflow.AnnounceRevoked || state != "not_eligible" || show != "none" {
		t.Errorf("%s: %s, %s", all[2].Kind, state, show)
	}
}
