package api_test

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"stella/client"
	"stella/store/storetest"
	"stella/workflow"
	"stella/workflow/qualification"
)

// listed returns the addresses of a whole list, page by page. If between is not nil,
// it is called after each mailbox, with the number of mailboxes so far.
func listed(t *testing.T, c *client.Client, f client.MailboxFilter, between func(n int)) []string {
	t.Helper()
	var all []string
	for m, err := range c.Mailboxes(t.Context(), f) {
		storetest.Must(t, err)
		if m.Record == nil || m.Record.Status == "" {
			t.Errorf("%+v has no record", m)
		}
		all = append(all, m.Address)
		if between != nil {
			between(len(all))
		}
	}
	return all
}

// If mailboxes are added and deleted during the iteration, none is listed twice, and
// none is missed that exists all the time.
func TestTheListOfMailboxesIsStable(t *testing.T) {
	w := newWorld(t)
	two := workflow.Client{
		Name:    "two domains",
		Domains: []string{"pec.example", "altra.example"},
		Scopes:  []workflow.Scope{workflow.ScopeRegistry},
	}
	storetest.Must(t, w.AddClient(t.Context(), two, workflow.Digest("two"), w.Clock.Now()))
	c := w.registry()
	c.Token = "two"
	stay := map[string]bool{}
	for i := range 30 {
		for _, domain := range two.Domains {
			address := fmt.Sprintf("box%02d@%s", i, domain)
			w.RecordAs(t, address, storetest.AnnasRecord)
			if i%3 != 0 {
				stay[address] = true
			}
		}
	}
	w.RecordAs(t, "box@altrove.example", storetest.AnnasRecord)
	for _, limit := range []int{1, 7, 60, 61, 0} {
		all := listed(t, c, client.MailboxFilter{Limit: limit}, nil)
		if len(all) != 60 || all[0] != "box00@altra.example" || all[59] != "box29@pec.example" {
			t.Errorf("with the limit %d: %q", limit, all)
		}
	}

	all := listed(t, c, client.MailboxFilter{Limit: 4}, func(n int) {
		if n%2 == 0 && n <= 20 { // delete and add mailboxes before and after the position of the iteration
			storetest.Must(t, c.DeleteMailbox(t.Context(), fmt.Sprintf("box%02d@altra.example", (n-2)/2*3)))
			storetest.Must(t, c.DeleteMailbox(t.Context(), fmt.Sprintf("box%02d@pec.example", (n-2)/2*3)))
			for _, domain := range two.Domains {
				_, err := c.PutRecord(t.Context(), fmt.Sprintf("box%02d-new@%s", n, domain), annas)
				storetest.Must(t, err)
			}
		}
	})
	steady(t, all, stay)
	if slices.Contains(all, "box27@pec.example") {
		t.Errorf("a mailbox that was deleted before its page was read is listed: %q", all)
	}
}

// steady checks a list that was read while it changed: it contains every item that
// stayed, and no item twice.
func steady[K comparable](t *testing.T, listed []K, stayed map[K]bool) {
	t.Helper()
	times := map[K]int{}
	for _, k := range listed {
		times[k]++
	}
	for k, n := range times {
		if n > 1 {
			t.Errorf("%v is listed %d times", k, n)
		}
	}
	for k := range stayed {
		if times[k] == 0 {
			t.Errorf("%v is missing", k)
		}
	}
}

func TestTheListOfMailboxesCanBeFiltered(t *testing.T) {
	w := newWorld(t)
	c := w.registry()
	w.RecordAs(t, "a.star@pec.example", storetest.AnnasRecord).AdvanceTo(qualification.Qualified)
	expired := w.RecordAs(t, "b.hidden@pec.example", storetest.AnnasRecord).AdvanceTo(qualification.Qualified)
	_, err := w.Cases.SetRecord(t.Context(), "tests", expired.Address, workflow.MailboxExpired, storetest.AnnasRecord)
	storetest.Must(t, err)
	w.RecordAs(t, "c.new@pec.example", storetest.AnnasRecord)
	w.RecordAs(t, "d.started@pec.example", storetest.AnnasRecord).AdvanceTo(qualification.Summary)
	w.RecordAs(t, "e.invited@pec.example", storetest.AnnasRecord).AdvanceTo(qualification.Invited)
	for _, test := range []struct {
		f    client.MailboxFilter
		want []string
	}{
		{client.MailboxFilter{State: client.StateQualified}, []string{"a.star@pec.example"}},
		{client.MailboxFilter{State: client.StateNotEligible}, []string{"b.hidden@pec.example"}},
		{client.MailboxFilter{State: client.StateNone}, []string{"c.new@pec.example"}},
		{client.MailboxFilter{State: client.StateInProgress}, []string{"d.started@pec.example"}},
		{client.MailboxFilter{State: client.StateInvited}, []string{"e.invited@pec.example"}},
		{client.MailboxFilter{State: client.StateRejected}, nil},
		{client.MailboxFilter{Status: client.Expired}, []string{"b.hidden@pec.example"}},
		{client.MailboxFilter{Status: client.Expired, State: client.StateQualified}, nil},
		{client.MailboxFilter{Status: client.Active, State: client.StateNotEligible}, nil},
		{client.MailboxFilter{Status: client.Active, State: client.StateInvited, Limit: 1}, []string{"e.invited@pec.example"}},
	} {
		if got := listed(t, c, test.f, nil); !slices.Equal(got, test.want) {
			t.Errorf("%+v: %q, want %q", test.f, got, test.want)
		}
	}
}

func TestInvalidQueriesOfAListAreRefused(t *testing.T) {
	w := newWorld(t)
	w.RecordAs(t, anna, storetest.AnnasRecord)
	token := w.addClient("all", storetest.Domain, workflow.Scopes...)
	for query, place := range map[string]string{
		"limit=0":           "query.limit",
		"limit=1001":        "query.limit",
		"limit=many":        "query.limit",
		"state=lost":        "query.state",
		"status=":           "", // valid
		"after=x":           "after",
		"after=MTI":         "after",
		"after=djE6eA":      "after",
		"after=djE6LTE":     "after",
		"after=djE6OTk5OTk": "after",
		"page=2":            "query.page",
	} {
		a := call(t, w.handler, "GET", "/api/v1/mailboxes?"+query, "", "Authorization", "Bearer "+token)
		if place == "" {
			if a.Code != 200 {
				t.Errorf("%s: %d %s", query, a.Code, a.text)
			}
			continue
		}
		if a.problem(422); !strings.Contains(a.text, place) {
			t.Errorf("%s: %s", query, a.text)
		}
	}
}
