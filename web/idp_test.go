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
)

// An idp is an identity provider that serves one world after another: its key
// is slow to make.
type idp struct {
	*spidtest.Provider
	guest atomic.Pointer[guest]
}

// A guest is a world as its identity provider sees it.
type guest struct {
	metadata func() ([]byte, error)
	now      func() time.Time
}

// Those of both schemes that serve nobody.
var (
	idle  = map[spid.Scheme]chan *idp{spid.SPID: make(chan *idp, 100), spid.CIE: make(chan *idp, 100)}
	names = map[spid.Scheme]string{spid.SPID: "Identità di prova", spid.CIE: "https://idserver.example/idp/profile/SAML2/POST/SSO"}
)

// borrow takes an identity provider, which is told of a service provider of the
// world that it serves: once, since its metadata are slow to sign.
func (w *world) borrow(scheme spid.Scheme, metadata func() ([]byte, error)) *idp {
	w.Helper()
	here := &guest{sync.OnceValues(metadata), w.clock.Now}
	var i *idp
	select {
	case i = <-idle[scheme]:
		i.guest.Store(here)
	default:
		i = &idp{}
		i.guest.Store(here)
		serving := httptest.NewUnstartedServer(i) // until the process ends
		var err error
		i.Provider, err = spidtest.New(spidtest.Config{
			// Another site than Stella's, as real ones are.
			BaseURL:         strings.Replace("http://"+serving.Listener.Addr().String(), "127.0.0.1", "localhost", 1),
			Scheme:          scheme,
			Name:            names[scheme],
			ServiceProvider: func() ([]byte, error) { return i.guest.Load().metadata() },
			Now:             func() time.Time { return i.guest.Load().now() },
		})
		w.must(err)
		serving.Start()
	}
	w.Cleanup(func() { idle[scheme] <- i })
	return i
}

// withCIE lets people log in with CIE too, of which level 3 is asked.
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
	panic("nobody is called " + name)
}

// asked is what an identity provider is asked.
type asked struct {
	spid.Request
	idp *idp
	at  string // where the answer is to go
}

// ask starts a login and stops before the identity provider.
func (b *browser) ask() asked {
	b.Helper()
	return b.askAt(b.get("/identificazione/spid").link("Prosegui con Identità di prova"))
}

// askAt opens an address that starts a login, and stops before the provider.
func (b *browser) askAt(address string) asked {
	b.Helper()
	response, _ := b.send(b.request(http.MethodGet, address, nil))
	to, err := response.Location()
	if response.StatusCode != http.StatusFound || err != nil {
		b.Fatalf("a login is started with %d %v", response.StatusCode, err)
	}
	deflated, err := base64.StdEncoding.DecodeString(to.Query().Get("SAMLRequest"))
	b.must(err)
	document, err := io.ReadAll(flate.NewReader(bytes.NewReader(deflated)))
	b.must(err)
	return asked{spid.Request{XML: document, RelayState: to.Query().Get("RelayState")}, b.idp, "/spid/acs"}
}

// askCIE is ask with CIE.
func (b *browser) askCIE() asked {
	b.Helper()
	a := b.askAt(b.get("/identificazione").link("Entra con CIE"))
	a.idp, a.at = b.cie, "/cie/acs"
	return a
}

// answer makes the provider's answer for somebody.
func (w *world) answer(a asked, name string, edits ...spidtest.Edit) filled {
	w.Helper()
	response, err := a.idp.Answer(a.Request, person(name), edits...)
	w.must(err)
	return a.acs(response)
}

// fail makes the provider's answer for a login that failed.
func (w *world) fail(a asked, code string, edits ...spidtest.Edit) filled {
	w.Helper()
	response, err := a.idp.Fail(a.Request, code, edits...)
	w.must(err)
	return a.acs(response)
}

// acs is the form that brings an answer.
func (a asked) acs(response string) filled {
	return filled{a.at, url.Values{"SAMLResponse": {response}, "RelayState": {a.RelayState}}}
}

// deliver posts an answer from the provider's page, and follows where it leads.
func (b *browser) deliver(answer filled) *browser {
	b.Helper()
	return b.load(b.delivery(answer))
}

func (b *browser) delivery(answer filled) *http.Request {
	b.Helper()
	r := b.request(http.MethodPost, answer.action, answer.values)
	r.Header.Set("Origin", b.idp.EntityID())
	r.Header.Set("Sec-Fetch-Site", "cross-site")
	return r
}

// parked counts the answers that wait for a browser.
func (w *world) parked() string {
	w.Helper()
	return w.query(`select count(*)::text from logins where answer is not null`)
}

// archived counts the answers in the archive.
func (w *world) archived() string {
	w.Helper()
	return w.query(`select count(*)::text from messages where direction = 'response'`)
}
