package spid_test

import (
	"context"
	"errors"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"time"

	"stella/spid"
	"stella/spid/spidtest"
)

// A federation is a spid.Registry that follows a test registry over HTTP.
type federation struct {
	*spid.Registry
	published *spidtest.Registry
	source    spid.Source
	memory    *memory
	clock     *fakeClock
}

func follow(t testing.TB, fixed ...*spid.Provider) *federation {
	t.Helper()
	return followWithClock(t, &fakeClock{t: now}, fixed...)
}

// followBy is follow with a clock that can be shared.
func followWithClock(t testing.TB, clock *fakeClock, fixed ...*spid.Provider) *federation {
	t.Helper()
	published := authority().Again()
	server := httptest.NewServer(published)
	t.Cleanup(server.Close)
	f := &federation{published: published, memory: &memory{}, clock: clock}
	f.source = spid.Source{Location: server.URL, Signers: []spid.Fingerprint{published.Signer()}, Store: f.memory, Now: f.clock.now}
	f.Registry = f.another(t, fixed...)
	return f
}

// another makes a second instance, or the same one after a restart.
func (f *federation) another(t testing.TB, fixed ...*spid.Provider) *spid.Registry {
	t.Helper()
	r, err := spid.Follow(f.source, fixed)
	if err != nil {
		t.Fatal(err)
	}
	return r
}

// publish makes a new aggregate, one second after the previous one.
func (f *federation) publish(t testing.TB, metadata ...[]byte) []byte {
	t.Helper()
	f.clock.advance(time.Second)
	raw, err := f.published.Aggregate(f.clock.now(), metadata)
	if err != nil {
		t.Fatal(err)
	}
	f.published.Publish(raw)
	return raw
}

// refresh fails the test if the registry cannot be refreshed.
func (f *federation) refresh(t testing.TB) {
	t.Helper()
	if err := f.Refresh(t.Context()); err != nil {
		t.Fatal(err)
	}
}

// A fakeClock clock changes only by advance, and by tick at each reading.
type fakeClock struct {
	mu   sync.Mutex
	t    time.Time
	tick time.Duration
}

func (c *fakeClock) now() time.Time {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.t = c.t.Add(c.tick)
	return c.t
}

func (c *fakeClock) advance(d time.Duration) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.t = c.t.Add(d)
}

type memory struct {
	mu  sync.Mutex
	raw []byte
	at  time.Time
	err error
}

func (m *memory) Aggregate(context.Context) ([]byte, time.Time, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.raw, m.at, m.err
}

func (m *memory) SaveAggregate(_ context.Context, raw []byte, at time.Time) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.err == nil {
		m.raw, m.at = raw, at
	}
	return m.err
}

func TestFixedProviders(t *testing.T) {
	t.Parallel()
	fixed := spid.Providers{{EntityID: "https://a.example", Certificates: provider.Certificates}}
	r := spid.NewRegistry(fixed, clock)
	fixed[0] = nil         // the registry has its own copy,
	r.Providers()[0] = nil // and returns copies
	if entityIDs(r.Providers()) != "a" || r.Find("https://a.example", now) == nil || r.Find("https://b.example", now) != nil {
		t.Errorf("got %s", entityIDs(r.Providers()))
	}
	renewed, err := r.RefreshFor(t.Context(), "https://a.example", nil)
	if err := errors.Join(err, r.Refresh(t.Context()), r.Reload(t.Context())); err != nil || renewed || r.Due() || r.Aggregate() != nil {
		t.Errorf("without a source: %v", err)
	}
}

