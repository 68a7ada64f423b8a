package spid_test

import (
	"bytes"
	"context"
	"errors"
	"net/http"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"stella/spid"
	"stella/spid/spidtest"
)

// After any error the current providers stay in use.
func TestRefreshFails(t *testing.T) {
	t.Parallel()
	f := follow(t)
	old := f.publish(t, entry("https://z.example"))
	good := f.publish(t, entry("https://a.example"), entry("https://b.example"))
	f.refresh(t)
	sign := func(by *spidtest.Registry, metadata ...[]byte) http.HandlerFunc {
		raw, err := by.Aggregate(f.clock.now().Add(time.Minute), metadata)
		check(err)
		return serve(raw)
	}
	for name, test := range map[string]struct {
		handler http.HandlerFunc
		want    string // of the error
	}{
		"hangs":                       {spidtest.Hang, "deadline"},
		"is broken":                   {spidtest.Broken, "500"},
		"is not found":                {http.NotFound, "404"},
		"is empty":                    {serve(nil), "aggregate"},
		"is a page":                   {serve([]byte("<html><body>Manutenzione</body></html>")), "EntitiesDescriptor"},
		"is cut off":                  {spidtest.Truncated(good), "EOF"},
		"is cut off without an error": {serve(good[:len(good)-100]), "well-formed"},
		"has no end":                  {spidtest.Endless, "more than 10485760 bytes"},
		"has moved to http":           {spidtest.MovedTo("http://127.0.0.1:1/"), "a URL that is not https"},
		"has another signer":          {sign(otherAuthority(), entry("https://evil.example")), "not signed with one of the configured"},
		"is an older one":             {serve(old), "older than the one in use"},
		"has no usable entry":         {sign(f.published, entry("https://a.example", remove(keys))), "no usable"},
	} {
		f.published.Serve(test.handler)
		ctx, cancel := context.WithTimeout(t.Context(), 2*time.Second)
		if name == "hangs" {
			ctx, cancel = context.WithTimeout(t.Context(), 50*time.Millisecond)
		}
		err := f.Refresh(ctx)
		cancel()
		if err == nil || !strings.Contains(err.Error(), test.want) {
			t.Errorf("%s: got %v, want %q", name, err, test.want)
		}
		if entityIDs(f.Providers()) != "a b" {
			t.Fatalf("%s: got %s", name, entityIDs(f.Providers()))
		}
		if !bytes.Equal(f.memory.raw, good) {
			t.Fatalf("%s: the stored aggregate changed", name)
		}
	}
	f.publish(t, entry("https://c.example"))
	f.refresh(t)
	if entityIDs(f.Providers()) != "c" {
		t.Errorf("after recovery: got %s, want c", entityIDs(f.Providers()))
	}
}

func serve(raw []byte) http.HandlerFunc {
	return func(w http.ResponseWriter, _ *http.Request) { w.Write(raw) }
}

// After a restart, the last valid aggregate is available even if the registry
// is not.
func TestReload(t *testing.T) {
	t.Parallel()
	f := follow(t)
	if err := f.Reload(t.Context()); err != nil || len(f.Providers()) > 0 {
		t.Errorf("with nothing stored: %v", err)
	}
	f.publish(t, entry("https://a.example"))
	f.refresh(t)
	f.published.Serve(spidtest.Broken)
	fetched := f.clock.now()
	f.clock.advance(time.Hour)

	restarted := f.another(t)
	if err := restarted.Reload(t.Context()); err != nil || entityIDs(restarted.Providers()) != "a" {
		t.Errorf("after a restart: got %s: %v", entityIDs(restarted.Providers()), err)
	}
	if !restarted.Aggregate().FetchedAt.Equal(fetched) || !restarted.Due() {
		t.Errorf("it was fetched at %s", restarted.Aggregate().FetchedAt)
	}
	restarted = f.another(t)
	if err := restarted.Refresh(t.Context()); err == nil || entityIDs(restarted.Providers()) != "a" {
		t.Errorf("after a failed refresh: got %s: %v", entityIDs(restarted.Providers()), err)
	}
}

