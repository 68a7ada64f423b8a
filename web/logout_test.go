package web

import (
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/beevik/etree"

	"stella/spid"
	"stella/workflow"
)

// asks is where the provider sends a browser that is to be logged out.
func (i *idp) asks(t *testing.T, edits ...func(*etree.Element)) string {
	t.Helper()
	location, err := i.Logout(edits...)
	if err != nil {
		t.Fatal(err)
	}
	return location
}

// issuedBy makes a message say that it is somebody else's.
func issuedBy(entityID string) func(*etree.Element) {
	return func(r *etree.Element) {
		for _, issuer := range r.FindElements("//saml:Issuer") {
			issuer.SetText(entityID)
		}
	}
}

// follow opens an address and tells where it leads, without going there.
func (b *browser) follow(address string) string {
	b.Helper()
	response, body := b.send(b.request(http.MethodGet, address, nil))
	if response.StatusCode != http.StatusFound {
		b.Fatalf("a logout is answered %d: %s", response.StatusCode, body)
	}
	return response.Header.Get("Location")
}

func TestProviderLogsOut(t *testing.T) {
	t.Parallel()
	b := at(t, anna, workflow.Identified)
	old := b.cookies()
	b.unchanged(func() {
		b.must(b.idp.LoggedOut(b.follow(b.idp.asks(t))))
		if left := b.cookies(); len(left) != 0 {
			t.Errorf("the cookies %v are left", left)
		}
		b.hold(old[0])
		b.gone(sessionClosed, hasLeft)
	})
	b.handOver(anna).at("Ora identificati", lapsed)

	// The answer is the same where there is no session, or there never was.
	b.must(b.idp.LoggedOut(b.world.browser().follow(b.idp.asks(t))))
	b.world.end(b)
	b.must(b.idp.LoggedOut(b.follow(b.idp.asks(t))))
	// Other browsers stay.
	other := b.enter(anna)
	b.must(b.idp.LoggedOut(b.world.browser().follow(b.idp.asks(t))))
	other.get("/").at("Ora identificati")
}

func TestForgedLogout(t *testing.T) {
	t.Parallel()
	b := at(t, anna, workflow.Identified)
	stranger := b.borrow(spid.SPID, b.server.SPID.Metadata)
	set := func(key, value string) func(*etree.Element) {
		return func(r *etree.Element) { r.CreateAttr(key, value) }
	}
	good := b.idp.asks(t)
	query := good[strings.Index(good, "?"):]
	unsigned, _, _ := strings.Cut(query, "&SigAlg=")
	for name, address := range map[string]string{
		"with nothing":           "/spid/logout",
		"with garbage":           "/spid/logout?SAMLRequest=x",
		"unsigned":               "/spid/logout" + unsigned,
		"of another relay state": "/spid/logout" + strings.Replace(query, "RelayState=", "RelayState=x", 1),
		"signed by a stranger":   stranger.asks(t, issuedBy(b.idp.EntityID())),
		"of an unknown provider": b.idp.asks(t, issuedBy("https://altro.example")),
		"for another service":    b.idp.asks(t, set("Destination", "https://altro.example/spid/logout")),
		"that is old":            b.idp.asks(t, set("IssueInstant", b.clock.Now().Add(-time.Hour).UTC().Format("2006-01-02T15:04:05Z"))),
		"that is too late":       b.idp.asks(t, set("NotOnOrAfter", b.clock.Now().UTC().Format("2006-01-02T15:04:05Z"))),
	} {
		b.unchanged(func() {
			b.get(address).answered(http.StatusForbidden, "Uscita non accettata", "per sicurezza non abbiamo fatto nulla.")
			b.get("/").at("Identificazione riuscita")
		})
		if log := b.log.String(); !strings.Contains(log, "reason=logout address=127.0.0.1 error=") {
			t.Errorf("%s: the log does not tell of it: %s", name, log)
		}
	}
	// One that nobody clicked on, and an answer to what we never asked.
	for _, method := range []string{http.MethodGet, http.MethodHead} {
		r := b.request(method, good, nil)
		r.Header.Set("Sec-Purpose", "prefetch")
		if response, _ := b.send(r); response.StatusCode != http.StatusForbidden {
			t.Errorf("a logout ahead of its time is answered %d", response.StatusCode)
		}
	}
	b.get("/spid/logout?SAMLResponse=x").at("Identificazione riuscita")
	b.load(b.request(http.MethodPost, "/spid/logout", nil)).answered(http.StatusMethodNotAllowed, "Richiesta non prevista")
	b.get("/").at("Identificazione riuscita")
	b.follow(good)
	b.get("/").at("Qualifica la tua casella PEC Esempio")
}
