package spid_test

import (
	"crypto/rand"
	"crypto/rsa"
	"errors"
	"os"
	"sync"
	"testing"
	"time"

	"github.com/beevik/etree"

	"stella/spid"
	"stella/spid/spidtest"
)

// now is the time of the tests. It is within a second, so that an instant
// truncated to the second is before a request.
var now = time.Date(2026, 3, 2, 10, 20, 30, 678_000_000, time.UTC)

func clock() time.Time { return now }

// The fixtures of the tests. They are made once, because keys take time. The
// signature of sp's metadata takes time too, and providers read the metadata for
// each answer.
var (
	sp          *spid.ServiceProvider
	idp         *spidtest.Provider
	impostor    *spidtest.Provider // claims to be idp, but has another key
	expiredIDP  *spidtest.Provider // idp with a certificate that has expired
	futureIDP   *spidtest.Provider // idp with a certificate that is not valid yet
	otherIDP    *spidtest.Provider // another trusted provider
	provider    *spid.Provider     // idp, parsed from its metadata
	ownMetadata = sync.OnceValues(func() ([]byte, error) { return sp.Metadata() })
)

var (
	people = spidtest.DemoPeople()
	anna   = people[0]
	luca   = people[1]
)

func organization() spid.Organization {
	return spid.Organization{
		Name:        "Società d'Esempio S.p.A. & Figli",
		DisplayName: "Società d'Esempio",
		URL:         "https://esempio.example",
		Locality:    "Roma",
		VATNumber:   "IT01234567897",
		Email:       "spid@esempio.example",
		Phone:       "+390612345678",
		Billing: spid.Billing{
			Email:        "fatture@esempio.example",
			Street:       "Via Roma",
			StreetNumber: "1",
			PostalCode:   "00184",
			City:         "Roma",
			Province:     "RM",
		},
	}
}

func TestMain(m *testing.M) {
	const entityID = "https://sp.example"
	key, certificate, err := spid.SelfSigned(entityID, organization(), now.AddDate(0, -1, 0))
	check(err)
	sp = &spid.ServiceProvider{
		EntityID:     entityID,
		ACSURL:       "https://sp.example/spid/acs",
		LogoutURL:    "https://sp.example/spid/logout",
		Key:          key,
		Certificate:  certificate,
		Organization: organization(),
		Now:          clock,
	}
	var wg sync.WaitGroup
	wg.Go(func() { idp = newIDP("https://idp.example", clock) })
	wg.Go(func() { impostor = newIDP("https://idp.example", clock) })
	wg.Go(func() { otherIDP = newIDP("https://rival.example", clock) })
	wg.Go(func() { expiredIDP = certifiedAt(now.AddDate(-4, 0, 0)) })
	wg.Go(func() { futureIDP = certifiedAt(now.AddDate(0, 0, 2)) })
	wg.Go(func() {
		manualKey, err = rsa.GenerateKey(rand.Reader, 2048)
		check(err)
	})
	wg.Wait()
	provider = providerOf(idp)
	os.Exit(m.Run())
}

// certifiedAt returns idp with a certificate made at the given time. Its clock
// then shows the time of the tests.
func certifiedAt(at time.Time) *spidtest.Provider {
	p := newIDP("https://idp.example", func() time.Time { return at })
	at = now
	return p
}

func newIDP(baseURL string, now func() time.Time) *spidtest.Provider {
	p, err := spidtest.New(spidtest.Config{
		BaseURL:         baseURL,
		ServiceProvider: ownMetadata,
		Now:             now,
	})
	check(err)
	return p
}

// providerOf parses the metadata of an identity provider.
func providerOf(p *spidtest.Provider) *spid.Provider {
	providers, err := spid.ParseProviders(p.Metadata())
	check(err)
	return providers[0]
}

func check(err error) {
	if err != nil {
		panic(err)
	}
}

