package spid_test

import (
	"strings"

	"github.com/beevik/etree"

	"stella/spid"
	"stella/spid/spidtest"
)

var namespaceAttacks = []attack{
	{"a forged assertion in a foreign namespace", assertionOnly(func(root *etree.Element) {
		evil := forged(root)
		evil.CreateAttr("xmlns:saml", "urn:evil")
		root.InsertChildAt(0, evil)
	}), spid.ReasonUnexpectedElement},
	{"a forged assertion in no namespace", assertionOnly(func(root *etree.Element) {
		evil := forged(root)
		evil.Space = ""
		root.InsertChildAt(0, evil)
	}), spid.ReasonUnexpectedElement},
	{"a forged assertion by a default namespace", assertionOnly(func(root *etree.Element) {
		evil := forged(root)
		evil.Space = ""
		evil.CreateAttr("xmlns", "urn:oasis:names:tc:SAML:2.0:assertion")
		root.InsertChildAt(0, evil)
	}), spid.ReasonAssertionMisplaced},
	{"a forged assertion of SAML 1.1", assertionOnly(func(root *etree.Element) {
		evil := forged(root)
		evil.CreateAttr("xmlns:saml", "urn:oasis:names:tc:SAML:1.0:assertion")
		root.InsertChildAt(0, evil)
	}), spid.ReasonUnexpectedElement},
	{"a forged assertion in the namespace with a space", assertionOnly(func(root *etree.Element) {
		evil := forged(root)
		evil.CreateAttr("xmlns:saml", "urn:oasis:names:tc:SAML:2.0:assertion ")
		root.InsertChildAt(0, evil)
	}), spid.ReasonUnexpectedElement},
	{"a forged assertion in lower case", assertionOnly(func(root *etree.Element) {
		evil := forged(root)
		evil.Tag = "assertion"
		root.InsertChildAt(0, evil)
	}), spid.ReasonUnexpectedElement},
	{"the assertion's prefix redeclared", assertionOnly(set(assertion, "xmlns:saml", "urn:evil")), spid.ReasonUnexpectedElement},
	{"the prefixes swapped",
		assertionOnly(
			set("", "xmlns:saml", "urn:oasis:names:tc:SAML:2.0:protocol"),
			set("", "xmlns:samlp", "urn:oasis:names:tc:SAML:2.0:assertion"),
		), spid.ReasonNotAResponse},
	{"an unused default namespace", assertionOnly(set("", "xmlns", "urn:evil")), ""},
	{"a default namespace for elements without a prefix",
		assertionOnly(set("", "xmlns", "urn:oasis:names:tc:SAML:2.0:assertion"), func(root *etree.Element) {
			find(root, nameID).Space = ""
		}), spid.ReasonSignatureInvalid},
	{"a declaration repeated", assertionOnly(set(subject, "xmlns:saml", "urn:oasis:names:tc:SAML:2.0:assertion")), ""},
	{"another prefix for the same namespace", assertionOnly(func(root *etree.Element) {
		find(root, subject).CreateAttr("xmlns:s", "urn:oasis:names:tc:SAML:2.0:assertion")
		find(root, nameID).Space = "s"
	}), spid.ReasonSignatureInvalid},
	{"the signature's namespace is foreign", assertionOnly(set(aSignature, "xmlns:ds", "urn:evil")), spid.ReasonUnexpectedElement},
	{"SignedInfo's namespace is foreign", assertionOnly(set(signedInfo, "xmlns:ds", "urn:evil")), spid.ReasonSignatureStructure},
	{"the prefix xml is redeclared", assertionOnly(set("", "xmlns:xml", "urn:evil")), spid.ReasonSignatureInvalid},
	{"the prefix xmlns is declared", assertionOnly(set("", "xmlns:xmlns", "urn:evil")), spid.ReasonSignatureInvalid},
	{"a prefix that is not declared",
		assertionOnly(func(root *etree.Element) { find(root, nameID).Space = "s" }), spid.ReasonUnexpectedElement},
	{"an attribute whose prefix is not declared", assertionOnly(set("", "x:Version", "2.0")), spid.ReasonUnexpectedAttr},
	{"a foreign Destination before ours", assertionOnly(set("", "xmlns:x", "urn:x"), func(root *etree.Element) {
		root.Attr = append([]etree.Attr{{Space: "x", Key: "Destination", Value: sp.ACSURL}}, root.Attr...)
	}), spid.ReasonUnexpectedAttr},
	{"xml:base on the response", assertionOnly(set("", "xml:base", "https://evil.example/")), spid.ReasonUnexpectedAttr},
	{"xml:base on the reference", assertionOnly(set(reference, "xml:base", "https://evil.example/")), spid.ReasonUnexpectedAttr},
	{"xml:space on a value", assertionOnly(set(fiscalValue, "xml:space", "preserve")), spid.ReasonUnexpectedAttr},
	{"a type for the assertion", assertionOnly(set(assertion, "xsi:type", "xs:string")), spid.ReasonSignatureInvalid},
	{"the type's prefix redeclared", assertionOnly(set(assertion, "xmlns:xs", "urn:evil")), ""}, // no type is read
	{"an element whose name ends with a colon", rewritten("<saml:Subject>", "<saml:Subject><saml:/>"), spid.ReasonNotWellFormed},
	{"an element whose name begins with a colon", rewritten("<saml:Subject>", "<saml:Subject><:NameID/>"), spid.ReasonNotWellFormed},
	{"an attribute whose name begins with a colon", rewritten("<saml:Subject>", `<saml:Subject :ID="x">`), spid.ReasonNotWellFormed},
	{"an element whose name begins with a digit", rewritten("<saml:Subject>", "<saml:Subject><saml:8/>"), spid.ReasonNotWellFormed},
	{"an attribute whose name begins with a digit",
		rewritten("<saml:Subject>", `<saml:Subject xmlns:8="urn:x">`), spid.ReasonNotWellFormed},
	{"an element whose name has two colons", rewritten("<saml:Subject>", "<saml:Subject><a:b:c/>"), spid.ReasonNotWellFormed},
}

