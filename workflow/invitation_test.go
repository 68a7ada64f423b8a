package workflow_test

import (
	"errors"
	"net/netip"
	"slices"
	"sync"
	"testing"
	"time"

	"stella/workflow"
)

func (x *walk) open(secret string) error {
	_, err := x.p.Invitation(x.ctx, secret)
	return err
}

func (x *walk) ended(err error, why string) {
	x.t.Helper()
	var e *workflow.InvitationError
	if !errors.As(err, &e) || e.Why != why {
		x.t.Errorf("the link is answered %v, want %s", err, why)
	}
}

func TestAnInvitedHolderGoesOnAlone(t *testing.T) {
	x := newWorld(t).begin(companyRecord).to(workflow.Invited)
	delegate := x.v
	holder := x.accept()
	x.want(workflow.HolderKind)
	c := x.view()
	if !c.Owns(holder) || c.Owns(delegate) {
		t.Error("the procedure is not the holder's alone")
	}
	if s := c.Stage(delegate); s != workflow.Invited {
		t.Errorf("the delegate sees %s", s)
	}
	if err := x.p.ChooseKind(x.ctx, delegate, x.form(), workflow.KindCompany); !errors.Is(err, workflow.ErrElsewhere) {
		t.Errorf("the delegate acts: %v", err)
	}
	if err := x.p.StepBack(x.ctx, holder, x.form()); !errors.Is(err, workflow.ErrNotAllowed) {
		t.Errorf("the holder goes back to the delegate's part: %v", err)
	}
	x.v = holder
	x.must(x.p.ChooseKind(x.ctx, x.v, x.form(), workflow.KindCompany))
	x.must(x.p.EnterCompany(x.ctx, x.v, x.form(), "", bianchi))
	if got := x.view().SuggestedEmail(x.v); got != "titolare@mail.example" {
		t.Errorf("the e-mail is prefilled with %q", got)
	}
	x.must(x.p.EnterContacts(x.ctx, x.v, x.form(), "titolare@mail.example", ""))
	x.must(x.p.ConfirmData(x.ctx, x.v, x.form()))
	x.must(x.logIn(luca))
	x.must(x.p.ConfirmIdentity(x.ctx, x.v, x.form()))
	x.must(x.p.AcknowledgeContract(x.ctx, x.v, x.form(), "d1"))
	x.relayAccepts()
	secret := x.invitationSecret()
	x.must(x.typeCode(x.code()))
	want := []string{"invitation titolare@mail.example", "contacts_changed amministrazione@bianchi.example", "contacts_changed " + x.address,
		"code titolare@mail.example", "qualified titolare@mail.example", "qualified_pec " + x.address, "invitation_qualified " + x.address}
	if got := x.mails(); !slices.Equal(got, want) {
		t.Errorf("mails\n%v, want\n%v", got, want)
	}
	if s := x.stage(x.v); s != workflow.Qualified || !x.view().Knows(x.v) {
		t.Errorf("the holder sees %s", s)
	}
	if s := x.stage(delegate); s != workflow.Qualified {
		t.Errorf("the delegate sees %s", s)
	}
	x.ended(x.open(secret), "finished")
}

func TestTheLinkIsAcceptedOnceAndLeadsBackIn(t *testing.T) {
	x := newWorld(t).begin(personRecord).to(workflow.Invited)
	first := x.accept()
	x.must(x.p.ChooseKind(x.ctx, first, x.form(), workflow.KindPerson))
	before := x.form()
	again := x.accept()
	if x.form() != before {
		t.Error("it was accepted twice")
	}
	if !x.view().Owns(again) {
		t.Error("it does not lead back in")
	}
}

