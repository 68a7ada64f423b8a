package api_test

import (
	"slices"
	"strings"
	"testing"

	"stella/client"
	"stella/store/storetest"
	"stella/workflow"
	"stella/workflow/qualification"
)

// The timeline of a case from the first click to the revocation.
func TestTheTimelineIsComplete(t *testing.T) {
	w := newWorld(t)
	b := w.backoffice(workflow.ScopeOperator)
	j := w.RecordInState(t, qualification.Invited)
	sent := j.Case().Qualification.Invitation
	secret := j.InvitationSecret()
	j.Visitor = j.Accept()
	r := workflow.Record{Kind: workflow.KindPerson, Name: "Anna Neri", Email: storetest.AnnasRecord.Email}
	_, err := w.Cases.SetRecord(t.Context(), "tests", j.Address, workflow.Active, r)
	storetest.Must(t, err)
	j.AdvanceTo(qualification.CodeEntry)
	code := j.SendCode()
	storetest.Must(t, w.Procedure.TypeCode(t.Context(), j.Visitor, j.Form(), code))
	if _, err := b.Approve(t.Context(), number(j), paolo); err != nil {
		t.Fatal(err)
	}
	if _, err := b.Revoke(t.Context(), number(j), paolo); err != nil {
		t.Fatal(err)
	}

	got, err := b.Timeline(t.Context(), number(j))
	storetest.Must(t, err)
	if got.Number != number(j) || got.Mailbox != j.Address {
		t.Errorf("the timeline is of case %d, %s", got.Number, got.Mailbox)
	}
	var events []string
	for i, s := range got.Steps {
		events = append(events, s.Event)
		if s.Version != i+1 || i > 0 && s.From != got.Steps[i-1].To || s.At.IsZero() {
			t.Errorf("step %d is %+v", i+1, s)
		}
	}
	want := []string{
		"opened", "holder_denied", "holder_invited", "invitation_accepted", "person_chosen", "contacts_entered", "data_confirmed",
		"login_started", "holder_unproven", "identity_confirmed", "contract_acknowledged", "code_requested", "code_right_unproven",
		"review_approved", "revoked",
	}
	if !slices.Equal(events, want) {
		t.Errorf("the steps are %v, want %v", events, want)
	}
	actors := map[string]client.Actor{
		"opened":          {Kind: "webmail", Client: storetest.Webmail, Name: "user-7"},
		"holder_unproven": {Kind: "holder", Name: sent.ID.String()},
		"review_approved": {Kind: "operator", Client: "backoffice", Name: "paolo"},
	}
	for _, s := range got.Steps {
		if who, ok := actors[s.Event]; ok && s.Actor != who {
			t.Errorf("%s was made by %+v, want %+v", s.Event, s.Actor, who)
		}
	}
	if d := got.Decisions; len(d) != 2 || d[0].Event != "review_approved" || d[1].Event != "revoked" || d[0].Operator != "paolo" ||
		d[0].Reason != paolo.Reason || got.Steps[13].Refs["decision"] != d[0].ID || got.Steps[13].Refs["verdict"] != "unproven" {
		t.Errorf("the decisions are %+v, and the approval refers to %v", d, got.Steps[13].Refs)
	}
	if i := got.Invitations; len(i) != 1 || i[0].ID != sent.ID.String() || i[0].Email != "holder@mail.example" ||
		i[0].State != client.InvitationFinished || i[0].Mailbox != j.Address || i[0].Case != number(j) ||
		i[0].Accepted == nil || i[0].Ended == nil {
		t.Errorf("the invitations are %+v", i)
	}
	outcomes := map[string]string{}
	for _, m := range got.Mails {
		outcomes[m.Kind+" "+m.To] = string(m.Outcome)
		if m.Kind == "code" && (m.Attempts != 1 || m.Ended == nil || m.Reply != "2.0.0 OK: queued" || m.Asked.IsZero()) {
			t.Errorf("the mail of the code is %+v", m)
		}
	}
	if outcomes["invitation holder@mail.example"] != "waiting" ||
		outcomes["code anna.neri@mail.example"]+outcomes["code holder@mail.example"] != "accepted" ||
		outcomes["revoked "+j.Address] != "waiting" {
		t.Errorf("the mails are %v", outcomes)
	}

	// It contains no code, no link and nothing that an identity provider sent.
	text := b.call("GET", cases+"/1/timeline", "").text
	for _, s := range []string{secret, code, "AuthnRequest", "<Response", storetest.Anna, "nonce", "digest"} {
		if strings.Contains(text, s) {
			t.Errorf("%q is in %s", s, text)
		}
	}
}
