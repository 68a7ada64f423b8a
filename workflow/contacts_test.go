package workflow_test

import (
	"errors"
	"fmt"
	"slices"
	"testing"
	"time"

	"stella/workflow"
)

func TestAnotherAddressIsToldToTheOneOnRecordAndToTheMailbox(t *testing.T) {
	x := newWorld(t).begin(personRecord).to(workflow.ContactData)
	x.must(x.p.EnterContacts(x.ctx, x.v, x.form(), "altra@mail.example", ""))
	want := []string{"contacts_changed anna.neri@mail.example", "contacts_changed " + x.address}
	if got := x.mails(); !slices.Equal(got, want) {
		t.Errorf("mails %v, want %v", got, want)
	}
	// The same again is no news, and the one on record is none either.
	x.must(x.p.CorrectContacts(x.ctx, x.v, x.form(), "altra@mail.example", "3471234567"))
	x.must(x.p.CorrectContacts(x.ctx, x.v, x.form(), "Anna.Neri@mail.example", "3471234567"))
	if got := x.mails(); !slices.Equal(got, want) {
		t.Errorf("mails %v, want %v", got, want)
	}
	if d := x.view().Qualification.Declaration; d.Phone != "+393471234567" {
		t.Errorf("the telephone number is %q", d.Phone)
	}
}

// No change goes untold, and nobody is told without end.
func TestFiveChangesOfTheContactsADay(t *testing.T) {
	x := newWorld(t).begin(personRecord).to(workflow.Summary)
	change := func(i int) error {
		return x.p.CorrectContacts(x.ctx, x.v, x.form(), fmt.Sprintf("altra%d@mail.example", i), "")
	}
	for i := range 5 {
		x.must(change(i))
	}
	var input *workflow.InputError
	if err := change(5); !errors.As(err, &input) || input.Faults[0].Code != "contacts_limit" {
		t.Errorf("the sixth: %v", err)
	}
	x.must(x.p.CorrectContacts(x.ctx, x.v, x.form(), "anna.neri@mail.example", "")) // back to the one on record
	x.clock.Advance(24 * time.Hour)
	x.must(change(6))
}

// Whoever has the mailbox can be rejected as often as they like; the holder is
// not written to as often.
func TestFiveMailsOfARejectionADay(t *testing.T) {
	x := newWorld(t).begin(companyRecord).to(workflow.CompanyData)
	for range 8 {
		x.must(x.p.EnterCompany(x.ctx, x.v, x.form(), "", cooperativa))
		x.must(x.p.Retry(x.ctx, x.v, x.form()))
		x.must(x.p.ChooseKind(x.ctx, x.v, x.form(), workflow.KindCompany))
	}
	if got := x.mails(); len(got) != 5 {
		t.Errorf("%d mails: %v", len(got), got)
	}
}