func TestOnlyOneInvitationLives(t *testing.T) {
	x := newWorld(t).begin(personRecord).to(workflow.Invited)
	old := x.invitationSecret()
	x.must(x.p.Invite(x.ctx, x.v, x.form(), "")) // the same address again
	if to := x.view().Qualification.Invitation.Email; to != "titolare@mail.example" {
		t.Errorf("sent again to %s", to)
	}
	x.ended(x.open(old), "replaced")
	x.must(x.open(x.invitationSecret()))
	if _, err := x.p.AcceptInvitation(x.ctx, old, "it", netip.Addr{}, ""); err == nil {
		t.Error("the former link still leads in")
	}
}

func TestAnInvitationLivesSevenDays(t *testing.T) {
	x := newWorld(t).begin(personRecord).to(workflow.Invited)
	x.clock.Advance(7*24*time.Hour - 1)
	x.must(x.open(x.invitationSecret()))
	x.clock.Advance(1)
	x.ended(x.open(x.invitationSecret()), "expired")
	if _, err := x.p.AcceptInvitation(x.ctx, x.invitationSecret(), "it", netip.Addr{}, ""); err == nil {
		t.Error("it was accepted")
	}
	x.want(workflow.Invited)
}

func TestFiveInvitationsADay(t *testing.T) {
	x := newWorld(t).begin(personRecord).to(workflow.Invited)
	for range 4 {
		x.clock.Advance(time.Hour)
		x.must(x.p.Invite(x.ctx, x.v, x.form(), ""))
	}
	var input *workflow.InputError
	if err := x.p.Invite(x.ctx, x.v, x.form(), ""); !errors.As(err, &input) || input.Faults[0].Code != "invitation_limit" {
		t.Errorf("the sixth: %v", err)
	}
	// Withdrawing and beginning anew is no way round.
	x.must(x.p.Withdraw(x.ctx, x.v, x.form()))
	x.to(workflow.HolderInvitation)
	if err := x.p.Invite(x.ctx, x.v, x.form(), "altri@mail.example"); !errors.As(err, &input) {
		t.Errorf("after a withdrawal: %v", err)
	}
	x.clock.Advance(20 * time.Hour)
	x.must(x.p.Invite(x.ctx, x.v, x.form(), "altri@mail.example"))
}

func TestAWithdrawnInvitationForgetsWhatTheHolderEntered(t *testing.T) {
	x := newWorld(t).begin(personRecord).to(workflow.Invited)
	delegate, secret := x.v, x.invitationSecret()
	x.v = x.accept()
	x.to(workflow.CodeEntry)
	holder := x.v
	x.must(x.p.Withdraw(x.ctx, delegate, x.form()))
	x.want(workflow.HolderChoice)
	q := x.view().Qualification
	if q.Declaration != nil || q.Identity != nil || q.Owner != workflow.OwnedByWebmail {
		t.Errorf("kept: %+v", q)
	}
	if x.view().Knows(holder) {
		t.Error("the holder still sees the case")
	}
	x.ended(x.open(secret), "withdrawn")
	x.v = delegate
	x.to(workflow.ContactData)
	if got := x.view().SuggestedEmail(delegate); got != "anna.neri@mail.example" {
		t.Errorf("the delegate is shown %q", got)
	}
}

// A delegate is not stuck with a holder who was the wrong one.
func TestAnInvitationIsWithdrawnAfterARejection(t *testing.T) {
	x := newWorld(t).begin(personRecord).to(workflow.Invited)
	delegate := x.v
	x.v = x.accept()
	x.to(workflow.Rejected)
	if s := x.stage(delegate); s != workflow.Invited {
		t.Errorf("the delegate sees %s", s)
	}
	x.must(x.p.Withdraw(x.ctx, delegate, x.form()))
	x.want(workflow.HolderChoice)
}

func TestADelegateCannotWithdrawTheirOwnProcedure(t *testing.T) {
	x := newWorld(t).begin(personRecord).to(workflow.Summary)
	if err := x.p.Withdraw(x.ctx, x.v, x.form()); !errors.Is(err, workflow.ErrNotAllowed) {
		t.Errorf("the answer is %v", err)
	}
}

