package workflow_test

import (
	"errors"
	"slices"
	"testing"
	"time"

	"stella/store/storetest"
	"stella/workflow"
)

var unknownRecord = workflow.Record{Kind: workflow.KindPerson, Name: "Anna Neri", Email: "anna.neri@mail.example"}

func TestAnApprovalGivesTheStar(t *testing.T) {
	x := begin(t, unknownRecord).To(workflow.UnderReview)
	if x.Case().Mailbox.Star != nil {
		t.Fatal("there is a star before the review")
	}
	x.Must(x.Procedure.Approve(x.Context(), "paolo", x.Address, 0, "visura del 20/11/2026"))
	x.IsAt(workflow.Qualified)
	want := []string{"code anna.neri@mail.example", "under_review anna.neri@mail.example", "qualified anna.neri@mail.example", "qualified_pec " + x.Address}
	if got := x.Mails(); !slices.Equal(got, want) {
		t.Errorf("mails %v, want %v", got, want)
	}
	h := x.History()
	last := h.Steps[len(h.Steps)-1]
	if last.Actor.Kind != workflow.ByOperator || last.Actor.Name != "paolo" || last.Refs["decision"] == "" {
		t.Errorf("the log says %+v", last)
	}
	var reason string
	x.Must(x.Pool().QueryRow(x.Context(), `select reason from decisions where id = $1`, last.Refs["decision"]).Scan(&reason))
	if reason != "visura del 20/11/2026" {
		t.Errorf("the decision relies on %q", reason)
	}
}

func TestAnApprovalIsRefusedWhereTheRecordNamesAnother(t *testing.T) {
	x := begin(t, unknownRecord).To(workflow.UnderReview)
	changed := unknownRecord
	changed.FiscalCode = storetest.Sara
	_, err := x.Procedure.Record(x.Context(), "tests", x.Address, workflow.Active, changed)
	x.Must(err)
	if err := x.Procedure.Approve(x.Context(), "paolo", x.Address, 0, "visura"); !errors.Is(err, workflow.ErrNotAllowed) {
		t.Errorf("the answer is %v", err)
	}
	x.IsAt(workflow.UnderReview)
}

func TestARefusalTellsItsReason(t *testing.T) {
	x := begin(t, unknownRecord).To(workflow.UnderReview)
	x.Must(x.Procedure.Refuse(x.Context(), "paolo", x.Address, 0, "manca la visura"))
	x.IsAt(workflow.Rejected)
	if q := x.Case().Qualification; q.Reason != workflow.ReasonReview || q.Remark != "manca la visura" {
		t.Errorf("the page says %q, %q", q.Reason, q.Remark)
	}
	got := x.Mails()
	if want := []string{"rejected anna.neri@mail.example", "rejected " + x.Address}; !slices.Equal(got[len(got)-2:], want) {
		t.Errorf("mails %v", got)
	}
	x.Must(x.Procedure.RetryLogin(x.Context(), x.Visitor, x.Form()))
	x.IsAt(workflow.Identification)
}

func TestARevocationTakesTheStar(t *testing.T) {
	x := reach(t, workflow.Qualified)
	x.Must(x.Procedure.Revoke(x.Context(), "paolo", x.Address, 0, "ceduta"))
	x.IsAt(workflow.Revoked)
	if x.Case().Mailbox.Star != nil {
		t.Error("the star is still there")
	}
	x.Visitor = x.Enter("first browser")
	x.IsAt(workflow.HolderChoice)
}

// The star stands for the person who was identified: a record that names
// another takes it away, one that only says the same in other words does not.
func TestAChangeOfTheRecord(t *testing.T) {
	for name, c := range map[string]struct {
		change func(*workflow.Record)
		what   workflow.Recorded
		state  workflow.State
	}{
		"nothing":            {func(*workflow.Record) {}, workflow.RecordUnchanged, workflow.Qualified},
		"the name's writing": {func(r *workflow.Record) { r.Name = "NERI ANNA" }, workflow.RecordChanged, workflow.Qualified},
		"another holder":     {func(r *workflow.Record) { r.FiscalCode = storetest.Sara }, workflow.RecordRevoked, workflow.Revoked},
		"another kind": {func(r *workflow.Record) {
			r.Kind, r.FiscalCode = workflow.KindCompany, storetest.Bianchi
		}, workflow.RecordRevoked, workflow.Revoked},
		"the code is not known any more": {func(r *workflow.Record) { r.FiscalCode = "" }, workflow.RecordRevoked, workflow.Revoked},
	} {
		t.Run(name, func(t *testing.T) {
			x := reach(t, workflow.Qualified)
			r := storetest.AnnasRecord
			c.change(&r)
			what, err := x.Procedure.Record(x.Context(), "paolo", x.Address, workflow.Active, r)
			x.Must(err)
			if what != c.what {
				t.Errorf("the import says %s, want %s", what, c.what)
			}
			x.IsAt(c.state)
			if starred := x.Case().Mailbox.Star != nil; starred != (c.state == workflow.Qualified) {
				t.Errorf("the star is %v", starred)
			}
		})
	}
}

