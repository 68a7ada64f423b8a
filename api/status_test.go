package api_test

import (
	"net/http"
	"regexp"
	"strings"
	"testing"
	"time"

	"stella/client"
	"stella/store/storetest"
	"stella/workflow"
	"stella/workflow/qualification"
)

// The status in each state of the case, and for each status of the mailbox.
func TestTheStatusInEachState(t *testing.T) {
	w := newWorld(t)
	type status struct {
		state client.State
		show  client.Show
		level string
	}
	table := map[qualification.State]status{
		"":                             {"none", "banner", ""},
		qualification.HolderChoice:     {"in_progress", "banner", ""},
		qualification.Introduction:     {"in_progress", "banner", ""},
		qualification.HolderInvitation: {"in_progress", "banner", ""},
		qualification.Invited:          {"invited", "banner", ""},
		qualification.HolderKind:       {"in_progress", "banner", ""},
		qualification.CompanyData:      {"in_progress", "banner", ""},
		qualification.ContactData:      {"in_progress", "banner", ""},
		qualification.Summary:          {"in_progress", "banner", ""},
		qualification.Identification:   {"in_progress", "banner", ""},
		qualification.AtProvider:       {"in_progress", "banner", ""},
		qualification.Identified:       {"in_progress", "banner", ""},
		qualification.Contract:         {"in_progress", "banner", ""},
		qualification.CodeEntry:        {"in_progress", "banner", ""},
		qualification.UnderReview:      {"under_review", "none", ""},
		qualification.Rejected:         {"rejected", "banner", ""},
		qualification.Qualified:        {"qualified", "star", "SpidL2"},
		qualification.Revoked:          {"revoked", "banner", ""},
		qualification.Expired:          {"none", "banner", ""},
	}
	for _, s := range append([]qualification.State{""}, qualification.States...) {
		want, ok := table[s]
		if !ok {
			t.Errorf("the table has no row for the state %s", s)
			continue
		}
		var j *storetest.Journey
		if s == "" {
			j = w.Record(t, storetest.AnnasRecord)
		} else {
			j = w.RecordInState(t, s)
		}
		m := w.mailbox(j.Address)
		if got := (status{m.State, m.Show, m.Level}); got != want || m.Address != j.Address {
			t.Errorf("%s: %+v, want %+v", s, m, want)
		}
		if m.State == "none" != (m.Since == nil) || m.Since != nil && !m.Since.Equal(j.Case().Qualification.SteppedAt) {
			t.Errorf("%s: since %v", s, m.Since)
		}
		if s == qualification.Expired {
			w.Clock.Advance(-qualification.UnfinishedLife - time.Hour)
		}

		// If the mailbox is not active, the state is always not_eligible.
		if s != "" && s != qualification.HolderChoice && s != qualification.Qualified {
			continue
		}
		for _, record := range []workflow.Status{workflow.MailboxExpired, workflow.Cancelled, workflow.MailboxRevoked, workflow.Active} {
			_, err := w.Cases.SetRecord(t.Context(), "tests", j.Address, record, j.Case().Mailbox.Record)
			storetest.Must(t, err)
			m := w.mailbox(j.Address)
			got := status{m.State, m.Show, m.Level}
			if record == workflow.Active && got != want {
				t.Errorf("%s, active again: %+v, want %+v", s, got, want)
			}
			if hidden := (status{"not_eligible", "none", ""}); record != workflow.Active && (got != hidden || m.Since != nil) {
				t.Errorf("%s of a mailbox that is %s: %+v, want %+v", s, record, m, hidden)
			}
		}
	}
}

func TestAnInvitedHoldersProcedureIsInProgress(t *testing.T) {
	w := newWorld(t)
	j := w.RecordInState(t, qualification.Invited)
	var nonce []byte
	storetest.Must(t, w.Pool().QueryRow(t.Context(), `select nonce from invitations`).Scan(&nonce))
	_, err := w.Procedure.AcceptInvitation(t.Context(), workflow.InvitationSecret(storetest.Keys, nonce), "it", j.Visitor.Address, "r")
	storetest.Must(t, err)
	if m := w.mailbox(j.Address); m.State != "in_progress" || m.Show != "banner" {
		t.Errorf("%+v", m)
	}
}

