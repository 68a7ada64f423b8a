package spid_test

import (
	"io"
	"log"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"stella/spid"
	"stella/spid/spidtest"
)

func TestFollow(t *testing.T) {
	t.Parallel()
	signers := []spid.Fingerprint{spid.AgID}
	for location, good := range map[string]bool{
		"https://registry.spid.gov.it/metadata/idp/spid-entities-idps.xml": true,
		"http://localhost:8080/idps":                                       true,
		"http://127.0.0.1:8080/idps":                                       true,
		"http://[::1]/idps":                                                true,
		"/var/lib/stella/idps.xml":                                         true,
		"idps.xml":                                                         true,
		"http://registry.spid.gov.it/":                                     false,
		"http://127.0.0.1.example/idps":                                    false,
		"ftp://localhost/idps":                                             false,
		"file:///etc/passwd":                                               false,
		"https:///idps":                                                    false,
		"https://a b/":                                                     false,
		"":                                                                 false,
	} {
		if _, err := spid.Follow(spid.Source{Location: location, Signers: signers, Store: &memory{}}, nil); (err == nil) != good {
			t.Errorf("%q: %v", location, err)
		}
	}
	const location = "https://registry.spid.gov.it/"
	if _, err := spid.Follow(spid.Source{Location: location, Store: &memory{}}, nil); err == nil {
		t.Error("Follow accepts a source without signers")
	}
	if _, err := spid.Follow(spid.Source{Location: location, Signers: signers}, nil); err == nil {
		t.Error("Follow accepts a source without a store")
	}
}

// The operator can provide the aggregate as a file.
func TestSourceFile(t *testing.T) {
	t.Parallel()
	file := filepath.Join(t.TempDir(), "idps.xml")
	m := &memory{}
	r, err := spid.Follow(spid.Source{Location: file, Signers: []spid.Fingerprint{authority().Signer()}, Store: m, Now: clock}, nil)
	if err != nil {
		t.Fatal(err)
	}
	if err := r.Refresh(t.Context()); err == nil || !strings.Contains(err.Error(), file) {
		t.Errorf("missing file: %v", err)
	}
	check(os.WriteFile(file, twoProviders(), 0o600))
	if err := r.Refresh(t.Context()); err != nil || entityIDs(r.Providers()) != "a b" || m.raw == nil {
		t.Errorf("got %s: %v", entityIDs(r.Providers()), err)
	}
	check(os.WriteFile(file, changed(twoProviders(), addEntry("https://evil.example")), 0o600))
	if err := r.Refresh(t.Context()); err == nil || entityIDs(r.Providers()) != "a b" {
		t.Errorf("an altered file: got %s: %v", entityIDs(r.Providers()), err)
	}
	check(os.Truncate(file, 11<<20))
	if err := r.Refresh(t.Context()); err == nil || !strings.Contains(err.Error(), "more than") {
		t.Errorf("a large file: %v", err)
	}
}

// The server's certificate is verified, and redirects must lead to https.
func TestSourceTLS(t *testing.T) {
	t.Parallel()
	f := follow(t)
	f.publish(t, entry("https://a.example"))
	secure := httptest.NewUnstartedServer(f.published)
	secure.Config.ErrorLog = log.New(io.Discard, "", 0) // it logs that the client does not trust it
	secure.StartTLS()
	defer secure.Close()
	moved := httptest.NewServer(spidtest.MovedTo(secure.URL))
	defer moved.Close()
	for _, location := range []string{secure.URL, moved.URL} {
		f.source.Location = location
		r := f.another(t)
		if err := r.Refresh(t.Context()); err == nil || !strings.Contains(err.Error(), "certificate") {
			t.Errorf("%s: an unknown server: %v", location, err)
		}
		r = f.another(t)
		r.Through(secure.Client().Transport)
		if err := r.Refresh(t.Context()); err != nil || entityIDs(r.Providers()) != "a" {
			t.Errorf("%s: %v", location, err)
		}
	}
	f.source.Location = secure.URL
	r := f.another(t)
	r.Through(secure.Client().Transport)
	f.published.Serve(spidtest.MovedTo(moved.URL))
	if err := r.Refresh(t.Context()); err == nil || !strings.Contains(err.Error(), "not https") {
		t.Errorf("redirected to http: %v", err)
	}
	f.published.Serve(spidtest.MovedTo(secure.URL))
	if err := r.Refresh(t.Context()); err == nil || !strings.Contains(err.Error(), "too often") {
		t.Errorf("redirected in a loop: %v", err)
	}
}
