package store_test

import (
	"testing"

	"stella/store/storetest"
	"stella/workflow"
	"stella/workflow/qualification"
)

// If a client has a domain twice, lists do not contain rows twice.
func TestDuplicateDomainIsListedOnce(t *testing.T) {
	w := newWorld(t)
	w.RecordInState(t, qualification.Invited)
	domains := []string{storetest.Domain, "altrove.example", storetest.Domain}
	cases, err := w.Qualifications(t.Context(), qualification.QualificationFilter{Domains: domains, Limit: 10})
	storetest.Must(t, err)
	sent, err := w.SentInvitations(t.Context(), qualification.InvitationFilter{Domains: domains, Limit: 10})
	storetest.Must(t, err)
	on, err := w.RegisteredMailboxes(t.Context(), workflow.RegisterFilter{Domains: domains, Limit: 10})
	storetest.Must(t, err)
	if len(cases) != 1 || len(sent) != 1 || len(on) != 1 {
		t.Errorf("%d cases, %d invitations and %d mailboxes are listed; want 1 each", len(cases), len(sent), len(on))
	}
}
