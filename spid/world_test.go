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

// now is when the tests take place: within a second, so that an instant cut to
// the second lies before a request.
var now = time.Date(2026, 3, 2, 10, 20, 30, 678_000_000, time.UTC)

func clock() time.Time { return now }

// The cast of the tests, made once because keys take time. So does the
// signature of sp's metadata, which providers ask for at each answer.
var (
	sp       *spid.ServiceProvider
	idp      *spidtest.Provider
	impostor *spidtest.Provider // says it is idp, has another key
	retired  *spidtest.Provider // idp with a certificate that has expired
	early    *spidtest.Provider // idp with a certificate that is not in force yet
	rival    *spidtest.Provider // another one that is trusted
	provider *spid.Provider     // idp, as its metadata tell
	ours     = sync.OnceValues(func() ([]byte, error) { return sp.Metadata() })
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
	wg.Go(func() { rival = newIDP("https://rival.example", clock) })
	wg.Go(func() { retired = certifiedAt(now.AddDate(-4, 0, 0)) })
	wg.Go(func() { early = certifiedAt(now.AddDate(0, 0, 2)) })
	wg.Go(func() {
		hand, err = rsa.GenerateKey(rand.Reader, 2048)
		check(err)
	})
	wg.Wait()
	provider = described(idp)
	os.Exit(m.Run())
}

// certifiedAt returns idp with a certificate made at another time. It signs
// today.
func certifiedAt(made time.Time) *spidtest.Provider {
	p := newIDP("https://idp.example", func() time.Time { return made })
	made = now
	return p
}

func newIDP(baseURL string, now func() time.Time) *spidtest.Provider {
	p, err := spidtest.New(spidtest.Config{
		BaseURL:         baseURL,
		ServiceProvider: ours,
		Now:             now,
	})
	check(err)
	return p
}

// described returns a provider as its metadata tell.
func described(p *spidtest.Provider) *spid.Provider {
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
	req, _, err := sp.Login(provider, spid.Ask{})
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

// What may be done to a response. Paths start below it; an empty one is the
// response itself.

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

// hollow takes all children and text away.
func hollow(path string) edit {
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