func TestAddressesAreNormalized(t *testing.T) {
	w := newWorld(t)
	w.RecordAs(t, anna, storetest.AnnasRecord)
	for _, address := range []string{anna, "Anna.Neri@PEC.example", "anna.neri%40pec.example", "%20anna.neri@pec.example"} {
		if m := w.mailbox(address); m.Address != anna {
			t.Errorf("%s is answered as %s", address, m.Address)
		}
	}
}

// A mailbox with an invalid address is unknown, even if the database could not store
// the address.
func TestAnInvalidAddressIsUnknown(t *testing.T) {
	w := newWorld(t)
	for _, address := range []string{"anna%00@pec.example", "%ff@pec.example", "x", "@", "a%20b@pec.example"} {
		w.call("GET", "/api/v1/mailboxes/"+address, "").problem(404)
	}
	w.call("POST", handoffs, `{"mailbox":"anna\u0000@pec.example","return_url":"`+storetest.ReturnURL+`"}`).problem(404)
}

func TestIfNoneMatch(t *testing.T) {
	w := newWorld(t)
	j := w.RecordAs(t, anna, storetest.AnnasRecord)
	path := "/api/v1/mailboxes/" + anna
	first := w.call("GET", path, "")
	tag := first.Header().Get("ETag")
	if first.Code != 200 || !strings.HasPrefix(tag, `"`) || first.Header().Get("Cache-Control") != "private, no-cache" {
		t.Fatalf("%d %v", first.Code, first.Header())
	}
	if got := first.Header().Get("Content-Type"); got != "application/json" {
		t.Errorf("Content-Type: %q", got)
	}
	if first.Header().Get("Link") != "" || strings.Contains(first.text, "$schema") {
		t.Errorf("the answer links to a schema: %v %s", first.Header(), first.text)
	}
	for _, known := range []string{tag, "W/" + tag, `"another", ` + tag, "*"} {
		again := w.call("GET", path, "", "If-None-Match", known)
		if again.Code != http.StatusNotModified || again.text != "" || again.Header().Get("ETag") != tag {
			t.Errorf("If-None-Match: %s: %d %v %q", known, again.Code, again.Header(), again.text)
		}
	}
	j.AdvanceTo(qualification.HolderChoice)
	changed := w.call("GET", path, "", "If-None-Match", tag)
	if changed.Code != 200 || changed.Header().Get("ETag") == tag {
		t.Errorf("after a step: %d %v", changed.Code, changed.Header())
	}
	// Without a valid token the ETag makes no difference.
	call(t, w.handler, "GET", path, "", "If-None-Match", tag, "Authorization", "Bearer guess").problem(401)
}

// Calls for a status are logged only if they fail. The log has the route and not the
// path, which contains the address.
func TestCallsAreLoggedByRoute(t *testing.T) {
	w := newWorld(t)
	w.RecordAs(t, anna, storetest.AnnasRecord)
	w.mailbox(anna)
	if w.log.Len() > 0 {
		t.Errorf("a call for a status is logged: %s", w.log)
	}
	w.call("GET", "/api/v1/mailboxes/nobody@pec.example", "")
	w.call("POST", handoffs, handOff(anna, storetest.ReturnURL))
	text := w.log.String()
	for _, want := range []string{
		`route="GET /api/v1/mailboxes/{address}" method=GET status=404`,
		`route="POST /api/v1/handoffs" method=POST status=201`,
	} {
		if !regexp.MustCompile(`msg=served request=[A-Z2-7]{16} ` + regexp.QuoteMeta(want)).MatchString(text) {
			t.Errorf("the log does not contain %s: %s", want, text)
		}
	}
	if strings.Count(text, "\n") != 2 || strings.Contains(text, "@") {
		t.Errorf("the log is %s", text)
	}
}
