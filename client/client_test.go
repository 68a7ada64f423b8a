package client_test

import (
	"context"
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"stella/client"
)

// api starts a server with the given handler. It returns a client of it, and the
// request that it received last.
func api(t *testing.T, answer http.HandlerFunc) (*client.Client, *http.Request) {
	t.Helper()
	last := &http.Request{}
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		*last = *r.Clone(context.Background())
		answer(w, r)
	}))
	t.Cleanup(s.Close)
	return &client.Client{URL: s.URL + "/", Token: "token"}, last
}

func TestStatusSendsThePreviousETag(t *testing.T) {
	t.Parallel()
	c, last := api(t, func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("ETag", `"1"`)
		if r.Header.Get("If-None-Match") == `"1"` {
			w.WriteHeader(http.StatusNotModified)
			return
		}
		io.WriteString(w, `{"address":"città@pec.example","state":"qualified","show":"star",`+
			`"since":"2026-11-20T10:07:42Z","more":"later"}`)
	})
	first, err := c.Status(t.Context(), "città/x@pec.example", nil)
	if err != nil || first.Show != client.ShowStar || first.ETag != `"1"` || first.Since.Year() != 2026 {
		t.Fatalf("%+v, %v", first, err)
	}
	if last.URL.EscapedPath() != "/api/v1/mailboxes/citt%C3%A0%2Fx@pec.example" || last.Header.Get("Authorization") != "Bearer token" {
		t.Errorf("the request is for %s with %v", last.URL.EscapedPath(), last.Header)
	}
	if again, err := c.Status(t.Context(), first.Address, first); err != nil || again != first {
		t.Errorf("%+v, %v", again, err)
	}
}

func TestAWriteHasAnIdempotencyKey(t *testing.T) {
	t.Parallel()
	c, last := api(t, func(w http.ResponseWriter, r *http.Request) { io.WriteString(w, `{}`) })
	put := func(options ...client.Option) http.Header {
		if _, err := c.PutRecord(t.Context(), "a@pec.example", client.Record{}, options...); err != nil {
			t.Fatal(err)
		}
		return last.Header
	}
	first, second := put().Get("Idempotency-Key"), put().Get("Idempotency-Key")
	if len(first) < 20 || first == second {
		t.Errorf("the keys are %q and %q", first, second)
	}
	h := put(client.Key("mine"), client.IfMatch(`"7"`), client.IfNew)
	if h.Get("Idempotency-Key") != "mine" || h.Get("If-Match") != `"7"` || h.Get("If-None-Match") != "*" {
		t.Errorf("%v", h)
	}
}

func TestTheErrorOfAProblem(t *testing.T) {
	t.Parallel()
	for body, want := range map[string]string{
		`{"title":"T","status":7,"detail":"D","errors":[{"location":"body.x","message":"bad"}]}`: "stella: 429 T: D; body.x: bad",
		`{"title":"T","status":7,"errors":[{"message":"bad"}]}`:                                  "stella: 429 T; bad",
		`<html>a proxy's page</html>`:                                                            "stella: 429 Too Many Requests",
		``:                                                                                       "stella: 429 Too Many Requests",
	} {
		c, _ := api(t, func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Retry-After", "7")
			w.WriteHeader(http.StatusTooManyRequests)
			io.WriteString(w, body)
		})
		_, err := c.HandOff(t.Context(), client.HandOff{})
		var p *client.Problem
		if !errors.As(err, &p) || p.Status != 429 || p.RetryAfter != 7*time.Second || err.Error() != want {
			t.Errorf("%+v has the text %q, want %q", p, err, want)
		}
	}
	c, _ := api(t, func(w http.ResponseWriter, _ *http.Request) { io.WriteString(w, "no JSON") })
	if _, err := c.HandOff(t.Context(), client.HandOff{}); err == nil {
		t.Error("a response that is not JSON is accepted")
	}
}

func TestAListIsReadPageByPage(t *testing.T) {
	t.Parallel()
	pages := 0
	c, last := api(t, func(w http.ResponseWriter, r *http.Request) {
		pages++
		after := r.FormValue("after")
		page := client.MailboxPage{Mailboxes: []client.Mailbox{{Address: after + "a"}, {Address: after + "b"}}, Next: "2"}
		switch after {
		case "2":
			page.Next = ""
		case "":
		default:
			w.WriteHeader(http.StatusServiceUnavailable)
			return
		}
		json.NewEncoder(w).Encode(page)
	})
	list := c.Mailboxes(t.Context(), client.MailboxFilter{State: client.StateQualified, Limit: 2})
	read := func(stop int) (all []string) {
		for m, err := range list {
			if err != nil {
				t.Fatal(err)
			}
			if all = append(all, m.Address); len(all) == stop {
				break
			}
		}
		return all
	}
	for range 2 { // each time from the beginning
		all := read(0)
		if strings.Join(all, " ") != "a b 2a 2b" || last.FormValue("state") != "qualified" || last.FormValue("limit") != "2" {
			t.Errorf("%q with %s", all, last.URL)
		}
	}
	if pages = 0; len(read(1)) != 1 || pages != 1 {
		t.Errorf("%d pages were read for one mailbox", pages)
	}
}
