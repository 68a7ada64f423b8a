package main

import (
	"strings"
	"testing"
	"time"

	"stella/cmd/stella/programtest"
	"stella/spid/spidtest"
	"stella/store/storetest"
)

// The service starts even if the registry cannot be reached. The registry that was read
// last is used, by this instance and by others.
func TestServeWithARegistry(t *testing.T) {
	t.Parallel()
	r, url, publish := programtest.RegistryOf(t)
	c := programtest.GoodConfig(t)
	c.ProvidersConfig.Providers, c.Registry, c.RegistryPin, c.Metrics = nil, url, r.Signer().String(), "127.0.0.1:0"
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
