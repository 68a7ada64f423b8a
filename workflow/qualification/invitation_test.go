package qualification_test

import (
	"errors"
	"net/netip"
	"slices"
	"sync"
	"testing"
	"time"

	"stella/store/storetest"
	"stella/workflow"
	"stella/workflow/qualification"
)

func openInvitation(x *storetest.Journey, secret string) error {
	_, err := x.Procedure.Invitation(x.Context(), secret)
	return err
}

func wantInvitationError(x *storetest.Journey, err error, why string) {
	x.Helper()
	var e *qualification.InvitationError
	if !errors.As(err, &e) || e.Why != why {
		x.Errorf("error %v, want invitation %s", err, why)
	}
}

func TestInvitedHolderOwnsProcedure(t *testing.T) {
	x := begin(t, storetest.BianchisRecord).AdvanceTo(qualification.Invited)
	delegate := x.Visitor
	holder := x.Accept()
	x.WantState(qualification.HolderKind)
	c := x.Case()
	if !c.CanAct(holder) || c.CanAct(delegate) {
		t.Error("the holder is not the only owner")
	}
	if s := c.Stage(delegate); s != qualification.Invited {
		t.Errorf("the delegate sees %s", s)
	}
	if err := x.Procedure.ChooseKind(x.Context(), delegate, x.Form(), workflow.KindCompany); !errors.Is(err, qualification.ErrNotOwner) {
		t.Errorf("step of the delegate: error %v, want %v", err, qualification.ErrNotOwner)
	}
	if err := x.Procedure.StepBack(x.Context(), holder, x.Form()); !errors.Is(err, qualification.ErrNotAllowed) {
		t.Errorf("StepBack beyond the holder's part: error %v, want %v", err, qualification.ErrNotAllowed)
	}
	x.Visitor = holder
	x.Must(x.Procedure.ChooseKind(x.Context(), x.Visitor, x.Form(), workflow.KindCompany))
	x.Must(x.Procedure.EnterCompany(x.Context(), x.Visitor, x.Form(), "", storetest.Bianchi))
	if got := x.Case().SuggestedEmail(x.Visitor); got != "holder@mail.example" {
		t.Errorf("suggested e-mail %q", got)
	}
	x.Must(x.Procedure.EnterContacts(x.Context(), x.Visitor, x.Form(), "holder@mail.example", ""))
	x.Must(x.Procedure.ConfirmData(x.Context(), x.Visitor, x.Form()))
	x.Must(logInAs(x, storetest.Luca))
	x.Must(x.Procedure.ConfirmIdentity(x.Context(), x.Visitor, x.Form()))
	x.Must(x.Procedure.AcknowledgeContract(x.Context(), x.Visitor, x.Form(), storetest.Notice))
	x.SendCode()
	secret := x.InvitationSecret()
	x.Must(typeCode(x, x.Code()))
	want := []string{"invitation holder@mail.example", "contacts_changed amministrazione@bianchi.example", "contacts_changed " + x.Address,
		"code holder@mail.example", "qualified holder@mail.example", "qualified_pec " + x.Address, "invitation_qualified " + x.Address}
	if got := x.Mails(); !slices.Equal(got, want) {
		t.Errorf("mails\n%v, want\n%v", got, want)
	}
	if s := x.Case().Stage(x.Visitor); s != qualification.Qualified || !x.Case().CanView(x.Visitor) {
		t.Errorf("the holder sees %s", s)
	}
	if s := x.Case().Stage(delegate); s != qualification.Qualified {
		t.Errorf("the delegate sees %s", s)
	}
	wantInvitationError(x, openInvitation(x, secret), "finished")
}

func TestAcceptedLinkCanBeReused(t *testing.T) {
	x := reach(t, qualification.Invited)
	first := x.Accept()
	x.Must(x.Procedure.ChooseKind(x.Context(), first, x.Form(), workflow.KindPerson))
	before := x.Form()
	again := x.Accept()
	if x.Form() != before {
		t.Error("the second use of the link made a step")
	}
	if !x.Case().CanAct(again) {
		t.Error("the second use of the link does not admit the holder")
	}
}

