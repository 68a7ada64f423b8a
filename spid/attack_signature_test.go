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
	{"to the whole document", loose(set(reference, "URI", "")), spid.ReasonSignatureReference},
	{"to nothing", loose(set(reference, "URI", "#")), spid.ReasonSignatureReference},
	{"without a URI", loose(unset(reference, "URI")), spid.ReasonSignatureReference},
	{"to another ID", loose(set(reference, "URI", "#_elsewhere")), spid.ReasonSignatureReference},
	{"to the response", loose(func(root *etree.Element) {
		set(reference, "URI", "#"+root.SelectAttrValue("ID", ""))(root)
	}), spid.ReasonSignatureReference},
	{"to another document", loose(refer("https://evil.example/document")), spid.ReasonSignatureReference},
	{"to a file", loose(set(reference, "URI", "file:///etc/passwd")), spid.ReasonSignatureReference},
	{"by a pointer", loose(refer("#xpointer(id('", "'))")), spid.ReasonSignatureReference},
	{"to all by a pointer", loose(set(reference, "URI", "#xpointer(/)")), spid.ReasonSignatureReference},
	{"encoded", loose(refer("#%5F")), spid.ReasonSignatureReference},
	{"padded", loose(refer(" #")), spid.ReasonSignatureInvalid},
	{"without the sign", loose(refer("")), spid.ReasonSignatureReference},
	{"to what is signed, and to another ID", loose(func(root *etree.Element) {
		other := find(root, reference).Copy()
		other.CreateAttr("URI", "#_forged")
		find(root, signedInfo).AddChild(other)
	}), spid.ReasonSignatureReference},
	{"to another ID, and to what is signed", loose(func(root *etree.Element) {
		other := find(root, reference).Copy()
		other.CreateAttr("URI", "#_forged")
		find(root, signedInfo).InsertChildAt(2, other)
	}), spid.ReasonSignatureReference},
	{"none", loose(remove(reference)), spid.ReasonSignatureReference},
	{"by a manifest", loose(func(root *etree.Element) {
		manifest := find(root, aSignature).CreateElement("ds:Object").CreateElement("ds:Manifest")
		manifest.AddChild(find(root, reference).Copy())
	}), spid.ReasonSignatureStructure},
	{"of a signature over something else with the same ID", func(w *witness) string {
		other := etree.NewElement("saml:Advice")
		other.CreateAttr("xmlns:saml", "urn:oasis:names:tc:SAML:2.0:assertion")
		return w.answer(idp, after(remove(signature), func(root *etree.Element) {
			other.CreateAttr("ID", find(root, assertion).SelectAttrValue("ID", ""))
			check(idp.Sign(other))
			evil := forged(root)
			evil.CreateAttr("ID", other.SelectAttrValue("ID", ""))
			evil.InsertChildAt(1, other.SelectElement("ds:Signature"))
			root.RemoveChild(find(root, assertion))
			root.AddChild(evil)
		}))
	}, spid.ReasonSignatureInvalid},
	{"of the metadata's signature, with the metadata's ID", loose(func(root *etree.Element) {
		metadata := etree.NewDocument()
		check(metadata.ReadFromBytes(idp.Metadata()))
		evil := forged(root)
		evil.CreateAttr("ID", metadata.Root().SelectAttrValue("ID", ""))
		evil.InsertChildAt(1, metadata.Root().SelectElement("ds:Signature"))
		root.RemoveChild(find(root, assertion))
		root.AddChild(evil)
	}), spid.ReasonSignatureInvalid},
	{"with a digest of its own", loose(write(fiscalValue, luca.FiscalNumber), write(reference+"/ds:DigestValue", "47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU=")), spid.ReasonSignatureInvalid},
	{"with an empty digest", loose(hollow(reference + "/ds:DigestValue")), spid.ReasonSignatureInvalid},
	{"without a digest", loose(remove(reference + "/ds:DigestValue")), spid.ReasonSignatureStructure},
	{"with two digests", loose(func(root *etree.Element) {
		find(root, reference).AddChild(find(root, reference+"/ds:DigestValue").Copy())
	}), spid.ReasonSignatureStructure},
	{"in the second of two SignedInfo", loose(repeat(signedInfo)), spid.ReasonSignatureStructure},
	{"in a SignedInfo that is gone", loose(remove(signedInfo)), spid.ReasonSignatureStructure},
	{"with two signature values", loose(repeat(aSignature + "/ds:SignatureValue")), spid.ReasonSignatureStructure},
	{"without a signature value", loose(remove(aSignature + "/ds:SignatureValue")), spid.ReasonSignatureStructure},
	{"with an empty signature value", loose(hollow(aSignature + "/ds:SignatureValue")), spid.ReasonSignatureInvalid},
	{"with a signature value that is no base64", loose(write(aSignature+"/ds:SignatureValue", "?")), spid.ReasonSignatureInvalid},
	{"in a signature that is empty", loose(hollow(aSignature)), spid.ReasonSignatureStructure},
	{"with objects in the signature", loose(func(root *etree.Element) { find(root, aSignature).CreateElement("ds:Object").SetText("x") }), spid.ReasonSignatureStructure},
}

