package store_test

import (
	"errors"
	"slices"
	"testing"

	"stella/store"
	"stella/store/storetest"
	"stella/workflow"
)

func TestClientNamesAndTokensAreUnique(t *testing.T) {
	w := newWorld(t)
	again := workflow.Client{
		Name:       storetest.Webmail,
		Domains:    []string{"altrove.example"},
		ReturnURLs: []string{"https://altrove.example/"},
		Scopes:     []workflow.Scope{workflow.ScopeWebmail},
	}
	if err := w.AddClient(t.Context(), again, workflow.Digest("another token"), w.Clock.Now()); !errors.Is(err, store.ErrExists) {
		t.Errorf("the same name: %v", err)
	}
	again.Name = "another"
	if err := w.AddClient(t.Context(), again, workflow.Digest(storetest.Token), w.Clock.Now()); !errors.Is(err, store.ErrExists) {
		t.Errorf("the same token: %v", err)
	}
	again.Name = storetest.Webmail
	storetest.Must(t, w.PutClient(t.Context(), again, workflow.Digest("another token"), w.Clock.Now()))
	_, err := w.AskedBy(t.Context(), workflow.Digest(storetest.Token), "a@b.example", w.Clock.Now())
	if !errors.Is(err, workflow.ErrUnauthorized) {
		t.Errorf("the replaced token: %v", err)
	}
	c, err := w.ClientByToken(t.Context(), workflow.Digest("another token"), w.Clock.Now())
	if err != nil || !slices.Equal(c.Domains, again.Domains) || !slices.Equal(c.ReturnURLs, again.ReturnURLs) {
		t.Errorf("%+v, %v", c, err)
	}
	asked, err := w.AskedBy(t.Context(), workflow.Digest("another token"), "a@b.example", w.Clock.Now())
	if err != nil || asked.Summary != nil {
		t.Errorf("%+v, %v", asked, err)
	}
}
