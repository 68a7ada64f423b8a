package api_test

import (
	"bytes"
	"context"
	"errors"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"stella/store/storetest"
	"stella/workflow"
)

func TestUnknownPaths(t *testing.T) {
	w := newWorld(t)
	for _, c := range []struct{ method, path string }{
		{"GET", "/api/"}, {"GET", "/api/v1"}, {"GET", "/api/v1/"}, {"GET", "/api/v2/mailboxes/" + anna},
		{"GET", "/api/v1/mailboxes/"}, {"GET", "/api/v1/mailboxes/a/b"}, {"POST", "/api/v1/mailboxes/" + anna},
		{"GET", handoffs}, {"PUT", handoffs}, {"GET", "/api/v1/docs"}, {"GET", "/docs"},
		{"GET", "/schemas/Mailbox.json"}, {"GET", "/api/v1/schemas/Mailbox.json"},
	} {
		w.call(c.method, c.path, "").problem(404)
	}
}

// An internal error is logged, and the response does not contain it.
func TestInternalErrorsAreOnlyLogged(t *testing.T) {
	t.Parallel()
	log := &bytes.Buffer{}
	h := handler(broken{}, time.Now, log)
	for _, a := range []answer{
		call(t, h, "GET", "/api/v1/mailboxes/"+anna, "", "Authorization", "Bearer x"),
		call(t, h, "POST", handoffs, handOff(anna, storetest.ReturnURL), "Authorization", "Bearer x"),
	} {
		a.problem(500)
		if strings.Contains(a.text, "secret cause") {
			t.Errorf("the response contains the error: %s", a.text)
		}
	}
	if strings.Count(log.String(), "secret cause") != 2 {
		t.Errorf("the log is %s", log)
	}
}

// broken is a store whose queries fail.
type broken struct{ backend }

func (broken) ClientByToken(context.Context, []byte, time.Time) (workflow.Client, error) {
	return workflow.Client{}, errors.New("a secret cause")
}

func (broken) AskedBy(context.Context, []byte, string, time.Time) (workflow.Asked, error) {
	return workflow.Asked{}, errors.New("a secret cause")
}

// If the database is unavailable, the response is 503 with Retry-After.
func TestTheDatabaseIsUnavailable(t *testing.T) {
	w := newWorld(t)
	w.RecordAs(t, anna, storetest.AnnasRecord)
	ctx, cancel := context.WithTimeout(t.Context(), time.Nanosecond)
	defer cancel()
	r := httptest.NewRequestWithContext(ctx, "GET", "https://id.example/api/v1/mailboxes/"+anna, nil)
	r.Header.Set("Authorization", "Bearer "+storetest.Token)
	got := answer{ResponseRecorder: httptest.NewRecorder(), t: t}
	w.handler.ServeHTTP(got, r)
	if got.Code != 503 || got.Header().Get("Retry-After") != "5" || strings.Contains(w.log.String(), "level=ERROR") {
		t.Errorf("%d %v %s", got.Code, got.Header(), w.log)
	}
}
