package spid_test

import (
	"strings"
	"testing"

	"github.com/beevik/etree"

	"stella/spid"
)

// An attack is an answer made from genuine ones. It tries to assert something
// that was not signed, or to be read in two ways.
type attack struct {
	name  string
	forge forgery     // forgery_test.go
	want  spid.Reason // empty if the attack has no effect: the signed content is read
}

// Attacks that are on no official list, grouped by target. Each starts from
// correctly signed answers.
var corpus = []struct {
	target  string
	attacks []attack
}{
	{"wrapping", wrappings()},            // wrapping_test.go
	{"assertions", assertionAttacks},     // which of two is used, or none that can be read
	{"values", valueAttacks},             // the content of a value
	{"ids", idAttacks},                   // which element an ID refers to
	{"namespaces", namespaceAttacks},     // the name of an element
	{"answers", answerAttacks},           // the sender of the answer, and the request that it answers
	{"stripping", strippingAttacks},      // signatures removed or moved
	{"references", referenceAttacks},     // attack_signature_test.go: what is signed
	{"transforms", transformAttacks},     // in which form
	{"algorithms", algorithmAttacks},     // with which algorithm
	{"keys", keyAttacks},                 // with which key
	{"documents", documentAttacks},       // attack_document_test.go: encodings and syntax
	{"sizes", sizeAttacks()},             // huge, deep, wide
	{"allowed", allowedAttacks},          // allowed_test.go: content that SAML allows beyond SPID
	{"truncations", truncationAttacks()}, // at every 64th byte
}

func TestAttacks(t *testing.T) {
	t.Parallel()
	for _, group := range corpus {
		t.Run(group.target, func(t *testing.T) {
			t.Parallel()
			for _, a := range group.attacks {
				t.Run(a.name, func(t *testing.T) {
					t.Parallel()
					o := newObserver(t)
					o.expect(a.forge(o), a.want)
				})
			}
		})
	}
}

