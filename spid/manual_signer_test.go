package spid_test

import (
	"cmp"
	"crypto"
	"crypto/rand"
	"crypto/rsa"
	"crypto/x509"
	"encoding/base64"
	"math/big"
	"time"

	"github.com/beevik/etree"
	dsig "github.com/russellhaering/goxmldsig"
	"github.com/russellhaering/goxmldsig/etreeutils"
)

// A manualSigner signs an assertion without spidtest and without goxmldsig's
// signing code. It can use algorithms that spidtest does not support.
type manualSigner struct {
	key        *rsa.PrivateKey     // manualKey if nil
	method     string              // signature algorithm; RSA with SHA-256 if empty
	hash       crypto.Hash         // hash of the signature; SHA-256 if zero
	digest     string              // digest algorithm; SHA-256 if empty
	digestHash crypto.Hash         // SHA-256 if zero
	prefixes   string              // PrefixList of InclusiveNamespaces, which is omitted if empty
	sign       func([]byte) []byte // replaces the RSA signature, if not nil
}

// manualKey is the default key of manual signatures.
var manualKey *rsa.PrivateKey

// certify makes a certificate for a key.
func certify(key *rsa.PrivateKey, from, to time.Time) *x509.Certificate {
	template := &x509.Certificate{SerialNumber: big.NewInt(1), NotBefore: from, NotAfter: to}
	der, err := x509.CreateCertificate(rand.Reader, template, template, key.Public(), key)
	check(err)
	certificate, err := x509.ParseCertificate(der)
	check(err)
	return certificate
}

// addSignature signs the assertion of a response. It accepts any prefix of the
// assertion.
func (s manualSigner) addSignature(root *etree.Element) {
	el := root.SelectElement("Assertion")
	digestHash := cmp.Or(s.digestHash, crypto.SHA256).New()
	digestHash.Write(canonical(el, s.prefixes))

	create := func(parent *etree.Element, tag, algorithm string) *etree.Element {
		child := parent.CreateElement("ds:" + tag)
		if algorithm != "" {
			child.CreateAttr("Algorithm", algorithm)
		}
		return child
	}
	sig := etree.NewElement("ds:Signature")
	sig.CreateAttr("xmlns:ds", dsig.Namespace)
	el.InsertChildAt(el.SelectElement("Issuer").Index()+1, sig)
	info := create(sig, "SignedInfo", "")
	create(info, "CanonicalizationMethod", "http://www.w3.org/2001/10/xml-exc-c14n#")
	create(info, "SignatureMethod", cmp.Or(s.method, more+"rsa-sha256"))
	ref := create(info, "Reference", "")
	ref.CreateAttr("URI", "#"+el.SelectAttrValue("ID", ""))
	list := create(ref, "Transforms", "")
	create(list, "Transform", "http://www.w3.org/2000/09/xmldsig#enveloped-signature")
	exclusive := create(list, "Transform", "http://www.w3.org/2001/10/xml-exc-c14n#")
	if s.prefixes != "" {
		inclusive := exclusive.CreateElement("ec:InclusiveNamespaces")
		inclusive.CreateAttr("xmlns:ec", "http://www.w3.org/2001/10/xml-exc-c14n#")
		inclusive.CreateAttr("PrefixList", s.prefixes)
	}
	create(ref, "DigestMethod", cmp.Or(s.digest, xmlenc+"sha256"))
	create(ref, "DigestValue", "").SetText(base64.StdEncoding.EncodeToString(digestHash.Sum(nil)))

	sign := s.sign
	if sign == nil {
		sign = func(raw []byte) []byte {
			hash := cmp.Or(s.hash, crypto.SHA256)
			h := hash.New()
			h.Write(raw)
			value, err := rsa.SignPKCS1v15(rand.Reader, cmp.Or(s.key, manualKey), hash, h.Sum(nil))
			check(err)
			return value
		}
	}
	encoded := base64.StdEncoding.EncodeToString(sign(canonical(info, "")))
	// Indented, as Java libraries and XML editors write it.
	create(sig, "SignatureValue", "").SetText("\n    " + encoded + "\n  ")
}

func canonical(el *etree.Element, prefixes string) []byte {
	scope, err := etreeutils.NSBuildParentContext(el)
	check(err)
	detached, err := etreeutils.NSDetatch(scope, el)
	check(err)
	raw, err := dsig.MakeC14N10ExclusiveCanonicalizerWithPrefixList(prefixes).Canonicalize(detached)
	check(err)
	return raw
}
