package web

import (
	"bytes"
	"compress/flate"
	"encoding/base64"
	"io"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"stella/spid"
	"stella/spid/spidtest"
	"stella/web/webtest"
)

// idp is an identity provider. Tests reuse it one after another, since its key is
// slow to generate.
type idp struct {
	*spidtest.Provider
	tenant atomic.Pointer[tenant]
}

// tenant is the test that uses an identity provider: its service provider's metadata
// and its clock.
type tenant struct {
	metadata func() ([]byte, error)
	now      func() time.Time
}

// idle has the identity providers that no test uses at the moment, and names their
// names.
var (
	idle  = map[spid.Scheme]chan *idp{spid.SPID: make(chan *idp, 100), spid.CIE: make(chan *idp, 100)}
	names = map[spid.Scheme]string{spid.SPID: "Identità di prova", spid.CIE: "https://idserver.example/idp/profile/SAML2/POST/SSO"}
)

// borrow returns an identity provider for the test, which trusts the service
// provider with the metadata. It calls metadata once, since signing is slow.
func (w *world) borrow(scheme spid.Scheme, metadata func() ([]byte, error)) *idp {
	w.Helper()
	tenant := &tenant{sync.OnceValues(metadata), w.clock.Now}
	var i *idp
	select {
	case i = <-idle[scheme]:
		i.tenant.Store(tenant)
	default:
		i = &idp{}
		i.tenant.Store(tenant)
		serving := httptest.NewUnstartedServer(i) // until the process ends
		var err error
		i.Provider, err = spidtest.New(spidtest.Config{
			// Like real providers, it has another site than Stella.
			BaseURL:         strings.Replace("http://"+serving.Listener.Addr().String(), "127.0.0.1", "localhost", 1),
			Scheme:          scheme,
			Name:            names[scheme],
			ServiceProvider: func() ([]byte, error) { return i.tenant.Load().metadata() },
			Now:             func() time.Time { return i.tenant.Load().now() },
		})
		w.must(err)
		serving.Start()
	}
	w.Cleanup(func() { idle[scheme] <- i })
	return i
}

// withCIE enables logins with CIE, at level 3.
func withCIE(w *world) {
	w.cie = w.borrow(spid.CIE, func() ([]byte, error) { return w.server.CIE.Metadata() })
	providers, err := spid.ParseProviders(w.cie.Metadata())
	w.must(err)
	sp, base := *w.server.SPID.ServiceProvider, w.server.PublicURL.String()
	sp.Scheme, sp.ACSURL, sp.LogoutURL, sp.Level = spid.CIE, base+"/cie/acs", base+"/cie/logout", spid.SpidL3
	w.server.CIE = &Federation{ServiceProvider: &sp, Registry: spid.NewRegistry(providers, w.clock.Now)}
	w.site.CIE = true
}

func person(name string) spidtest.Person {
	for _, p := range spidtest.DemoPeople() {
		if p.FullName() == name {
			return p
		}
	}
	panic("no demo person has the name " + name)
}

// loginRequest is a SAML request that a browser takes to an identity provider.
type loginRequest struct {
	spid.Request
	idp *idp
	at  string // path to which the response is posted
}

// ask starts a login, and returns the request without opening the identity
// provider.
func (b *browser) ask() loginRequest {
	b.Helper()
	return b.askAt(b.get("/identificazione/spid").link("Prosegui con Identità di prova"))
}

// askAt is ask for another URL that starts a login.
func (b *browser) askAt(address string) loginRequest {
	b.Helper()
	response, _ := b.send(b.request(http.MethodGet, address, nil))
	to, err := response.Location()
	if response.StatusCode != http.StatusFound || err != nil {
		b.Fatalf("starting a login returns %d %v", response.StatusCode, err)
	}
	deflated, err := base64.StdEncoding.DecodeString(to.Query().Get("SAMLRequest"))
	b.must(err)
	document, err := io.ReadAll(flate.NewReader(bytes.NewReader(deflated)))
	b.must(err)
	return loginRequest{spid.Request{XML: document, RelayState: to.Query().Get("RelayState")}, b.idp, "/spid/acs"}
}

// askCIE is ask for CIE.
func (b *browser) askCIE() loginRequest {
	b.Helper()
	a := b.askAt(b.get("/identificazione").link("Entra con CIE"))
	a.idp, a.at = b.cie, "/cie/acs"
	return a
}

// answer returns the form with the provider's response for a person.
func (w *world) answer(a loginRequest, name string, edits ...spidtest.Edit) webtest.Form {
	w.Helper()
	response, err := a.idp.Answer(a.Request, person(name), edits...)
	w.must(err)
	return a.acs(response)
}

// fail returns the form with the provider's response for an anomaly.
func (w *world) fail(a loginRequest, code string, edits ...spidtest.Edit) webtest.Form {
	w.Helper()
	response, err := a.idp.Fail(a.Request, code, edits...)
	w.must(err)
	return a.acs(response)
}

// acs returns the form that posts a response.
func (a loginRequest) acs(response string) webtest.Form {
	return webtest.Form{Action: a.at, Values: url.Values{"SAMLResponse": {response}, "RelayState": {a.RelayState}}}
}

// deliver posts a response from the provider's page, and follows redirects.
func (b *browser) deliver(answer webtest.Form) *browser {
	b.Helper()
	return b.load(b.delivery(answer))
}

func (b *browser) delivery(answer webtest.Form) *http.Request {
	b.Helper()
	r := b.request(http.MethodPost, answer.Action, answer.Values)
	webtest.SendFrom(r, b.idp.EntityID())
	return r
}

// storedAnswers returns the number of stored responses that the browser has not fetched.
func (w *world) storedAnswers() string {
	w.Helper()
	return w.query(`select count(*)::text from logins where answer is not null`)
}

// archived returns the number of responses in the archive.
func (w *world) archived() string {
	w.Helper()
	return w.query(`select count(*)::text from messages where direction = 'response'`)
}
