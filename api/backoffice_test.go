package api_test

import (
	"errors"
	"net/http"
	"net/http/httptest"
	"testing"

	"stella/client"
	"stella/store/storetest"
	"stella/workflow"
)

const (
	cases  = "/api/v1/qualifications"
	ruling = `{"operator":"paolo","reason":"visura del 20/11/2026"}`
)

// backoffice is a client of the API that is not a webmail.
type backoffice struct {
	*client.Client
	w *world
}

// backoffice adds a client with scopes, for the domain of the world's mailboxes.
func (w *world) backoffice(scopes ...workflow.Scope) *backoffice {
	w.t.Helper()
	return w.backofficeOf("backoffice", storetest.Domain, scopes...)
}

func (w *world) backofficeOf(name, domain string, scopes ...workflow.Scope) *backoffice {
	w.t.Helper()
	token := w.addClient(name, domain, scopes...)
	return &backoffice{&client.Client{
		URL:   "https://id.example",
		Token: token,
		HTTP:  &http.Client{Transport: handlerTransport{w.handler}},
	}, w}
}

// registry adds a client with the scope registry, which writes records.
func (w *world) registry() *client.Client {
	w.t.Helper()
	return w.backofficeOf("registry", storetest.Domain, workflow.ScopeRegistry).Client
}

// addClient adds a client for a domain and returns its token.
func (w *world) addClient(name string, domain string, scopes ...workflow.Scope) (token string) {
	w.t.Helper()
	token = "the token of " + name
	c := workflow.Client{Name: name, Domains: []string{domain}, ReturnURLs: []string{storetest.ReturnURL}, Scopes: scopes}
	storetest.Must(w.t, w.AddClient(w.t.Context(), c, workflow.Digest(token), w.Clock.Now()))
	return token
}

// handlerTransport passes requests to a handler, without a network.
type handlerTransport struct{ http.Handler }

func (h handlerTransport) RoundTrip(r *http.Request) (*http.Response, error) {
	answer := httptest.NewRecorder()
	h.ServeHTTP(answer, r)
	return answer.Result(), nil
}

func (b *backoffice) call(method, path, body string, header ...string) answer {
	b.w.t.Helper()
	return call(b.w.t, b.w.handler, method, path, body, append([]string{"Authorization", "Bearer " + b.Token}, header...)...)
}

// list returns the numbers of all cases that match a filter, page by page.
func (b *backoffice) list(f client.QualificationFilter) []int64 {
	b.w.t.Helper()
	var numbers []int64
	for q, err := range b.Qualifications(b.w.t.Context(), f) {
		storetest.Must(b.w.t, err)
		numbers = append(numbers, q.Number)
	}
	return numbers
}

// failsWith checks that an error is a Problem with this status, and returns its
// detail.
func failsWith(t *testing.T, err error, status int) string {
	t.Helper()
	var p *client.Problem
	if !errors.As(err, &p) || p.Status != status {
		t.Fatalf("the error is %v, want status %d", err, status)
	}
	return p.Detail
}

func number(j *storetest.Journey) int64 { return j.Case().Qualification.Number }
