package workflow_test

import (
	"errors"
	"net/netip"
	"slices"
	"sync"
	"testing"
	"time"

	"stella/store/storetest"
	"stella/workflow"
)

func open(x *storetest.Journey, secret string) error {
	_, err := x.Procedure.Invitation(x.Context(), secret)
	return err
}

func ended(x *storetest.Journey, err error, why string) {
	x.Helper()
	var e *workflow.InvitationError
	if !errors.As(err, &e) || e.Why != why {
		x.Errorf("the link is answered %v, want %s", err, why)
	}
}

func TestAnInvitedHolderGoesOnAlone(t *testing.T) {
	x := begin(t, storetest.BianchisRecord).To(workflow.Invited)
	delegate := x.Visitor
	holder := x.Accept()
	x.IsAt(workflow.HolderKind)
	c := x.Case()
	if !c.Owns(holder) || c.Owns(delegate) {
		t.Error("the procedure is not the holder's alone")
	}
	if s := c.Stage(delegate); s != workflow.Invited {
		t.Errorf("the delegate sees %s", s)
	}
	if err := x.Procedure.ChooseKind(x.Context(), delegate, x.Form(), workflow.KindCompany); !errors.Is(err, workflow.ErrElsewhere) {
		t.Errorf("the delegate acts: %v", err)
	}
	if err := x.Procedure.StepBack(x.Context(), holder, x.Form()); !errors.Is(err, workflow.ErrNotAllowed) {
		t.Errorf("the holder goes back to the delegate's part: %v", err)
	}
	x.Visitor = holder
	x.Must(x.Procedure.ChooseKind(x.Context(), x.Visitor, x.Form(), workflow.KindCompany))
	x.Must(x.Procedure.EnterCompany(x.Context(), x.Visitor, x.Form(), "", storetest.Bianchi))
	if got := x.Case().SuggestedEmail(x.Visitor); got != "holder@mail.example" {
		t.Errorf("the e-mail is prefilled with %q", got)
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
	if s := x.Case().Stage(x.Visitor); s != workflow.Qualified || !x.Case().Knows(x.Visitor) {
		t.Errorf("the holder sees %s", s)
	}
	if s := x.Case().Stage(delegate); s != workflow.Qualified {
		t.Errorf("the delegate sees %s", s)
	}
	ended(x, open(x, secret), "finished")
}

func TestTheLinkIsAcceptedOnceAndLeadsBackIn(t *testing.T) {
	x := reach(t, workflow.Invited)
	first := x.Accept()
	x.Must(x.Procedure.ChooseKind(x.Context(), first, x.Form(), workflow.KindPerson))
	before := x.Form()
	again := x.Accept()
	if x.Form() != before {
		t.Error("it was accepted twice")
	}
	if !x.Case().Owns(again) {
		t.Error("it does not lead back in")
	}
}

func TestOnlyOneInvitationLives(t *testing.T) {
	x := reach(t, workflow.Invited)
	old := x.InvitationSecret()
	x.Must(x.Procedure.Invite(x.Context(), x.Visitor, x.Form(), "")) // the same address again
	if to := x.Case().Qualification.Invitation.Email; to != "holder@mail.example" {
		t.Errorf("sent again to %s", to)
	}
	ended(x, open(x, old), "replaced")
	x.Must(open(x, x.InvitationSecret()))
	if _, err := x.Procedure.AcceptInvitation(x.Context(), old, "it", netip.Addr{}, ""); err == nil {
		t.Error("the former link still leads in")
	}
}

func TestAnInvitationLivesSevenDays(t *testing.T) {
	x := reach(t, workflow.Invited)
	x.Clock.Advance(7*24*time.Hour - 1)
	x.Must(open(x, x.InvitationSecret()))
	x.Clock.Advance(1)
	ended(x, open(x, x.InvitationSecret()), "expired")
	if _, err := x.Procedure.AcceptInvitation(x.Context(), x.InvitationSecret(), "it", netip.Addr{}, ""); err == nil {
		t.Error("it was accepted")
	}
	x.IsAt(workflow.Invited)
}

func TestFiveInvitationsADay(t *testing.T) {
	x := reach(t, workflow.Invited)
	for range 4 {
		x.Clock.Advance(time.Hour)
		x.Must(x.Procedure.Invite(x.Context(), x.Visitor, x.Form(), ""))
	}
	var input *workflow.InputError
	if err := x.Procedure.Invite(x.Context(), x.Visitor, x.Form(), ""); !errors.As(err, &input) || input.Faults[0].Code != "invitation_limit" {
		t.Errorf("the sixth: %v", err)
	}
	// Withdrawing and beginning anew is no way round.
	x.Must(x.Procedure.Withdraw(x.Context(), x.Visitor, x.Form()))
	x.To(workflow.HolderInvitation)
	if err := x.Procedure.Invite(x.Context(), x.Visitor, x.Form(), "altri@mail.example"); !errors.As(err, &input) {
		t.Errorf("after a withdrawal: %v", err)
	}
	x.Clock.Advance(20 * time.Hour)
	x.Must(x.Procedure.Invite(x.Context(), x.Visitor, x.Form(), "altri@mail.example"))
}

func TestAWithdrawnInvitationForgetsWhatTheHolderEntered(t *testing.T) {
	x := reach(t, workflow.Invited)
	delegate, secret := x.Visitor, x.InvitationSecret()
	x.Visitor = x.Accept()
	x.To(workflow.CodeEntry)
	holder := x.Visitor
	x.Must(x.Procedure.Withdraw(x.Context(), delegate, x.Form()))
	x.IsAt(workflow.HolderChoice)
	q := x.Case().Qualification
	if q.Declaration != nil || q.Identity != nil || q.Owner != workflow.OwnedByWebmail {
		t.Errorf("kept: %+v", q)
	}
	if x.Case().Knows(holder) {
		t.Error("the holder still sees the case")
	}
	ended(x, open(x, secret), "withdrawn")
	x.Visitor = delegate
	x.To(workflow.ContactData)
	if got := x.Case().SuggestedEmail(delegate); got != "anna.neri@mail.example" {
		t.Errorf("the delegate is shown %q", got)
	}
}

// A delegate is not stuck with a holder who was the wrong one.
func TestAnInvitationIsWithdrawnAfterARejection(t *testing.T) {
	x := reach(t, workflow.Invited)
	delegate := x.Visitor
	x.Visitor = x.Accept()
	x.To(workflow.Rejected)
	if s := x.Case().Stage(delegate); s != workflow.Invited {
		t.Errorf("the delegate sees %s", s)
	}
	x.Must(x.Procedure.Withdraw(x.Context(), delegate, x.Form()))
	x.IsAt(workflow.HolderChoice)
}

func TestADelegateCannotWithdrawTheirOwnProcedure(t *testing.T) {
	x := reach(t, workflow.Summary)
	if err := x.Procedure.Withdraw(x.Context(), x.Visitor, x.Form()); !errors.Is(err, workflow.ErrNotAllowed) {
		t.Errorf("the answer is %v", err)
	}
}

func TestADeclinedInvitation(t *testing.T) {
	x := reach(t, workflow.Invited)
	secret := x.InvitationSecret()
	x.Must(x.Procedure.DeclineInvitation(x.Context(), secret, netip.Addr{}, ""))
	x.IsAt(workflow.HolderChoice)
	ended(x, open(x, secret), "declined")
	if got := x.Mails(); got[len(got)-1] != "invitation_declined "+x.Address {
		t.Errorf("mails %v", got)
	}
}

func TestAForgedLinkIsUnknown(t *testing.T) {
	x := reach(t, workflow.Invited)
	if err := open(x, "forged"); !errors.Is(err, workflow.ErrUnknown) {
		t.Errorf("the answer is %v", err)
	}
}

// What the delegate entered before they invited is neither shown to the
// holder, nor does the code go there.
func TestAnInvitedHolderInheritsNothing(t *testing.T) {
	x := begin(t, storetest.BianchisRecord).To(workflow.ContactData)
	x.Must(x.Procedure.EnterContacts(x.Context(), x.Visitor, x.Form(), "delegata@mail.example", "+393331234567"))
	x.Must(x.Procedure.ConfirmData(x.Context(), x.Visitor, x.Form()))
	for range 5 {
		x.Must(x.Procedure.StepBack(x.Context(), x.Visitor, x.Form()))
	}
	x.To(workflow.Invited)
	before := len(x.Mails())
	x.Visitor = x.Accept()
	if d := x.Case().Qualification.Declaration; d != nil {
		t.Errorf("the holder finds %+v", d)
	}
	if got := x.Case().SuggestedEmail(x.Visitor); got != "holder@mail.example" {
		t.Errorf("the e-mail is prefilled with %q", got)
	}
	x.To(workflow.ContactData)
	x.Must(x.Procedure.EnterContacts(x.Context(), x.Visitor, x.Form(), "delegata@mail.example", ""))
	x.Must(x.Procedure.ConfirmData(x.Context(), x.Visitor, x.Form()))
	if got, want := x.Mails()[before:], []string{"contacts_changed amministrazione@bianchi.example", "contacts_changed " + x.Address}; !slices.Equal(got, want) {
		t.Errorf("mails %v, want %v", got, want)
	}
}

// However many accept, decline and withdraw at once, the invitation ends once,
// and each is told how it stands.
func TestAcceptedDeclinedAndWithdrawnAtOnce(t *testing.T) {
	w := newWorld(t)
	for range 3 {
		x := w.Reach(t, workflow.Invited)
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
			var ended *workflow.InvitationError
			switch {
			case err == nil && i%3 != 0:
				ends++
			case err == nil || errors.As(err, &ended) || i%3 == 2 && isStale(err):
			case i%3 == 1 && errors.Is(err, workflow.ErrNotAllowed): // it was accepted
			default:
				t.Errorf("%s is told %v", []string{"who accepts", "who declines", "who withdraws"}[i%3], err)
			}
		}
		if x.IsAt(workflow.HolderChoice); ends != 1 {
			t.Errorf("it ended %d times", ends)
		}
	}
}

// A page of an earlier invitation does not end a later one.
func TestAStalePageDoesNotWithdraw(t *testing.T) {
	x := reach(t, workflow.Invited)
	delegate, old := x.Visitor, x.Form()
	x.Must(x.Procedure.Invite(x.Context(), x.Visitor, x.Form(), "altra@mail.example"))
	page := x.Form()
	x.Visitor = x.Accept()
	x.To(workflow.Summary)
	if err := x.Procedure.Withdraw(x.Context(), delegate, old); !isStale(err) {
		t.Errorf("the answer is %v", err)
	}
	x.IsAt(workflow.Summary)
	x.Must(x.Procedure.Withdraw(x.Context(), delegate, page)) // the holder's steps do not stale it
	x.IsAt(workflow.HolderChoice)
}