func TestOnlyOneInvitationIsValid(t *testing.T) {
	x := reach(t, qualification.Invited)
	old := x.InvitationSecret()
	x.Must(x.Procedure.Invite(x.Context(), x.Visitor, x.Form(), "")) // to the same address again
	if to := x.Case().Qualification.Invitation.Email; to != "holder@mail.example" {
		t.Errorf("repeated to %s", to)
	}
	wantInvitationError(x, openInvitation(x, old), "replaced")
	x.Must(openInvitation(x, x.InvitationSecret()))
	if _, err := x.Procedure.AcceptInvitation(x.Context(), old, "it", netip.Addr{}, ""); err == nil {
		t.Error("the previous link is still accepted")
	}
}

func TestInvitationIsValidForSevenDays(t *testing.T) {
	x := reach(t, qualification.Invited)
	x.Clock.Advance(7*24*time.Hour - 1)
	x.Must(openInvitation(x, x.InvitationSecret()))
	x.Clock.Advance(1)
	wantInvitationError(x, openInvitation(x, x.InvitationSecret()), "expired")
	if _, err := x.Procedure.AcceptInvitation(x.Context(), x.InvitationSecret(), "it", netip.Addr{}, ""); err == nil {
		t.Error("an expired invitation was accepted")
	}
	x.WantState(qualification.Invited)
}

func TestInvitationsPerDay(t *testing.T) {
	x := reach(t, qualification.Invited)
	for range 4 {
		x.Clock.Advance(time.Hour)
		x.Must(x.Procedure.Invite(x.Context(), x.Visitor, x.Form(), ""))
	}
	var input *workflow.InputError
	err := x.Procedure.Invite(x.Context(), x.Visitor, x.Form(), "")
	if !errors.As(err, &input) || input.Faults[0].Code != "invitation_limit" {
		t.Errorf("sixth invitation: error %v", err)
	}
	// Withdrawing and starting again does not reset the limit.
	x.Must(x.Procedure.Withdraw(x.Context(), x.Visitor, x.Form()))
	x.AdvanceTo(qualification.HolderInvitation)
	if err := x.Procedure.Invite(x.Context(), x.Visitor, x.Form(), "altri@mail.example"); !errors.As(err, &input) {
		t.Errorf("after a withdrawal: error %v", err)
	}
	x.Clock.Advance(20 * time.Hour)
	x.Must(x.Procedure.Invite(x.Context(), x.Visitor, x.Form(), "altri@mail.example"))
}

func TestWithdrawDiscardsHolderInput(t *testing.T) {
	x := reach(t, qualification.Invited)
	delegate, secret := x.Visitor, x.InvitationSecret()
	x.Visitor = x.Accept()
	x.AdvanceTo(qualification.CodeEntry)
	holder := x.Visitor
	x.Must(x.Procedure.Withdraw(x.Context(), delegate, x.Form()))
	x.WantState(qualification.HolderChoice)
	q := x.Case().Qualification
	if q.Declaration != nil || q.Identity != nil || q.Owner != qualification.OwnedByWebmail {
		t.Errorf("the qualification still contains the holder's input: %+v", q)
	}
	if x.Case().CanView(holder) {
		t.Error("the holder still sees the case")
	}
	wantInvitationError(x, openInvitation(x, secret), "withdrawn")
	x.Visitor = delegate
	x.AdvanceTo(qualification.ContactData)
	if got := x.Case().SuggestedEmail(delegate); got != "anna.neri@mail.example" {
		t.Errorf("suggested e-mail for the delegate: %q", got)
	}
}

// A delegate can withdraw after the invited holder turned out to be the wrong person.
func TestWithdrawAfterRejection(t *testing.T) {
	x := reach(t, qualification.Invited)
	delegate := x.Visitor
	x.Visitor = x.Accept()
	x.AdvanceTo(qualification.Rejected)
	if s := x.Case().Stage(delegate); s != qualification.Invited {
		t.Errorf("the delegate sees %s", s)
	}
	x.Must(x.Procedure.Withdraw(x.Context(), delegate, x.Form()))
	x.WantState(qualification.HolderChoice)
}

func TestWithdrawWithoutInvitation(t *testing.T) {
	x := reach(t, qualification.Summary)
	if err := x.Procedure.Withdraw(x.Context(), x.Visitor, x.Form()); !errors.Is(err, qualification.ErrNotAllowed) {
		t.Errorf("unexpected error: %v", err)
	}
}

func TestDeclineInvitation(t *testing.T) {
	x := reach(t, qualification.Invited)
	secret := x.InvitationSecret()
	x.Must(x.Procedure.DeclineInvitation(x.Context(), secret, netip.Addr{}, ""))
	x.WantState(qualification.HolderChoice)
	wantInvitationError(x, openInvitation(x, secret), "declined")
	if got := x.Mails(); got[len(got)-1] != "invitation_declined "+x.Address {
		t.Errorf("mails %v", got)
	}
}

