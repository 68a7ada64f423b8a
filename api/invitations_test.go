package api_test

import (
	"errors"
	"net/netip"
	"slices"
	"strings"
	"testing"
	"time"

	"stella/client"
	"stella/store/storetest"
	"stella/workflow"
)

const invitations = "/api/v1/invitations"

// invited are the mailboxes of the invitations of a list, in its order.
func (b *backoffice) invited(f client.InvitationFilter) []string {
	b.w.t.Helper()
	var addresses []string
	for i, err := range b.Invitations(b.w.t.Context(), f) {
		storetest.Must(b.w.t, err)
		if f.State != "" && i.State != f.State {
			b.w.t.Errorf("among the %s is one that is %s", f.State, i.State)
		}
		addresses = append(addresses, i.Mailbox)
	}
	return addresses
}

func invitationOf(j *storetest.Journey) string { return j.Case().Qualification.Invitation.ID.String() }

// One invitation for each state, by what happened to it.
func TestInvitationsAreListed(t *testing.T) {
	w := newWorld(t)
	b := w.backoffice(workflow.ScopeAuditor)
	ctx, p := t.Context(), w.Procedure
	if a := b.call("GET", invitations, ""); a.text != `{"invitations":[]}`+"\n" {
		t.Errorf("%s", a.text)
	}
	late := w.Reach(t, workflow.Invited)
	over := w.Reach(t, workflow.Invited) // with its case
	w.Clock.Advance(workflow.UnfinishedLife + 1)
	storetest.Must(t, p.Withdraw(ctx, late.Visitor, late.Form()))
	_, err := p.ExpireStale(ctx)
	storetest.Must(t, err)
	late.To(workflow.Invited)
	w.Clock.Advance(workflow.InvitationLife)

	live, accepted, replaced, declined, finished := w.Reach(t, workflow.Invited), w.Reach(t, workflow.Invited), w.Reach(t, workflow.Invited), w.Reach(t, workflow.Invited), w.Reach(t, workflow.Invited)
	accepted.Accept()
	storetest.Must(t, p.Invite(ctx, replaced.Visitor, replaced.Form(), "altri@mail.example"))
	storetest.Must(t, p.DeclineInvitation(ctx, declined.InvitationSecret(), netip.Addr{}, ""))
	finished.Visitor = finished.Accept()
	finished.To(workflow.Qualified)

	for state, want := range map[client.InvitationState][]string{
		client.InvitationLive:      {replaced.Address, live.Address},
		client.InvitationAccepted:  {accepted.Address},
		client.InvitationReplaced:  {replaced.Address},
		client.InvitationWithdrawn: {late.Address},
		client.InvitationDeclined:  {declined.Address},
		client.InvitationFinished:  {finished.Address},
		client.InvitationExpired:   {late.Address, over.Address},
		"":                         {replaced.Address, finished.Address, declined.Address, replaced.Address, accepted.Address, live.Address, late.Address, over.Address, late.Address},
	} {
		if got := b.invited(client.InvitationFilter{State: state}); !slices.Equal(got, want) {
			t.Errorf("%s: listed are %v, want %v", state, got, want)
		}
	}
	if got := b.invited(client.InvitationFilter{Mailbox: strings.ToUpper(late.Address)}); len(got) != 2 {
		t.Errorf("the invitations of the mailbox are of %v", got)
	}
	for _, f := range []client.InvitationFilter{{Mailbox: "nobody@pec.example"}, {Mailbox: "no\x00body"}, {Mailbox: live.Address, State: client.InvitationExpired}} {
		if got := b.invited(f); len(got) != 0 {
			t.Errorf("%+v: listed are %v", f, got)
		}
	}

	// As it is told, without anything that its link is made of.
	var page client.InvitationPage
	a := b.call("GET", invitations+"?mailbox="+live.Address, "")
	a.decode(&page)
	stands, got := live.Case().Qualification.Invitation, page.Invitations[0]
	if got.ID != stands.ID.String() || got.Case != number(live) || got.Email != "holder@mail.example" || !got.Sent.Equal(stands.SentAt) ||
		!got.Expires.Equal(stands.ExpiresAt) || got.Accepted != nil || got.Ended != nil {
		t.Errorf("listed is %s", a.text)
	}
	for _, s := range []string{live.InvitationSecret(), "nonce", "digest", "secret", "url"} {
		if strings.Contains(a.text, s) {
			t.Errorf("%q is in %s", s, a.text)
		}
	}
}