var answerAttacks = []attack{
	{"another provider's", func(o *observer) string { return o.answer(otherIDP) }, spid.ReasonSignatureInvalid},
	{"another provider's, the response not signed",
		func(o *observer) string { return o.answer(otherIDP, after(remove(signature))) }, spid.ReasonIssuer},
	{"another provider's, with this one as issuer", func(o *observer) string {
		return o.answer(otherIDP, before(write(issuer, idp.EntityID()), write(aIssuer, idp.EntityID())))
	}, spid.ReasonSignatureInvalid},
	{"another provider's, relabelled on the way", func(o *observer) string {
		return o.answer(otherIDP, after(remove(signature), write(issuer, idp.EntityID())))
	}, spid.ReasonSignatureInvalid},
	{"another provider's assertion in this one's response", func(o *observer) string {
		var stolen *etree.Element
		o.answer(otherIDP, after(func(root *etree.Element) { stolen = find(root, assertion).Copy() }))
		return o.answer(idp, between(remove(assertion), func(root *etree.Element) { root.AddChild(stolen) }))
	}, spid.ReasonSignatureInvalid},
	{"this one's assertion in another provider's response", func(o *observer) string {
		var stolen *etree.Element
		o.answer(idp, after(func(root *etree.Element) { stolen = find(root, assertion).Copy() }))
		return o.answer(otherIDP, between(remove(assertion), func(root *etree.Element) { root.AddChild(stolen) }))
	}, spid.ReasonSignatureInvalid},
	{"this one's, to a request to another", func(o *observer) string {
		o.provider = providerOf(otherIDP)
		o.req.Provider = o.provider.EntityID
		return o.answer(idp)
	}, spid.ReasonSignatureInvalid},
	{"this one's, to a request to another, with that one as issuer", func(o *observer) string {
		o.provider = providerOf(otherIDP)
		o.req.Provider = o.provider.EntityID
		return o.answer(idp, before(write(issuer, otherIDP.EntityID()), write(aIssuer, otherIDP.EntityID())))
	}, spid.ReasonSignatureInvalid},
	{"an impostor's, with its certificate", func(o *observer) string { return o.answer(impostor) }, spid.ReasonSignatureInvalid},
	{"to another request", func(o *observer) string { return answerToOtherRequest(o) }, spid.ReasonInResponseTo},
	{"to another request, unsigned and relabelled", func(o *observer) string {
		return answerToOtherRequest(o, after(remove(signature), set("", "InResponseTo", o.req.ID)))
	}, spid.ReasonConfirmationInResponseTo},
	{"to another request, relabelled in the assertion too", func(o *observer) string {
		return answerToOtherRequest(o, after(remove(signature), set("", "InResponseTo", o.req.ID), set(data, "InResponseTo", o.req.ID)))
	}, spid.ReasonSignatureInvalid},
	{"to another service provider", assertionOnly(set("", "Destination", "https://other.example/acs")), spid.ReasonDestination},
	{"of another service provider", func(o *observer) string {
		return o.answer(idp, before(write(audience, "https://other.example")), after(remove(signature)))
	}, spid.ReasonAudience},
	{"received at another service provider", func(o *observer) string {
		return o.answer(idp, before(set(data, "Recipient", "https://other.example/acs")), after(remove(signature)))
	}, spid.ReasonConfirmationRecipient},
	{"without a request", func(o *observer) string {
		return o.answer(idp, before(unset("", "InResponseTo"), unset(data, "InResponseTo")))
	}, spid.ReasonInResponseTo},
	{"a logout response", func(o *observer) string {
		return pack(strings.NewReplacer(
			"<samlp:Response",
			"<samlp:LogoutResponse",
			"</samlp:Response",
			"</samlp:LogoutResponse",
		).Replace(unpack(o.answer(idp))))
	}, spid.ReasonNotAResponse},
	{"the provider's metadata", func(*observer) string { return pack(string(idp.Metadata())) }, spid.ReasonNotAResponse},
	{"the assertion alone", func(o *observer) string {
		var alone *etree.Element
		o.answer(idp, after(func(root *etree.Element) { alone = find(root, assertion).Copy() }))
		alone.CreateAttr("xmlns:saml", "urn:oasis:names:tc:SAML:2.0:assertion")
		xml, err := etree.NewDocumentWithRoot(alone).WriteToString()
		check(err)
		return pack(xml)
	}, spid.ReasonNotAResponse},
	{"the request itself", func(o *observer) string { return pack(string(o.req.XML)) }, spid.ReasonNotAResponse},
}