func TestADeclinedInvitation(t *testing.T) {
	x := newWorld(t).begin(personRecord).to(workflow.Invited)
	secret := x.invitationSecret()
	x.must(x.p.DeclineInvitation(x.ctx, secret, netip.Addr{}, ""))
	x.want(workflow.HolderChoice)
	x.ended(x.open(secret), "declined")
	if got := x.mails(); got[len(got)-1] != "invitation_declined "+x.address {
		t.Errorf("mails %v", got)
	}
}

func TestAForgedLinkIsUnknown(t *testing.T) {
	x := newWorld(t).begin(personRecord).to(workflow.Invited)
	if err := x.open("forged"); !errors.Is(err, workflow.ErrUnknown) {
		t.Errorf("the answer is %v", err)
	}
}

// What the delegate entered before they invited is neither shown to the
// holder, nor does the code go there.
func TestAnInvitedHolderInheritsNothing(t *testing.T) {
	x := newWorld(t).begin(companyRecord).to(workflow.ContactData)
	x.must(x.p.EnterContacts(x.ctx, x.v, x.form(), "delegata@mail.example", "+393331234567"))
	for range 4 {
		x.must(x.p.StepBack(x.ctx, x.v, x.form()))
	}
	x.to(workflow.Invited)
	before := len(x.mails())
	x.v = x.accept()
	if d := x.view().Qualification.Declaration; d != nil {
		t.Errorf("the holder finds %+v", d)
	}
	if got := x.view().SuggestedEmail(x.v); got != "titolare@mail.example" {
		t.Errorf("the e-mail is prefilled with %q", got)
	}
	x.to(workflow.ContactData)
	x.must(x.p.EnterContacts(x.ctx, x.v, x.form(), "delegata@mail.example", ""))
	if got, want := x.mails()[before:], []string{"contacts_changed amministrazione@bianchi.example", "contacts_changed " + x.address}; !slices.Equal(got, want) {
		t.Errorf("mails %v, want %v", got, want)
	}
}

// Whatever comes first ends the others, and each is told how.
func TestAcceptedDeclinedAndWithdrawnAtOnce(t *testing.T) {
	for range 5 {
		x := newWorldIn(t).begin(personRecord).to(workflow.Invited)
		secret, form := x.invitationSecret(), x.form()
		outcomes := make([]error, 30)
		var wg sync.WaitGroup
		for i := range outcomes {
			wg.Go(func() {
				switch i % 3 {
				case 0:
					_, outcomes[i] = x.p.AcceptInvitation(x.ctx, secret, "it", netip.Addr{}, "")
				case 1:
					outcomes[i] = x.p.DeclineInvitation(x.ctx, secret, netip.Addr{}, "")
				case 2:
					outcomes[i] = x.p.Withdraw(x.ctx, x.v, form)
				}
			})
		}
		wg.Wait()
		for i, err := range outcomes {
			var ended *workflow.InvitationError
			if i%3 == 0 && err != nil && !errors.As(err, &ended) {
				t.Errorf("who accepts is told %v", err)
			}
		}
		if s := x.state(); s != workflow.HolderChoice && s != workflow.HolderKind {
			t.Errorf("the state is %s", s)
		}
	}
}

// A page of an earlier invitation does not end a later one.
func TestAStalePageDoesNotWithdraw(t *testing.T) {
	x := newWorld(t).begin(personRecord).to(workflow.Invited)
	delegate, old := x.v, x.form()
	x.must(x.p.Invite(x.ctx, x.v, x.form(), "altra@mail.example"))
	page := x.form()
	x.v = x.accept()
	x.to(workflow.Summary)
	if err := x.p.Withdraw(x.ctx, delegate, old); !isStale(err) {
		t.Errorf("the answer is %v", err)
	}
	x.want(workflow.Summary)
	x.must(x.p.Withdraw(x.ctx, delegate, page)) // the holder's steps do not stale it
	x.want(workflow.HolderChoice)
}