// Those that were sent at one moment are told apart too.
func TestTheListOfInvitationsIsStable(t *testing.T) {
	w := newWorld(t)
	b := w.backoffice(workflow.ScopeOperator)
	var journeys []*storetest.Journey
	for range 6 {
		journeys = append(journeys, w.Reach(t, workflow.Invited))
	}
	for _, f := range []client.InvitationFilter{{Limit: 2}, {Limit: 2, State: client.InvitationLive}} {
		stay := map[string]bool{}
		for i, err := range b.Invitations(t.Context(), client.InvitationFilter{State: f.State}) {
			storetest.Must(t, err)
			stay[i.ID] = true
		}
		var seen []string
		for i, err := range b.Invitations(t.Context(), f) {
			storetest.Must(t, err)
			seen = append(seen, i.ID)
			w.Clock.Advance(3 * time.Hour)
			w.Reach(t, workflow.Invited) // a new one
			if len(seen) == 3 {          // one that was listed is accepted, and one that was not yet
				for _, j := range []*storetest.Journey{journeys[len(journeys)-1], journeys[0]} {
					if f.State != "" {
						delete(stay, invitationOf(j))
					}
					j.Accept()
				}
				journeys = journeys[1 : len(journeys)-1]
			}
		}
		steady(t, seen, stay)
	}
	for _, query := range []string{"?limit=0", "?limit=1001", "?state=invited", "?after=2", "?after=djE6NDI", "?after=djE6MDAwMDAwMDAtMDAwMC0wMDAwLTAwMDAtMDAwMDAwMDAwMDAw"} {
		b.call("GET", invitations+query, "").problem(422)
	}
}

func TestAnOperatorWithdrawsAnInvitation(t *testing.T) {
	w := newWorld(t)
	b := w.backoffice(workflow.ScopeOperator)
	var dead *workflow.InvitationError
	for what, under := range map[string]func(*storetest.Journey){
		"before it is accepted": func(*storetest.Journey) {},
		"under way": func(j *storetest.Journey) {
			j.Visitor = j.Accept()
			j.To(workflow.CodeEntry)
		},
		"rejected": func(j *storetest.Journey) {
			j.Visitor = j.Accept()
			j.To(workflow.Rejected)
		},
		"of a mailbox that is not active any more": func(j *storetest.Journey) {
			_, err := w.Procedure.Record(t.Context(), "tests", j.Address, workflow.MailboxExpired, j.Case().Mailbox.Record)
			j.Must(err)
		},
	} {
		j := w.Reach(t, workflow.Invited)
		under(j)
		secret, mails := j.InvitationSecret(), j.Mails()
		i, err := b.WithdrawInvitation(t.Context(), invitationOf(j), paolo)
		storetest.Must(t, err)
		if i.ID != invitationOf(j) || i.State != client.InvitationWithdrawn || i.Ended == nil || i.Mailbox != j.Address || i.Case != number(j) {
			t.Errorf("%s: the answer is %+v", what, i)
		}
		j.IsAt(workflow.HolderChoice)
		if q := j.Case().Qualification; q.Owner != workflow.OwnedByWebmail || q.Declaration != nil {
			t.Errorf("%s: it is %s's, and holds %+v", what, q.Owner, q.Declaration)
		}
		if _, err := w.Procedure.AcceptInvitation(t.Context(), secret, "it", netip.Addr{}, ""); !errors.As(err, &dead) || dead.Why != "withdrawn" {
			t.Errorf("%s: its link answers %v", what, err)
		}
		if got := j.Mails(); !slices.Equal(got, mails) { // as when the delegate withdraws it
			t.Errorf("%s: the mails are %v", what, got)
		}
		decided(t, j, workflow.InvitationWithdrawn)
	}
}

