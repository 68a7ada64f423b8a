package qualification_test

import (
	"errors"
	"fmt"
	"slices"
	"testing"
	"time"

	"stella/store/storetest"
	"stella/workflow"
	"stella/workflow/qualification"
)

func TestAddressChangeIsNotified(t *testing.T) {
	x := reach(t, qualification.ContactData)
	wantMails := func(want ...string) {
		t.Helper()
		if got := x.Mails(); !slices.Equal(got, want) {
			t.Errorf("mails %v, want %v", got, want)
		}
	}
	// An address that is typed but not saved is not notified.
	x.Must(x.Procedure.EnterContacts(x.Context(), x.Visitor, x.Form(), "atlra@mail.example", ""))
	x.Must(x.Procedure.CorrectContacts(x.Context(), x.Visitor, x.Form(), "altra@mail.example", ""))
	wantMails()
	confirm := func() {
		t.Helper()
		x.Must(x.Procedure.ConfirmData(x.Context(), x.Visitor, x.Form()))
		x.WantState(qualification.Identification)
	}
	confirm()
	want := []string{"contacts_changed anna.neri@mail.example", "contacts_changed " + x.Address}
	wantMails(want...)
	// Saving the same address again is not a change; the address on record is not one
	// either.
	x.Must(x.Procedure.StepBack(x.Context(), x.Visitor, x.Form()))
	x.Must(x.Procedure.CorrectContacts(x.Context(), x.Visitor, x.Form(), "altra@mail.example", "3471234567"))
	confirm()
	x.Must(x.Procedure.StepBack(x.Context(), x.Visitor, x.Form()))
	x.Must(x.Procedure.CorrectContacts(x.Context(), x.Visitor, x.Form(), "Anna.Neri@mail.example", "3471234567"))
	confirm()
	wantMails(want...)
	if d := x.Case().Qualification.Declaration; d.Phone != "+393471234567" {
		t.Errorf("phone number %q", d.Phone)
	}
}

// Every change is notified, and the number of mails is bounded.
func TestContactChangesPerDay(t *testing.T) {
	x := reach(t, qualification.Summary)
	save := func(address string) error {
		x.Must(x.Procedure.CorrectContacts(x.Context(), x.Visitor, x.Form(), address, ""))
		return x.Procedure.ConfirmData(x.Context(), x.Visitor, x.Form())
	}
	wantLimitError := func(err error) {
		t.Helper()
		var input *workflow.InputError
		want := workflow.Fault{Code: "contacts_limit", Until: x.Clock.Now().Add(24 * time.Hour), Recorded: true}
		if !errors.As(err, &input) || input.Faults[0].Code != want.Code ||
			!input.Faults[0].Until.Equal(want.Until) || !input.Faults[0].Recorded {
			t.Errorf("sixth change: error %v, want %+v", err, want)
		}
	}
	for i := range 9 { // typing errors
		x.Must(x.Procedure.CorrectContacts(x.Context(), x.Visitor, x.Form(), fmt.Sprintf("errore%d@mail.example", i), ""))
	}
	for i := range 5 {
		x.Must(save(fmt.Sprintf("altra%d@mail.example", i)))
		x.Must(x.Procedure.StepBack(x.Context(), x.Visitor, x.Form()))
	}
	wantLimitError(save("altra5@mail.example"))
	x.WantState(qualification.Summary)
	x.Must(save("altra4@mail.example")) // already notified
	x.Must(x.Procedure.StepBack(x.Context(), x.Visitor, x.Form()))
	x.Must(save("anna.neri@mail.example")) // the address on record
	x.Must(logInAs(x, storetest.Anna))
	wantLimitError(x.Procedure.RedirectCode(x.Context(), x.Visitor, x.Form(), "altra6@mail.example", ""))
	x.AdvanceTo(qualification.CodeEntry)
	wantLimitError(x.Procedure.RedirectCode(x.Context(), x.Visitor, x.Form(), "altra6@mail.example", ""))
	x.Clock.Advance(24 * time.Hour)
	if err := x.Procedure.ConfirmIdentity(x.Context(), x.Visitor, x.Form()); !errors.Is(err, qualification.ErrLoginExpired) {
		t.Fatal(err)
	}
	x.Must(logInAs(x, storetest.Anna))
	x.Must(x.Procedure.RedirectCode(x.Context(), x.Visitor, x.Form(), "altra6@mail.example", ""))
	if got := len(x.Mails()); got != 2*6+1 { // and the code
		t.Errorf("%d mails, want 13", got)
	}
}

