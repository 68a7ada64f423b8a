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
	"stella/web/webtest"
	"stella/workflow/qualification"
)

// federation is a server that follows a registry with one provider, whose key
// changes.
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

// registry is created once, since that is slow.
var registry = sync.OnceValues(func() (*spidtest.Registry, error) { return spidtest.NewRegistry(storetest.NewClock().Now()) })

// newFederation returns a new federation, after the first refresh.
func newFederation(t *testing.T) federation {
	t.Helper()
	var f federation
	f.world = newWorld(t, func(w *world) {
		var err error
		f.provider, err = spidtest.New(spidtest.Config{
			BaseURL:         "http://localhost:1",
			ServiceProvider: w.server.SPID.Metadata,
			Now:             w.clock.Now,
		})
		w.must(err)
		made, err := registry()
		w.must(err)
		f.Registry = made.Again()
		serving := httptest.NewServer(f.Registry)
		t.Cleanup(serving.Close)
		w.server.SPID.Registry, err = spid.Follow(spid.Source{Location: serving.URL, Signers: []spid.Fingerprint{f.Signer()},
			Store: w.store, Now: w.clock.Now}, nil)
		w.must(err)
	})
	f.publish()
	f.must(f.server.SPID.Refresh(t.Context()))
	return f
}

func (f federation) login() (*browser, loginRequest) {
	b := f.enter(anna)
	b.get("/identificazione/spid")
	a := b.ask()
	a.idp = &idp{Provider: f.provider}
	return b, a
}

// A provider changes its key while users are on its pages. No login fails, whether
// the server has already fetched the new key or not.
func TestProviderChangesItsKey(t *testing.T) {
	t.Parallel()
	f := newFederation(t)
	f.record(anna)
	f.enter(anna).proceed(anna, qualification.HolderChoice, qualification.Identification)
	for step, what := range []string{"lists another key", "signs with it", "no longer lists the previous one"} {
		b, request := f.login()
		early := f.answer(request, "Anna Neri") // signed with the previous key
		f.must(f.provider.Rotate())
		f.publish()
		f.clock.Advance(2 * time.Minute)
		b.deliver(early).at("Identificazione riuscita")
		b.press("Non sono io / casella sbagliata")

		b, request = f.login()
		b.deliver(f.answer(request, "Anna Neri")).at("Identificazione riuscita")
		b.press("Non sono io / casella sbagliata")
		if step == 1 && f.Fetched() != 2 {
			t.Errorf("when the provider %s, the registry was fetched %d times, want 2", what, f.Fetched())
		}
	}
}

// A logout request that is signed with a new key is accepted, after the registry was
// fetched again.
func TestLogoutWithANewKey(t *testing.T) {
	t.Parallel()
	f := newFederation(t)
	f.record(anna)
	b := f.enter(anna)
	for range 3 {
		f.must(f.provider.Rotate())
	}
	f.publish()
	f.clock.Advance(2 * time.Minute)
	location, err := f.provider.Logout()
	f.must(err)
	f.must(f.provider.LoggedOut(b.redirectOf(location)))
	b.get("/").at("Qualifica la tua casella PEC Esempio")
	// Forged requests do not fetch the registry each time.
	f.clock.Advance(2 * time.Minute)
	before := f.Fetched()
	for range 3 {
		b.get(f.idp.logoutURL(t, issuedBy(f.provider.EntityID()))).answered(http.StatusForbidden, "Uscita non accettata")
	}
	if got := f.Fetched() - before; got != 1 {
		t.Errorf("the registry was fetched %d times, want once", got)
	}
}

// An attacker can send responses that no key verifies. They do not fetch the
// registry each time.
func TestForgedAnswersFetchTheRegistryOnce(t *testing.T) {
	t.Parallel()
	f := newFederation(t)
	f.record(anna)
	f.enter(anna).proceed(anna, qualification.HolderChoice, qualification.Identification)
	b, request := f.login()
	forge := func() webtest.Form {
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
		t.Errorf("the registry was fetched %d times, want once", got)
	}
	// If the registry is not available, responses with a known key are accepted.
	f.Serve(spidtest.Broken)
	f.clock.Advance(2 * time.Minute)
	b.deliver(forge()).refused(technical)
	if !strings.Contains(f.log.String(), `level=WARN msg="looking for a new key of an identity provider"`) {
		t.Errorf("the log has no warning about the registry: %s", f.log)
	}
	b.deliver(f.answer(request, "Anna Neri")).at("Identificazione riuscita")
}

// A certificate that has expired is accepted as long as the provider's metadata list
// it, and the log has a warning.
func TestProviderCertificateExpired(t *testing.T) {
	t.Parallel()
	const warning = `level=WARN msg="an identity provider signs with an expired certificate"`
	w := newWorld(t)
	w.record(anna)
	b := w.enter(anna).proceed(anna, qualification.HolderChoice, qualification.Identified)
	if strings.Contains(w.log.String(), warning) {
		t.Error("the log has a warning about a valid certificate")
	}
	w.clock.Advance(5 * 365 * 24 * time.Hour)
	b.handOver(anna).proceed(anna, qualification.Identification, qualification.Identified)
	if log := w.log.String(); !strings.Contains(log, warning) || !strings.Contains(log, "provider="+w.idp.EntityID()+" expired=20") {
		t.Errorf("the log has no warning: %s", log)
	}
}
