package api_test

import (
	"slices"
	"testing"

	"stella/client"
	"stella/store/storetest"
	"stella/workflow"
	"stella/workflow/qualification"
)

const events = "/api/v1/events"

// An event describes the mailbox as its status does, in every state for which there
// is an event.
func TestAnEventMatchesTheStatus(t *testing.T) {
	w := newWorld(t)
	follower := w.backoffice(workflow.ScopeAuditor)
	after := ""
	for _, s := range []qualification.State{qualification.HolderChoice, qualification.Invited, qualification.UnderReview, qualification.Rejected,
		qualification.Qualified, qualification.Revoked, qualification.Expired} {
		j := w.RecordInState(t, s)
		page, err := follower.Events(t.Context(), after, client.EventFilter{})
		storetest.Must(t, err)
		after = page.Next
		if len(page.Events) == 0 {
			t.Fatalf("%s has no event", s)
		}
		page.Events = slices.DeleteFunc(page.Events, func(e client.Event) bool { return e.Data.Mailbox != j.Address }) // others expire too
		e, m := page.Events[len(page.Events)-1], w.mailbox(j.Address)
		if e.Data.State != m.State || e.Data.Show != m.Show || e.Data.Case != number(j) || e.ID == "" ||
			!e.Timestamp.Equal(j.Case().Qualification.SteppedAt) {
			t.Errorf("%s: the event is %+v, the status %+v", s, e, m)
		}
		if reason := j.Case().Qualification.Reason; s == qualification.Rejected && string(e.Data.Reason) != string(reason) {
			t.Errorf("the reason is %q, want %q", e.Data.Reason, reason)
		}
	}
}

// The feed is read page by page. Each page has a cursor, even if it has no events.
func TestTheFeedIsReadPageByPage(t *testing.T) {
	w := newWorld(t)
	follower := w.backoffice(workflow.ScopeRegistry)
	page, err := follower.Events(t.Context(), "", client.EventFilter{})
	if storetest.Must(t, err); len(page.Events) != 0 || page.Next == "" {
		t.Fatalf("an empty feed: %+v", page)
	}
	var want, got []string
	for range 3 {
		j := w.RecordInState(t, qualification.Invited)
		want = append(want, "qualification.started "+j.Address, "qualification.invited "+j.Address)
	}
	for {
		if page, err = follower.Events(t.Context(), page.Next, client.EventFilter{Limit: 4}); err != nil || page.Next == "" {
			t.Fatalf("%+v (%v)", page, err)
		}
		if len(page.Events) == 0 {
			break
		}
		for _, e := range page.Events {
			got = append(got, string(e.Type)+" "+e.Data.Mailbox)
		}
	}
	if !slices.Equal(got, want) {
		t.Errorf("the feed has %v, want %v", got, want)
	}
	page, err = follower.Events(t.Context(), "", client.EventFilter{Types: []client.EventType{client.EventInvited, client.EventRevoked}})
	if storetest.Must(t, err); len(page.Events) != 3 || page.Events[0].Type != client.EventInvited {
		t.Errorf("the events of two types are %+v", page.Events)
	}
	foreign := w.backofficeOf("other", "altrove.example", workflow.ScopeWebmail)
	other, err := foreign.Events(t.Context(), "", client.EventFilter{})
	if storetest.Must(t, err); len(other.Events) != 0 {
		t.Errorf("a client of another domain reads %+v", other.Events)
	}
}

func TestInvalidRequestsToTheFeedAreRefused(t *testing.T) {
	w := newWorld(t)
	w.RecordInState(t, qualification.Invited)
	for _, wrong := range []string{
		"after=1", "after=djE6MQ%3D", "after=djE6LTE", "after=djE6", "after=djE6eA",
		"after=djE6OTk5", // 999, after the end
		"limit=0", "limit=1001", "limit=x", "kind=unheard.of", "kinds=qualification.started",
	} {
		w.call("GET", events+"?"+wrong, "").problem(422)
	}
	for _, scope := range workflow.Scopes {
		if a := w.backofficeOf("client "+string(scope), storetest.Domain, scope).call("GET", events+"?limit=1", ""); a.Code != 200 {
			t.Errorf("with the scope %s: %d %s", scope, a.Code, a.text)
		}
	}
	call(t, w.handler, "GET", events, "").problem(401)
	call(t, w.handler, "GET", events, "", "Authorization", "Bearer guess").problem(401)
}