// refer writes a reference around the assertion's ID.
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
	{"none", loose(remove(transforms)), spid.ReasonSignatureTransforms},
	{"an empty list", loose(hollow(transforms)), spid.ReasonSignatureTransforms},
	{"two lists", loose(repeat(transforms)), spid.ReasonSignatureTransforms},
	{"the enveloped signature alone", loose(remove(transforms + "/ds:Transform[2]")), spid.ReasonSignatureTransforms},
	{"canonical XML alone", loose(remove(transforms + "/ds:Transform[1]")), spid.ReasonSignatureTransforms},
	{"in another order", loose(func(root *etree.Element) {
		find(root, transforms).AddChild(find(root, transforms+"/ds:Transform[1]"))
	}), spid.ReasonSignatureTransforms},
	{"canonical XML twice", loose(repeat(transforms + "/ds:Transform[2]")), spid.ReasonSignatureTransforms},
	{"the enveloped signature twice", loose(repeat(transforms + "/ds:Transform[1]")), spid.ReasonSignatureTransforms},
	{"with comments", loose(transform(2, "http://www.w3.org/2001/10/xml-exc-c14n#WithComments")), spid.ReasonSignatureTransforms},
	{"inclusive", loose(transform(2, "http://www.w3.org/TR/2001/REC-xml-c14n-20010315")), spid.ReasonSignatureTransforms},
	{"inclusive, 1.1", loose(transform(2, "http://www.w3.org/2006/12/xml-c14n11")), spid.ReasonSignatureTransforms},
	{"base64", loose(transform(1, "http://www.w3.org/2000/09/xmldsig#base64")), spid.ReasonSignatureTransforms},
	{"XPath", loose(transform(1, "http://www.w3.org/TR/1999/REC-xpath-19991116")), spid.ReasonSignatureTransforms},
	{"XPath with an expression", loose(func(root *etree.Element) {
		el := etree.NewElement("ds:Transform")
		el.CreateAttr("Algorithm", "http://www.w3.org/TR/1999/REC-xpath-19991116")
		el.CreateElement("ds:XPath").SetText("false()")
		find(root, transforms).InsertChildAt(0, el)
	}), spid.ReasonSignatureStructure},
	{"XPath filter", loose(transform(1, "http://www.w3.org/2002/06/xmldsig-filter2")), spid.ReasonSignatureTransforms},
	{"XSLT", loose(addXSLT(aSignature)), spid.ReasonSignatureStructure},
	{"XSLT without a sheet", loose(transform(1, "http://www.w3.org/TR/1999/REC-xslt-19991116")), spid.ReasonSignatureTransforms},
	{"decryption", loose(transform(1, "http://www.w3.org/2002/07/decrypt#XML")), spid.ReasonSignatureTransforms},
	{"one that is not known", loose(transform(2, "urn:evil")), spid.ReasonSignatureTransforms},
	{"one without a name", loose(unset(transforms+"/ds:Transform[2]", "Algorithm")), spid.ReasonSignatureTransforms},
	{"an added list of prefixes", loose(func(root *etree.Element) {
		list := find(root, transforms+"/ds:Transform[2]").CreateElement("ec:InclusiveNamespaces")
		list.CreateAttr("xmlns:ec", "http://www.w3.org/2001/10/xml-exc-c14n#")
		list.CreateAttr("PrefixList", "saml")
	}), spid.ReasonSignatureInvalid},
}

// transform gives one of the two transforms another name.
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

