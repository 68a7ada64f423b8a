package spid_test

import (
	"crypto/rsa"
	"crypto/x509"
	"errors"
	"maps"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/beevik/etree"

	"stella/spid"
	"stella/spid/spidtest"
)

// An observer answers one request in many ways and records what idp really
// signed. So a test can check that nothing else is accepted.
type observer struct {
	testing.TB
	sp       *spid.ServiceProvider
	req      spid.Request
	provider *spid.Provider
	signed   []spid.Assertion
	failed   []string // codes
}

func newObserver(t testing.TB) *observer {
	t.Helper()
	return &observer{TB: t, sp: sp, req: login(t), provider: provider}
}

// trust replaces the provider's metadata with a single certificate for the key.
func (o *observer) trust(key *rsa.PrivateKey) {
	inForce := certify(key, now.AddDate(-1, 0, 0), now.AddDate(1, 0, 0))
	o.provider = &spid.Provider{EntityID: provider.EntityID, Certificates: []*x509.Certificate{inForce}}
}

// answer returns the answer of a provider to a login by Anna.
func (o *observer) answer(p *spidtest.Provider, edits ...spidtest.Edit) string {
	o.Helper()
	if p == idp {
		edits = append([]spidtest.Edit{between(o.record)}, edits...)
	}
	answer, err := p.Answer(o.req, anna, edits...)
	if err != nil {
		o.Fatal(err)
	}
	return answer
}

func (o *observer) fail(code string, edits ...spidtest.Edit) string {
	o.Helper()
	o.failed = append(o.failed, code)
	answer, err := idp.Fail(o.req, code, edits...)
	if err != nil {
		o.Fatal(err)
	}
	return answer
}

// record reads the assertion that has just been signed, independently of
// package spid.
func (o *observer) record(root *etree.Element) {
	el := root.SelectElement("saml:Assertion")
	if el == nil {
		return
	}
	read := func(path string) string {
		if child := el.FindElement(path); child != nil {
			return strings.TrimSpace(child.Text())
		}
		return ""
	}
	instant := func(path, key string) time.Time {
		child := el.FindElement(path)
		if child == nil {
			return time.Time{}
		}
		t, _ := time.Parse(time.RFC3339, child.SelectAttrValue(key, ""))
		return t
	}
	a := spid.Assertion{
		ID:           el.SelectAttrValue("ID", ""),
		Issuer:       read("saml:Issuer"),
		NameID:       read("saml:Subject/saml:NameID"),
		IssuedAt:     instant(".", "IssueInstant"),
		NotOnOrAfter: instant("saml:Conditions", "NotOnOrAfter"),
		Attributes:   map[string]string{},
	}
	for i, statement := range el.SelectElements("saml:AuthnStatement") {
		class := ""
		if ref := statement.FindElement("saml:AuthnContext/saml:AuthnContextClassRef"); ref != nil {
			class = strings.TrimSpace(ref.Text())
		}
		level, _ := spid.LevelNamed(strings.TrimPrefix(class, "https://www.spid.gov.it/"))
		at, _ := time.Parse(time.RFC3339, statement.SelectAttrValue("AuthnInstant", ""))
		if i == 0 || level < a.Level {
			a.Level = level
		}
		if i == 0 || at.Before(a.AuthnInstant) {
			a.AuthnInstant = at
		}
	}
	// An attribute with more than one value is ignored.
	values := map[string]int{}
	for _, value := range el.FindElements("saml:AttributeStatement/saml:Attribute/saml:AttributeValue") {
		name := value.Parent().SelectAttrValue("Name", "")
		a.Attributes[name] = strings.TrimSpace(value.Text())
		values[name]++
	}
	maps.DeleteFunc(a.Attributes, func(name, _ string) bool { return values[name] > 1 })
	o.signed = append(o.signed, a)
}

// expect verifies an answer and fails unless it is rejected for that reason, or
// accepted if the reason is empty. In both cases, the result must be content
// that was signed.
func (o *observer) expect(answer string, want spid.Reason) {
	o.Helper()
	a, err := o.verify(answer)
	wantReason(o, err, want)
	o.wantSigned(a, err)
}

func (o *observer) verify(answer string) (*spid.Assertion, error) {
	response, err := spid.Open(answer)
	if err != nil {
		return nil, err
	}
	return o.sp.Verify(response, o.req.RelayState, o.req, o.provider)
}

// wantSigned fails if the result contains something that was not signed.
func (o *observer) wantSigned(a *spid.Assertion, err error) {
	o.Helper()
	var anomaly *spid.Anomaly
	switch {
	case err != nil && a != nil:
		o.Errorf("rejected (%v), but an assertion is returned: %+v", err, a)
	case errors.As(err, &anomaly) && anomaly.Signed && !slices.Contains(o.failed, anomaly.Code):
		o.Errorf("the anomaly %q is reported as signed, but was not signed", anomaly.Code)
	case err == nil && !slices.ContainsFunc(o.signed, func(s spid.Assertion) bool { return same(s, *a) }):
		o.Errorf("got %+v, which was not signed", a)
	}
}

// same compares the content of two assertions, without the ID of the response.
func same(a, b spid.Assertion) bool {
	return a.ID == b.ID && a.Issuer == b.Issuer && a.NameID == b.NameID && a.Level == b.Level &&
		a.IssuedAt.Equal(b.IssuedAt) && a.AuthnInstant.Equal(b.AuthnInstant) && a.NotOnOrAfter.Equal(b.NotOnOrAfter) &&
		maps.Equal(a.Attributes, b.Attributes)
}