// An aggregate fetched by one instance is loaded by the others, once.
func TestReloadBetweenInstances(t *testing.T) {
	t.Parallel()
	f := follow(t)
	other := f.another(t)
	for _, id := range []string{"a", "b"} {
		f.publish(t, entry("https://"+id+".example"))
		f.refresh(t)
		if err := other.Reload(t.Context()); err != nil || entityIDs(other.Providers()) != id {
			t.Errorf("the other has %s, want %s: %v", entityIDs(other.Providers()), id, err)
		}
	}
	current := other.Aggregate()
	if err := other.Reload(t.Context()); err != nil || other.Aggregate() != current {
		t.Errorf("an unchanged aggregate is loaded again: %v", err)
	}
	if f.published.Fetched() != 2 {
		t.Errorf("there were %d fetches", f.published.Fetched())
	}
}

// The storage is not trusted: writing to it does not add providers.
func TestReloadVerifies(t *testing.T) {
	t.Parallel()
	f := follow(t)
	old := f.publish(t, entry("https://old.example"))
	good := f.publish(t, entry("https://a.example"))
	f.refresh(t)
	forged, err := otherAuthority().Aggregate(f.clock.now(), [][]byte{entry("https://evil.example")})
	check(err)
	for name, raw := range map[string][]byte{
		"another signer": forged,
		"altered":        changed(good, addEntry("https://evil.example")),
		"older":          old,
		"unsigned":       aggregate(t, named("https://evil.example")),
		"empty":          {},
	} {
		f.clock.advance(time.Second)
		f.memory.raw, f.memory.at = raw, f.clock.now()
		if err := f.Reload(t.Context()); err == nil || entityIDs(f.Providers()) != "a" {
			t.Errorf("%s: got %s and %v", name, entityIDs(f.Providers()), err)
		}
		// The next fetch repairs it.
		if err := f.Refresh(t.Context()); err == nil || !bytes.Equal(f.memory.raw, good) {
			t.Errorf("%s: the storage is not repaired: %v", name, err)
		}
	}
	// An aggregate with a fetch time in the future would never be fetched again.
	restarted := f.another(t)
	f.memory.at = f.clock.now().AddDate(1, 0, 0)
	if err := restarted.Reload(t.Context()); err != nil {
		t.Error(err)
	}
	f.clock.advance(time.Hour)
	if !restarted.Due() {
		t.Error("a fetch time in the future is accepted")
	}
}

// New aggregates are used even if the storage fails.
func TestRefreshWithoutMemory(t *testing.T) {
	t.Parallel()
	f := follow(t)
	f.publish(t, entry("https://a.example"))
	f.memory.err = errors.New("the database is unavailable")
	if err := f.Refresh(t.Context()); !errors.Is(err, f.memory.err) {
		t.Errorf("got %v", err)
	}
	if entityIDs(f.Providers()) != "a" {
		t.Errorf("got %s", entityIDs(f.Providers()))
	}
	if err := f.Reload(t.Context()); !errors.Is(err, f.memory.err) {
		t.Errorf("got %v", err)
	}
}

func TestDue(t *testing.T) {
	t.Parallel()
	f := follow(t)
	if !f.Due() {
		t.Error("not due although nothing was fetched")
	}
	for cache, want := range map[string]time.Duration{
		"": time.Hour, "P1D": time.Hour, "PT10M": 10 * time.Minute, "PT1S": time.Minute, "PT0S": time.Hour,
	} {
		f.clock.advance(time.Second)
		raw, err := f.published.Aggregate(f.clock.now(), [][]byte{entry("https://a.example")})
		if cache != "" {
			raw, err = f.published.Aggregate(f.clock.now(), [][]byte{entry("https://a.example")}, set("", "cacheDuration", cache))
		}
		check(err)
		f.published.Publish(raw)
		f.refresh(t)
		f.clock.advance(want - time.Second)
		if f.Due() {
			t.Errorf("cacheDuration %q: due too early", cache)
		}
		f.clock.advance(time.Second)
		if !f.Due() {
			t.Errorf("cacheDuration %q: not due", cache)
		}
	}
}

