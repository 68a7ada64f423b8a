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
	"stella/workflow/qualification"
)

const invitations = "/api/v1/invitations"

// invited returns the mailboxes of a list of invitations, in the order of the list.
func (b *backoffice) invited(f client.InvitationFilter) []string {
	b.w.t.Helper()
	var addresses []string
	for i, err := range b.Invitations(b.w.t.Context(), f) {
		storetest.Must(b.w.t, err)
		if f.State != "" && i.State != f.State {
			b.w.t.Errorf("the list of %s has one that is %s", f.State, i.State)
		}
		addresses = append(addresses, i.Mailbox)
	}
	return addresses
}

func invitationOf(j *storetest.Journey) string { return j.Case().Qualification.Invitation.ID.String() }

// One invitation in each state. Each gets into its state in the usual way.
func TestInvitationsAreListed(t *testing.T) {
	w := newWorld(t)
	b := w.backoffice(workflow.ScopeAuditor)
	ctx, p := t.Context(), w.Procedure
	if a := b.call("GET", invitations, ""); a.text != `{"invitations":[]}`+"\n" {
		t.Errorf("%s", a.text)
	}
	late := w.RecordInState(t, qualification.Invited)
	over := w.RecordInState(t, qualification.Invited) // it will expire together with its case
	w.Clock.Advance(qualification.UnfinishedLife + 1)
	storetest.Must(t, p.Withdraw(ctx, late.Visitor, late.Form()))
	_, err := w.Cases.ExpireStale(ctx)
	storetest.Must(t, err)
	late.AdvanceTo(qualification.Invited)
	w.Clock.Advance(qualification.InvitationLife)

	live, accepted, replaced := w.RecordInState(t, qualification.Invited), w.RecordInState(t, qualification.Invited), w.RecordInState(t, qualification.Invited)
	declined, finished := w.RecordInState(t, qualification.Invited), w.RecordInState(t, qualification.Invited)
	accepted.Accept()
	storetest.Must(t, p.Invite(ctx, replaced.Visitor, replaced.Form(), "altri@mail.example"))
	storetest.Must(t, p.DeclineInvitation(ctx, declined.InvitationSecret(), netip.Addr{}, ""))
	finished.Visitor = finished.Accept()
	finished.AdvanceTo(qualification.Qualified)

	for state, want := range map[client.InvitationState][]string{
		client.InvitationLive:      {replaced.Address, live.Address},
		client.InvitationAccepted:  {accepted.Address},
		client.InvitationReplaced:  {replaced.Address},
		client.InvitationWithdrawn: {late.Address},
		client.InvitationDeclined:  {declined.Address},
		client.InvitationFinished:  {finished.Address},
		client.InvitationExpired:   {late.Address, over.Address},
		"": {
			replaced.Address, finished.Address, declined.Address, replaced.Address, accepted.Address, live.Address,
			late.Address, over.Address, late.Address,
		},
	} {
		if got := b.invited(client.InvitationFilter{State: state}); !slices.Equal(got, want) {
			t.Errorf("%s: the list is %v, want %v", state, got, want)
		}
	}
	if got := b.invited(client.InvitationFilter{Mailbox: strings.ToUpper(late.Address)}); len(got) != 2 {
		t.Errorf("the invitations of the mailbox are %v", got)
	}
	for _, f := range []client.InvitationFilter{
		{Mailbox: "nobody@pec.example"},
		{Mailbox: "no\x00body"},
		{Mailbox: live.Address, State: client.InvitationExpired},
	} {
		if got := b.invited(f); len(got) != 0 {
			t.Errorf("%+v: the list is %v", f, got)
		}
	}

	// The response contains nothing from which the link can be computed.
	var page client.InvitationPage
	a := b.call("GET", invitations+"?mailbox="+live.Address, "")
	a.decode(&page)
	stored, got := live.Case().Qualification.Invitation, page.Invitations[0]
	if got.ID != stored.ID.String() || got.Case != number(live) || got.Email != "holder@mail.example" || !got.Sent.Equal(stored.SentAt) ||
		!got.Expires.Equal(stored.ExpiresAt) || got.Accepted != nil || got.Ended != nil {
		t.Errorf("the list is %s", a.text)
	}
	for _, s := range []string{live.InvitationSecret(), "nonce", "digest", "secret", "url"} {
		if strings.Contains(a.text, s) {
			t.Errorf("%q is in %s", s, a.text)
		}
	}
}