var assertionAttacks = []attack{
	{"a forged one before the signed one", assertionOnly(func(root *etree.Element) {
		root.InsertChildAt(find(root, assertion).Index(), forged(root))
	}), spid.ReasonAssertionMisplaced},
	{"a forged one after the signed one", assertionOnly(func(root *etree.Element) {
		root.AddChild(forged(root))
	}), spid.ReasonAssertionMisplaced},
	{"a forged one before the signed one, in a signed response", tampered(func(root *etree.Element) {
		root.InsertChildAt(find(root, assertion).Index(), forged(root))
	}), spid.ReasonAssertionMisplaced},
	{"a forged one with a copy of the signature", assertionOnly(func(root *etree.Element) {
		evil := forged(root)
		evil.InsertChildAt(1, find(root, aSignature).Copy())
		root.AddChild(evil)
	}), spid.ReasonAssertionMisplaced},
	{"the signed one twice", assertionOnly(func(root *etree.Element) {
		root.AddChild(find(root, assertion).Copy())
	}), spid.ReasonDuplicateID},
	{"a forged one with the signed one's ID", assertionOnly(func(root *etree.Element) {
		evil := forged(root)
		evil.CreateAttr("ID", find(root, assertion).SelectAttrValue("ID", ""))
		root.AddChild(evil)
	}), spid.ReasonDuplicateID},
	{"a forged one instead of the signed one", assertionOnly(func(root *etree.Element) {
		evil := forged(root)
		root.RemoveChild(find(root, assertion))
		root.AddChild(evil)
	}), spid.ReasonAssertionNotSigned},
	{"a forged one in the signed one's subject", assertionOnly(func(root *etree.Element) {
		find(root, data).AddChild(forged(root))
	}), spid.ReasonAssertionMisplaced},
	{"a forged one in the status", assertionOnly(func(root *etree.Element) {
		find(root, status).CreateElement("samlp:StatusDetail").AddChild(forged(root))
	}), spid.ReasonAssertionMisplaced},
	{"a forged one in the status, inside of an element of no namespace", assertionOnly(func(root *etree.Element) {
		find(root, status).CreateElement("samlp:StatusDetail").CreateElement("Cause").AddChild(forged(root))
	}), spid.ReasonUnexpectedElement},
	{"a signed one in the status, and a forged one in its place", assertionOnly(func(root *etree.Element) {
		original, evil := find(root, assertion), forged(root)
		root.AddChild(evil)
		find(root, status).CreateElement("samlp:StatusDetail").CreateElement("Cause").AddChild(original)
	}), spid.ReasonUnexpectedElement},
	{"a forged one in a value", assertionOnly(func(root *etree.Element) {
		find(root, fiscalValue).AddChild(forged(root))
	}), spid.ReasonAssertionMisplaced},
	{"an encrypted one alone", assertionOnly(remove(assertion), encrypted), spid.ReasonAssertionEncrypted},
	{"an encrypted one after the signed one", assertionOnly(encrypted), spid.ReasonAssertionEncrypted},
	{"an encrypted one before the signed one", assertionOnly(encrypted, func(root *etree.Element) {
		root.InsertChildAt(1, root.SelectElement("saml:EncryptedAssertion"))
	}), spid.ReasonAssertionEncrypted},
	{"an encrypted NameID", assertionOnly(func(root *etree.Element) {
		find(root, subject).CreateElement("saml:EncryptedID")
	}), spid.ReasonUnexpectedElement},
	{"an encrypted attribute", assertionOnly(func(root *etree.Element) {
		find(root, attributes).CreateElement("saml:EncryptedAttribute")
	}), spid.ReasonUnexpectedElement},
	{"a reference to an external one", assertionOnly(remove(assertion), func(root *etree.Element) {
		root.CreateElement("saml:AssertionURIRef").SetText("https://evil.example/assertion")
	}), spid.ReasonUnexpectedElement},
	{"in a response that failed",
		assertionOnly(set(statusCode, "Value", "urn:oasis:names:tc:SAML:2.0:status:Responder")), spid.ReasonStatusAssertion},
	{"in a failed response that was signed", func(o *observer) string {
		var stolen *etree.Element
		o.answer(idp, after(func(root *etree.Element) { stolen = find(root, assertion).Copy() }))
		return o.fail("nr25", after(set(statusCode, "Value", "urn:oasis:names:tc:SAML:2.0:status:Success"), func(root *etree.Element) {
			root.AddChild(stolen)
		}))
	}, spid.ReasonSignatureInvalid},
}

func encrypted(root *etree.Element) {
	el := root.CreateElement("saml:EncryptedAssertion").CreateElement("xenc:EncryptedData")
	el.CreateAttr("xmlns:xenc", "http://www.w3.org/2001/04/xmlenc#")
}