// An answer signed with an unknown key causes a fetch, at most once a minute.
func TestRefreshFor(t *testing.T) {
	t.Parallel()
	const id = "https://a.example"
	f := follow(t)
	f.publish(t, entry(id))
	f.refresh(t)
	p := f.Find(id, now)
	refreshFor := func(want bool, fetched int) {
		t.Helper()
		before := f.published.Fetched()
		if renewed, err := f.RefreshFor(t.Context(), id, p); err != nil || renewed != want {
			t.Errorf("renewed is %t, want %t: %v", renewed, want, err)
		}
		if n := f.published.Fetched() - before; n != fetched {
			t.Errorf("%d fetches, want %d", n, fetched)
		}
	}
	refreshFor(false, 1)
	f.publish(t, entry(id, withKeyOf(impostor)))
	refreshFor(false, 0) // less than a minute later
	f.clock.advance(time.Minute)
	refreshFor(true, 1)
	refreshFor(true, 0) // p still lacks the listed key
	p = f.Find(id, f.clock.now())
	f.clock.advance(time.Minute)
	f.published.Serve(spidtest.Broken)
	if renewed, err := f.RefreshFor(t.Context(), id, p); renewed || err == nil {
		t.Errorf("renewed is %t from a broken registry: %v", renewed, err)
	}
	// A provider that only another instance knew so far.
	f.clock.advance(time.Minute)
	f.publish(t, entry(id), entry("https://new.example"))
	if renewed, err := f.RefreshFor(t.Context(), "https://new.example", nil); err != nil || !renewed {
		t.Errorf("a new provider is not found: %v", err)
	}
	f.clock.advance(time.Minute)
	if renewed, err := f.RefreshFor(t.Context(), "https://none.example", nil); err != nil || renewed {
		t.Errorf("an unknown provider is found: %v", err)
	}
}

// Fixed providers are never fetched.
func TestRefreshForFixed(t *testing.T) {
	t.Parallel()
	f := follow(t, provider)
	f.publish(t, entry(provider.EntityID, withKeyOf(impostor)))
	f.refresh(t)
	if renewed, err := f.RefreshFor(t.Context(), provider.EntityID, provider); err != nil || renewed || f.published.Fetched() != 1 {
		t.Errorf("renewed is %t after %d fetches: %v", renewed, f.published.Fetched(), err)
	}
}

// Many answers at the same time share one fetch. A user who leaves does not
// cancel it.
func TestRefreshForMany(t *testing.T) {
	t.Parallel()
	const id = "https://a.example"
	f := follow(t)
	f.publish(t, entry(id))
	f.refresh(t)
	p := f.Find(id, now)
	f.publish(t, entry(id, withKeyOf(impostor)))
	canceled, cancel := context.WithCancel(t.Context())
	cancel()
	var wg sync.WaitGroup
	for range 20 {
		wg.Go(func() {
			if renewed, err := f.RefreshFor(canceled, id, p); err != nil || !renewed {
				t.Errorf("renewed is %t: %v", renewed, err)
			}
		})
	}
	wg.Wait()
	if f.published.Fetched() != 2 {
		t.Errorf("there were %d fetches, want 2", f.published.Fetched())
	}
}

type hangingTransport struct{}

func (hangingTransport) RoundTrip(r *http.Request) (*http.Response, error) {
	<-r.Context().Done()
	return nil, r.Context().Err()
}

// A user waits at most five seconds for a registry that hangs.
func TestRefreshForHangs(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		r, err := spid.Follow(spid.Source{
			Location: "https://registry.example",
			Signers:  []spid.Fingerprint{spid.AgID},
			Store:    &memory{},
		}, nil)
		check(err)
		r.Through(hangingTransport{})
		start := time.Now()
		if renewed, err := r.RefreshFor(t.Context(), "https://a.example", nil); !errors.Is(err, context.DeadlineExceeded) || renewed {
			t.Errorf("renewed is %t: %v", renewed, err)
		}
		if took := time.Since(start); took != 5*time.Second {
			t.Errorf("it took %s", took)
		}
	})
}
