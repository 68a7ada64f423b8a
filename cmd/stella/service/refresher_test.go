package service

import (
	"bytes"
	"log/slog"
	"strings"
	"testing"

	"stella/cmd/stella/config"
	"stella/cmd/stella/programtest"
	"stella/spid"
	"stella/spid/spidtest"
	"stella/store"
	"stella/store/storetest"
)

func newRefresher(t *testing.T, s *store.Store, r *spidtest.Registry, url string, log *bytes.Buffer) *refresher {
	t.Helper()
	registry, err := newRegistry(&config.Settings{Registry: &spid.Source{Location: url, Signers: []spid.Fingerprint{r.Signer()}}}, s)
	storetest.Must(t, err)
	return &refresher{registry: registry, log: slog.New(slog.NewTextHandler(log, nil))}
}

func TestOneInstanceReadsTheRegistryForAll(t *testing.T) {
	t.Parallel()
	r, url, publish := programtest.RegistryOf(t)
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
	r, url, publish := programtest.RegistryOf(t)
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
