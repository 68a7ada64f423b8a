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

// A provider that is changing its key lists two certificates. One that has
// expired is accepted, but tried last and reported to the caller. One that is
// not valid yet is not accepted.
func TestCertificates(t *testing.T) {
	t.Parallel()
	good, other, expired := providerOf(idp).Certificates[0], providerOf(impostor).Certificates[0], providerOf(expiredIDP).Certificates[0]
	notYetValid := providerOf(futureIDP).Certificates[0]
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
		{"expired", expiredIDP, []*x509.Certificate{expired}, expired.NotAfter, ""},
		{"expired, the other valid", expiredIDP, []*x509.Certificate{expired, good}, expired.NotAfter, ""},
		{"not valid yet", futureIDP, []*x509.Certificate{notYetValid}, time.Time{}, spid.ReasonSignatureInvalid},
	} {
		t.Run(c.what, func(t *testing.T) {
			t.Parallel()
			o := newObserver(t)
			o.provider = &spid.Provider{EntityID: provider.EntityID, Certificates: c.trusted}
			a, err := o.verify(o.answer(c.signer, before(at(now))))
			wantReason(t, err, c.want)
			if err == nil && !a.CertificateExpired.Equal(c.expired) {
				t.Errorf("the certificate expired %s, want %s", a.CertificateExpired, c.expired)
			}
			if c.want != "" {
				return
			}
			// The same for a failed login.
			answer, err := c.signer.Fail(o.req, "nr25", before(set("", "IssueInstant", now.Format(time.RFC3339))))
			check(err)
			_, err = o.verify(answer)
			if anomaly := wantAnomaly(t, err, "nr25", true); !anomaly.CertificateExpired.Equal(c.expired) {
				t.Errorf("the certificate of the anomaly expired %s, want %s", anomaly.CertificateExpired, c.expired)
			}
		})
	}
}

// at sets the times of a response.
func at(t time.Time) edit {
	instant, end := t.Format("2006-01-02T15:04:05Z"), t.Add(time.Minute).Format("2006-01-02T15:04:05Z")
	return all(
		set("", "IssueInstant", instant), set(assertion, "IssueInstant", instant), set(statement, "AuthnInstant", instant),
		set(conditions, "NotBefore", instant), set(conditions, "NotOnOrAfter", end), set(data, "NotOnOrAfter", end))
}

// If a certificate is renewed for the same key, the valid one is used, in any
// position in the metadata.
func TestRenewedCertificate(t *testing.T) {
	t.Parallel()
	expired := certify(manualKey, now.AddDate(-2, 0, 0), now.AddDate(-1, 0, 0))
	o := newObserver(t)
	answer := manuallySigned(manualSigner{})(o)
	o.provider.Certificates = append([]*x509.Certificate{expired}, o.provider.Certificates...)
	a, err := o.verify(answer)
	if err != nil || !a.CertificateExpired.IsZero() {
		t.Errorf("got %+v, %v, want it verified by the valid certificate", a, err)
	}
	o.provider.Certificates = o.provider.Certificates[:1]
	a, err = o.verify(answer)
	if err != nil || !a.CertificateExpired.Equal(expired.NotAfter) {
		t.Errorf("got %+v, %v, want it verified by the expired certificate", a, err)
	}
}

// The algorithms that SPID allows, and a key that is too short.
func TestAlgorithms(t *testing.T) {
	t.Parallel()
	short, err := rsa.GenerateKey(rand.Reader, 1024)
	check(err)
	for _, c := range []struct {
		what   string
		signer manualSigner
		want   spid.Reason
	}{
		{"SHA-256", manualSigner{}, ""},
		{"SHA-384", manualSigner{method: more + "rsa-sha384", hash: crypto.SHA384}, ""},
		{"SHA-512", manualSigner{method: more + "rsa-sha512", hash: crypto.SHA512}, ""},
		{"digest by SHA-384", manualSigner{digest: more + "sha384", digestHash: crypto.SHA384}, ""},
		{"digest by SHA-512", manualSigner{digest: xmlenc + "sha512", digestHash: crypto.SHA512}, ""},
		{"a short key from the metadata", manualSigner{key: short}, spid.ReasonSignatureInvalid},
	} {
		t.Run(c.what, func(t *testing.T) {
			t.Parallel()
			o := newObserver(t)
			_, err := o.verify(manuallySigned(c.signer)(o))
			wantReason(t, err, c.want)
		})
	}
}

// Shibboleth, which one provider uses, lists prefixes with an
// InclusiveNamespaces in the transform and uses the prefix saml2.
func TestInclusiveNamespaces(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		what string
		edit edit
		want spid.Reason
	}{
		{"good", all(), ""},
		{"a listed namespace changed",
			func(root *etree.Element) { root.SelectElement("Assertion").CreateAttr("xmlns:xs", "urn:other") }, spid.ReasonSignatureInvalid},
	} {
		t.Run(c.what, func(t *testing.T) {
			t.Parallel()
			o := newObserver(t)
			o.trust(manualKey)
			answer := o.answer(idp, after(remove(signature), remove(aSignature), rename, manualSigner{prefixes: "xs"}.addSignature, c.edit))
			_, err := o.verify(answer)
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
