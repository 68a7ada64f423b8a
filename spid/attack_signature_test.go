package spid_test

import (
	"crypto"
	"crypto/hmac"
	"crypto/sha256"
	"crypto/x509"
	"encoding/base64"

	"github.com/beevik/etree"

	"stella/spid"
	"stella/spid/spidtest"
)

const (
	signedInfo  = aSignature + "/ds:SignedInfo"
	method      = signedInfo + "/ds:SignatureMethod"
	reference   = signedInfo + "/ds:Reference"
	transforms  = reference + "/ds:Transforms"
	keyInfo     = aSignature + "/ds:KeyInfo"
	x509Data    = "/ds:KeyInfo/ds:X509Data/ds:X509Certificate"
	fiscalValue = attributes + "/saml:Attribute[@Name='fiscalNumber']/saml:AttributeValue"
)

var referenceAttacks = []attack{
	{"to the whole document", assertionOnly(set(reference, "URI", "")), spid.ReasonSignatureReference},
	{"to nothing", assertionOnly(set(reference, "URI", "#")), spid.ReasonSignatureReference},
	{"without a URI", assertionOnly(unset(reference, "URI")), spid.ReasonSignatureReference},
	{"to another ID", assertionOnly(set(reference, "URI", "#_elsewhere")), spid.ReasonSignatureReference},
	{"to the response", assertionOnly(func(root *etree.Element) {
		set(reference, "URI", "#"+root.SelectAttrValue("ID", ""))(root)
	}), spid.ReasonSignatureReference},
	{"to another document", assertionOnly(refer("https://evil.example/document")), spid.ReasonSignatureReference},
	{"to a file", assertionOnly(set(reference, "URI", "file:///etc/passwd")), spid.ReasonSignatureReference},
	{"by XPointer", assertionOnly(refer("#xpointer(id('", "'))")), spid.ReasonSignatureReference},
	{"to the document by XPointer", assertionOnly(set(reference, "URI", "#xpointer(/)")), spid.ReasonSignatureReference},
	{"encoded", assertionOnly(refer("#%5F")), spid.ReasonSignatureReference},
	{"padded", assertionOnly(refer(" #")), spid.ReasonSignatureInvalid},
	{"without the number sign", assertionOnly(refer("")), spid.ReasonSignatureReference},
	{"to the assertion, and to another ID", assertionOnly(func(root *etree.Element) {
		other := find(root, reference).Copy()
		other.CreateAttr("URI", "#_forged")
		find(root, signedInfo).AddChild(other)
	}), spid.ReasonSignatureReference},
	{"to another ID, and to the assertion", assertionOnly(func(root *etree.Element) {
		other := find(root, reference).Copy()
		other.CreateAttr("URI", "#_forged")
		find(root, signedInfo).InsertChildAt(2, other)
	}), spid.ReasonSignatureReference},
	{"none", assertionOnly(remove(reference)), spid.ReasonSignatureReference},
	{"by a manifest", assertionOnly(func(root *etree.Element) {
		manifest := find(root, aSignature).CreateElement("ds:Object").CreateElement("ds:Manifest")
		manifest.AddChild(find(root, reference).Copy())
	}), spid.ReasonSignatureStructure},
	{"of a signature over another element with the same ID", func(o *observer) string {
		other := etree.NewElement("saml:Advice")
		other.CreateAttr("xmlns:saml", "urn:oasis:names:tc:SAML:2.0:assertion")
		return o.answer(idp, after(remove(signature), func(root *etree.Element) {
			other.CreateAttr("ID", find(root, assertion).SelectAttrValue("ID", ""))
			check(idp.Sign(other))
			evil := forged(root)
			evil.CreateAttr("ID", other.SelectAttrValue("ID", ""))
			evil.InsertChildAt(1, other.SelectElement("ds:Signature"))
			root.RemoveChild(find(root, assertion))
			root.AddChild(evil)
		}))
	}, spid.ReasonSignatureInvalid},
	{"of the metadata's signature, with the metadata's ID", assertionOnly(func(root *etree.Element) {
		metadata := etree.NewDocument()
		check(metadata.ReadFromBytes(idp.Metadata()))
		evil := forged(root)
		evil.CreateAttr("ID", metadata.Root().SelectAttrValue("ID", ""))
		evil.InsertChildAt(1, metadata.Root().SelectElement("ds:Signature"))
		root.RemoveChild(find(root, assertion))
		root.AddChild(evil)
	}), spid.ReasonSignatureInvalid},
	{"with another digest",
		assertionOnly(
			write(fiscalValue, luca.FiscalNumber),
			write(reference+"/ds:DigestValue", "47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU="),
		), spid.ReasonSignatureInvalid},
	{"with an empty digest", assertionOnly(emptied(reference + "/ds:DigestValue")), spid.ReasonSignatureInvalid},
	{"without a digest", assertionOnly(remove(reference + "/ds:DigestValue")), spid.ReasonSignatureStructure},
	{"with two digests", assertionOnly(func(root *etree.Element) {
		find(root, reference).AddChild(find(root, reference+"/ds:DigestValue").Copy())
	}), spid.ReasonSignatureStructure},
	{"in the second of two SignedInfo", assertionOnly(repeat(signedInfo)), spid.ReasonSignatureStructure},
	{"without SignedInfo", assertionOnly(remove(signedInfo)), spid.ReasonSignatureStructure},
	{"with two signature values", assertionOnly(repeat(aSignature + "/ds:SignatureValue")), spid.ReasonSignatureStructure},
	{"without a signature value", assertionOnly(remove(aSignature + "/ds:SignatureValue")), spid.ReasonSignatureStructure},
	{"with an empty signature value", assertionOnly(emptied(aSignature + "/ds:SignatureValue")), spid.ReasonSignatureInvalid},
	{"with a signature value that is not base64", assertionOnly(write(aSignature+"/ds:SignatureValue", "?")), spid.ReasonSignatureInvalid},
	{"in a signature that is empty", assertionOnly(emptied(aSignature)), spid.ReasonSignatureStructure},
	{"with objects in the signature",
		assertionOnly(func(root *etree.Element) {
			find(root, aSignature).CreateElement("ds:Object").SetText("x")
		}), spid.ReasonSignatureStructure},
}