func login(t testing.TB) spid.Request {
	t.Helper()
	req, _, err := sp.Login(provider, spid.LoginOptions{})
	if err != nil {
		t.Fatal(err)
	}
	return req
}

func verify(req spid.Request, answer string) (*spid.Assertion, error) {
	response, err := spid.Open(answer)
	if err != nil {
		return nil, err
	}
	return sp.Verify(response, req.RelayState, req, provider)
}

// wantReason fails unless err is a rejection for that reason, or nil if the
// reason is empty.
func wantReason(t testing.TB, err error, want spid.Reason) {
	t.Helper()
	var rejection *spid.Rejection
	switch {
	case want == "" && err != nil:
		t.Errorf("got %v, want it accepted", err)
	case want != "" && !errors.As(err, &rejection):
		t.Errorf("got %v, want a rejection for %s", err, want)
	case want != "" && rejection.Reason != want:
		t.Errorf("got %v, want reason %s", err, want)
	}
}

func wantAnomaly(t testing.TB, err error, code string, signed bool) *spid.Anomaly {
	t.Helper()
	var anomaly *spid.Anomaly
	if !errors.As(err, &anomaly) || anomaly.Code != code || anomaly.Signed != signed {
		t.Fatalf("got %v, want anomaly %s, signed %t", err, code, signed)
	}
	return anomaly
}

// Edits of a response. Paths are relative to the response; the empty path is
// the response itself.

type edit = func(*etree.Element)

const (
	issuer       = "saml:Issuer"
	status       = "samlp:Status"
	statusCode   = "samlp:Status/samlp:StatusCode"
	signature    = "ds:Signature"
	assertion    = "saml:Assertion"
	aIssuer      = assertion + "/saml:Issuer"
	aSignature   = assertion + "/ds:Signature"
	subject      = assertion + "/saml:Subject"
	nameID       = subject + "/saml:NameID"
	confirmation = subject + "/saml:SubjectConfirmation"
	data         = confirmation + "/saml:SubjectConfirmationData"
	conditions   = assertion + "/saml:Conditions"
	restriction  = conditions + "/saml:AudienceRestriction"
	audience     = restriction + "/saml:Audience"
	statement    = assertion + "/saml:AuthnStatement"
	authnContext = statement + "/saml:AuthnContext"
	class        = authnContext + "/saml:AuthnContextClassRef"
	attributes   = assertion + "/saml:AttributeStatement"
)

func find(root *etree.Element, path string) *etree.Element {
	if path == "" {
		return root
	}
	el := root.FindElement(path)
	if el == nil {
		panic("the response has no " + path)
	}
	return el
}

func set(path, key, value string) edit {
	return func(root *etree.Element) { find(root, path).CreateAttr(key, value) }
}

func unset(path, key string) edit {
	return func(root *etree.Element) {
		if find(root, path).RemoveAttr(key) == nil {
			panic(path + " has no " + key)
		}
	}
}

func write(path, text string) edit {
	return func(root *etree.Element) { find(root, path).SetText(text) }
}

func remove(path string) edit {
	return func(root *etree.Element) {
		el := find(root, path)
		el.Parent().RemoveChild(el)
	}
}

func repeat(path string) edit {
	return func(root *etree.Element) {
		el := find(root, path)
		el.Parent().InsertChildAt(el.Index()+1, el.Copy())
	}
}

// emptied removes all children and text of an element.
func emptied(path string) edit {
	return func(root *etree.Element) { find(root, path).Child = nil }
}

func all(edits ...edit) edit {
	return func(root *etree.Element) {
		for _, edit := range edits {
			edit(root)
		}
	}
}

func before(edits ...edit) spidtest.Edit  { return spidtest.BeforeSigning(all(edits...)) }
func between(edits ...edit) spidtest.Edit { return spidtest.BetweenSignatures(all(edits...)) }
func after(edits ...edit) spidtest.Edit   { return spidtest.AfterSigning(all(edits...)) }
