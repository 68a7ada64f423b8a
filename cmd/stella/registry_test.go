package main

import (
	"bytes"
	"log/slog"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"stella/spid"
	"stella/spid/spidtest"
	"stella/store"
	"stella/store/storetest"
)

// registryOf returns a registry server. publish publishes the identity provider of the
// fixtures in it.
func registryOf(t *testing.T) (r *spidtest.Registry, url string, publish func()) {
	t.Helper()
	r, err := spidtest.NewRegistry(time.Now())
	storetest.Must(t, err)
	server := httptest.NewServer(r)
	t.Cleanup(server.Close)
	return r, server.URL, func() {
		aggregate, err := r.Aggregate(time.Now(), [][]byte{fixtures().providers})
		storetest.Must(t, err)
		r.Publish(aggregate)
	}
}

// The service starts even if the registry cannot be reached. The registry that was read
// last is used, by this instance and by others.
func TestServeWithARegistry(t *testing.T) {
	t.Parallel()
	r, url, publish := registryOf(t)
	c := goodConfig(t)
	c.providersConfig.Providers, c.Registry, c.RegistryPin, c.Metrics = nil, url, r.Signer().String(), "127.0.0.1:0"
	c.URL = storetest.URL(t)
	s := startService(t, c)
	if code, body := s.get("/readyz"); code != 503 || !strings.Contains(body, `"there is no identity provider yet"`) {
		t.Errorf("before the registry was read: %d %s", code, body)
	}
	if code, _ := s.get("/healthz"); code != 200 {
		t.Errorf("/healthz: %d", code)
	}
	s.waitForLog("the registry of identity providers cannot be read; the providers read before stay in use")
	publish()
	if r := s.waitReady(); r.Providers != 1 || time.Since(r.RegistryRead) > time.Minute {
		t.Errorf("%+v", r)
	}
	s.waitForLog("the registry of identity providers is in use")
	metrics := s.metrics()
	for _, want := range []string{"stella_identity_providers 1\n", "stella_registry_age_seconds ",
		`stella_certificate_expiry_days{owner="stella"} 109`,
		`stella_certificate_expiry_days{owner="https://idp.example"} `, "go_goroutines "} {
		if !strings.Contains(metrics, want) {
			t.Errorf("no metric %q:\n%s", want, metrics)
		}
	}
	if code, _ := s.get("/metrics"); code != 404 {
		t.Errorf("the port of the pages serves /metrics: %d", code)
	}
	s.interrupt()

	r.Serve(spidtest.Broken)
	again := startService(t, c)
	if code, body := again.get("/readyz"); code != 200 || !strings.Contains(body, `"identity_providers":1`) {
		t.Errorf("without the registry: %d %s", code, body)
	}
	again.interrupt()

	// The operator's commands read the registry from the database.
	env := []string{"STELLA_DATABASE_URL=" + c.URL, "STELLA_SPID_REGISTRY_PIN=" + c.RegistryPin}
	list := stella(t, env, "spid", "provider", "list").succeeds(t)
	if !strings.Contains(list, "https://idp.example  Identità di prova") {
		t.Errorf("%s", list)
	}
	other := stella(t, []string{"STELLA_DATABASE_URL=" + c.URL}, "spid", "provider", "list")
	if other.status != 0 || !strings.Contains(other.err, "the registry in the database is ignored") ||
		strings.Contains(other.out, "idp.example") {
		t.Errorf("a registry with another signer: %+v", other)
	}
}

func newRefresher(t *testing.T, s *store.Store, r *spidtest.Registry, url string, log *bytes.Buffer) *refresher {
	t.Helper()
	registry, err := newRegistry(&settings{registry: &spid.Source{Location: url, Signers: []spid.Fingerprint{r.Signer()}}}, s)
	storetest.Must(t, err)
	return &refresher{registry: registry, log: slog.New(slog.NewTextHandler(log, nil))}
}

func TestOneInstanceReadsTheRegistryForAll(t *testing.T) {
	t.Parallel()
	r, url, publish := registryOf(t)
	publish()
	s := storetest.New(t)
	var log bytes.Buffer
	one, other := newRefresher(t, s, r, url, &log), newRefresher(t, s, r, url, &log)
	storetest.Must(t, one.Work(t.Context(), nil))
	other.reload(t.Context())
	storetest.Must(t, other.Work(t.Context(), nil)) // not due any more
	if n := r.Fetched(); n != 1 {
		t.Errorf("the registry was fetched %d times", n)
	}
	for _, x := range []*refresher{one, other} {
		if p := x.registry.Providers(); len(p) != 1 || p[0].EntityID != "https://idp.example" {
			t.Errorf("the providers are %v", p)
		}
	}
	if log.Len() != 0 {
		t.Errorf("the log:\n%s", &log)
	}
}

// A failed refresh changes nothing. The log shows the providers that stay in use.
func TestUnreadableRegistry(t *testing.T) {
	t.Parallel()
	r, url, publish := registryOf(t)
	s := storetest.New(t)
	var log bytes.Buffer
	x := newRefresher(t, s, r, url, &log)
	storetest.Must(t, x.Work(t.Context(), nil))
	text := log.String()
	if strings.Count(text, "\n") != 1 || !strings.Contains(text, "level=ERROR") || !strings.Contains(text, "providers=0") {
		t.Errorf("without a registry: %s", text)
	}
	publish()
	x.refresh(t.Context())
	log.Reset()
	r.Serve(spidtest.Broken)
	x.refresh(t.Context())
	text = log.String()
	if strings.Count(text, "\n") != 1 || !strings.Contains(text, "level=WARN") ||
		!strings.Contains(text, "providers=1") || !strings.Contains(text, "read=20") {
		t.Errorf("with a registry read before: %s", text)
	}
	if len(x.registry.Providers()) != 1 {
		t.Error("the providers are gone")
	}
}
