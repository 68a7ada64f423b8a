package qualification_test

import (
	"errors"
	"slices"
	"strings"
	"testing"

	"stella/store/storetest"
	"stella/workflow"
	"stella/workflow/qualification"
)

var unknownRecord = workflow.Record{Kind: workflow.KindPerson, Name: "Anna Neri", Email: "anna.neri@mail.example"}

func TestApproveGivesStar(t *testing.T) {
	x := begin(t, unknownRecord).AdvanceTo(qualification.UnderReview)
	if x.Case().Mailbox.Star != nil {
		t.Fatal("the mailbox has a star before the review")
	}
	x.Must(x.Cases.Approve(x.Context(), "paolo", " "+strings.ToUpper(x.Address), 0, "visura del 20/11/2026")) // as pasted
	x.WantState(qualification.Qualified)
	want := []string{
		"code anna.neri@mail.example", "under_review anna.neri@mail.example",
		"qualified anna.neri@mail.example", "qualified_pec " + x.Address,
	}
	if got := x.Mails(); !slices.Equal(got, want) {
		t.Errorf("mails %v, want %v", got, want)
	}
	h := x.History()
	last := h.Steps[len(h.Steps)-1]
	if last.Actor.Kind != workflow.ByOperator || last.Actor.Name != "paolo" || last.Refs["decision"] == "" {
		t.Errorf("logged step: %+v", last)
	}
	var reason string
	x.Must(x.Pool().QueryRow(x.Context(), `select reason from decisions where id = $1`, last.Refs["decision"]).Scan(&reason))
	if reason != "visura del 20/11/2026" {
		t.Errorf("stored reason: %q", reason)
	}
}

func TestApproveIsRefusedIfRecordNamesAnother(t *testing.T) {
	x := begin(t, unknownRecord).AdvanceTo(qualification.UnderReview)
	changed := unknownRecord
	changed.FiscalCode = storetest.Sara
	_, err := x.Cases.SetRecord(x.Context(), "tests", x.Address, workflow.Active, changed)
	x.Must(err)
	if err := x.Cases.Approve(x.Context(), "paolo", x.Address, 0, "visura"); !errors.Is(err, qualification.ErrNotAllowed) {
		t.Errorf("unexpected error: %v", err)
	}
	x.WantState(qualification.UnderReview)
}

func TestRefuseReportsReason(t *testing.T) {
	x := begin(t, unknownRecord).AdvanceTo(qualification.UnderReview)
	x.Must(x.Cases.Refuse(x.Context(), "paolo", x.Address, 0, "manca la visura"))
	x.WantState(qualification.Rejected)
	if q := x.Case().Qualification; q.Reason != qualification.ReasonReview || q.Remark != "manca la visura" {
		t.Errorf("reason %q, remark %q", q.Reason, q.Remark)
	}
	got := x.Mails()
	if want := []string{"rejected anna.neri@mail.example", "rejected " + x.Address}; !slices.Equal(got[len(got)-2:], want) {
		t.Errorf("mails %v", got)
	}
	x.Must(x.Procedure.RetryLogin(x.Context(), x.Visitor, x.Form()))
	x.WantState(qualification.Identification)
}

func TestRevokeRemovesStar(t *testing.T) {
	x := reach(t, qualification.Qualified)
	x.Must(x.Cases.Revoke(x.Context(), "paolo", x.Address, 0, "ceduta"))
	x.WantState(qualification.Revoked)
	if x.Case().Mailbox.Star != nil {
		t.Error("the mailbox still has a star")
	}
	x.Visitor = x.Enter("first browser")
	x.WantState(qualification.HolderChoice)
}

// The address that came with the star is removed with it, because it may be the wrong
// person's.
func TestRevokeRemovesOrdinaryAddress(t *testing.T) {
	x := reach(t, qualification.ContactData)
	x.Must(x.Procedure.EnterContacts(x.Context(), x.Visitor, x.Form(), "frode@mail.example", ""))
	x.AdvanceTo(qualification.Qualified)
	if got := x.Case().Mailbox.OrdinaryAddress(); got != "frode@mail.example" {
		t.Fatalf("ordinary address %q", got)
	}
	x.Must(x.Cases.Revoke(x.Context(), "paolo", x.Address, 0, "frode"))
	x.Visitor = x.Enter("first browser")
	x.AdvanceTo(qualification.ContactData)
	if got := x.Case().SuggestedEmail(x.Visitor); got != "anna.neri@mail.example" {
		t.Errorf("suggested e-mail %q", got)
	}
	before := len(x.Mails())
	x.Must(x.Procedure.EnterContacts(x.Context(), x.Visitor, x.Form(), "frode@mail.example", ""))
	x.Must(x.Procedure.ConfirmData(x.Context(), x.Visitor, x.Form()))
	want := []string{"contacts_changed anna.neri@mail.example", "contacts_changed " + x.Address}
	if got := x.Mails()[before:]; !slices.Equal(got, want) {
		t.Errorf("mails %v, want %v", got, want)
	}
}
