package spid_test

import (
	"strings"

	"github.com/beevik/etree"

	"stella/spid"
	"stella/spid/spidtest"
)

var namespaceAttacks = []attack{
	{"a forged assertion in a foreign namespace", loose(func(root *etree.Element) {
		evil := forged(root)
		evil.CreateAttr("xmlns:saml", "urn:evil")
		root.InsertChildAt(0, evil)
	}), spid.ReasonUnexpectedElement},
	{"a forged assertion in no namespace", loose(func(root *etree.Element) {
		evil := forged(root)
		evil.Space = ""
		root.InsertChildAt(0, evil)
	}), spid.ReasonUnexpectedElement},
	{"a forged assertion by a default namespace", loose(func(root *etree.Element) {
		evil := forged(root)
		evil.Space = ""
		evil.CreateAttr("xmlns", "urn:oasis:names:tc:SAML:2.0:assertion")
		root.InsertChildAt(0, evil)
	}), spid.ReasonAssertionMisplaced},
	{"a forged assertion of SAML 1.1", loose(func(root *etree.Element) {
		evil := forged(root)
		evil.CreateAttr("xmlns:saml", "urn:oasis:names:tc:SAML:1.0:assertion")
		root.InsertChildAt(0, evil)
	}), spid.ReasonUnexpectedElement},
	{"a forged assertion in the namespace with a space", loose(func(root *etree.Element) {
		evil := forged(root)
		evil.CreateAttr("xmlns:saml", "urn:oasis:names:tc:SAML:2.0:assertion ")
		root.InsertChildAt(0, evil)
	}), spid.ReasonUnexpectedElement},
	{"a forged assertion in lower case", loose(func(root *etree.Element) {
		evil := forged(root)
		evil.Tag = "assertion"
		root.InsertChildAt(0, evil)
	}), spid.ReasonUnexpectedElement},
	{"the assertion's prefix means something else", loose(set(assertion, "xmlns:saml", "urn:evil")), spid.ReasonUnexpectedElement},
	{"the prefixes are exchanged", loose(set("", "xmlns:saml", "urn:oasis:names:tc:SAML:2.0:protocol"), set("", "xmlns:samlp", "urn:oasis:names:tc:SAML:2.0:assertion")), spid.ReasonNotAResponse},
	{"a default namespace that nothing uses", loose(set("", "xmlns", "urn:evil")), ""},
	{"a default namespace for elements without a prefix", loose(set("", "xmlns", "urn:oasis:names:tc:SAML:2.0:assertion"), func(root *etree.Element) {
		find(root, nameID).Space = ""
	}), spid.ReasonSignatureInvalid},
	{"a declaration repeated", loose(set(subject, "xmlns:saml", "urn:oasis:names:tc:SAML:2.0:assertion")), ""},
	{"another prefix for the same", loose(func(root *etree.Element) {
		find(root, subject).CreateAttr("xmlns:s", "urn:oasis:names:tc:SAML:2.0:assertion")
		find(root, nameID).Space = "s"
	}), spid.ReasonSignatureInvalid},
	{"the signature's namespace is foreign", loose(set(aSignature, "xmlns:ds", "urn:evil")), spid.ReasonUnexpectedElement},
	{"SignedInfo's namespace is foreign", loose(set(signedInfo, "xmlns:ds", "urn:evil")), spid.ReasonSignatureStructure},
	{"the prefix xml is redeclared", loose(set("", "xmlns:xml", "urn:evil")), spid.ReasonSignatureInvalid},
	{"the prefix xmlns is declared", loose(set("", "xmlns:xmlns", "urn:evil")), spid.ReasonSignatureInvalid},
	{"a prefix that is not declared", loose(func(root *etree.Element) { find(root, nameID).Space = "s" }), spid.ReasonUnexpectedElement},
	{"an attribute whose prefix is not declared", loose(set("", "x:Version", "2.0")), spid.ReasonUnexpectedAttr},
	{"a foreign Destination before ours", loose(set("", "xmlns:x", "urn:x"), func(root *etree.Element) {
		root.Attr = append([]etree.Attr{{Space: "x", Key: "Destination", Value: sp.ACSURL}}, root.Attr...)
	}), spid.ReasonUnexpectedAttr},
	{"xml:base on the response", loose(set("", "xml:base", "https://evil.example/")), spid.ReasonUnexpectedAttr},
	{"xml:base on the reference", loose(set(reference, "xml:base", "https://evil.example/")), spid.ReasonUnexpectedAttr},
	{"xml:space on a value", loose(set(fiscalValue, "xml:space", "preserve")), spid.ReasonUnexpectedAttr},
	{"a type for the assertion", loose(set(assertion, "xsi:type", "xs:string")), spid.ReasonSignatureInvalid},
	{"the type's prefix means something else", loose(set(assertion, "xmlns:xs", "urn:evil")), ""}, // no type is read
	{"an element whose name ends with a colon", rewritten("<saml:Subject>", "<saml:Subject><saml:/>"), spid.ReasonNotWellFormed},
	{"an element whose name begins with a colon", rewritten("<saml:Subject>", "<saml:Subject><:NameID/>"), spid.ReasonNotWellFormed},
	{"an attribute whose name begins with a colon", rewritten("<saml:Subject>", `<saml:Subject :ID="x">`), spid.ReasonNotWellFormed},
	{"an element whose name begins with a digit", rewritten("<saml:Subject>", "<saml:Subject><saml:8/>"), spid.ReasonNotWellFormed},
	{"an attribute whose name begins with a digit", rewritten("<saml:Subject>", `<saml:Subject xmlns:8="urn:x">`), spid.ReasonNotWellFormed},
	{"an element whose name has two colons", rewritten("<saml:Subject>", "<saml:Subject><a:b:c/>"), spid.ReasonNotWellFormed},
}

