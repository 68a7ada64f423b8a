package workflow_test

import (
	"errors"
	"slices"
	"testing"
	"time"

	"stella/workflow"
)

var unknownRecord = workflow.Record{Kind: workflow.KindPerson, Name: "Anna Neri", Email: "anna.neri@mail.example"}

func TestAnApprovalGivesTheStar(t *testing.T) {
	x := newWorld(t).begin(unknownRecord).to(workflow.UnderReview)
	if x.view().Mailbox.Star != nil {
		t.Fatal("there is a star before the review")
	}
	x.must(x.p.Approve(x.ctx, "paolo", x.address, 0, "visura del 20/11/2026"))
	x.want(workflow.Qualified)
	want := []string{"code anna.neri@mail.example", "under_review anna.neri@mail.example", "qualified anna.neri@mail.example", "qualified_pec " + x.address}
	if got := x.mails(); !slices.Equal(got, want) {
		t.Errorf("mails %v, want %v", got, want)
	}
	h, err := x.db.History(x.ctx, x.mailbox, 0)
	x.must(err)
	last := h.Steps[len(h.Steps)-1]
	if last.Actor.Kind != workflow.ByOperator || last.Actor.Name != "paolo" || last.Refs["decision"] == "" {
		t.Errorf("the log says %+v", last)
	}
	var reason string
	x.must(x.db.Pool().QueryRow(x.ctx, `select reason from decisions where id = $1`, last.Refs["decision"]).Scan(&reason))
	if reason != "visura del 20/11/2026" {
		t.Errorf("the decision relies on %q", reason)
	}
}

func TestAnApprovalIsRefusedWhereTheRecordNamesAnother(t *testing.T) {
	x := newWorld(t).begin(unknownRecord).to(workflow.UnderReview)
	changed := unknownRecord
	changed.FiscalCode = sara
	_, err := x.p.Record(x.ctx, "tests", x.address, workflow.Active, changed)
	x.must(err)
	if err := x.p.Approve(x.ctx, "paolo", x.address, 0, "visura"); !errors.Is(err, workflow.ErrNotAllowed) {
		t.Errorf("the answer is %v", err)
	}
	x.want(workflow.UnderReview)
}

func TestARefusalTellsItsReason(t *testing.T) {
	x := newWorld(t).begin(unknownRecord).to(workflow.UnderReview)
	x.must(x.p.Refuse(x.ctx, "paolo", x.address, 0, "manca la visura"))
	x.want(workflow.Rejected)
	if q := x.view().Qualification; q.Reason != workflow.ReasonReview || q.Remark != "manca la visura" {
		t.Errorf("the page says %q, %q", q.Reason, q.Remark)
	}
	got := x.mails()
	if want := []string{"rejected anna.neri@mail.example", "rejected " + x.address}; !slices.Equal(got[len(got)-2:], want) {
		t.Errorf("mails %v", got)
	}
	x.must(x.p.RetryLogin(x.ctx, x.v, x.form()))
	x.want(workflow.Identification)
}

func TestARevocationTakesTheStar(t *testing.T) {
	x := newWorld(t).begin(personRecord).to(workflow.Qualified)
	x.must(x.p.Revoke(x.ctx, "paolo", x.address, 0, "ceduta"))
	x.want(workflow.Revoked)
	if x.view().Mailbox.Star != nil {
		t.Error("the star is still there")
	}
	x.v = x.enter("first browser")
	x.want(workflow.HolderChoice)
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
		"another holder":     {func(r *workflow.Record) { r.FiscalCode = sara }, workflow.RecordRevoked, workflow.Revoked},
		"another kind": {func(r *workflow.Record) {
			r.Kind, r.FiscalCode = workflow.KindCompany, bianchi
		}, workflow.RecordRevoked, workflow.Revoked},
		"the code is not known any more": {func(r *workflow.Record) { r.FiscalCode = "" }, workflow.RecordChanged, workflow.Qualified},
	} {
		t.Run(name, func(t *testing.T) {
			x := newWorld(t).begin(personRecord).to(workflow.Qualified)
			r := personRecord
			c.change(&r)
			what, err := x.p.Record(x.ctx, "paolo", x.address, workflow.Active, r)
			x.must(err)
			if what != c.what {
				t.Errorf("the import says %s, want %s", what, c.what)
			}
			x.want(c.state)
			if starred := x.view().Mailbox.Star != nil; starred != (c.state == workflow.Qualified) {
				t.Errorf("the star is %v", starred)
			}
		})
	}
}