func TestARecordThatCouldNeverMatchIsRefused(t *testing.T) {
	w := newWorld(t)
	for name, r := range map[string]workflow.Record{
		"a wrong check character":         {Kind: workflow.KindPerson, FiscalCode: "NRENNA80A41H501X"},
		"a code without a kind":           {FiscalCode: storetest.Anna},
		"an unknown kind":                 {Kind: "ente"},
		"a person with representatives":   {Kind: workflow.KindPerson, Representatives: []workflow.Representative{{FiscalCode: storetest.Luca}}},
		"a representative without a code": {Kind: workflow.KindCompany, FiscalCode: storetest.Bianchi, Representatives: []workflow.Representative{{Name: "Luca"}}},
		"a VAT number of a person":        {Kind: workflow.KindCompany, VATNumber: storetest.Anna},
		"an e-mail that is none":          {Kind: workflow.KindPerson, Email: "storetest.Anna"},
	} {
		if _, err := w.Procedure.Record(t.Context(), "tests", "nuova@pec.example", workflow.Active, r); err == nil {
			t.Errorf("%s: taken", name)
		}
	}
	if _, err := w.Procedure.Record(t.Context(), "tests", "nuova@pec.example", "attiva", storetest.AnnasRecord); err == nil {
		t.Error("an unknown status: taken")
	}
}

func TestExpiryLeavesReviewsAndYoungOnesAlone(t *testing.T) {
	w := newWorld(t)
	old := w.Reach(t, workflow.Summary)
	review := w.Record(t, unknownRecord).To(workflow.UnderReview)
	qualified := w.Reach(t, workflow.Qualified)
	w.Clock.Advance(workflow.UnfinishedLife)
	young := w.Reach(t, workflow.Summary)
	w.Clock.Advance(time.Second)
	n, err := w.Procedure.ExpireStale(t.Context())
	storetest.Must(t, err)
	if n != 1 {
		t.Errorf("%d expired, want 1", n)
	}
	old.IsAt(workflow.Expired)
	review.IsAt(workflow.UnderReview)
	qualified.IsAt(workflow.Qualified)
	young.IsAt(workflow.Summary)

	old.Visitor = old.Enter("first browser")
	old.IsAt(workflow.HolderChoice)
}

// The address that came with the star goes with it: it was, perhaps, the wrong
// person's.
func TestARevocationForgetsTheOrdinaryAddress(t *testing.T) {
	x := reach(t, workflow.ContactData)
	x.Must(x.Procedure.EnterContacts(x.Context(), x.Visitor, x.Form(), "frode@mail.example", ""))
	x.To(workflow.Qualified)
	if got := x.Case().Mailbox.OrdinaryAddress(); got != "frode@mail.example" {
		t.Fatalf("the ordinary address is %q", got)
	}
	x.Must(x.Procedure.Revoke(x.Context(), "paolo", x.Address, 0, "frode"))
	x.Visitor = x.Enter("first browser")
	x.To(workflow.ContactData)
	if got := x.Case().SuggestedEmail(x.Visitor); got != "anna.neri@mail.example" {
		t.Errorf("the e-mail is prefilled with %q", got)
	}
	x.Must(x.Procedure.EnterContacts(x.Context(), x.Visitor, x.Form(), "frode@mail.example", ""))
	if got, want := x.Mails(), []string{"contacts_changed anna.neri@mail.example", "contacts_changed " + x.Address}; !slices.Equal(got, want) {
		t.Errorf("mails %v, want %v", got, want)
	}
}

func TestAChangeOfStandingIsARecordToo(t *testing.T) {
	x := begin(t, storetest.AnnasRecord)
	_, err := x.Procedure.Record(x.Context(), "paolo", x.Address, workflow.Cancelled, storetest.AnnasRecord)
	x.Must(err)
	h := x.History()
	if n := len(h.Records); n != 2 || h.Records[1].Status != workflow.Cancelled || h.Records[1].ImportedBy != "paolo" {
		t.Errorf("the records are %+v", h.Records)
	}
}
