package qualification_test

import (
	"errors"
	"slices"
	"sync"
	"testing"
	"time"

	"stella/store/storetest"
	"stella/workflow"
	"stella/workflow/qualification"
)

// wantCodeError checks that err is a CodeError with this code, and returns it.
func wantCodeError(x *storetest.Journey, err error, code string) *qualification.CodeError {
	x.Helper()
	var e *qualification.CodeError
	if !errors.As(err, &e) || e.Code != code {
		x.Fatalf("error %v, want %s", err, code)
	}
	return e
}

func codePage(x *storetest.Journey) qualification.CodePage { return x.Procedure.CodePage(x.Case()) }

func typeCode(x *storetest.Journey, code string) error {
	return x.Procedure.TypeCode(x.Context(), x.Visitor, x.Form(), code)
}

func TestRightCodeQualifiesMailbox(t *testing.T) {
	x := reach(t, qualification.CodeEntry)
	code := x.Code()
	x.Must(typeCode(x, code[:3]+" "+code[3:]))
	x.WantState(qualification.Qualified)
	m := x.Case().Mailbox
	if m.Star == nil || m.Ordinary != "anna.neri@mail.example" {
		t.Errorf("star %v, ordinary address %q", m.Star, m.Ordinary)
	}
	want := []string{"code anna.neri@mail.example", "qualified anna.neri@mail.example", "qualified_pec " + x.Address}
	if got := x.Mails(); !slices.Equal(got, want) {
		t.Errorf("mails %v, want %v", got, want)
	}
}

// The 60 seconds count from the time at which the relay accepted the mail.
func TestCodeIsValidFor60Seconds(t *testing.T) {
	x := reach(t, qualification.Contract)
	x.Must(x.Procedure.AcknowledgeContract(x.Context(), x.Visitor, x.Form(), storetest.Notice))
	if s := codePage(x).Status; s != qualification.CodeSending {
		t.Errorf("before the relay accepted it: status %s", s)
	}
	x.Clock.Advance(10 * time.Second)
	x.SendCode()
	x.Clock.Advance(60*time.Second - 1)
	if page := codePage(x); page.Status != qualification.CodeSent || page.Expires.Sub(x.Clock.Now()) != 1 {
		t.Errorf("just before it expires: %+v", page)
	}
	x.Clock.Advance(1)
	if s := codePage(x).Status; s != qualification.CodeExpired {
		t.Errorf("after 60 s: status %s", s)
	}
	wantCodeError(x, typeCode(x, x.Code()), "code_expired")
	x.WantState(qualification.CodeEntry)

	x.Must(x.Procedure.RequestCode(x.Context(), x.Visitor, x.Form()))
	x.SendCode()
	x.Must(typeCode(x, x.Code()))
	x.WantState(qualification.Qualified)
}

func TestCodeNotSentInTimeIsDropped(t *testing.T) {
	x := reach(t, qualification.Contract)
	x.Must(x.Procedure.AcknowledgeContract(x.Context(), x.Visitor, x.Form(), storetest.Notice))
	x.Clock.Advance(workflow.CodeMailLifetime + 1)
	if s := codePage(x).Status; s != qualification.CodeDropped {
		t.Errorf("status %s, want %s", s, qualification.CodeDropped)
	}
	wantCodeError(x, typeCode(x, x.Code()), "code_not_sent")
}

func TestOnlyNewestCodeIsValid(t *testing.T) {
	x := reach(t, qualification.CodeEntry)
	old := x.Code()
	x.Clock.Advance(20 * time.Second)
	x.Must(x.Procedure.RequestCode(x.Context(), x.Visitor, x.Form()))
	x.SendCode()
	before := x.Form()
	wantCodeError(x, typeCode(x, old), "code_replaced")
	if x.Form() != before {
		t.Error("a replaced code was counted")
	}
	x.Must(typeCode(x, x.Code()))
	x.WantState(qualification.Qualified)
}