func TestARecordThatCouldNeverMatchIsRefused(t *testing.T) {
	w := newWorld(t)
	for name, r := range map[string]workflow.Record{
		"a wrong check character":         {Kind: workflow.KindPerson, FiscalCode: "NRENNA80A41H501X"},
		"a code without a kind":           {FiscalCode: anna},
		"an unknown kind":                 {Kind: "ente"},
		"a person with representatives":   {Kind: workflow.KindPerson, Representatives: []workflow.Representative{{FiscalCode: luca}}},
		"a representative without a code": {Kind: workflow.KindCompany, FiscalCode: bianchi, Representatives: []workflow.Representative{{Name: "Luca"}}},
		"a VAT number of a person":        {Kind: workflow.KindCompany, VATNumber: anna},
		"an e-mail that is none":          {Kind: workflow.KindPerson, Email: "anna"},
	} {
		if _, err := w.p.Record(w.ctx, "tests", "nuova@pec.example", workflow.Active, r); err == nil {
			t.Errorf("%s: taken", name)
		}
	}
	if _, err := w.p.Record(w.ctx, "tests", "nuova@pec.example", "attiva", personRecord); err == nil {
		t.Error("an unknown status: taken")
	}
}

func TestExpiryLeavesReviewsAndYoungOnesAlone(t *testing.T) {
	w := newWorld(t)
	old := w.begin(personRecord).to(workflow.Summary)
	review := w.begin(unknownRecord).to(workflow.UnderReview)
	qualified := w.begin(personRecord).to(workflow.Qualified)
	w.clock.Advance(workflow.UnfinishedLife)
	young := w.begin(personRecord).to(workflow.Summary)
	w.clock.Advance(time.Second)
	n, err := w.p.ExpireStale(w.ctx)
	w.must(err)
	if n != 1 {
		t.Errorf("%d expired, want 1", n)
	}
	old.want(workflow.Expired)
	review.want(workflow.UnderReview)
	qualified.want(workflow.Qualified)
	young.want(workflow.Summary)

	old.v = old.enter("first browser")
	old.want(workflow.HolderChoice)
}

// The address that came with the star goes with it: it was, perhaps, the wrong
// person's.
func TestARevocationForgetsTheOrdinaryAddress(t *testing.T) {
	x := newWorld(t).begin(personRecord).to(workflow.ContactData)
	x.must(x.p.EnterContacts(x.ctx, x.v, x.form(), "frode@mail.example", ""))
	x.to(workflow.Qualified)
	if got := x.view().Mailbox.OrdinaryAddress(); got != "frode@mail.example" {
		t.Fatalf("the ordinary address is %q", got)
	}
	x.must(x.p.Revoke(x.ctx, "paolo", x.address, 0, "frode"))
	x.v = x.enter("first browser")
	x.to(workflow.ContactData)
	if got := x.view().SuggestedEmail(x.v); got != "anna.neri@mail.example" {
		t.Errorf("the e-mail is prefilled with %q", got)
	}
	x.must(x.p.EnterContacts(x.ctx, x.v, x.form(), "frode@mail.example", ""))
	if got, want := x.mails(), []string{"contacts_changed anna.neri@mail.example", "contacts_changed " + x.address}; !slices.Equal(got, want) {
		t.Errorf("mails %v, want %v", got, want)
	}
}

func TestAChangeOfStandingIsARecordToo(t *testing.T) {
	x := newWorld(t).begin(personRecord)
	_, err := x.p.Record(x.ctx, "paolo", x.address, workflow.Cancelled, personRecord)
	x.must(err)
	h, err := x.db.History(x.ctx, x.mailbox, 0)
	x.must(err)
	if n := len(h.Records); n != 2 || h.Records[1].Status != workflow.Cancelled || h.Records[1].ImportedBy != "paolo" {
		t.Errorf("the records are %+v", h.Records)
	}
}
