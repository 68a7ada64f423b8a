package store_test

import (
	"net/netip"
	"slices"
	"testing"

	"stella/store/storetest"
	"stella/workflow"
	"stella/workflow/qualification"
)

func TestHistoryContainsEveryStepAndMail(t *testing.T) {
	w := newWorld(t)
	j := w.RecordInState(t, qualification.Revoked)
	h := j.History()
	var events []qualification.Event
	for i, s := range h.Steps {
		events = append(events, s.Event)
		if s.Version != i+1 || i > 0 && s.From != h.Steps[i-1].To || s.Qualification != h.Case.Qualification.ID {
			t.Errorf("step %d is %+v", i+1, s)
		}
	}
	want := []qualification.Event{
		qualification.Opened, qualification.HolderDeclared, qualification.ProcedureBegun, qualification.PersonChosen,
		qualification.ContactsEntered, qualification.DataConfirmed, qualification.LoginStarted, qualification.HolderMatched,
		qualification.IdentityConfirmed, qualification.ContractRead, qualification.CodeRequested, qualification.CodeRight,
		qualification.RevokedByProvider,
	}
	if !slices.Equal(events, want) {
		t.Errorf("the events are\n%v, want\n%v", events, want)
	}
	first, last := h.Steps[0], h.Steps[len(h.Steps)-1]
	opener := workflow.Actor{
		Kind:    workflow.ByWebmail,
		Client:  storetest.Webmail,
		Name:    "user-7",
		Address: netip.MustParseAddr("192.0.2.7"),
		Request: "request-1",
	}
	if first.Actor != opener {
		t.Errorf("the actor of the first step: %+v", first.Actor)
	}
	if a := last.Actor; a.Kind != workflow.ByOperator || a.Name != "tests" || a.Address.IsValid() || last.Refs["decision"] == "" {
		t.Errorf("the actor of the revocation: %+v, refs %v", a, last.Refs)
	}
	if len(h.Decisions) != 1 || h.Decisions[0].ID.String() != last.Refs["decision"] ||
		h.Decisions[0].Operator != "tests" || h.Decisions[0].Reason != "a mistake" {
		t.Errorf("the decisions: %+v", h.Decisions)
	}
	// The log contains references but no personal data.
	var personal int
	storetest.Must(t, w.Pool().QueryRow(t.Context(), `
		select count(*) from steps s where s::text ~* 'NRENNA|anna|neri|mail\.example'`).Scan(&personal))
	if personal != 0 {
		t.Errorf("%d steps contain personal data", personal)
	}
	var mails []string
	for _, m := range h.Mails {
		mails = append(mails, string(m.Kind)+" "+string(m.Outcome))
	}
	wantMails := []string{"code accepted", "qualified waiting", "qualified_pec waiting", "revoked waiting", "revoked waiting"}
	if !slices.Equal(mails, wantMails) {
		t.Errorf("the mails are %v, want %v", mails, wantMails)
	}
	if m := h.Mails[0]; m.Attempts != 1 || m.Reply != "2.0.0 OK: queued" || m.To != "anna.neri@mail.example" {
		t.Errorf("the code's mail: %+v", m)
	}

	empty, err := w.History(t.Context(), w.Record(t, storetest.AnnasRecord).Mailbox, 0)
	if err != nil || empty.Case.Qualification != nil || len(empty.Steps) != 0 {
		t.Errorf("a mailbox without a qualification: %+v, %v", empty, err)
	}
}
