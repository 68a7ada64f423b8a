package spid_test

import (
	"crypto"
	"crypto/rand"
	"crypto/rsa"
	"crypto/x509"
	"testing"
	"time"

	"github.com/beevik/etree"

	"stella/spid"
	"stella/spid/spidtest"
)

// A provider that changes its key lists two certificates for a while. One that
// has expired still counts, tried last, and the caller is told; one that is not
// in force yet does not.
func TestCertificates(t *testing.T) {
	t.Parallel()
	good, other, expired := described(idp).Certificates[0], described(impostor).Certificates[0], described(retired).Certificates[0]
	coming := described(early).Certificates[0]
	for _, c := range []struct {
		what    string
		signer  *spidtest.Provider
		trusted []*x509.Certificate
		expired time.Time
		want    spid.Reason
	}{
		{"first of two", idp, []*x509.Certificate{good, other}, time.Time{}, ""},
		{"second of two", idp, []*x509.Certificate{other, good}, time.Time{}, ""},
		{"second, the first expired", idp, []*x509.Certificate{expired, good}, time.Time{}, ""},
		{"another", idp, []*x509.Certificate{other}, time.Time{}, spid.ReasonSignatureInvalid},
		{"none", idp, nil, time.Time{}, spid.ReasonSignatureInvalid},
		{"expired", retired, []*x509.Certificate{expired}, expired.NotAfter, ""},
		{"expired, the other in force", retired, []*x509.Certificate{expired, good}, expired.NotAfter, ""},
		{"not in force yet", early, []*x509.Certificate{coming}, time.Time{}, spid.ReasonSignatureInvalid},
	} {
		t.Run(c.what, func(t *testing.T) {
			t.Parallel()
			w := observe(t)
			w.provider = &spid.Provider{EntityID: provider.EntityID, Certificates: c.trusted}
			a, err := w.verify(w.answer(c.signer, before(at(now))))
			wantReason(t, err, c.want)
			if err == nil && !a.CertificateExpired.Equal(c.expired) {
				t.Errorf("the certificate expired %s, want %s", a.CertificateExpired, c.expired)
			}
			if c.want != "" {
				return
			}
			// So it is with a login that failed.
			answer, err := c.signer.Fail(w.req, "nr25", before(set("", "IssueInstant", now.Format(time.RFC3339))))
			check(err)
			_, err = w.verify(answer)
			if anomaly := wantAnomaly(t, err, "nr25", true); !anomaly.CertificateExpired.Equal(c.expired) {
				t.Errorf("the certificate of the anomaly expired %s, want %s", anomaly.CertificateExpired, c.expired)
			}
		})
	}
}

// at has a response made at a time.
func at(t time.Time) edit {
	instant, end := t.Format("2006-01-02T15:04:05Z"), t.Add(time.Minute).Format("2006-01-02T15:04:05Z")
	return all(
		set("", "IssueInstant", instant), set(assertion, "IssueInstant", instant), set(statement, "AuthnInstant", instant),
		set(conditions, "NotBefore", instant), set(conditions, "NotOnOrAfter", end), set(data, "NotOnOrAfter", end))
}

// A certificate renewed for the same key is the one that counts, wherever it
// stands in the metadata.
func TestRenewedCertificate(t *testing.T) {
	t.Parallel()
	expired := certify(hand, now.AddDate(-2, 0, 0), now.AddDate(-1, 0, 0))
	w := observe(t)
	answer := byHand(pen{})(w)
	w.provider.Certificates = append([]*x509.Certificate{expired}, w.provider.Certificates...)
	a, err := w.verify(answer)
	if err != nil || !a.CertificateExpired.IsZero() {
		t.Errorf("got %+v, %v, want it good by the certificate in force", a, err)
	}
	w.provider.Certificates = w.provider.Certificates[:1]
	a, err = w.verify(answer)
	if err != nil || !a.CertificateExpired.Equal(expired.NotAfter) {
		t.Errorf("got %+v, %v, want it good by the expired certificate", a, err)
	}
}

// The algorithms that SPID allows, and a key that it does not.
func TestAlgorithms(t *testing.T) {
	t.Parallel()
	short, err := rsa.GenerateKey(rand.Reader, 1024)
	check(err)
	for _, c := range []struct {
		what string
		pen  pen
		want spid.Reason
	}{
		{"SHA-256", pen{}, ""},
		{"SHA-384", pen{method: more + "rsa-sha384", hash: crypto.SHA384}, ""},
		{"SHA-512", pen{method: more + "rsa-sha512", hash: crypto.SHA512}, ""},
		{"digest by SHA-384", pen{digest: more + "sha384", digestHash: crypto.SHA384}, ""},
		{"digest by SHA-512", pen{digest: xmlenc + "sha512", digestHash: crypto.SHA512}, ""},
		{"a short key, though in the metadata", pen{key: short}, spid.ReasonSignatureInvalid},
	} {
		t.Run(c.what, func(t *testing.T) {
			t.Parallel()
			w := observe(t)
			_, err := w.verify(byHand(c.pen)(w))
			wantReason(t, err, c.want)
		})
	}
}

// Shibboleth, which one provider uses, keeps namespace declarations with an
// InclusiveNamespaces in the transform, and writes saml2 for a prefix.
func TestInclusiveNamespaces(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		what string
		edit edit
		want spid.Reason
	}{
		{"good", all(), ""},
		{"a listed namespace changed", func(root *etree.Element) { root.SelectElement("Assertion").CreateAttr("xmlns:xs", "urn:other") }, spid.ReasonSignatureInvalid},
	} {
		t.Run(c.what, func(t *testing.T) {
			t.Parallel()
			w := observe(t)
			w.trust(hand)
			answer := w.answer(idp, after(remove(signature), remove(aSignature), rename, pen{prefixes: "xs"}.write, c.edit))
			_, err := w.verify(answer)
			wantReason(t, err, c.want)
		})
	}
}

func rename(el *etree.Element) {
	if el.Space == "saml" {
		el.Space = "saml2"
	}
	for i, a := range el.Attr {
		if a.Space == "xmlns" && a.Key == "saml" {
			el.Attr[i].Key = "saml2"
		}
	}
	for _, child := range el.ChildElements() {
		rename(child)
	}
}
