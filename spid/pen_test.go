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

// A pen signs an assertion by hand, in ways that spidtest does not, and without
// the library that verifies it.
type pen struct {
	key        *rsa.PrivateKey     // hand if nil
	method     string              // RSA with SHA-256 if empty
	hash       crypto.Hash         // of the method; SHA-256 if zero
	digest     string              // SHA-256 if empty
	digestHash crypto.Hash         // SHA-256 if zero
	prefixes   string              // of InclusiveNamespaces, which is left out if empty
	sign       func([]byte) []byte // instead of RSA, if not nil
}

// hand is the key of those that sign by hand.
var hand *rsa.PrivateKey

// certify makes a certificate of a key.
func certify(key *rsa.PrivateKey, from, to time.Time) *x509.Certificate {
	template := &x509.Certificate{SerialNumber: big.NewInt(1), NotBefore: from, NotAfter: to}
	der, err := x509.CreateCertificate(rand.Reader, template, template, key.Public(), key)
	check(err)
	certificate, err := x509.ParseCertificate(der)
	check(err)
	return certificate
}

// write signs the assertion of a response, by whatever prefix it goes.
func (p pen) write(root *etree.Element) {
	el := root.SelectElement("Assertion")
	digestHash := cmp.Or(p.digestHash, crypto.SHA256).New()
	digestHash.Write(canonical(el, p.prefixes))

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
	create(info, "SignatureMethod", cmp.Or(p.method, more+"rsa-sha256"))
	ref := create(info, "Reference", "")
	ref.CreateAttr("URI", "#"+el.SelectAttrValue("ID", ""))
	list := create(ref, "Transforms", "")
	create(list, "Transform", "http://www.w3.org/2000/09/xmldsig#enveloped-signature")
	exclusive := create(list, "Transform", "http://www.w3.org/2001/10/xml-exc-c14n#")
	if p.prefixes != "" {
		inclusive := exclusive.CreateElement("ec:InclusiveNamespaces")
		inclusive.CreateAttr("xmlns:ec", "http://www.w3.org/2001/10/xml-exc-c14n#")
		inclusive.CreateAttr("PrefixList", p.prefixes)
	}
	create(ref, "DigestMethod", cmp.Or(p.digest, xmlenc+"sha256"))
	create(ref, "DigestValue", "").SetText(base64.StdEncoding.EncodeToString(digestHash.Sum(nil)))

	sign := p.sign
	if sign == nil {
		sign = func(raw []byte) []byte {
			hash := cmp.Or(p.hash, crypto.SHA256)
			h := hash.New()
			h.Write(raw)
			value, err := rsa.SignPKCS1v15(rand.Reader, cmp.Or(p.key, hand), hash, h.Sum(nil))
			check(err)
			return value
		}
	}
	encoded := base64.StdEncoding.EncodeToString(sign(canonical(info, "")))
	// Indented, as Java and XML editors write it.
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