func TestWrongCodesAreCountedPerMailbox(t *testing.T) {
	x := reach(t, qualification.CodeEntry)
	for left := 4; left >= 2; left-- {
		if e := wantCodeError(x, typeCode(x, x.WrongCode()), "code_wrong"); e.Left != left {
			t.Errorf("%d attempts left, want %d", e.Left, left)
		}
	}
	// A new code or a new login does not reset the count.
	x.Clock.Advance(20 * time.Second)
	x.Must(x.Procedure.RequestCode(x.Context(), x.Visitor, x.Form()))
	x.Visitor = x.Enter("second browser")
	x.Must(logInAs(x, storetest.Anna))
	x.Must(x.Procedure.ConfirmIdentity(x.Context(), x.Visitor, x.Form()))
	x.Clock.Advance(20 * time.Second)
	x.Must(x.Procedure.AcknowledgeContract(x.Context(), x.Visitor, x.Form(), storetest.Notice))
	x.SendCode()
	if e := wantCodeError(x, typeCode(x, x.WrongCode()), "code_wrong"); e.Left != 1 {
		t.Errorf("%d attempts left, want 1", e.Left)
	}
	right := x.Code()
	e := wantCodeError(x, typeCode(x, x.WrongCode()), "code_paused")
	if e.Until.Sub(x.Clock.Now()) != 15*time.Minute {
		t.Errorf("paused for %v", e.Until.Sub(x.Clock.Now()))
	}
	wantCodeError(x, typeCode(x, right), "code_paused")
	wantCodeError(x, x.Procedure.RequestCode(x.Context(), x.Visitor, x.Form()), "code_paused")
	if page := codePage(x); page.Status != qualification.CodePaused || !page.PausedUntil.Equal(e.Until) {
		t.Errorf("code page %+v", page)
	}

	x.Clock.Advance(15 * time.Minute)
	if s := codePage(x).Status; s != qualification.CodeNone {
		t.Errorf("after the pause: status %s", s)
	}
	x.Must(x.Procedure.RequestCode(x.Context(), x.Visitor, x.Form()))
	x.SendCode()
	if e := wantCodeError(x, typeCode(x, x.WrongCode()), "code_wrong"); e.Left != 4 {
		t.Errorf("after the pause: %d attempts left, want 4", e.Left)
	}
}

func TestMalformedCodeIsNotCounted(t *testing.T) {
	x := reach(t, qualification.CodeEntry)
	before := x.Form()
	wantCodeError(x, typeCode(x, ""), "code_missing")
	wantCodeError(x, typeCode(x, "12345"), "code_malformed")
	wantCodeError(x, typeCode(x, "abcdef"), "code_malformed")
	if x.Form() != before {
		t.Error("malformed input was counted")
	}
}

func TestCodeRequestsAreLimited(t *testing.T) {
	x := reach(t, qualification.CodeEntry)
	first := x.Clock.Now()
	x.Clock.Advance(19 * time.Second)
	e := wantCodeError(x, x.Procedure.RequestCode(x.Context(), x.Visitor, x.Form()), "resend_wait")
	if !e.Until.Equal(first.Add(20 * time.Second)) {
		t.Errorf("next code in %v, want 1s", e.Until.Sub(x.Clock.Now()))
	}
	x.Clock.Advance(time.Second)
	for range 4 {
		x.Must(x.Procedure.RequestCode(x.Context(), x.Visitor, x.Form()))
		x.Clock.Advance(20 * time.Second)
	}
	e = wantCodeError(x, x.Procedure.RequestCode(x.Context(), x.Visitor, x.Form()), "resend_wait")
	if !e.Until.Equal(first.Add(15*time.Minute)) || !codePage(x).ResendAt.Equal(e.Until) {
		t.Errorf("after five codes: next code after %v, want 15m", e.Until.Sub(first))
	}
}