var answerAttacks = []attack{
	{"another provider's", func(w *witness) string { return w.answer(rival) }, spid.ReasonSignatureInvalid},
	{"another provider's, the response not signed", func(w *witness) string { return w.answer(rival, after(remove(signature))) }, spid.ReasonIssuer},
	{"another provider's, who says to be this one", func(w *witness) string {
		return w.answer(rival, before(write(issuer, idp.EntityID()), write(aIssuer, idp.EntityID())))
	}, spid.ReasonSignatureInvalid},
	{"another provider's, relabelled on the way", func(w *witness) string {
		return w.answer(rival, after(remove(signature), write(issuer, idp.EntityID())))
	}, spid.ReasonSignatureInvalid},
	{"another provider's assertion in this one's response", func(w *witness) string {
		var stolen *etree.Element
		w.answer(rival, after(func(root *etree.Element) { stolen = find(root, assertion).Copy() }))
		return w.answer(idp, between(remove(assertion), func(root *etree.Element) { root.AddChild(stolen) }))
	}, spid.ReasonSignatureInvalid},
	{"this one's assertion in another provider's response", func(w *witness) string {
		var stolen *etree.Element
		w.answer(idp, after(func(root *etree.Element) { stolen = find(root, assertion).Copy() }))
		return w.answer(rival, between(remove(assertion), func(root *etree.Element) { root.AddChild(stolen) }))
	}, spid.ReasonSignatureInvalid},
	{"this one's, to a request made of another", func(w *witness) string {
		w.provider = described(rival)
		w.req.Provider = w.provider.EntityID
		return w.answer(idp)
	}, spid.ReasonSignatureInvalid},
	{"this one's, to a request made of another, whom it says to be", func(w *witness) string {
		w.provider = described(rival)
		w.req.Provider = w.provider.EntityID
		return w.answer(idp, before(write(issuer, rival.EntityID()), write(aIssuer, rival.EntityID())))
	}, spid.ReasonSignatureInvalid},
	{"an impostor's, with his certificate", func(w *witness) string { return w.answer(impostor) }, spid.ReasonSignatureInvalid},
	{"to another request", func(w *witness) string { return toAnother(w) }, spid.ReasonInResponseTo},
	{"to another request, unsigned and relabelled", func(w *witness) string {
		return toAnother(w, after(remove(signature), set("", "InResponseTo", w.req.ID)))
	}, spid.ReasonConfirmationInResponseTo},
	{"to another request, relabelled below too", func(w *witness) string {
		return toAnother(w, after(remove(signature), set("", "InResponseTo", w.req.ID), set(data, "InResponseTo", w.req.ID)))
	}, spid.ReasonSignatureInvalid},
	{"to another service provider", loose(set("", "Destination", "https://other.example/acs")), spid.ReasonDestination},
	{"of another service provider", func(w *witness) string {
		return w.answer(idp, before(write(audience, "https://other.example")), after(remove(signature)))
	}, spid.ReasonAudience},
	{"received at another service provider", func(w *witness) string {
		return w.answer(idp, before(set(data, "Recipient", "https://other.example/acs")), after(remove(signature)))
	}, spid.ReasonConfirmationRecipient},
	{"unasked for", func(w *witness) string {
		return w.answer(idp, before(unset("", "InResponseTo"), unset(data, "InResponseTo")))
	}, spid.ReasonInResponseTo},
	{"a logout response", func(w *witness) string {
		return pack(strings.NewReplacer("<samlp:Response", "<samlp:LogoutResponse", "</samlp:Response", "</samlp:LogoutResponse").Replace(unpack(w.answer(idp))))
	}, spid.ReasonNotAResponse},
	{"the provider's metadata", func(*witness) string { return pack(string(idp.Metadata())) }, spid.ReasonNotAResponse},
	{"the assertion alone", func(w *witness) string {
		var alone *etree.Element
		w.answer(idp, after(func(root *etree.Element) { alone = find(root, assertion).Copy() }))
		alone.CreateAttr("xmlns:saml", "urn:oasis:names:tc:SAML:2.0:assertion")
		xml, err := etree.NewDocumentWithRoot(alone).WriteToString()
		check(err)
		return pack(xml)
	}, spid.ReasonNotAResponse},
	{"the request itself", func(w *witness) string { return pack(string(w.req.XML)) }, spid.ReasonNotAResponse},
}

