package web

import (
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/beevik/etree"

	"stella/spid"
	"stella/workflow/qualification"
)

// logoutURL returns the URL of a logout request, to which the provider redirects a
// browser.
func (i *idp) logoutURL(t *testing.T, edits ...func(*etree.Element)) string {
	t.Helper()
	location, err := i.Logout(edits...)
	if err != nil {
		t.Fatal(err)
	}
	return location
}

// issuedBy replaces the issuer of a message.
func issuedBy(entityID string) func(*etree.Element) {
	return func(r *etree.Element) {
		for _, issuer := range r.FindElements("//saml:Issuer") {
			issuer.SetText(entityID)
		}
	}
}

// redirectOf sends a logout request and returns the URL of the redirect, without
// following it.
func (b *browser) redirectOf(address string) string {
	b.Helper()
	response, body := b.send(b.request(http.MethodGet, address, nil))
	if response.StatusCode != http.StatusFound {
		b.Fatalf("a logout returns %d: %s", response.StatusCode, body)
	}
	return response.Header.Get("Location")
}

func TestLogout(t *testing.T) {
	t.Parallel()
	b := at(t, anna, qualification.Identified)
	old := b.Cookies()
	b.unchanged(func() {
		b.must(b.idp.LoggedOut(b.redirectOf(b.idp.logoutURL(t))))
		if left := b.Cookies(); len(left) != 0 {
			t.Errorf("the browser still has the cookies %v", left)
		}
		b.SetCookie(old[0])
		b.sessionOver(sessionClosed, hasLeft)
	})
	b.handOver(anna).at("Ora identificati", lapsed)

	// The response is the same without a session, and if the session was deleted.
	b.must(b.idp.LoggedOut(b.world.browser().redirectOf(b.idp.logoutURL(t))))
	b.world.deleteSessions(b)
	b.must(b.idp.LoggedOut(b.redirectOf(b.idp.logoutURL(t))))
	// The sessions of other browsers continue.
	other := b.enter(anna)
	b.must(b.idp.LoggedOut(b.world.browser().redirectOf(b.idp.logoutURL(t))))
	other.get("/").at("Ora identificati")
}

func TestForgedLogout(t *testing.T) {
	t.Parallel()
	b := at(t, anna, qualification.Identified)
	stranger := b.borrow(spid.SPID, b.server.SPID.Metadata)
	set := func(key, value string) func(*etree.Element) {
		return func(r *etree.Element) { r.CreateAttr(key, value) }
	}
	now := b.clock.Now().UTC()
	good := b.idp.logoutURL(t)
	query := good[strings.Index(good, "?"):]
	unsigned, _, _ := strings.Cut(query, "&SigAlg=")
	for name, address := range map[string]string{
		"without parameters":       "/spid/logout",
		"with a malformed request": "/spid/logout?SAMLRequest=x",
		"unsigned":                 "/spid/logout" + unsigned,
		"with another relay state": "/spid/logout" + strings.Replace(query, "RelayState=", "RelayState=x", 1),
		"signed by a stranger":     stranger.logoutURL(t, issuedBy(b.idp.EntityID())),
		"of an unknown provider":   b.idp.logoutURL(t, issuedBy("https://altro.example")),
		"for another service":      b.idp.logoutURL(t, set("Destination", "https://altro.example/spid/logout")),
		"that is old":              b.idp.logoutURL(t, set("IssueInstant", now.Add(-time.Hour).Format("2006-01-02T15:04:05Z"))),
		"that has expired":         b.idp.logoutURL(t, set("NotOnOrAfter", now.Format("2006-01-02T15:04:05Z"))),
	} {
		b.unchanged(func() {
			b.get(address).answered(http.StatusForbidden, "Uscita non accettata", "per sicurezza non abbiamo fatto nulla.")
			b.get("/").at("Identificazione riuscita")
		})
		if log := b.log.String(); !strings.Contains(log, "reason=logout address=127.0.0.1 error=") {
			t.Errorf("a logout %s is not logged: %s", name, log)
		}
	}
	// A prefetch, and a response although we never send logout requests.
	for _, method := range []string{http.MethodGet, http.MethodHead} {
		r := b.request(method, good, nil)
		r.Header.Set("Sec-Purpose", "prefetch")
		if response, _ := b.send(r); response.StatusCode != http.StatusForbidden {
			t.Errorf("a prefetched logout returns %d", response.StatusCode)
		}
	}
	b.get("/spid/logout?SAMLResponse=x").at("Identificazione riuscita")
	b.load(b.request(http.MethodPost, "/spid/logout", nil)).answered(http.StatusMethodNotAllowed, "Richiesta non prevista")
	b.get("/").at("Identificazione riuscita")
	b.redirectOf(good)
	b.get("/").at("Qualifica la tua casella PEC Esempio")
}
