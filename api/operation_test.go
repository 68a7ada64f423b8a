package api_test

import (
	"strings"
	"testing"
	"time"

	"stella/store/storetest"
	"stella/workflow"
)

func TestCallsWithoutATokenAreRefused(t *testing.T) {
	w := newWorld(t)
	w.RecordAs(t, anna, storetest.AnnasRecord)
	for _, header := range [][]string{
		{},
		{"Authorization", ""},
		{"Authorization", "Bearer"},
		{"Authorization", "Bearer "},
		{"Authorization", "Basic dXNlcjpwYXNz"},
		{"Authorization", storetest.Token},
	} {
		for _, c := range []struct{ method, path, body string }{
			{"GET", "/api/v1/mailboxes/" + anna, ""},
			{"GET", "/api/v1/mailboxes/nobody@pec.example", ""},
			{"GET", "/api/v1/mailboxes/" + strings.Repeat("a", 300) + "@pec.example", ""},
			{"POST", handoffs, handOff(anna, storetest.ReturnURL)},
			{"POST", handoffs, ``},
			{"POST", handoffs, `{`},
			{"POST", handoffs, `{"unheard":"of"}`},
			{"POST", handoffs, handOff(strings.Repeat("a", 30000), "")},
		} {
			a := call(t, w.handler, c.method, c.path, c.body, header...)
			if got, want := a.problem(401), "a bearer token is needed"; got != want {
				t.Errorf("%v %s %s: %q, want %q", header, c.method, c.path, got, want)
			}
			if a.Header().Get("WWW-Authenticate") != "Bearer" {
				t.Errorf("no WWW-Authenticate")
			}
		}
	}
}

func TestAnUnknownTokenIsRefused(t *testing.T) {
	w := newWorld(t)
	w.RecordAs(t, anna, storetest.AnnasRecord)
	known := call(t, w.handler, "GET", "/api/v1/mailboxes/"+anna, "", "Authorization", "Bearer guess")
	known.problem(401)
	unknown := call(t, w.handler, "GET", "/api/v1/mailboxes/nobody@pec.example", "", "Authorization", "Bearer guess")
	if known.text != unknown.text {
		t.Errorf("the answers for a mailbox that exists and one that does not differ: %s and %s", known.text, unknown.text)
	}
	a := call(t, w.handler, "POST", handoffs, handOff(anna, storetest.ReturnURL), "Authorization", "Bearer guess")
	a.problem(401)
	if a.Header().Get("WWW-Authenticate") != "Bearer" {
		t.Error("no WWW-Authenticate")
	}
	// The name of the scheme is case-insensitive, the token is not.
	if a := call(t, w.handler, "GET", "/api/v1/mailboxes/"+anna, "", "Authorization", "bearer "+storetest.Token); a.Code != 200 {
		t.Errorf("%d %s", a.Code, a.text)
	}
	call(t, w.handler, "GET", "/api/v1/mailboxes/"+anna, "", "Authorization", "Bearer "+strings.ToUpper(storetest.Token)).problem(401)
}

// A client gets the same answers for a mailbox outside its domains as for one that
// does not exist.
func TestMailboxesOfOtherDomainsAreUnknown(t *testing.T) {
	w := newWorld(t)
	w.RecordAs(t, "mario.rossi@altrove.example", storetest.AnnasRecord)
	other := workflow.Client{
		Name:       "other",
		Domains:    []string{"altrove.example"},
		ReturnURLs: []string{"https://altrove.example/"},
		Scopes:     []workflow.Scope{workflow.ScopeWebmail},
	}
	storetest.Must(t, w.AddClient(t.Context(), other, workflow.Digest("other token"), w.Clock.Now()))
	const foreign = "/api/v1/mailboxes/mario.rossi@altrove.example"
	if a := call(t, w.handler, "GET", foreign, "", "Authorization", "Bearer other token"); a.Code != 200 {
		t.Fatalf("the mailbox's client: %d %s", a.Code, a.text)
	}

	var answers []string
	for _, address := range []string{
		"mario.rossi@altrove.example", "nobody@altrove.example", "nobody@pec.example", "nobody", "@", "a@b@pec.example", "pec.example",
	} {
		a := w.call("GET", "/api/v1/mailboxes/"+address, "")
		a.problem(404)
		answers = append(answers, a.text)
		a = w.call("POST", handoffs, handOff(address, storetest.ReturnURL))
		a.problem(404)
		answers = append(answers, a.text)
		// An invalid return URL makes no difference.
		a = w.call("POST", handoffs, handOff(address, "https://elsewhere.example/"))
		a.problem(404)
		answers = append(answers, a.text)
	}
	for _, s := range answers {
		if s != answers[0] {
			t.Errorf("%s and %s differ", s, answers[0])
		}
		if strings.Contains(s, "altrove") {
			t.Errorf("the answer contains the domain: %s", s)
		}
	}
	// The return URL of another client is not accepted.
	w.RecordAs(t, anna, storetest.AnnasRecord)
	w.call("POST", handoffs, handOff(anna, "https://altrove.example/")).problem(422)
}

// During a rotation both tokens are valid.
func TestBothTokensAreValidDuringARotation(t *testing.T) {
	w := newWorld(t)
	w.RecordAs(t, anna, storetest.AnnasRecord)
	storetest.Must(t, w.RotateToken(t.Context(), storetest.Webmail, workflow.Digest("new"), w.Clock.Now().Add(time.Hour)))
	try := func(token string) (status, handedOver int) {
		header := []string{"Authorization", "Bearer " + token}
		return call(t, w.handler, "GET", "/api/v1/mailboxes/"+anna, "", header...).Code,
			call(t, w.handler, "POST", handoffs, handOff(anna, storetest.ReturnURL), header...).Code
	}
	for _, token := range []string{storetest.Token, "new"} {
		if status, handedOver := try(token); status != 200 || handedOver != 201 {
			t.Errorf("%s: %d, %d", token, status, handedOver)
		}
	}
	w.Clock.Advance(time.Hour)
	if status, handedOver := try(storetest.Token); status != 401 || handedOver != 401 {
		t.Errorf("the previous token, an hour later: %d, %d", status, handedOver)
	}
	if status, _ := try("new"); status != 200 {
		t.Errorf("the new token, an hour later: %d", status)
	}
}
