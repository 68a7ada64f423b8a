package web

import (
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"time"

	"stella/spid"
	"stella/spid/spidtest"
	"stella/store/storetest"
	"stella/workflow"
)

// A federation's registry, with one provider in it whose key changes.
type federation struct {
	*world
	*spidtest.Registry
	provider *spidtest.Provider
}

// publish makes the registry list the provider as it is now.
func (f federation) publish() {
	f.Helper()
	aggregate, err := f.Aggregate(f.clock.Now(), [][]byte{f.provider.Metadata()})
	f.must(err)
	f.Publish(aggregate)
}

// registry is made once, too.
var registry = sync.OnceValues(func() (*spidtest.Registry, error) { return spidtest.NewRegistry(storetest.NewClock().Now()) })

// federated makes a world that follows a registry.
func federated(t *testing.T) federation {
	t.Helper()
	var f federation
	f.world = newWorld(t, func(w *world) {
		var err error
		f.provider, err = spidtest.New(spidtest.Config{BaseURL: "http://localhost:1", ServiceProvider: w.server.SPID.Metadata, Now: w.clock.Now})
		w.must(err)
		made, err := registry()
		w.must(err)
		f.Registry = made.Again()
		serving := httptest.NewServer(f.Registry)
		t.Cleanup(serving.Close)
		w.server.SPID.Registry, err = spid.Follow(spid.Source{Location: serving.URL, Signers: []spid.Fingerprint{f.Signer()},
			Memory: w.store, Now: w.clock.Now}, nil)
		w.must(err)
	})
	f.publish()
	f.must(f.server.SPID.Refresh(t.Context()))
	return f
}

func (f federation) login() (*browser, asked) {
	b := f.enter(anna)
	b.get("/identificazione/spid")
	a := b.ask()
	a.idp = &idp{Provider: f.provider}
	return b, a
}

// A provider changes its key while people are on its pages: none of them fails,
// whether we have heard of the new one or not.
func TestProviderChangesItsKey(t *testing.T) {
	t.Parallel()
	f := federated(t)
	f.record(anna)
	f.enter(anna).goOn(anna, workflow.HolderChoice, workflow.Identification)
	for step, what := range []string{"lists another key", "signs with it", "lists the former no longer"} {
		b, request := f.login()
		early := f.answer(request, "Anna Neri") // signed before
		f.must(f.provider.Rotate())
		f.publish()
		f.clock.Advance(2 * time.Minute)
		b.deliver(early).at("Identificazione riuscita")
		b.press("Non sono io / casella sbagliata")

		b, request = f.login()
		b.deliver(f.answer(request, "Anna Neri")).at("Identificazione riuscita")
		b.press("Non sono io / casella sbagliata")
		if step == 1 && f.Fetched() != 2 {
			t.Errorf("when the provider %s the registry has been asked %d times", what, f.Fetched())
		}
	}
}

// A provider that logs people out with a key we have not heard of is heard.
func TestProviderLogsOutWithAnotherKey(t *testing.T) {
	t.Parallel()
	f := federated(t)
	f.record(anna)
	b := f.enter(anna)
	for range 3 {
		f.must(f.provider.Rotate())
	}
	f.publish()
	f.clock.Advance(2 * time.Minute)
	location, err := f.provider.Logout()
	f.must(err)
	f.must(f.provider.LoggedOut(b.follow(location)))
	b.get("/").at("Qualifica la tua casella PEC Esempio")
	// Forged ones do not have the registry asked for ever.
	f.clock.Advance(2 * time.Minute)
	before := f.Fetched()
	for range 3 {
		b.get(f.idp.asks(t, issuedBy(f.provider.EntityID()))).answered(http.StatusForbidden, "Uscita non accettata")
	}
	if got := f.Fetched() - before; got != 1 {
		t.Errorf("the registry was asked %d times", got)
	}
}

// Anybody can send answers that no key verifies; the registry is not asked for
// each of them.
func TestUnknownKeysAreNotSoughtForEver(t *testing.T) {
	t.Parallel()
	f := federated(t)
	f.record(anna)
	f.enter(anna).goOn(anna, workflow.HolderChoice, workflow.Identification)
	b, request := f.login()
	forge := func() filled {
		forged := request
		forged.idp = f.idp
		return f.answer(forged, "Anna Neri", spidtest.BeforeSigning(issuedBy(f.provider.EntityID())))
	}
	f.clock.Advance(2 * time.Minute)
	before := f.Fetched()
	for range 5 {
		b.unchanged(func() { b.deliver(forge()).refused(technical) })
	}
	if got := f.Fetched() - before; got != 1 {
		t.Errorf("the registry was asked %d times", got)
	}
	// Where it does not answer, what we know is enough for whoever is honest.
	f.Serve(spidtest.Broken)
	f.clock.Advance(2 * time.Minute)
	b.deliver(forge()).refused(technical)
	if !strings.Contains(f.log.String(), `level=WARN msg="looking for a new key of an identity provider"`) {
		t.Errorf("the log does not tell of the registry: %s", f.log)
	}
	b.deliver(f.answer(request, "Anna Neri")).at("Identificazione riuscita")
}

// A provider that forgot to change its certificate is believed, as long as its
// metadata list it, and the operator is told.
func TestProviderCertificateExpired(t *testing.T) {
	t.Parallel()
	const warning = `level=WARN msg="an identity provider signs with an expired certificate"`
	w := newWorld(t)
	w.record(anna)
	b := w.enter(anna).goOn(anna, workflow.HolderChoice, workflow.Identified)
	if strings.Contains(w.log.String(), warning) {
		t.Error("a certificate in force is complained of")
	}
	w.clock.Advance(5 * 365 * 24 * time.Hour)
	b.handOver(anna).goOn(anna, workflow.Identification, workflow.Identified)
	if log := w.log.String(); !strings.Contains(log, warning) || !strings.Contains(log, "provider="+w.idp.EntityID()+" expired=20") {
		t.Errorf("the log does not tell of it: %s", log)
	}
}