// Without an address on record there is no address that is still accepted.
func TestContactLimitWithoutAddressOnRecord(t *testing.T) {
	r := storetest.AnnasRecord
	r.Email = ""
	x := begin(t, r).AdvanceTo(qualification.ContactData)
	x.Must(x.Procedure.EnterContacts(x.Context(), x.Visitor, x.Form(), "altra@mail.example", ""))
	var err error
	for i := 0; err == nil && i < 6; i++ {
		x.Must(x.Procedure.CorrectContacts(x.Context(), x.Visitor, x.Form(), fmt.Sprintf("altra%d@mail.example", i), ""))
		if err = x.Procedure.ConfirmData(x.Context(), x.Visitor, x.Form()); err == nil {
			x.Must(x.Procedure.StepBack(x.Context(), x.Visitor, x.Form()))
		}
	}
	var input *workflow.InputError
	if !errors.As(err, &input) || input.Faults[0].Code != "contacts_limit" || input.Faults[0].Recorded {
		t.Errorf("sixth change: error %v", err)
	}
}

// An address that was typed but not saved gets no mail.
func TestUnsavedAddressGetsNoMail(t *testing.T) {
	x := begin(t, storetest.BianchisRecord).AdvanceTo(qualification.Summary)
	x.Must(x.Procedure.CorrectContacts(x.Context(), x.Visitor, x.Form(), "errore@mail.example", ""))
	for range 2 {
		x.Must(x.Procedure.StepBack(x.Context(), x.Visitor, x.Form()))
	}
	x.Must(x.Procedure.ChooseKind(x.Context(), x.Visitor, x.Form(), workflow.KindCompany))
	x.Must(x.Procedure.EnterCompany(x.Context(), x.Visitor, x.Form(), "", cooperativa))
	x.WantState(qualification.Rejected)
	if got, want := x.Mails(), []string{"rejected amministrazione@bianchi.example"}; !slices.Equal(got, want) {
		t.Errorf("mails %v, want %v", got, want)
	}
}

// A user of the mailbox can cause any number of rejections, but only five mails a day.
func TestRejectionMailsPerDay(t *testing.T) {
	x := begin(t, storetest.BianchisRecord).AdvanceTo(qualification.CompanyData)
	for range 8 {
		x.Must(x.Procedure.EnterCompany(x.Context(), x.Visitor, x.Form(), "", cooperativa))
		x.Must(x.Procedure.Retry(x.Context(), x.Visitor, x.Form()))
		x.Must(x.Procedure.ChooseKind(x.Context(), x.Visitor, x.Form(), workflow.KindCompany))
	}
	if got := x.Mails(); len(got) != 5 {
		t.Errorf("%d mails, want 5: %v", len(got), got)
	}
}

// The limit counts rejections of every kind: by the login, and by an operator.
func TestRejectionMailsOfLoginsAndReviews(t *testing.T) {
	w := newWorld(t)
	x := w.RecordInState(t, qualification.Identification)
	for range 7 {
		x.Must(logInAs(x, storetest.Luca))
		x.Must(x.Procedure.RetryLogin(x.Context(), x.Visitor, x.Form()))
	}
	if got := x.Mails(); len(got) != 5 {
		t.Errorf("%d mails after logins, want 5: %v", len(got), got)
	}
	x = w.RecordInState(t, qualification.UnderReview)
	_, err := x.Pool().Exec(x.Context(), `
		insert into mails (id, qualification_id, kind, recipient, locale, details, requested_at)
		select gen_random_uuid(), id, 'rejected', '', 'it', '{}', stepped_at from qualifications, generate_series(1, 5)
		where state = 'under_review'`)
	x.Must(err)
	x.Must(x.Cases.Refuse(x.Context(), "paolo", x.Address, 0, "manca la visura"))
	// The certified mailbox always gets the decision of an operator.
	if got := x.Mails(); slices.Contains(got, "rejected anna.neri@mail.example") || !slices.Contains(got, "rejected "+x.Address) {
		t.Errorf("after the refusal the mails are %v", got)
	}
}