// answerToOtherRequest returns an answer to a different request.
func answerToOtherRequest(o *observer, edits ...spidtest.Edit) string {
	other := newObserver(o.TB)
	answer := other.answer(idp, edits...)
	o.signed = append(o.signed, other.signed...)
	return answer
}

var strippingAttacks = []attack{
	{"no signature left", assertionOnly(remove(aSignature), write(fiscalValue, luca.FiscalNumber)), spid.ReasonAssertionNotSigned},
	{"the assertion's removed", tampered(remove(aSignature)), spid.ReasonSignatureInvalid},
	{"the assertion's and the response's removed", assertionOnly(remove(aSignature)), spid.ReasonAssertionNotSigned},
	{"the assertion replaced before the response is signed", func(o *observer) string {
		return o.answer(idp, between(write(fiscalValue, luca.FiscalNumber)))
	}, spid.ReasonSignatureInvalid},
	{"the assertion replaced after the response is signed", tampered(func(root *etree.Element) {
		evil := forged(root)
		root.RemoveChild(find(root, assertion))
		root.AddChild(evil)
	}), spid.ReasonSignatureInvalid},
	{"the assertion's from another login", func(o *observer) string {
		var stolen *etree.Element
		o.answer(idp, after(func(root *etree.Element) { stolen = find(root, aSignature).Copy() }))
		return o.answer(idp, after(remove(signature), remove(aSignature), func(root *etree.Element) {
			find(root, assertion).InsertChildAt(1, stolen)
		}))
	}, spid.ReasonSignatureReference},
	{"the assertion's on the response", tampered(remove(signature), func(root *etree.Element) {
		root.InsertChildAt(1, find(root, aSignature))
	}), spid.ReasonSignatureReference},
	{"the response's on the assertion", tampered(remove(aSignature), func(root *etree.Element) {
		find(root, assertion).InsertChildAt(1, find(root, signature))
	}), spid.ReasonSignatureReference},
	{"both on the response", tampered(func(root *etree.Element) {
		root.InsertChildAt(2, find(root, aSignature))
	}), spid.ReasonSignaturePlacement},
	{"both on the assertion", tampered(func(root *etree.Element) {
		find(root, assertion).InsertChildAt(1, find(root, signature))
	}), spid.ReasonSignaturePlacement},
	{"the assertion's twice", assertionOnly(func(root *etree.Element) {
		find(root, assertion).AddChild(find(root, aSignature).Copy())
	}), spid.ReasonSignaturePlacement},
	{"the assertion's in its subject", assertionOnly(func(root *etree.Element) {
		find(root, subject).AddChild(find(root, aSignature))
	}), spid.ReasonSignaturePlacement},
	{"the assertion's in a signature", assertionOnly(func(root *etree.Element) {
		find(root, aSignature).AddChild(find(root, aSignature).Copy())
	}), spid.ReasonSignaturePlacement},
	{"the response's value replaced", tampered(write(signature+"/ds:SignatureValue", "AAAA")), spid.ReasonSignatureInvalid},
	{"the response's emptied", tampered(emptied(signature)), spid.ReasonSignatureStructure},
	{"the response's, with an attribute added",
		tampered(set("", "Consent", "urn:oasis:names:tc:SAML:2.0:consent:obtained")), spid.ReasonSignatureInvalid},
}