// refer sets a reference that contains the assertion's ID between two strings.
func refer(around ...string) edit {
	return func(root *etree.Element) {
		uri := around[0] + find(root, assertion).SelectAttrValue("ID", "")
		if len(around) > 1 {
			uri += around[1]
		}
		set(reference, "URI", uri)(root)
	}
}

var transformAttacks = []attack{
	{"none", assertionOnly(remove(transforms)), spid.ReasonSignatureTransforms},
	{"an empty list", assertionOnly(emptied(transforms)), spid.ReasonSignatureTransforms},
	{"two lists", assertionOnly(repeat(transforms)), spid.ReasonSignatureTransforms},
	{"the enveloped signature alone", assertionOnly(remove(transforms + "/ds:Transform[2]")), spid.ReasonSignatureTransforms},
	{"canonical XML alone", assertionOnly(remove(transforms + "/ds:Transform[1]")), spid.ReasonSignatureTransforms},
	{"in another order", assertionOnly(func(root *etree.Element) {
		find(root, transforms).AddChild(find(root, transforms+"/ds:Transform[1]"))
	}), spid.ReasonSignatureTransforms},
	{"canonical XML twice", assertionOnly(repeat(transforms + "/ds:Transform[2]")), spid.ReasonSignatureTransforms},
	{"the enveloped signature twice", assertionOnly(repeat(transforms + "/ds:Transform[1]")), spid.ReasonSignatureTransforms},
	{"with comments", assertionOnly(transform(2, "http://www.w3.org/2001/10/xml-exc-c14n#WithComments")), spid.ReasonSignatureTransforms},
	{"inclusive", assertionOnly(transform(2, "http://www.w3.org/TR/2001/REC-xml-c14n-20010315")), spid.ReasonSignatureTransforms},
	{"inclusive, 1.1", assertionOnly(transform(2, "http://www.w3.org/2006/12/xml-c14n11")), spid.ReasonSignatureTransforms},
	{"base64", assertionOnly(transform(1, "http://www.w3.org/2000/09/xmldsig#base64")), spid.ReasonSignatureTransforms},
	{"XPath", assertionOnly(transform(1, "http://www.w3.org/TR/1999/REC-xpath-19991116")), spid.ReasonSignatureTransforms},
	{"XPath with an expression", assertionOnly(func(root *etree.Element) {
		el := etree.NewElement("ds:Transform")
		el.CreateAttr("Algorithm", "http://www.w3.org/TR/1999/REC-xpath-19991116")
		el.CreateElement("ds:XPath").SetText("false()")
		find(root, transforms).InsertChildAt(0, el)
	}), spid.ReasonSignatureStructure},
	{"XPath filter", assertionOnly(transform(1, "http://www.w3.org/2002/06/xmldsig-filter2")), spid.ReasonSignatureTransforms},
	{"XSLT", assertionOnly(addXSLT(aSignature)), spid.ReasonSignatureStructure},
	{"XSLT without a stylesheet",
		assertionOnly(transform(1, "http://www.w3.org/TR/1999/REC-xslt-19991116")), spid.ReasonSignatureTransforms},
	{"decryption", assertionOnly(transform(1, "http://www.w3.org/2002/07/decrypt#XML")), spid.ReasonSignatureTransforms},
	{"an unknown one", assertionOnly(transform(2, "urn:evil")), spid.ReasonSignatureTransforms},
	{"one without a name", assertionOnly(unset(transforms+"/ds:Transform[2]", "Algorithm")), spid.ReasonSignatureTransforms},
	{"an added list of prefixes", assertionOnly(func(root *etree.Element) {
		list := find(root, transforms+"/ds:Transform[2]").CreateElement("ec:InclusiveNamespaces")
		list.CreateAttr("xmlns:ec", "http://www.w3.org/2001/10/xml-exc-c14n#")
		list.CreateAttr("PrefixList", "saml")
	}), spid.ReasonSignatureInvalid},
}