// Changes during the iteration do not disturb the list, even if several invitations
// were sent at the same time.
func TestTheListOfInvitationsIsStable(t *testing.T) {
	w := newWorld(t)
	b := w.backoffice(workflow.ScopeOperator)
	var journeys []*storetest.Journey
	for range 6 {
		journeys = append(journeys, w.RecordInState(t, qualification.Invited))
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
			w.RecordInState(t, qualification.Invited) // a new one
			if len(seen) == 3 {                       // accept one that was listed, and one that was not
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
	for _, query := range []string{
		"?limit=0", "?limit=1001", "?state=invited", "?after=2", "?after=djE6NDI",
		"?after=djE6MDAwMDAwMDAtMDAwMC0wMDAwLTAwMDAtMDAwMDAwMDAwMDAw",
	} {
		b.call("GET", invitations+query, "").problem(422)
	}
}

func TestAnOperatorWithdrawsAnInvitation(t *testing.T) {
	w := newWorld(t)
	b := w.backoffice(workflow.ScopeOperator)
	var invalid *qualification.InvitationError
	for name, prepare := range map[string]func(*storetest.Journey){
		"before it is accepted": func(*storetest.Journey) {},
		"accepted": func(j *storetest.Journey) {
			j.Visitor = j.Accept()
			j.AdvanceTo(qualification.CodeEntry)
		},
		"rejected": func(j *storetest.Journey) {
			j.Visitor = j.Accept()
			j.AdvanceTo(qualification.Rejected)
		},
		"for a mailbox that is no longer active": func(j *storetest.Journey) {
			_, err := w.Cases.SetRecord(t.Context(), "tests", j.Address, workflow.MailboxExpired, j.Case().Mailbox.Record)
			j.Must(err)
		},
	} {
		j := w.RecordInState(t, qualification.Invited)
		prepare(j)
		secret, mails := j.InvitationSecret(), j.Mails()
		i, err := b.WithdrawInvitation(t.Context(), invitationOf(j), paolo)
		storetest.Must(t, err)
		if i.ID != invitationOf(j) || i.State != client.InvitationWithdrawn || i.Ended == nil || i.Mailbox != j.Address ||
			i.Case != number(j) {
			t.Errorf("%s: the answer is %+v", name, i)
		}
		j.WantState(qualification.HolderChoice)
		if q := j.Case().Qualification; q.Owner != qualification.OwnedByWebmail || q.Declaration != nil {
			t.Errorf("%s: the owner is %s, the declaration %+v", name, q.Owner, q.Declaration)
		}
		_, err = w.Procedure.AcceptInvitation(t.Context(), secret, "it", netip.Addr{}, "")
		if !errors.As(err, &invalid) || invalid.Why != "withdrawn" {
			t.Errorf("%s: its link returns %v", name, err)
		}
		if got := j.Mails(); !slices.Equal(got, mails) { // no mail is sent, as if the delegate withdraws it
			t.Errorf("%s: the mails are %v", name, got)
		}
		decided(t, j, qualification.InvitationWithdrawn)
	}
}

func TestInvitationsThatCannotBeWithdrawn(t *testing.T) {
	w := newWorld(t)
	b := w.backoffice(workflow.ScopeOperator)
	ctx, p := t.Context(), w.Procedure
	for want, prepare := range map[string]func(*storetest.Journey){
		"it was replaced": func(j *storetest.Journey) { j.Must(p.Invite(ctx, j.Visitor, j.Form(), "")) },
		"it was withdrawn": func(j *storetest.Journey) {
			j.Must(p.Withdraw(ctx, j.Visitor, j.Form()))
			j.AdvanceTo(qualification.Invited) // with a new invitation
		},
		"it was declined": func(j *storetest.Journey) {
			j.Must(p.DeclineInvitation(ctx, j.InvitationSecret(), netip.Addr{}, ""))
		},
		"it was finished": func(j *storetest.Journey) {
			j.Visitor = j.Accept()
			j.AdvanceTo(qualification.Qualified)
		},
		"is in state under_review": func(j *storetest.Journey) {
			r := workflow.Record{Kind: workflow.KindPerson, Name: "Anna Neri", Email: "anna.neri@mail.example"}
			_, err := w.Cases.SetRecord(ctx, "tests", j.Address, workflow.Active, r)
			j.Must(err)
			j.Visitor = j.Accept()
			j.AdvanceTo(qualification.UnderReview)
		},
	} {
		j := w.RecordInState(t, qualification.Invited)
		id := invitationOf(j)
		prepare(j)
		unchanged(t, j, func() {
			if got := b.call("POST", invitations+"/"+id+"/withdraw", ruling).problem(409); !strings.HasSuffix(got, want) {
				t.Errorf("%q, want %q", got, want)
			}
		})
	}
}

func TestAWithdrawalIsDoneOnce(t *testing.T) {
	w := newWorld(t)
	b := w.backoffice(workflow.ScopeOperator)
	j := w.RecordInState(t, qualification.Invited)
	path := invitations + "/" + invitationOf(j) + "/withdraw"
	first := b.call("POST", path, ruling, "Idempotency-Key", "a key")
	again := b.call("POST", path, ruling, "Idempotency-Key", "a key")
	if first.Code != 200 || again.Code != 200 || again.text != first.text {
		t.Errorf("the first answer is %s, the second %s", first.text, again.text)
	}
	b.call("POST", path, ruling, "Idempotency-Key", "another key").problem(409)
}

func TestInvitationsOutsideTheClientsDomainsAreUnknown(t *testing.T) {
	w := newWorld(t)
	own, other := w.backoffice(workflow.ScopeOperator), w.backofficeOf("other", "altrove.example", workflow.ScopeOperator)
	j, deleted := w.RecordInState(t, qualification.Invited), w.RecordInState(t, qualification.Invited)
	gone := invitationOf(deleted)
	storetest.Must(t, w.Cases.Delete(t.Context(), "tests", deleted.Address))
	if got := own.invited(client.InvitationFilter{}); !slices.Equal(got, []string{j.Address}) {
		t.Errorf("the list of the mailbox's client is %v", got)
	}
	for _, f := range []client.InvitationFilter{{}, {Mailbox: j.Address}, {State: client.InvitationLive}} {
		if got := other.invited(f); len(got) != 0 {
			t.Errorf("%+v: the list of the other client is %v", f, got)
		}
	}
	unknown := own.call("POST", invitations+"/019aa5b0-90f4-7b0a-a4a5-3cf9f6cc1f20/withdraw", ruling)
	unknown.problem(404)
	for _, a := range []answer{
		own.call("POST", invitations+"/"+gone+"/withdraw", ruling),
		other.call("POST", invitations+"/"+invitationOf(j)+"/withdraw", ruling),
	} {
		if a.problem(404); a.text != unknown.text {
			t.Errorf("%s and %s differ", a.text, unknown.text)
		}
	}
	j.WantState(qualification.Invited)
	for _, id := range []string{"x", "17", "019aa5b0-90f4-7b0a-a4a5"} {
		own.call("POST", invitations+"/"+id+"/withdraw", ruling).problem(422)
	}
}