// Those that are only named cannot hold; those by hand hold for who allows them.
var algorithmAttacks = []attack{
	{"RSA with MD5", loose(set(method, "Algorithm", more+"rsa-md5")), spid.ReasonSignatureAlgorithm},
	{"RSA with SHA-1", loose(set(method, "Algorithm", xmldsig+"rsa-sha1")), spid.ReasonSignatureAlgorithm},
	{"RSA with SHA-1, by hand", byHand(pen{method: xmldsig + "rsa-sha1", hash: crypto.SHA1}), spid.ReasonSignatureAlgorithm},
	{"RSA with SHA-224, by hand", byHand(pen{method: more + "rsa-sha224", hash: crypto.SHA224}), spid.ReasonSignatureAlgorithm},
	{"DSA", loose(set(method, "Algorithm", xmldsig+"dsa-sha1")), spid.ReasonSignatureAlgorithm},
	{"ECDSA", loose(set(method, "Algorithm", more+"ecdsa-sha256")), spid.ReasonSignatureAlgorithm},
	{"HMAC", loose(set(method, "Algorithm", more+"hmac-sha256")), spid.ReasonSignatureAlgorithm},
	{"HMAC whose secret is the public key", func(w *witness) string {
		secret, err := x509.MarshalPKIXPublicKey(hand.Public())
		check(err)
		return byHand(pen{method: more + "hmac-sha256", sign: func(raw []byte) []byte {
			mac := hmac.New(sha256.New, secret)
			mac.Write(raw)
			return mac.Sum(nil)
		}})(w)
	}, spid.ReasonSignatureAlgorithm},
	{"a cut HMAC", loose(func(root *etree.Element) {
		find(root, method).CreateElement("ds:HMACOutputLength").SetText("1")
	}), spid.ReasonSignatureStructure},
	{"none by name", loose(unset(method, "Algorithm")), spid.ReasonSignatureAlgorithm},
	{"the name of one in capitals", loose(set(method, "Algorithm", more+"RSA-SHA256")), spid.ReasonSignatureAlgorithm},
	{"no method", loose(remove(method)), spid.ReasonSignatureStructure},
	{"two methods", loose(repeat(method)), spid.ReasonSignatureStructure},
	{"digest by MD5", loose(set(reference+"/ds:DigestMethod", "Algorithm", more+"md5")), spid.ReasonSignatureAlgorithm},
	{"digest by SHA-1", loose(set(reference+"/ds:DigestMethod", "Algorithm", xmldsig+"sha1")), spid.ReasonSignatureAlgorithm},
	{"digest by SHA-1, by hand", byHand(pen{digest: xmldsig + "sha1", digestHash: crypto.SHA1}), spid.ReasonSignatureAlgorithm},
	{"digest by SHA-512", loose(set(reference+"/ds:DigestMethod", "Algorithm", xmlenc+"sha512")), spid.ReasonSignatureInvalid},
	{"no digest method", loose(remove(reference + "/ds:DigestMethod")), spid.ReasonSignatureStructure},
	{"SignedInfo with comments", loose(set(signedInfo+"/ds:CanonicalizationMethod", "Algorithm", "http://www.w3.org/2001/10/xml-exc-c14n#WithComments")), spid.ReasonSignatureAlgorithm},
	{"SignedInfo inclusive", loose(set(signedInfo+"/ds:CanonicalizationMethod", "Algorithm", "http://www.w3.org/TR/2001/REC-xml-c14n-20010315")), spid.ReasonSignatureAlgorithm},
	{"SignedInfo by a stylesheet", loose(set(signedInfo+"/ds:CanonicalizationMethod", "Algorithm", "http://www.w3.org/TR/1999/REC-xslt-19991116")), spid.ReasonSignatureAlgorithm},
	{"no canonicalization", loose(remove(signedInfo + "/ds:CanonicalizationMethod")), spid.ReasonSignatureStructure},
}

// The key in KeyInfo is the sender's word.
var keyAttacks = []attack{
	{"the attacker's certificate, and his signature", func(w *witness) string { return w.answer(impostor, after(remove(signature))) }, spid.ReasonSignatureInvalid},
	{"the provider's certificate, and the attacker's signature", func(w *witness) string {
		genuine := certificateOf(idp)
		return w.answer(impostor, between(write(aSignature+x509Data, genuine)), after(write(signature+x509Data, genuine)))
	}, spid.ReasonSignatureInvalid},
	{"the attacker's certificate, and the provider's signature", loose(func(root *etree.Element) {
		find(root, aSignature+x509Data).SetText(certificateOf(impostor))
	}), ""},
	{"the attacker's certificate before the provider's", loose(func(root *etree.Element) {
		data := find(root, keyInfo+"/ds:X509Data")
		el := etree.NewElement("ds:X509Certificate")
		el.SetText(certificateOf(impostor))
		data.InsertChildAt(0, el)
	}), ""},
	{"a key of the attacker's", loose(func(root *etree.Element) {
		key := find(root, keyInfo).CreateElement("ds:KeyValue").CreateElement("ds:RSAKeyValue")
		key.CreateElement("ds:Modulus").SetText("AQAB")
		key.CreateElement("ds:Exponent").SetText("AQAB")
	}), ""},
	{"no certificate", loose(remove(aSignature + x509Data)), ""},
	{"an empty certificate, as official testers send it", loose(hollow(aSignature + x509Data)), ""},
	{"a certificate that is none", loose(write(aSignature+x509Data, "?")), ""},
	{"no KeyInfo", loose(remove(keyInfo)), ""},
	{"two KeyInfo", loose(repeat(keyInfo)), ""},
	{"a key to fetch", loose(func(root *etree.Element) {
		el := find(root, keyInfo).CreateElement("ds:RetrievalMethod")
		el.CreateAttr("URI", "https://evil.example/key")
	}), spid.ReasonSignatureStructure},
	{"a key's name", loose(func(root *etree.Element) { find(root, keyInfo).CreateElement("ds:KeyName").SetText("evil") }), ""},
	{"an elliptic key", loose(func(root *etree.Element) {
		el := find(root, keyInfo).CreateElement("ds:KeyValue").CreateElement("dsig11:ECKeyValue")
		el.CreateAttr("xmlns:dsig11", "http://www.w3.org/2009/xmldsig11#")
	}), spid.ReasonSignatureStructure},
	{"an assertion for a key", loose(func(root *etree.Element) { find(root, keyInfo).AddChild(forged(root)) }), spid.ReasonAssertionMisplaced},
}

// certificateOf returns the certificate of a provider, as KeyInfo holds it.
func certificateOf(p *spidtest.Provider) string {
	return base64.StdEncoding.EncodeToString(described(p).Certificates[0].Raw)
}