// A new aggregate replaces the previous one completely. Fixed providers stay.
func TestRegistry(t *testing.T) {
	t.Parallel()
	test := &spid.Provider{EntityID: "https://b.example", Name: "configured", Certificates: provider.Certificates}
	f := follow(t, test)
	if entityIDs(f.Providers()) != "b" || f.Aggregate() != nil {
		t.Errorf("got %s before the first refresh", entityIDs(f.Providers()))
	}
	f.publish(t, entry("https://a.example"), entry("https://b.example"), entry("https://c.example"))
	f.refresh(t)
	if entityIDs(f.Providers()) != "a b c" {
		t.Errorf("got %s", entityIDs(f.Providers()))
	}
	if f.Find("https://b.example", now) != test || f.Providers().Find("https://b.example") != test {
		t.Error("the aggregate overrides the fixed provider")
	}
	f.publish(t, entry("https://c.example"), entry("https://d.example", remove(keys)), entry("https://e.example"))
	f.refresh(t)
	if entityIDs(f.Providers()) != "b c e" {
		t.Errorf("got %s", entityIDs(f.Providers()))
	}
	if a := f.Aggregate(); a.Faults == nil || !strings.Contains(a.Faults.Error(), "d.example") || !a.FetchedAt.Equal(f.clock.now()) {
		t.Errorf("got faults %v, fetched at %s", a.Faults, a.FetchedAt)
	}
}

// keysOf returns the keys of a provider: o is idp's, n is impostor's.
func keysOf(p *spid.Provider) string {
	if p == nil {
		return "none"
	}
	var keys string
	for _, c := range p.Certificates {
		if c.Equal(provider.Certificates[0]) {
			keys += "o"
		} else {
			keys += "n"
		}
	}
	return keys
}

// The keys and providers known when a request was made are accepted for its
// answer for half an hour, but not for later requests.
func TestFindForAnswer(t *testing.T) {
	t.Parallel()
	onlyNew := func(entityID string) []byte { return entry(entityID, withKeyOf(impostor), remove(keys+"[2]")) }
	f := follow(t)
	asked := []time.Time{f.clock.now()}
	step := func(metadata ...[]byte) {
		f.publish(t, metadata...)
		f.refresh(t)
		f.clock.advance(time.Second)
		asked = append(asked, f.clock.now())
	}
	step(entry("https://a.example"), entry("https://b.example"))                      // 1
	step(entry("https://a.example", withKeyOf(impostor)), entry("https://b.example")) // 2
	step(onlyNew("https://a.example"), entry("https://c.example"))                    // 3
	want := func(when string, entityID string, keys ...string) {
		t.Helper()
		for i, want := range keys {
			if got := keysOf(f.Find(entityID, asked[i])); got != want {
				t.Errorf("%s, for a request of step %d: %s has keys %q, want %q", when, i, entityID, got, want)
			}
		}
	}
	want("at once", "https://a.example", "no", "no", "no", "n")
	want("at once", "https://b.example", "o", "o", "o", "none")
	want("at once", "https://c.example", "o", "o", "o", "o")
	if entityIDs(f.Providers()) != "a c" {
		t.Errorf("the providers are %s", entityIDs(f.Providers()))
	}
	f.clock.advance(29 * time.Minute)
	want("29 minutes later", "https://a.example", "no", "no", "no", "n")
	want("29 minutes later", "https://b.example", "o", "o", "o", "none")
	f.refresh(t) // a second fetch of the same aggregate does not extend the period
	f.clock.advance(61 * time.Second)
	want("30 minutes later", "https://a.example", "n", "n", "n", "n")
	want("30 minutes later", "https://b.example", "none", "none", "none", "none")
}

// An aggregate is not used after its validity, even if nothing replaces it.
func TestRegistryExpires(t *testing.T) {
	t.Parallel()
	f := follow(t)
	until := now.Add(time.Hour)
	later := entry("https://a.example", set("", "validUntil", until.Add(time.Hour).Format(time.RFC3339)))
	raw, err := f.published.Aggregate(now, [][]byte{later}, set("", "validUntil", until.Format(time.RFC3339Nano)))
	check(err)
	f.published.Publish(raw)
	f.refresh(t)
	f.clock.advance(59 * time.Minute)
	if entityIDs(f.Providers()) != "a" {
		t.Error("a provider is missing before its expiry")
	}
	f.clock.advance(time.Minute)
	if len(f.Providers()) > 0 {
		t.Error("a provider is listed after its expiry")
	}
	if f.Find("https://a.example", until.Add(-time.Second)) == nil || f.Find("https://a.example", until) != nil {
		t.Error("want the provider only for a request made before the expiry")
	}
	if err := f.Refresh(t.Context()); err == nil {
		t.Error("an expired aggregate is accepted")
	}
}
