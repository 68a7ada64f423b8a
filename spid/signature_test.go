package spid_test

import (
	"crypto"
	"crypto/rand"
	"crypto/rsa"
	"crypto/sha256"
	"crypto/x509"
	"encoding/base64"
	"math/big"
	"testing"

	"github.com/beevik/etree"
	dsig "github.com/russellhaering/goxmldsig"
	"github.com/russellhaering/goxmldsig/etreeutils"

	"stella/spid"
	"stella/spid/spidtest"
)

const (
	signedInfo  = aSignature + "/ds:SignedInfo"
	reference   = signedInfo + "/ds:Reference"
	transforms  = reference + "/ds:Transforms"
	x509Data    = "/ds:KeyInfo/ds:X509Data/ds:X509Certificate"
	fiscalValue = attributes + "/saml:Attribute[@Name='fiscalNumber']/saml:AttributeValue"
)

// The response unsigned, so that only the assertion's signature is in the way.
func TestSignatureForm(t *testing.T) {
	t.Parallel()
	unsigned := remove(signature)
	for _, c := range []struct {
		what string
		edit edit
		want spid.Reason
	}{
		{"the response not signed", all(), ""},
		{"tampered", write(fiscalValue, luca.FiscalNumber), spid.ReasonSignatureInvalid},
		{"signature value cut", write(aSignature+"/ds:SignatureValue", "AAAA"), spid.ReasonSignatureInvalid},
		{"signature value not base64", write(aSignature+"/ds:SignatureValue", "?"), spid.ReasonSignatureInvalid},
		{"digest another", write(reference+"/ds:DigestValue", "AAAA"), spid.ReasonSignatureInvalid},
		{"no KeyInfo", remove(aSignature + "/ds:KeyInfo"), ""},
		{"empty certificate", hollow(aSignature + x509Data), ""},
		{"rsa-sha1", set(signedInfo+"/ds:SignatureMethod", "Algorithm", "http://www.w3.org/2000/09/xmldsig#rsa-sha1"), spid.ReasonSignatureAlgorithm},
		{"hmac", set(signedInfo+"/ds:SignatureMethod", "Algorithm", "http://www.w3.org/2001/04/xmldsig-more#hmac-sha256"), spid.ReasonSignatureAlgorithm},
		{"sha1", set(reference+"/ds:DigestMethod", "Algorithm", "http://www.w3.org/2000/09/xmldsig#sha1"), spid.ReasonSignatureAlgorithm},
		{"c14n with comments", set(signedInfo+"/ds:CanonicalizationMethod", "Algorithm", "http://www.w3.org/2001/10/xml-exc-c14n#WithComments"), spid.ReasonSignatureAlgorithm},
		{"no transforms", remove(transforms), spid.ReasonSignatureTransforms},
		{"one transform", remove(transforms + "/ds:Transform[2]"), spid.ReasonSignatureTransforms},
		{"transform with comments", set(transforms+"/ds:Transform[2]", "Algorithm", "http://www.w3.org/2001/10/xml-exc-c14n#WithComments"), spid.ReasonSignatureTransforms},
		{"transforms in another order", func(root *etree.Element) {
			find(root, transforms).AddChild(find(root, transforms+"/ds:Transform[1]"))
		}, spid.ReasonSignatureTransforms},
		{"a third transform", func(root *etree.Element) {
			find(root, transforms).AddChild(find(root, transforms+"/ds:Transform[2]").Copy())
		}, spid.ReasonSignatureTransforms},
		{"reference to the whole document", set(reference, "URI", ""), spid.ReasonSignatureReference},
		{"reference elsewhere", set(reference, "URI", "#_elsewhere"), spid.ReasonSignatureReference},
		{"no reference URI", unset(reference, "URI"), spid.ReasonSignatureReference},
		{"two references", func(root *etree.Element) {
			find(root, signedInfo).AddChild(find(root, reference).Copy())
		}, spid.ReasonSignatureReference},
		{"two SignedInfo", func(root *etree.Element) {
			find(root, aSignature).AddChild(find(root, signedInfo).Copy())
		}, spid.ReasonSignatureStructure},
		{"two SignatureValue", func(root *etree.Element) {
			find(root, aSignature).AddChild(find(root, aSignature+"/ds:SignatureValue").Copy())
		}, spid.ReasonSignatureStructure},
		{"no SignedInfo", remove(signedInfo), spid.ReasonSignatureStructure},
		{"no SignatureValue", remove(aSignature + "/ds:SignatureValue"), spid.ReasonSignatureStructure},
		{"signature empty", hollow(aSignature), spid.ReasonSignatureStructure},
		{"two signatures", func(root *etree.Element) {
			find(root, assertion).AddChild(find(root, aSignature).Copy())
		}, spid.ReasonSignaturePlacement},
		{"a signature in a signature", func(root *etree.Element) {
			find(root, aSignature).AddChild(find(root, aSignature).Copy())
		}, spid.ReasonSignaturePlacement},
		{"a signature in the subject", func(root *etree.Element) {
			find(root, subject).AddChild(find(root, aSignature))
		}, spid.ReasonSignaturePlacement},
		{"a signature in another namespace", func(root *etree.Element) {
			find(root, aSignature).CreateAttr("xmlns:ds", "urn:other")
		}, spid.ReasonUnexpectedElement},
		{"an HMAC length", func(root *etree.Element) {
			find(root, signedInfo+"/ds:SignatureMethod").CreateElement("ds:HMACOutputLength").SetText("1")
		}, spid.ReasonSignatureStructure},
	} {
		t.Run(c.what, func(t *testing.T) {
			t.Parallel()
			_, err := answered(t, after(unsigned, c.edit))
			wantReason(t, err, c.want)
		})
	}
}

