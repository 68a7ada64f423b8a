package store_test

import (
	"errors"
	"slices"
	"testing"
	"time"

	"stella/store"
	"stella/store/storetest"
	"stella/workflow"
	"stella/workflow/qualification"
)

func TestMailboxesAreListed(t *testing.T) {
	w := newWorld(t)
	w.RecordAs(t, "c@pec.example", storetest.AnnasRecord)
	b := w.RecordAs(t, "b@pec.example", storetest.AnnasRecord)
	b.AdvanceTo(qualification.Qualified)
	a := w.RecordAs(t, "a@pec.example", workflow.Record{Kind: workflow.KindPerson, Name: "Anna", Email: "a@mail.example"})
	a.AdvanceTo(qualification.UnderReview)
	_, err := w.Cases.SetRecord(t.Context(), "tests", "c@pec.example", workflow.Cancelled, storetest.AnnasRecord)
	storetest.Must(t, err)

	all, err := w.Mailboxes(t.Context(), store.MailboxFilter{Limit: 10})
	storetest.Must(t, err)
	want := []store.Listed{
		{Address: "a@pec.example", Status: workflow.Active, Kind: workflow.KindPerson,
			State: qualification.UnderReview, Number: 2, Since: w.Clock.Now()},
		{Address: "b@pec.example", Status: workflow.Active, Kind: workflow.KindPerson,
			State: qualification.Qualified, Number: 1, Since: w.Clock.Now(), Starred: true},
		{Address: "c@pec.example", Status: workflow.Cancelled, Kind: workflow.KindPerson},
	}
	for i := range all {
		all[i].Since = all[i].Since.UTC()
	}
	want[2].Since = time.Time{}.UTC()
	if !slices.Equal(all, want) {
		t.Errorf("listed\n%+v\nwant\n%+v", all, want)
	}
	reviews, err := w.Mailboxes(t.Context(), store.MailboxFilter{State: qualification.UnderReview, Limit: 10})
	storetest.Must(t, err)
	if len(reviews) != 1 || reviews[0].Address != "a@pec.example" {
		t.Errorf("under review: %+v", reviews)
	}

	// A mailbox with several qualifications is listed with the unfinished one, or
	// otherwise with the newest.
	storetest.Must(t, w.Cases.Revoke(t.Context(), "tests", "b@pec.example", 0, "a mistake"))
	revoked, err := w.Mailboxes(t.Context(), store.MailboxFilter{State: qualification.Revoked, Limit: 10})
	storetest.Must(t, err)
	b.Visitor = b.Enter("another browser")
	again, err := w.Mailboxes(t.Context(), store.MailboxFilter{State: qualification.HolderChoice, Limit: 10})
	storetest.Must(t, err)
	if len(revoked) != 1 || len(again) != 1 || again[0].Address != "b@pec.example" || again[0].Number != 3 || again[0].Starred {
		t.Errorf("revoked: %+v; after a new start: %+v", revoked, again)
	}
	if address, err := w.AddressOf(t.Context(), 1); err != nil || address != "b@pec.example" {
		t.Errorf("case 1: %q, %v", address, err)
	}
	if _, err := w.AddressOf(t.Context(), 4711); !errors.Is(err, workflow.ErrUnknown) {
		t.Errorf("case 4711: %v", err)
	}
}