// toAnother answers a request that somebody else made.
func toAnother(w *witness, edits ...spidtest.Edit) string {
	other := observe(w.TB)
	answer := other.answer(idp, edits...)
	w.signed = append(w.signed, other.signed...)
	return answer
}

var strippingAttacks = []attack{
	{"none left", loose(remove(aSignature), write(fiscalValue, luca.FiscalNumber)), spid.ReasonAssertionNotSigned},
	{"the assertion's gone", spoilt(remove(aSignature)), spid.ReasonSignatureInvalid},
	{"the assertion's gone, and the response's", loose(remove(aSignature)), spid.ReasonAssertionNotSigned},
	{"the assertion replaced before the response is signed", func(w *witness) string {
		return w.answer(idp, between(write(fiscalValue, luca.FiscalNumber)))
	}, spid.ReasonSignatureInvalid},
	{"the assertion replaced after the response is signed", spoilt(func(root *etree.Element) {
		evil := forged(root)
		root.RemoveChild(find(root, assertion))
		root.AddChild(evil)
	}), spid.ReasonSignatureInvalid},
	{"the assertion's of another login", func(w *witness) string {
		var stolen *etree.Element
		w.answer(idp, after(func(root *etree.Element) { stolen = find(root, aSignature).Copy() }))
		return w.answer(idp, after(remove(signature), remove(aSignature), func(root *etree.Element) {
			find(root, assertion).InsertChildAt(1, stolen)
		}))
	}, spid.ReasonSignatureReference},
	{"the assertion's on the response", spoilt(remove(signature), func(root *etree.Element) {
		root.InsertChildAt(1, find(root, aSignature))
	}), spid.ReasonSignatureReference},
	{"the response's on the assertion", spoilt(remove(aSignature), func(root *etree.Element) {
		find(root, assertion).InsertChildAt(1, find(root, signature))
	}), spid.ReasonSignatureReference},
	{"both on the response", spoilt(func(root *etree.Element) {
		root.InsertChildAt(2, find(root, aSignature))
	}), spid.ReasonSignaturePlacement},
	{"both on the assertion", spoilt(func(root *etree.Element) {
		find(root, assertion).InsertChildAt(1, find(root, signature))
	}), spid.ReasonSignaturePlacement},
	{"the assertion's twice", loose(func(root *etree.Element) {
		find(root, assertion).AddChild(find(root, aSignature).Copy())
	}), spid.ReasonSignaturePlacement},
	{"the assertion's in its subject", loose(func(root *etree.Element) {
		find(root, subject).AddChild(find(root, aSignature))
	}), spid.ReasonSignaturePlacement},
	{"the assertion's in a signature", loose(func(root *etree.Element) {
		find(root, aSignature).AddChild(find(root, aSignature).Copy())
	}), spid.ReasonSignaturePlacement},
	{"the response's value replaced", spoilt(write(signature+"/ds:SignatureValue", "AAAA")), spid.ReasonSignatureInvalid},
	{"the response's emptied", spoilt(hollow(signature)), spid.ReasonSignatureStructure},
	{"the response's over less than it shows", spoilt(set("", "Consent", "urn:oasis:names:tc:SAML:2.0:consent:obtained")), spid.ReasonSignatureInvalid},
}
