package api_test

import (
	"encoding/json"
	"errors"
	"net/http"
	"strings"
	"testing"
	"time"

	"stella/store/storetest"
	"stella/workflow"
)

func TestAHandOffIsValidOnce(t *testing.T) {
	w := newWorld(t)
	j := w.RecordAs(t, anna, storetest.AnnasRecord)
	a := w.call("POST", handoffs, handOff("Anna.Neri@pec.example", storetest.ReturnURL))
	if a.Code != http.StatusCreated {
		t.Fatalf("%d %s", a.Code, a.text)
	}
	var out struct {
		StartURL  string `json:"start_url"`
		ExpiresIn int    `json:"expires_in"`
	}
	storetest.Must(t, json.Unmarshal([]byte(a.text), &out))
	secret, ok := strings.CutPrefix(out.StartURL, "https://id.example/start/")
	if !ok || len(secret) < 26 || out.ExpiresIn != 60 {
		t.Fatalf("%s", a.text)
	}
	v, err := w.Procedure.Start(t.Context(), secret, []byte("session"), j.Visitor.Address, "r")
	storetest.Must(t, err)
	if v.Mailbox != j.Mailbox || v.Client != storetest.Webmail || v.User != "user-7" || v.Locale != "it" ||
		v.ReturnURL != storetest.ReturnURL {
		t.Errorf("the visitor is %+v", v)
	}
	if _, err := w.Procedure.Start(t.Context(), secret, []byte("another"), j.Visitor.Address, "r"); !errors.Is(err, workflow.ErrUnknown) {
		t.Errorf("a second use: %v", err)
	}

	// A second hand-off has another link, which expires after expires_in.
	b := w.call("POST", handoffs, handOff(anna, storetest.ReturnURL))
	storetest.Must(t, json.Unmarshal([]byte(b.text), &out))
	if b.text == a.text {
		t.Error("two hand-offs have the same link")
	}
	w.Clock.Advance(time.Duration(out.ExpiresIn) * time.Second)
	late, _ := strings.CutPrefix(out.StartURL, "https://id.example/start/")
	if _, err := w.Procedure.Start(t.Context(), late, []byte("session"), j.Visitor.Address, "r"); !errors.Is(err, workflow.ErrUnknown) {
		t.Errorf("after %d seconds: %v", out.ExpiresIn, err)
	}
}

func TestNoHandOffForAnInactiveMailbox(t *testing.T) {
	w := newWorld(t)
	w.RecordAs(t, anna, storetest.AnnasRecord)
	for _, status := range []workflow.Status{workflow.MailboxExpired, workflow.Cancelled, workflow.MailboxRevoked} {
		_, err := w.Cases.SetRecord(t.Context(), "tests", anna, status, storetest.AnnasRecord)
		storetest.Must(t, err)
		w.call("POST", handoffs, handOff(anna, storetest.ReturnURL)).problem(409)
	}
}

func TestInvalidHandOffsAreRefused(t *testing.T) {
	w := newWorld(t)
	w.RecordAs(t, anna, storetest.AnnasRecord)
	for name, c := range map[string]struct {
		body   string
		status int
		want   string // part of the response
	}{
		"another return URL":     {handOff(anna, "https://elsewhere.example/"), 422, "return_url"},
		"a longer return URL":    {handOff(anna, storetest.ReturnURL+"inbox"), 422, "return_url"},
		"a shorter return URL":   {handOff(anna, strings.TrimSuffix(storetest.ReturnURL, "/")), 422, "return_url"},
		"no return URL":          {`{"mailbox":"` + anna + `"}`, 422, "return_url"},
		"no mailbox":             {`{"return_url":"` + storetest.ReturnURL + `"}`, 422, "mailbox"},
		"nothing":                {`{}`, 422, "mailbox"},
		"an unknown field":       {strings.Replace(handOff(anna, storetest.ReturnURL), `{`, `{"unheard":"of",`, 1), 422, "unheard"},
		"a number for a mailbox": {`{"mailbox":7,"return_url":"` + storetest.ReturnURL + `"}`, 422, "mailbox"},
		"a control character":    {strings.Replace(handOff(anna, storetest.ReturnURL), "user-7", `u\u0000\u001b[31m`, 1), 422, "user"},
		"an invalid locale":      {strings.Replace(handOff(anna, storetest.ReturnURL), `"it"`, `"it\u0000"`, 1), 422, "locale"},
		"a user of 201 characters": {
			strings.Replace(handOff(anna, storetest.ReturnURL), "user-7", strings.Repeat("u", 201), 1), 422, "user",
		},
		"a list":  {`[]`, 422, "object"},
		"no JSON": {`{"mailbox"`, 400, ""},
		"no body": {``, 400, "body"},
	} {
		a := w.call("POST", handoffs, c.body)
		a.problem(c.status)
		if !strings.Contains(a.text, c.want) {
			t.Errorf("%s: %s does not contain %q", name, a.text, c.want)
		}
	}
	w.call("POST", handoffs, handOff(anna, strings.Repeat("a", 20<<10))).problem(413)
	w.call("POST", handoffs, handOff(anna, storetest.ReturnURL), "Content-Type", "application/x-www-form-urlencoded").problem(415)
	var n int
	storetest.Must(t, w.Pool().QueryRow(t.Context(), `select count(*) from handoffs`).Scan(&n))
	if n != 0 {
		t.Errorf("%d hand-offs were made", n)
	}
}
