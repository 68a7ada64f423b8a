package workflow_test

import (
	"errors"
	"fmt"
	"slices"
	"testing"
	"time"

	"stella/store/storetest"
	"stella/workflow"
)

func TestAnotherAddressIsToldToTheOneOnRecordAndToTheMailbox(t *testing.T) {
	x := reach(t, workflow.ContactData)
	x.Must(x.Procedure.EnterContacts(x.Context(), x.Visitor, x.Form(), "altra@mail.example", ""))
	want := []string{"contacts_changed anna.neri@mail.example", "contacts_changed " + x.Address}
	if got := x.Mails(); !slices.Equal(got, want) {
		t.Errorf("mails %v, want %v", got, want)
	}
	// The same again is no news, and the one on record is none either.
	x.Must(x.Procedure.CorrectContacts(x.Context(), x.Visitor, x.Form(), "altra@mail.example", "3471234567"))
	x.Must(x.Procedure.CorrectContacts(x.Context(), x.Visitor, x.Form(), "Anna.Neri@mail.example", "3471234567"))
	if got := x.Mails(); !slices.Equal(got, want) {
		t.Errorf("mails %v, want %v", got, want)
	}
	if d := x.Case().Qualification.Declaration; d.Phone != "+393471234567" {
		t.Errorf("the telephone number is %q", d.Phone)
	}
}

// No change goes untold, and nobody is told without end.
func TestFiveChangesOfTheContactsADay(t *testing.T) {
	x := reach(t, workflow.Summary)
	change := func(i int) error {
		return x.Procedure.CorrectContacts(x.Context(), x.Visitor, x.Form(), fmt.Sprintf("altra%d@mail.example", i), "")
	}
	for i := range 5 {
		x.Must(change(i))
	}
	var input *workflow.InputError
	if err := change(5); !errors.As(err, &input) || input.Faults[0].Code != "contacts_limit" {
		t.Errorf("the sixth: %v", err)
	}
	x.Must(x.Procedure.CorrectContacts(x.Context(), x.Visitor, x.Form(), "anna.neri@mail.example", "")) // back to the one on record
	x.Clock.Advance(24 * time.Hour)
	x.Must(change(6))
}

// Whoever has the mailbox can be rejected as often as they like; the holder is
// not written to as often.
func TestFiveMailsOfARejectionADay(t *testing.T) {
	x := begin(t, storetest.BianchisRecord).To(workflow.CompanyData)
	for range 8 {
		x.Must(x.Procedure.EnterCompany(x.Context(), x.Visitor, x.Form(), "", cooperativa))
		x.Must(x.Procedure.Retry(x.Context(), x.Visitor, x.Form()))
		x.Must(x.Procedure.ChooseKind(x.Context(), x.Visitor, x.Form(), workflow.KindCompany))
	}
	if got := x.Mails(); len(got) != 5 {
		t.Errorf("%d mails: %v", len(got), got)
	}
}