// Canonical XML drops comments, so an attacker can add them to signed content.
// A reader that stops at a comment reads less than was signed (CVE-2017-11427
// and similar). Other changes of a value's syntax change the signed content or
// are refused.
var valueAttacks = []attack{
	{"a comment cuts a longer code short", func(o *observer) string {
		return o.answer(
			idp,
			before(write(fiscalValue, luca.FiscalNumber+".evil.example")),
			after(remove(signature), cut(fiscalValue, len(luca.FiscalNumber))),
		)
	}, ""},
	{"a comment cuts a NameID", assertionOnly(cut(nameID, 8)), ""},
	{"a comment cuts an attribute", assertionOnly(cut(fiscalValue, 10)), ""},
	{"a comment at the start of an attribute", assertionOnly(cut(fiscalValue, 0)), ""},
	{"a comment cuts the assertion's issuer", assertionOnly(cut(aIssuer, 10)), ""},
	{"a comment cuts the response's issuer", assertionOnly(cut(issuer, 10)), ""},
	{"a comment cuts the audience", assertionOnly(cut(audience, 10)), ""},
	{"a comment cuts the level", assertionOnly(cut(class, 30)), ""},
	{"a comment cuts the digest", assertionOnly(cut(reference+"/ds:DigestValue", 10)), ""},
	{"a comment cuts the signature", assertionOnly(cut(aSignature+"/ds:SignatureValue", 10)), spid.ReasonSignatureInvalid},
	{"a comment inside an issuer of two parts", assertionOnly(func(root *etree.Element) {
		find(root, issuer).SetText("https://evil.example/")
		find(root, issuer).CreateComment("")
		find(root, issuer).CreateText("https://idp.example")
	}), spid.ReasonIssuer},
	{"a comment between elements",
		assertionOnly(func(root *etree.Element) { find(root, subject).CreateComment("<saml:NameID>evil</saml:NameID>") }), ""},
	{"CDATA with the same text", rewritten(">"+anna.FiscalNumber+"<", "><![CDATA["+anna.FiscalNumber+"]]><"), ""},
	{"CDATA with the same text, in parts",
		rewritten(">"+anna.FiscalNumber+"<", ">"+anna.FiscalNumber[:9]+"<![CDATA["+anna.FiscalNumber[9:]+"]]><"), ""},
	{"CDATA with other text", rewritten(">"+anna.FiscalNumber+"<", "><![CDATA["+luca.FiscalNumber+"]]><"), spid.ReasonSignatureInvalid},
	{"CDATA with markup",
		rewritten(">"+anna.FiscalNumber+"<", "><![CDATA[</saml:AttributeValue>]]>"+anna.FiscalNumber+"<"), spid.ReasonSignatureInvalid},
	{"CDATA that is empty", rewritten(">"+anna.FiscalNumber+"<", ">"+anna.FiscalNumber[:9]+"<![CDATA[]]>"+anna.FiscalNumber[9:]+"<"), ""},
	{"character references of the same text", rewritten(">TINIT-", ">&#84;&#x49;NIT-"), ""},
	{"character references of other text",
		rewritten(">"+anna.FiscalNumber+"<", ">"+references(luca.FiscalNumber)+"<"), spid.ReasonSignatureInvalid},
	{"a character reference of NUL", rewritten(">TINIT-", ">TINIT-&#0;"), spid.ReasonNotWellFormed},
	{"an internal entity",
		rewritten("<samlp:Response", `<!DOCTYPE r [<!ENTITY x "`+luca.FiscalNumber+`">]><samlp:Response`), spid.ReasonDoctype},
	{"an entity that is not declared", rewritten(">TINIT-", ">&x;TINIT-"), spid.ReasonNotWellFormed},
	{"an HTML entity", rewritten(">TINIT-", ">&nbsp;TINIT-"), spid.ReasonNotWellFormed},
	{"a processing instruction cuts an attribute", rewritten(">TINIT-", ">TINIT-<?cut?>"), spid.ReasonDoctype},
	{"a processing instruction cuts the NameID", rewritten("</saml:NameID>", "<?cut?></saml:NameID>"), spid.ReasonDoctype},
	{"an element cuts an attribute",
		assertionOnly(func(root *etree.Element) { find(root, fiscalValue).CreateElement("saml:b") }), spid.ReasonUnexpectedElement},
	{"an inclusion in an attribute", assertionOnly(func(root *etree.Element) {
		include := find(root, fiscalValue).CreateElement("xi:include")
		include.CreateAttr("xmlns:xi", "http://www.w3.org/2001/XInclude")
		include.CreateAttr("href", "file:///etc/passwd")
	}), spid.ReasonUnexpectedElement},
	{"space around an attribute", rewritten(">"+anna.FiscalNumber+"<", ">\n"+anna.FiscalNumber+"\n<"), spid.ReasonSignatureInvalid},
	{"a look-alike letter",
		rewritten(">"+anna.FiscalNumber+"<", ">"+strings.Replace(anna.FiscalNumber, "A", "А", 1)+"<"), spid.ReasonSignatureInvalid},
	{"another value of the attribute before", assertionOnly(func(root *etree.Element) {
		el := find(root, fiscalValue).Copy()
		el.SetText(luca.FiscalNumber)
		find(root, fiscalValue).Parent().InsertChildAt(0, el)
	}), spid.ReasonSignatureInvalid},
	{"a nil attribute", assertionOnly(set(fiscalValue, "xsi:nil", "true")), spid.ReasonSignatureInvalid},
}

// cut adds a comment at a byte of an element's text.
func cut(path string, at int) edit {
	return func(root *etree.Element) {
		el := find(root, path)
		text := el.Text()
		el.SetText(text[:at])
		el.CreateComment("cut")
		el.CreateText(text[at:])
	}
}

