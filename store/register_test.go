package store_test

import (
	"testing"

	"stella/store/storetest"
	"stella/workflow"
	"stella/workflow/qualification"
)

// A deleted mailbox has no star, and its status is cancelled.
func TestDeletedMailboxIsInert(t *testing.T) {
	w := newWorld(t)
	w.RecordInState(t, qualification.Qualified)
	refused(t, w, "deleted_is_inert", `update mailboxes set deleted_at = now()`)
	refused(t, w, "deleted_is_inert", `update mailboxes set deleted_at = now(), status = 'cancelled'`)
	other := w.Record(t, storetest.AnnasRecord)
	storetest.Must(t, w.Cases.Delete(t.Context(), "tests", other.Address))
	refused(t, w, "deleted_is_inert", `update mailboxes set status = 'active' where deleted_at is not null`)
}

// Go and SQL agree on which records are equal: a difference in any field is a change,
// and importing the same record again is not.
func TestUnchangedRecordIsNotWritten(t *testing.T) {
	w := newWorld(t)
	record := storetest.BianchisRecord
	record.VATNumber, record.Status = "02468135799", workflow.Active
	put := func(r workflow.Record) qualification.ImportResult {
		t.Helper()
		c, err := workflow.Registration{Address: "bianchi@pec.example", Record: r}.Check()
		storetest.Must(t, err)
		done, err := w.Cases.Import(t.Context(), "tests", []workflow.ValidRegistration{c}, false)
		storetest.Must(t, err)
		return done[0]
	}
	if what := put(record); what != qualification.ImportMade {
		t.Fatalf("the first import: %s, want %s", what, qualification.ImportMade)
	}
	for name, change := range map[string]func(*workflow.Record){
		"nothing":         func(*workflow.Record) {},
		"name":            func(r *workflow.Record) { r.Name = "Bianchi" },
		"fiscal code":     func(r *workflow.Record) { r.FiscalCode = "00743110157" },
		"VAT number":      func(r *workflow.Record) { r.VATNumber = "" },
		"representatives": func(r *workflow.Record) { r.Representatives = nil },
		"a name of theirs": func(r *workflow.Record) {
			r.Representatives = []workflow.Representative{{FiscalCode: storetest.Luca, Name: "L. Bianchi"}}
		},
		"email":  func(r *workflow.Record) { r.Email = "" },
		"status": func(r *workflow.Record) { r.Status = workflow.Cancelled },
		"kind":   func(r *workflow.Record) { *r = storetest.AnnasRecord; r.Status = workflow.Active },
	} {
		other := record
		change(&other)
		want := qualification.ImportChanged
		if name == "nothing" {
			want = qualification.ImportUnchanged
		}
		if same := record.Same(other); same != (want == qualification.ImportUnchanged) {
			t.Errorf("%s: Record.Same returns %v", name, same)
		}
		if what := put(other); what != want {
			t.Errorf("%s: %s, want %s", name, what, want)
		}
		if what := put(other); what != qualification.ImportUnchanged {
			t.Errorf("%s, again: %s", name, what)
		}
		put(record)
	}
}