func TestForgedLinkIsUnknown(t *testing.T) {
	x := reach(t, qualification.Invited)
	if err := openInvitation(x, "forged"); !errors.Is(err, workflow.ErrUnknown) {
		t.Errorf("unexpected error: %v", err)
	}
}

// Contacts that the delegate entered before the invitation are not shown to the holder,
// and no code is sent there.
func TestInvitedHolderSeesNoInputOfDelegate(t *testing.T) {
	x := begin(t, storetest.BianchisRecord).AdvanceTo(qualification.ContactData)
	x.Must(x.Procedure.EnterContacts(x.Context(), x.Visitor, x.Form(), "delegata@mail.example", "+393331234567"))
	x.Must(x.Procedure.ConfirmData(x.Context(), x.Visitor, x.Form()))
	for range 5 {
		x.Must(x.Procedure.StepBack(x.Context(), x.Visitor, x.Form()))
	}
	x.AdvanceTo(qualification.Invited)
	before := len(x.Mails())
	x.Visitor = x.Accept()
	if d := x.Case().Qualification.Declaration; d != nil {
		t.Errorf("the holder sees the delegate's declaration: %+v", d)
	}
	if got := x.Case().SuggestedEmail(x.Visitor); got != "holder@mail.example" {
		t.Errorf("suggested e-mail %q", got)
	}
	x.AdvanceTo(qualification.ContactData)
	x.Must(x.Procedure.EnterContacts(x.Context(), x.Visitor, x.Form(), "delegata@mail.example", ""))
	x.Must(x.Procedure.ConfirmData(x.Context(), x.Visitor, x.Form()))
	want := []string{"contacts_changed amministrazione@bianchi.example", "contacts_changed " + x.Address}
	if got := x.Mails()[before:]; !slices.Equal(got, want) {
		t.Errorf("mails %v, want %v", got, want)
	}
}

// With concurrent accepts, declines and withdrawals, the invitation ends exactly once,
// and every caller gets a matching answer.
func TestConcurrentAcceptDeclineWithdraw(t *testing.T) {
	w := newWorld(t)
	for range 3 {
		x := w.RecordInState(t, qualification.Invited)
		secret, form := x.InvitationSecret(), x.Form()
		outcomes := make([]error, 30)
		var wg sync.WaitGroup
		for i := range outcomes {
			wg.Go(func() {
				switch i % 3 {
				case 0:
					_, outcomes[i] = x.Procedure.AcceptInvitation(x.Context(), secret, "it", netip.Addr{}, "")
				case 1:
					outcomes[i] = x.Procedure.DeclineInvitation(x.Context(), secret, netip.Addr{}, "")
				case 2:
					outcomes[i] = x.Procedure.Withdraw(x.Context(), x.Visitor, form)
				}
			})
		}
		wg.Wait()
		ends := 0
		for i, err := range outcomes {
			var ended *qualification.InvitationError
			switch {
			case err == nil && i%3 != 0:
				ends++
			case err == nil || errors.As(err, &ended) || i%3 == 2 && isStale(err):
			case i%3 == 1 && errors.Is(err, qualification.ErrNotAllowed): // accepted before
			default:
				t.Errorf("%s: unexpected error: %v", []string{"accept", "decline", "withdraw"}[i%3], err)
			}
		}
		if x.WantState(qualification.HolderChoice); ends != 1 {
			t.Errorf("the invitation ended %d times", ends)
		}
	}
}

// A page of an earlier invitation cannot withdraw a later one.
func TestStalePageCannotWithdraw(t *testing.T) {
	x := reach(t, qualification.Invited)
	delegate, old := x.Visitor, x.Form()
	x.Must(x.Procedure.Invite(x.Context(), x.Visitor, x.Form(), "altra@mail.example"))
	page := x.Form()
	x.Visitor = x.Accept()
	x.AdvanceTo(qualification.Summary)
	if err := x.Procedure.Withdraw(x.Context(), delegate, old); !isStale(err) {
		t.Errorf("unexpected error: %v", err)
	}
	x.WantState(qualification.Summary)
	x.Must(x.Procedure.Withdraw(x.Context(), delegate, page)) // the holder's steps do not make it stale
	x.WantState(qualification.HolderChoice)
}
