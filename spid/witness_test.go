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

// A witness has a request answered, in as many ways as one likes, and remembers
// what idp truly signed, so that nothing else can be taken for it.
type witness struct {
	testing.TB
	sp       *spid.ServiceProvider
	req      spid.Request
	provider *spid.Provider
	signed   []spid.Assertion
	failed   []string // codes
}

func observe(t testing.TB) *witness {
	t.Helper()
	return &witness{TB: t, sp: sp, req: login(t), provider: provider}
}

// trust makes the provider's metadata list a certificate of that key alone.
func (w *witness) trust(key *rsa.PrivateKey) {
	inForce := certify(key, now.AddDate(-1, 0, 0), now.AddDate(1, 0, 0))
	w.provider = &spid.Provider{EntityID: provider.EntityID, Certificates: []*x509.Certificate{inForce}}
}

// answer has Anna log in at a provider.
func (w *witness) answer(p *spidtest.Provider, edits ...spidtest.Edit) string {
	w.Helper()
	if p == idp {
		edits = append([]spidtest.Edit{between(w.remember)}, edits...)
	}
	answer, err := p.Answer(w.req, anna, edits...)
	if err != nil {
		w.Fatal(err)
	}
	return answer
}

func (w *witness) fail(code string, edits ...spidtest.Edit) string {
	w.Helper()
	w.failed = append(w.failed, code)
	answer, err := idp.Fail(w.req, code, edits...)
	if err != nil {
		w.Fatal(err)
	}
	return answer
}

// remember reads the assertion that has just been signed, in its own way.
func (w *witness) remember(root *etree.Element) {
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
	// An attribute that has more than one value says nothing.
	values := map[string]int{}
	for _, value := range el.FindElements("saml:AttributeStatement/saml:Attribute/saml:AttributeValue") {
		name := value.Parent().SelectAttrValue("Name", "")
		a.Attributes[name] = strings.TrimSpace(value.Text())
		values[name]++
	}
	maps.DeleteFunc(a.Attributes, func(name, _ string) bool { return values[name] > 1 })
	w.signed = append(w.signed, a)
}

// judge has an answer verified, and fails unless it is rejected for that
// reason, or accepted if that is empty. What comes out of it must be what was
// signed, whatever is wanted.
func (w *witness) judge(answer string, want spid.Reason) {
	w.Helper()
	a, err := w.verify(answer)
	wantReason(w, err, want)
	w.wantTruth(a, err)
}

func (w *witness) verify(answer string) (*spid.Assertion, error) {
	response, err := spid.Open(answer)
	if err != nil {
		return nil, err
	}
	return w.sp.Verify(response, w.req.RelayState, w.req, w.provider)
}

// wantTruth fails if a response says what nobody signed.
func (w *witness) wantTruth(a *spid.Assertion, err error) {
	w.Helper()
	var anomaly *spid.Anomaly
	switch {
	case err != nil && a != nil:
		w.Errorf("rejected (%v), and yet an assertion comes out: %+v", err, a)
	case errors.As(err, &anomaly) && anomaly.Signed && !slices.Contains(w.failed, anomaly.Code):
		w.Errorf("a signed anomaly %q, which nobody signed", anomaly.Code)
	case err == nil && !slices.ContainsFunc(w.signed, func(s spid.Assertion) bool { return same(s, *a) }):
		w.Errorf("got %+v, which nobody signed", a)
	}
}

// same compares what two assertions say. The response's ID is not part of them.
func same(a, b spid.Assertion) bool {
	return a.ID == b.ID && a.Issuer == b.Issuer && a.NameID == b.NameID && a.Level == b.Level &&
		a.IssuedAt.Equal(b.IssuedAt) && a.AuthnInstant.Equal(b.AuthnInstant) && a.NotOnOrAfter.Equal(b.NotOnOrAfter) &&
		maps.Equal(a.Attributes, b.Attributes)
}
