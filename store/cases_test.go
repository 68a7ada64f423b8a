package store_test

import (
	"os"
	"slices"
	"strings"
	"testing"

	"stella/store/storetest"
	"stella/workflow"
)

// Cases and invitations that were there before the migration that gives them
// their domain are listed like those that come after it.
func TestOldCasesGetTheirDomain(t *testing.T) {
	w := newWorld(t)
	w.Reach(t, workflow.Qualified)
	w.Reach(t, workflow.Invited)
	listed := func() (numbers []int64) {
		t.Helper()
		cases, err := w.Qualifications(t.Context(), workflow.QualificationFilter{Domains: []string{storetest.Domain}, Limit: 10})
		storetest.Must(t, err)
		sent, err := w.SentInvitations(t.Context(), workflow.InvitationFilter{Domains: []string{storetest.Domain}, Limit: 10})
		storetest.Must(t, err)
		for _, c := range cases {
			numbers = append(numbers, c.Number)
		}
		for _, i := range sent {
			numbers = append(numbers, i.Number)
		}
		return numbers
	}
	want := []int64{2, 1, 2}
	if got := listed(); !slices.Equal(got, want) {
		t.Fatalf("listed are %v, want %v", got, want)
	}
	text, err := os.ReadFile("migrations/00008_cases.sql")
	storetest.Must(t, err)
	up, down, _ := strings.Cut(string(text), "-- +goose Down")
	for _, sql := range []string{down, up} {
		_, err = w.Pool().Exec(t.Context(), sql)
		storetest.Must(t, err)
	}
	if got := listed(); !slices.Equal(got, want) {
		t.Errorf("listed are %v, want %v", got, want)
	}
}

// A client that names a domain twice is told nothing twice.
func TestADomainNamedTwiceIsListedOnce(t *testing.T) {
	w := newWorld(t)
	w.Reach(t, workflow.Invited)
	domains := []string{storetest.Domain, "altrove.example", storetest.Domain}
	cases, err := w.Qualifications(t.Context(), workflow.QualificationFilter{Domains: domains, Limit: 10})
	storetest.Must(t, err)
	sent, err := w.SentInvitations(t.Context(), workflow.InvitationFilter{Domains: domains, Limit: 10})
	storetest.Must(t, err)
	if len(cases) != 1 || len(sent) != 1 {
		t.Errorf("listed are %d cases and %d invitations", len(cases), len(sent))
	}
}