// The response's own signature may be missing, but not be wrong, and its
// KeyInfo counts for nothing either.
func TestResponseSignature(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		what  string
		edits []spidtest.Edit
		want  spid.Reason
	}{
		{"wrong", []spidtest.Edit{after(set("", "Consent", "urn:tampered"))}, spid.ReasonSignatureInvalid},
		{"of something else", []spidtest.Edit{after(set(signature+"/ds:SignedInfo/ds:Reference", "URI", "#_elsewhere"))}, spid.ReasonSignatureReference},
		{"empty certificates, as official testers send them", []spidtest.Edit{
			between(hollow(aSignature + x509Data)), after(hollow(signature + x509Data)),
		}, ""},
		{"tampered below", []spidtest.Edit{after(write(fiscalValue, luca.FiscalNumber))}, spid.ReasonSignatureInvalid},
		{"good around a tampered assertion", []spidtest.Edit{between(write(fiscalValue, luca.FiscalNumber))}, spid.ReasonSignatureInvalid},
	} {
		t.Run(c.what, func(t *testing.T) {
			t.Parallel()
			_, err := answered(t, c.edits...)
			wantReason(t, err, c.want)
		})
	}
}

// A provider that changes its key has two certificates for a while, and one
// whose certificate has expired is not believed.
func TestCertificates(t *testing.T) {
	t.Parallel()
	certificates := func(p *spidtest.Provider) []*x509.Certificate {
		providers, err := spid.ParseProviders(p.Metadata())
		if err != nil {
			t.Fatal(err)
		}
		return providers[0].Certificates
	}
	good, other, expired := certificates(idp), certificates(impostor), certificates(retired)
	for _, c := range []struct {
		what    string
		signer  *spidtest.Provider
		trusted []*x509.Certificate
		want    spid.Reason
	}{
		{"first of two", idp, append(good[:1:1], other...), ""},
		{"second of two", idp, append(other[:1:1], good...), ""},
		{"second, the first expired", idp, append(expired[:1:1], good...), ""},
		{"another", idp, other, spid.ReasonSignatureInvalid},
		{"expired", retired, expired, spid.ReasonSignatureInvalid},
		{"none", idp, nil, spid.ReasonSignatureInvalid},
	} {
		t.Run(c.what, func(t *testing.T) {
			t.Parallel()
			req := login(t)
			answer, err := c.signer.Answer(req, anna)
			if err != nil {
				t.Fatal(err)
			}
			response, err := spid.Open(answer)
			if err != nil {
				t.Fatal(err)
			}
			_, err = sp.Verify(response, req.RelayState, req, &spid.Provider{EntityID: provider.EntityID, Certificates: c.trusted})
			wantReason(t, err, c.want)
		})
	}
}

// A comment that splits a value is not signed, and must not cut the value short
// (the truncation of CVE-2017-11427 and its kin).
func TestCommentsDoNotCut(t *testing.T) {
	t.Parallel()
	a, err := answered(t, after(remove(signature), func(root *etree.Element) {
		value := find(root, fiscalValue)
		text := value.Text()
		value.SetText(text[:10])
		value.CreateComment("cut")
		value.CreateText(text[10:])
		find(root, issuer).CreateComment("here too")
	}))
	if err != nil {
		t.Fatal(err)
	}
	if got := a.Attributes[spid.AttributeFiscalNumber]; got != anna.FiscalNumber {
		t.Errorf("fiscalNumber is %q", got)
	}
}