// transform sets the algorithm of one of the two transforms.
func transform(nth int, algorithm string) edit {
	path := transforms + "/ds:Transform[1]"
	if nth == 2 {
		path = transforms + "/ds:Transform[2]"
	}
	return set(path, "Algorithm", algorithm)
}

const (
	xmldsig = "http://www.w3.org/2000/09/xmldsig#"
	more    = "http://www.w3.org/2001/04/xmldsig-more#"
	xmlenc  = "http://www.w3.org/2001/04/xmlenc#"
)

// Manual signatures would be valid for a reader that allows the algorithm. The
// others only name the algorithm and are never valid.
var algorithmAttacks = []attack{
	{"RSA with MD5", assertionOnly(set(method, "Algorithm", more+"rsa-md5")), spid.ReasonSignatureAlgorithm},
	{"RSA with SHA-1", assertionOnly(set(method, "Algorithm", xmldsig+"rsa-sha1")), spid.ReasonSignatureAlgorithm},
	{"RSA with SHA-1, signed manually",
		manuallySigned(manualSigner{method: xmldsig + "rsa-sha1", hash: crypto.SHA1}), spid.ReasonSignatureAlgorithm},
	{"RSA with SHA-224, signed manually",
		manuallySigned(manualSigner{method: more + "rsa-sha224", hash: crypto.SHA224}), spid.ReasonSignatureAlgorithm},
	{"DSA", assertionOnly(set(method, "Algorithm", xmldsig+"dsa-sha1")), spid.ReasonSignatureAlgorithm},
	{"ECDSA", assertionOnly(set(method, "Algorithm", more+"ecdsa-sha256")), spid.ReasonSignatureAlgorithm},
	{"HMAC", assertionOnly(set(method, "Algorithm", more+"hmac-sha256")), spid.ReasonSignatureAlgorithm},
	{"HMAC whose secret is the public key", func(o *observer) string {
		secret, err := x509.MarshalPKIXPublicKey(manualKey.Public())
		check(err)
		return manuallySigned(manualSigner{method: more + "hmac-sha256", sign: func(raw []byte) []byte {
			mac := hmac.New(sha256.New, secret)
			mac.Write(raw)
			return mac.Sum(nil)
		}})(o)
	}, spid.ReasonSignatureAlgorithm},
	{"a truncated HMAC", assertionOnly(func(root *etree.Element) {
		find(root, method).CreateElement("ds:HMACOutputLength").SetText("1")
	}), spid.ReasonSignatureStructure},
	{"no algorithm", assertionOnly(unset(method, "Algorithm")), spid.ReasonSignatureAlgorithm},
	{"the algorithm in capitals", assertionOnly(set(method, "Algorithm", more+"RSA-SHA256")), spid.ReasonSignatureAlgorithm},
	{"no method", assertionOnly(remove(method)), spid.ReasonSignatureStructure},
	{"two methods", assertionOnly(repeat(method)), spid.ReasonSignatureStructure},
	{"digest by MD5", assertionOnly(set(reference+"/ds:DigestMethod", "Algorithm", more+"md5")), spid.ReasonSignatureAlgorithm},
	{"digest by SHA-1", assertionOnly(set(reference+"/ds:DigestMethod", "Algorithm", xmldsig+"sha1")), spid.ReasonSignatureAlgorithm},
	{"digest by SHA-1, signed manually",
		manuallySigned(manualSigner{digest: xmldsig + "sha1", digestHash: crypto.SHA1}), spid.ReasonSignatureAlgorithm},
	{"digest by SHA-512", assertionOnly(set(reference+"/ds:DigestMethod", "Algorithm", xmlenc+"sha512")), spid.ReasonSignatureInvalid},
	{"no digest method", assertionOnly(remove(reference + "/ds:DigestMethod")), spid.ReasonSignatureStructure},
	{"SignedInfo with comments",
		assertionOnly(set(
			signedInfo+"/ds:CanonicalizationMethod",
			"Algorithm",
			"http://www.w3.org/2001/10/xml-exc-c14n#WithComments",
		)), spid.ReasonSignatureAlgorithm},
	{"SignedInfo inclusive",
		assertionOnly(set(
			signedInfo+"/ds:CanonicalizationMethod",
			"Algorithm",
			"http://www.w3.org/TR/2001/REC-xml-c14n-20010315",
		)), spid.ReasonSignatureAlgorithm},
	{"SignedInfo by a stylesheet",
		assertionOnly(set(
			signedInfo+"/ds:CanonicalizationMethod",
			"Algorithm",
			"http://www.w3.org/TR/1999/REC-xslt-19991116",
		)), spid.ReasonSignatureAlgorithm},
	{"no canonicalization", assertionOnly(remove(signedInfo + "/ds:CanonicalizationMethod")), spid.ReasonSignatureStructure},
}