func TestAnInvitationThatCannotBeWithdrawn(t *testing.T) {
	w := newWorld(t)
	b := w.backoffice(workflow.ScopeOperator)
	ctx, p := t.Context(), w.Procedure
	for says, under := range map[string]func(*storetest.Journey){
		"it was replaced": func(j *storetest.Journey) { j.Must(p.Invite(ctx, j.Visitor, j.Form(), "")) },
		"it was withdrawn": func(j *storetest.Journey) {
			j.Must(p.Withdraw(ctx, j.Visitor, j.Form()))
			j.To(workflow.Invited) // by another
		},
		"it was declined": func(j *storetest.Journey) { j.Must(p.DeclineInvitation(ctx, j.InvitationSecret(), netip.Addr{}, "")) },
		"it was finished": func(j *storetest.Journey) {
			j.Visitor = j.Accept()
			j.To(workflow.Qualified)
		},
		"is in state under_review": func(j *storetest.Journey) {
			_, err := p.Record(ctx, "tests", j.Address, workflow.Active, workflow.Record{Kind: workflow.KindPerson, Name: "Anna Neri", Email: "anna.neri@mail.example"})
			j.Must(err)
			j.Visitor = j.Accept()
			j.To(workflow.UnderReview)
		},
	} {
		j := w.Reach(t, workflow.Invited)
		id := invitationOf(j)
		under(j)
		unchanged(t, j, func() {
			if got := b.call("POST", invitations+"/"+id+"/withdraw", ruling).problem(409); !strings.HasSuffix(got, says) {
				t.Errorf("%q, want %q", got, says)
			}
		})
	}
}

func TestAWithdrawalIsRepeated(t *testing.T) {
	w := newWorld(t)
	b := w.backoffice(workflow.ScopeOperator)
	j := w.Reach(t, workflow.Invited)
	path := invitations + "/" + invitationOf(j) + "/withdraw"
	first := b.call("POST", path, ruling, "Idempotency-Key", "a key")
	if again := b.call("POST", path, ruling, "Idempotency-Key", "a key"); first.Code != 200 || again.Code != 200 || again.text != first.text {
		t.Errorf("%s, and again %s", first.text, again.text)
	}
	b.call("POST", path, ruling, "Idempotency-Key", "another key").problem(409)
}

func TestInvitationsOutsideTheClientsDomainsAreUnknown(t *testing.T) {
	w := newWorld(t)
	own, other := w.backoffice(workflow.ScopeOperator), w.backofficeOf("other", "altrove.example", workflow.ScopeOperator)
	j, deleted := w.Reach(t, workflow.Invited), w.Reach(t, workflow.Invited)
	gone := invitationOf(deleted)
	storetest.Must(t, w.Procedure.Delete(t.Context(), "tests", deleted.Address))
	if got := own.invited(client.InvitationFilter{}); !slices.Equal(got, []string{j.Address}) {
		t.Errorf("its own client's are %v", got)
	}
	for _, f := range []client.InvitationFilter{{}, {Mailbox: j.Address}, {State: client.InvitationLive}} {
		if got := other.invited(f); len(got) != 0 {
			t.Errorf("%+v: the other's are %v", f, got)
		}
	}
	said := own.call("POST", invitations+"/019aa5b0-90f4-7b0a-a4a5-3cf9f6cc1f20/withdraw", ruling)
	said.problem(404)
	for _, a := range []answer{own.call("POST", invitations+"/"+gone+"/withdraw", ruling), other.call("POST", invitations+"/"+invitationOf(j)+"/withdraw", ruling)} {
		if a.problem(404); a.text != said.text {
			t.Errorf("%s and %s differ", a.text, said.text)
		}
	}
	j.IsAt(workflow.Invited)
	for _, id := range []string{"x", "17", "019aa5b0-90f4-7b0a-a4a5"} {
		own.call("POST", invitations+"/"+id+"/withdraw", ruling).problem(422)
	}
}
