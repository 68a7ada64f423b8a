package main

import (
	"strings"
	"testing"

	"stella/cmd/stella/demo"
	"stella/cmd/stella/programtest"
	"stella/spid/spidtest"
	"stella/store/storetest"
)

// The demo accepts more identity providers, such as the official test providers. If it
// cannot read a file, the error names the file.
func TestDemoWithMoreIdentityProviders(t *testing.T) {
	t.Parallel()
	inbox, err := demo.StartInbox()
	storetest.Must(t, err)
	t.Cleanup(func() { inbox.Close() })
	idp, err := spidtest.New(spidtest.Config{BaseURL: "http://127.0.0.1:8082", ServiceProvider: func() ([]byte, error) { return nil, nil }})
	storetest.Must(t, err)
	tester := strings.ReplaceAll(string(idp.Metadata()), "http://127.0.0.1:8082", "https://localhost:8443")
	c := demoCommand{Port: 8080, Providers: []string{programtest.File(t, "tester.xml", []byte(tester))}}
	s, err := c.settings(t.TempDir(), inbox, idp)
	storetest.Must(t, err)
	if len(s.Providers) != 2 || s.Providers.Find("https://localhost:8443") == nil || s.Providers.Find(idp.EntityID()) == nil ||
		!s.Collaudo {
		t.Errorf("got %d providers", len(s.Providers))
	}
	c.Providers = []string{"/no/such/file.xml"}
	if _, err := c.settings(t.TempDir(), inbox, idp); err == nil || !strings.Contains(err.Error(), "STELLA_SPID_PROVIDERS") ||
		!strings.Contains(err.Error(), "/no/such/file.xml") {
		t.Errorf("a missing file: %v", err)
	}
}