// Shibboleth, which one provider uses, keeps namespace declarations with an
// InclusiveNamespaces in the transform, and writes saml2 for a prefix. This
// signature is not made by the library that verifies it.
func TestInclusiveNamespaces(t *testing.T) {
	t.Parallel()
	key, certificate, err := spid.SelfSigned(provider.EntityID, organization(), now)
	if err != nil {
		t.Fatal(err)
	}
	for _, tampered := range []bool{false, true} {
		req := login(t)
		answer, err := idp.Answer(req, anna, after(remove(signature), remove(aSignature), func(root *etree.Element) {
			rename(root)
			el := root.SelectElement("saml2:Assertion")
			signByHand(t, el, key)
			if tampered {
				el.CreateAttr("xmlns:xs", "urn:other")
			}
		}))
		if err != nil {
			t.Fatal(err)
		}
		response, err := spid.Open(answer)
		if err != nil {
			t.Fatal(err)
		}
		shibboleth := &spid.Provider{EntityID: provider.EntityID, Certificates: []*x509.Certificate{certificate}}
		_, err = sp.Verify(response, req.RelayState, req, shibboleth)
		want := spid.Reason("")
		if tampered {
			want = spid.ReasonSignatureInvalid
		}
		wantReason(t, err, want)
	}
}

// A key shorter than SPID allows is not believed, even if it is in the metadata.
func TestShortKey(t *testing.T) {
	t.Parallel()
	key, err := rsa.GenerateKey(rand.Reader, 1024)
	if err != nil {
		t.Fatal(err)
	}
	template := &x509.Certificate{SerialNumber: big.NewInt(1), NotBefore: now.AddDate(0, 0, -1), NotAfter: now.AddDate(1, 0, 0)}
	der, err := x509.CreateCertificate(rand.Reader, template, template, key.Public(), key)
	if err != nil {
		t.Fatal(err)
	}
	certificate, err := x509.ParseCertificate(der)
	if err != nil {
		t.Fatal(err)
	}
	req := login(t)
	answer, err := idp.Answer(req, anna, after(remove(signature), remove(aSignature), func(root *etree.Element) {
		signByHand(t, root.SelectElement("saml:Assertion"), key)
	}))
	if err != nil {
		t.Fatal(err)
	}
	response, err := spid.Open(answer)
	if err != nil {
		t.Fatal(err)
	}
	_, err = sp.Verify(response, req.RelayState, req, &spid.Provider{EntityID: provider.EntityID, Certificates: []*x509.Certificate{certificate}})
	wantReason(t, err, spid.ReasonSignatureInvalid)
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

func signByHand(t *testing.T, el *etree.Element, key *rsa.PrivateKey) {
	t.Helper()
	canonical := func(el *etree.Element, list string) []byte {
		scope, err := etreeutils.NSBuildParentContext(el)
		if err != nil {
			t.Fatal(err)
		}
		detached, err := etreeutils.NSDetatch(scope, el)
		if err != nil {
			t.Fatal(err)
		}
		raw, err := dsig.MakeC14N10ExclusiveCanonicalizerWithPrefixList(list).Canonicalize(detached)
		if err != nil {
			t.Fatal(err)
		}
		return raw
	}
	create := func(parent *etree.Element, tag, algorithm string) *etree.Element {
		child := parent.CreateElement("ds:" + tag)
		if algorithm != "" {
			child.CreateAttr("Algorithm", algorithm)
		}
		return child
	}
	digest := sha256.Sum256(canonical(el, "xs"))

	sig := etree.NewElement("ds:Signature")
	sig.CreateAttr("xmlns:ds", dsig.Namespace)
	el.InsertChildAt(el.SelectElement("Issuer").Index()+1, sig)
	info := create(sig, "SignedInfo", "")
	create(info, "CanonicalizationMethod", "http://www.w3.org/2001/10/xml-exc-c14n#")
	create(info, "SignatureMethod", "http://www.w3.org/2001/04/xmldsig-more#rsa-sha256")
	ref := create(info, "Reference", "")
	ref.CreateAttr("URI", "#"+el.SelectAttrValue("ID", ""))
	list := create(ref, "Transforms", "")
	create(list, "Transform", "http://www.w3.org/2000/09/xmldsig#enveloped-signature")
	inclusive := create(list, "Transform", "http://www.w3.org/2001/10/xml-exc-c14n#").CreateElement("ec:InclusiveNamespaces")
	inclusive.CreateAttr("xmlns:ec", "http://www.w3.org/2001/10/xml-exc-c14n#")
	inclusive.CreateAttr("PrefixList", "xs")
	create(ref, "DigestMethod", "http://www.w3.org/2001/04/xmlenc#sha256")
	create(ref, "DigestValue", "").SetText(base64.StdEncoding.EncodeToString(digest[:]))

	digest = sha256.Sum256(canonical(info, ""))
	value, err := rsa.SignPKCS1v15(rand.Reader, key, crypto.SHA256, digest[:])
	if err != nil {
		t.Fatal(err)
	}
	encoded := base64.StdEncoding.EncodeToString(value)
	// Wrapped and indented, as Java and XML editors write it.
	create(sig, "SignatureValue", "").SetText("\n    " + encoded[:76] + "\n    " + encoded[76:] + "\n  ")
}