func TestRefusedAddressIsCorrectedOnCodePage(t *testing.T) {
	x := reach(t, qualification.Contract)
	x.Must(x.Procedure.AcknowledgeContract(x.Context(), x.Visitor, x.Form(), storetest.Notice))
	mail, err := storetest.StartMail(x.Context(), x.Store, x.CodeMail(), x.Clock.Now())
	x.Must(err)
	x.Must(x.MailRefused(x.Context(), mail.Attempt(), "550 5.1.1 no such user", x.Clock.Now()))
	if s := codePage(x).Status; s != qualification.CodeRefused {
		t.Fatalf("status %s, want %s", s, qualification.CodeRefused)
	}
	old := x.Code()
	x.Clock.Advance(20 * time.Second)
	x.Must(x.Procedure.RedirectCode(x.Context(), x.Visitor, x.Form(), "anna.giusta@mail.example", ""))
	want := []string{"code anna.neri@mail.example", "contacts_changed anna.neri@mail.example",
		"contacts_changed " + x.Address, "code anna.giusta@mail.example"}
	if got := x.Mails(); !slices.Equal(got, want) {
		t.Errorf("mails %v, want %v", got, want)
	}
	x.SendCode()
	wantCodeError(x, typeCode(x, old), "code_replaced")
	x.Must(typeCode(x, x.Code()))
	x.WantState(qualification.Qualified)
}

// One of fifty concurrent requests succeeds; the others get a StaleError.
func TestFiftyConcurrentRightCodes(t *testing.T) {
	x := reach(t, qualification.CodeEntry)
	form, code := x.Form(), x.Code()
	var wg sync.WaitGroup
	outcomes := make([]error, 50)
	for i := range outcomes {
		wg.Go(func() { outcomes[i] = x.Procedure.TypeCode(x.Context(), x.Visitor, form, code) })
	}
	wg.Wait()
	right := 0
	for _, err := range outcomes {
		switch {
		case err == nil:
			right++
		case !isStale(err):
			t.Errorf("error %v, want a StaleError", err)
		}
	}
	if right != 1 {
		t.Errorf("%d requests succeeded, want 1", right)
	}
	x.WantState(qualification.Qualified)
	var stars int
	x.Must(x.Pool().QueryRow(x.Context(), `select count(*) from mailboxes where star is not null`).Scan(&stars))
	want := []string{"code anna.neri@mail.example", "qualified anna.neri@mail.example", "qualified_pec " + x.Address}
	if got := x.Mails(); stars != 1 || !slices.Equal(got, want) {
		t.Errorf("%d stars, mails %v", stars, got)
	}
}

// The record is compared again when the right code is typed.
func TestRecordIsComparedAgainWithRightCode(t *testing.T) {
	x := reach(t, qualification.CodeEntry)
	changed := storetest.AnnasRecord
	changed.FiscalCode = storetest.Sara
	_, err := x.Cases.SetRecord(x.Context(), "tests", x.Address, workflow.Active, changed)
	x.Must(err)
	if err := typeCode(x, x.Code()); !errors.Is(err, qualification.ErrLoginExpired) {
		t.Fatalf("unexpected error: %v", err)
	}
	x.WantState(qualification.Identification)
	x.Must(logInAs(x, storetest.Anna))
	x.WantState(qualification.Rejected)
}

func TestInactiveMailboxGetsNoStar(t *testing.T) {
	x := reach(t, qualification.CodeEntry)
	_, err := x.Cases.SetRecord(x.Context(), "tests", x.Address, workflow.Cancelled, storetest.AnnasRecord)
	x.Must(err)
	if err := typeCode(x, x.Code()); !errors.Is(err, workflow.ErrNotEligible) {
		t.Fatalf("unexpected error: %v", err)
	}
	x.WantState(qualification.CodeEntry)
}

// An earlier code with a later date, from before the clock was set back, does not hide
// the code that was sent.
func TestNewestCodeIsValidAfterClockIsSetBack(t *testing.T) {
	x := reach(t, qualification.CodeEntry)
	x.Clock.Advance(-10 * time.Minute)
	x.Must(x.Procedure.RequestCode(x.Context(), x.Visitor, x.Form()))
	code := x.SendCode()
	if page := codePage(x); page.Status != qualification.CodeSent {
		t.Errorf("code page %+v", page)
	}
	if e := wantCodeError(x, typeCode(x, x.WrongCode()), "code_wrong"); e.Left != 4 {
		t.Errorf("%d attempts left, want 4", e.Left)
	}
	x.Must(typeCode(x, code))
	x.WantState(qualification.Qualified)
}