// The key in KeyInfo is the sender's claim and is ignored.
var keyAttacks = []attack{
	{"the attacker's certificate and signature",
		func(o *observer) string { return o.answer(impostor, after(remove(signature))) }, spid.ReasonSignatureInvalid},
	{"the provider's certificate, and the attacker's signature", func(o *observer) string {
		genuine := certificateOf(idp)
		return o.answer(impostor, between(write(aSignature+x509Data, genuine)), after(write(signature+x509Data, genuine)))
	}, spid.ReasonSignatureInvalid},
	{"the attacker's certificate, and the provider's signature", assertionOnly(func(root *etree.Element) {
		find(root, aSignature+x509Data).SetText(certificateOf(impostor))
	}), ""},
	{"the attacker's certificate before the provider's", assertionOnly(func(root *etree.Element) {
		data := find(root, keyInfo+"/ds:X509Data")
		el := etree.NewElement("ds:X509Certificate")
		el.SetText(certificateOf(impostor))
		data.InsertChildAt(0, el)
	}), ""},
	{"a key of the attacker", assertionOnly(func(root *etree.Element) {
		key := find(root, keyInfo).CreateElement("ds:KeyValue").CreateElement("ds:RSAKeyValue")
		key.CreateElement("ds:Modulus").SetText("AQAB")
		key.CreateElement("ds:Exponent").SetText("AQAB")
	}), ""},
	{"no certificate", assertionOnly(remove(aSignature + x509Data)), ""},
	{"an empty certificate, as official testers send it", assertionOnly(emptied(aSignature + x509Data)), ""},
	{"an invalid certificate", assertionOnly(write(aSignature+x509Data, "?")), ""},
	{"no KeyInfo", assertionOnly(remove(keyInfo)), ""},
	{"two KeyInfo", assertionOnly(repeat(keyInfo)), ""},
	{"a URL of a key", assertionOnly(func(root *etree.Element) {
		el := find(root, keyInfo).CreateElement("ds:RetrievalMethod")
		el.CreateAttr("URI", "https://evil.example/key")
	}), spid.ReasonSignatureStructure},
	{"a key name", assertionOnly(func(root *etree.Element) { find(root, keyInfo).CreateElement("ds:KeyName").SetText("evil") }), ""},
	{"an elliptic curve key", assertionOnly(func(root *etree.Element) {
		el := find(root, keyInfo).CreateElement("ds:KeyValue").CreateElement("dsig11:ECKeyValue")
		el.CreateAttr("xmlns:dsig11", "http://www.w3.org/2009/xmldsig11#")
	}), spid.ReasonSignatureStructure},
	{"an assertion in KeyInfo",
		assertionOnly(func(root *etree.Element) { find(root, keyInfo).AddChild(forged(root)) }), spid.ReasonAssertionMisplaced},
}

// certificateOf returns the certificate of a provider in the form of KeyInfo.
func certificateOf(p *spidtest.Provider) string {
	return base64.StdEncoding.EncodeToString(providerOf(p).Certificates[0].Raw)
}
