package web

import (
	"net/http/httptest"
	"testing"

	"stella/spid"
	"stella/web/webtest"
	"stella/workflow"
	"stella/workflow/qualification"
)

// A response is valid once, on all instances together and after a restart.
func TestReplayOnAnotherInstance(t *testing.T) {
	t.Parallel()
	b := at(t, anna, qualification.Identification, collaudo)
	// another starts a second process on the same database, or the first one again.
	another := func() *browser {
		s := &Server{
			Procedure: b.procedure,
			Provider:  b.provider,
			Logins:    &workflow.Logins{Store: b.store, Keys: b.procedure.Keys, Now: b.clock.Now},
			Sessions:  b.sessions,
			Templates: b.server.Templates,
			Collaudo:  true,
			PublicURL: b.server.PublicURL,
			SPID: Federation{
				ServiceProvider: b.server.SPID.ServiceProvider,
				Registry:        spid.NewRegistry(b.server.SPID.Providers(), b.clock.Now),
			},
			IsUnavailable: b.server.IsUnavailable,
			Log:           b.server.Log,
			Now:           b.clock.Now,
		}
		serving := httptest.NewServer(b.stack.Wrap(s.Handler()))
		t.Cleanup(serving.Close)
		other := *b.world
		other.url = serving.URL
		window := b.Window()
		window.Site, window.Transport, window.Page = other.url, observer{&other}, webtest.Page{}
		return &browser{&other, window}
	}
	second := another()
	trial := second.askAt(b.trial())
	tested := b.answer(trial, "Anna Neri")
	b.postAsTester(tested).at(trialSucceeded)
	second.postAsTester(tested).refused(elsewhere)

	request := b.ask()
	answer := b.answer(request, "Anna Neri")
	second.deliverOnly(answer) // the other instance accepts it
	b.unchanged(func() { b.deliver(answer).refused(elsewhere) })
	b.stateIs(anna, qualification.AtProvider)

	request = b.ask()
	answer = b.answer(request, "Anna Neri")
	b.deliver(answer).at("Identificazione riuscita")
	for _, restarted := range []*browser{second, another()} {
		b.unchanged(func() {
			restarted.deliver(answer).at("Identificazione riuscita")
			restarted.deliver(b.answer(request, "Sara Verdi")).at("Identificazione riuscita", "Anna Neri")
			restarted.postAsTester(tested).refused(elsewhere)
		})
	}
}