// references returns text as character references.
func references(text string) string {
	var b strings.Builder
	for _, r := range text {
		b.WriteString("&#" + string(rune('0'+r/100)) + string(rune('0'+r/10%10)) + string(rune('0'+r%10)) + ";")
	}
	return b.String()
}

var idAttacks = []attack{
	{"the response has the assertion's ID", assertionOnly(copyID("", "ID")), spid.ReasonDuplicateID},
	{"the response has the assertion's as Id", assertionOnly(copyID("", "Id")), spid.ReasonDuplicateID},
	{"the response has the assertion's as id", assertionOnly(copyID("", "id")), spid.ReasonDuplicateID},
	{"the response has the assertion's as xml:id", assertionOnly(copyID("", "xml:id")), spid.ReasonDuplicateID},
	{"the response has the assertion's as xsi:ID",
		assertionOnly(set("", "xmlns:xsi", "http://www.w3.org/2001/XMLSchema-instance"), copyID("", "xsi:ID")), spid.ReasonDuplicateID},
	{"the response has the assertion's in a foreign namespace",
		assertionOnly(set("", "xmlns:x", "urn:x"), copyID("", "x:ID")), spid.ReasonDuplicateID},
	{"the response has the assertion's in SAML's namespace", assertionOnly(copyID("", "saml:ID")), spid.ReasonDuplicateID},
	{"the response has it as the name of a namespace", assertionOnly(copyID("", "xmlns:ID")), ""},
	{"the status has the assertion's", assertionOnly(copyID(status, "ID")), spid.ReasonDuplicateID},
	{"the subject has the assertion's", assertionOnly(copyID(subject, "ID")), spid.ReasonDuplicateID},
	{"the signature has the assertion's", assertionOnly(copyID(aSignature, "Id")), spid.ReasonDuplicateID},
	{"KeyInfo has the assertion's", assertionOnly(copyID(aSignature+"/ds:KeyInfo", "Id")), spid.ReasonDuplicateID},
	{"the response has one in a foreign namespace",
		assertionOnly(set("", "xmlns:x", "urn:x"), set("", "x:ID", "_other")), spid.ReasonUnexpectedAttr},
	{"the response has one as xsi:ID",
		assertionOnly(
			set("", "xmlns:xsi", "http://www.w3.org/2001/XMLSchema-instance"),
			set("", "xsi:ID", "_other"),
		), spid.ReasonUnexpectedAttr},
	{"the assertion has a foreign one before its own", assertionOnly(func(root *etree.Element) {
		el := find(root, assertion)
		el.Attr = append([]etree.Attr{{Space: "xml", Key: "ID", Value: "_other"}}, el.Attr...)
	}), spid.ReasonUnexpectedAttr},
	{"the assertion's is Id", assertionOnly(func(root *etree.Element) {
		set(assertion, "Id", find(root, assertion).RemoveAttr("ID").Value)(root)
	}), spid.ReasonAssertionID},
	{"the assertion has two", rewritten("<saml:Assertion ", `<saml:Assertion ID="_forged" `), spid.ReasonNotWellFormed},
	{"the assertion's is padded", assertionOnly(func(root *etree.Element) {
		set(assertion, "ID", " "+find(root, assertion).SelectAttrValue("ID", "")+" ")(root)
	}), spid.ReasonSignatureInvalid},
	{"the assertion's is empty, and the reference too",
		assertionOnly(set(assertion, "ID", ""), set(reference, "URI", "#")), spid.ReasonAssertionID},
	{"the assertion's is gone, and the reference is to the document",
		assertionOnly(unset(assertion, "ID"), set(reference, "URI", "")), spid.ReasonAssertionID},
	{"an empty one on the subject", assertionOnly(set(subject, "ID", "")), spid.ReasonDuplicateID},
}

// copyID gives an element the assertion's ID.
func copyID(path, key string) edit {
	return func(root *etree.Element) {
		id := find(root, assertion).SelectAttrValue("ID", "")
		el := find(root, path)
		el.RemoveAttr(key)
		el.CreateAttr(key, id)
	}
}
