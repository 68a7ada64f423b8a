package store_test

import (
	"net/netip"
	"slices"
	"testing"

	"stella/store/storetest"
	"stella/workflow"
)

func TestTheHistoryTellsEveryStepAndMail(t *testing.T) {
	w := newWorld(t)
	j := w.Reach(t, workflow.Revoked)
	h := j.History()
	var events []workflow.Event
	for i, s := range h.Steps {
		events = append(events, s.Event)
		if s.Version != i+1 || i > 0 && s.From != h.Steps[i-1].To || s.Qualification != h.Case.Qualification.ID {
			t.Errorf("step %d is %+v", i+1, s)
		}
	}
	want := []workflow.Event{workflow.Opened, workflow.HolderDeclared, workflow.ProcedureBegun, workflow.PersonChosen, workflow.ContactsEntered,
		workflow.DataConfirmed, workflow.LoginStarted, workflow.HolderMatched, workflow.IdentityConfirmed, workflow.ContractRead,
		workflow.CodeRequested, workflow.CodeRight, workflow.RevokedByProvider}
	if !slices.Equal(events, want) {
		t.Errorf("the events are\n%v, want\n%v", events, want)
	}
	first, last := h.Steps[0], h.Steps[len(h.Steps)-1]
	if a := first.Actor; a.Kind != workflow.ByWebmail || a.Client != storetest.Webmail || a.Name != "user-7" || a.Address != netip.MustParseAddr("192.0.2.7") || a.Request != "request-1" {
		t.Errorf("who opened: %+v", a)
	}
	if a := last.Actor; a.Kind != workflow.ByOperator || a.Name != "tests" || a.Address.IsValid() || last.Refs["decision"] == "" {
		t.Errorf("who revoked: %+v, on %v", a, last.Refs)
	}
	if len(h.Decisions) != 1 || h.Decisions[0].ID.String() != last.Refs["decision"] || h.Decisions[0].Operator != "tests" || h.Decisions[0].Reason != "a mistake" {
		t.Errorf("the decisions: %+v", h.Decisions)
	}
	// The log holds references, and no personal data.
	var personal int
	storetest.Must(t, w.Pool().QueryRow(t.Context(), `select count(*) from steps s where s::text ~* 'NRENNA|anna|neri|mail\.example'`).Scan(&personal))
	if personal != 0 {
		t.Errorf("%d steps tell of the person", personal)
	}
	var mails []string
	for _, m := range h.Mails {
		mails = append(mails, string(m.Kind)+" "+string(m.Outcome))
	}
	if want := []string{"code accepted", "qualified waiting", "qualified_pec waiting", "revoked waiting", "revoked waiting"}; !slices.Equal(mails, want) {
		t.Errorf("the mails are %v, want %v", mails, want)
	}
	if m := h.Mails[0]; m.Attempts != 1 || m.Reply != "2.0.0 OK: queued" || m.To != "anna.neri@mail.example" {
		t.Errorf("the code's mail: %+v", m)
	}

	empty, err := w.History(t.Context(), w.Record(t, storetest.AnnasRecord).Mailbox, 0)
	if err != nil || empty.Case.Qualification != nil || len(empty.Steps) != 0 {
		t.Errorf("a mailbox without a qualification: %+v, %v", empty, err)
	}
}
