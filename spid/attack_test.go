package spid_test

import (
	"strings"
	"testing"

	"github.com/beevik/etree"

	"stella/spid"
)

// An attack is an answer made out of genuine ones to say what nobody signed, or
// to be read in two ways.
type attack struct {
	name  string
	forge forgery     // forgery_test.go
	want  spid.Reason // empty if nothing comes of it: what is read is what was signed
}

// The corpus of attacks that are on no official list, by what they abuse. Each
// starts from answers that were signed rightly.
var corpus = []struct {
	abuses  string
	attacks []attack
}{
	{"wrapping", wrappings()},            // wrapping_test.go
	{"assertions", assertionAttacks},     // which of two, or none that can be read
	{"values", valueAttacks},             // what stands in a value
	{"ids", idAttacks},                   // which element an ID means
	{"namespaces", namespaceAttacks},     // which name an element has
	{"answers", answerAttacks},           // whose answer it is, and to what
	{"stripping", strippingAttacks},      // signatures that are gone or elsewhere
	{"references", referenceAttacks},     // attack_signature_test.go: what is signed
	{"transforms", transformAttacks},     // in which form
	{"algorithms", algorithmAttacks},     // how
	{"keys", keyAttacks},                 // and by whom
	{"documents", documentAttacks},       // attack_document_test.go: encodings and syntax
	{"sizes", sizeAttacks()},             // huge, deep, wide
	{"allowed", allowedAttacks},          // allowed_test.go: in what SAML allows beyond SPID
	{"truncations", truncationAttacks()}, // at every 64th byte
}

func TestAttacks(t *testing.T) {
	t.Parallel()
	for _, group := range corpus {
		t.Run(group.abuses, func(t *testing.T) {
			t.Parallel()
			for _, a := range group.attacks {
				t.Run(a.name, func(t *testing.T) {
					t.Parallel()
					w := observe(t)
					w.judge(a.forge(w), a.want)
				})
			}
		})
	}
}

var assertionAttacks = []attack{
	{"a forged one before the signed one", loose(func(root *etree.Element) {
		root.InsertChildAt(find(root, assertion).Index(), forged(root))
	}), spid.ReasonAssertionMisplaced},
	{"a forged one after the signed one", loose(func(root *etree.Element) {
		root.AddChild(forged(root))
	}), spid.ReasonAssertionMisplaced},
	{"a forged one before the signed one, in a signed response", spoilt(func(root *etree.Element) {
		root.InsertChildAt(find(root, assertion).Index(), forged(root))
	}), spid.ReasonAssertionMisplaced},
	{"a forged one with a copy of the signature", loose(func(root *etree.Element) {
		evil := forged(root)
		evil.InsertChildAt(1, find(root, aSignature).Copy())
		root.AddChild(evil)
	}), spid.ReasonAssertionMisplaced},
	{"the signed one twice", loose(func(root *etree.Element) {
		root.AddChild(find(root, assertion).Copy())
	}), spid.ReasonDuplicateID},
	{"a forged one with the signed one's ID", loose(func(root *etree.Element) {
		evil := forged(root)
		evil.CreateAttr("ID", find(root, assertion).SelectAttrValue("ID", ""))
		root.AddChild(evil)
	}), spid.ReasonDuplicateID},
	{"a forged one instead of the signed one", loose(func(root *etree.Element) {
		evil := forged(root)
		root.RemoveChild(find(root, assertion))
		root.AddChild(evil)
	}), spid.ReasonAssertionNotSigned},
	{"a forged one in the signed one's subject", loose(func(root *etree.Element) {
		find(root, data).AddChild(forged(root))
	}), spid.ReasonAssertionMisplaced},
	{"a forged one in the status", loose(func(root *etree.Element) {
		find(root, status).CreateElement("samlp:StatusDetail").AddChild(forged(root))
	}), spid.ReasonAssertionMisplaced},
	{"a forged one in the status, inside of an element of no namespace", loose(func(root *etree.Element) {
		find(root, status).CreateElement("samlp:StatusDetail").CreateElement("Cause").AddChild(forged(root))
	}), spid.ReasonUnexpectedElement},
	{"a signed one in the status, and a forged one in its place", loose(func(root *etree.Element) {
		original, evil := find(root, assertion), forged(root)
		root.AddChild(evil)
		find(root, status).CreateElement("samlp:StatusDetail").CreateElement("Cause").AddChild(original)
	}), spid.ReasonUnexpectedElement},
	{"a forged one in a value", loose(func(root *etree.Element) {
		find(root, fiscalValue).AddChild(forged(root))
	}), spid.ReasonAssertionMisplaced},
	{"an encrypted one alone", loose(remove(assertion), encrypted), spid.ReasonAssertionEncrypted},
	{"an encrypted one after the signed one", loose(encrypted), spid.ReasonAssertionEncrypted},
	{"an encrypted one before the signed one", loose(encrypted, func(root *etree.Element) {
		root.InsertChildAt(1, root.SelectElement("saml:EncryptedAssertion"))
	}), spid.ReasonAssertionEncrypted},
	{"an encrypted NameID", loose(func(root *etree.Element) {
		find(root, subject).CreateElement("saml:EncryptedID")
	}), spid.ReasonUnexpectedElement},
	{"an encrypted attribute", loose(func(root *etree.Element) {
		find(root, attributes).CreateElement("saml:EncryptedAttribute")
	}), spid.ReasonUnexpectedElement},
	{"a reference to one elsewhere", loose(remove(assertion), func(root *etree.Element) {
		root.CreateElement("saml:AssertionURIRef").SetText("https://evil.example/assertion")
	}), spid.ReasonUnexpectedElement},
	{"in a response that failed", loose(set(statusCode, "Value", "urn:oasis:names:tc:SAML:2.0:status:Responder")), spid.ReasonStatusAssertion},
	{"in a failed response that was signed", func(w *witness) string {
		var stolen *etree.Element
		w.answer(idp, after(func(root *etree.Element) { stolen = find(root, assertion).Copy() }))
		return w.fail("nr25", after(set(statusCode, "Value", "urn:oasis:names:tc:SAML:2.0:status:Success"), func(root *etree.Element) {
			root.AddChild(stolen)
		}))
	}, spid.ReasonSignatureInvalid},
}

func encrypted(root *etree.Element) {
	el := root.CreateElement("saml:EncryptedAssertion").CreateElement("xenc:EncryptedData")
	el.CreateAttr("xmlns:xenc", "http://www.w3.org/2001/04/xmlenc#")
}

// Canonical XML drops comments, so that they can be put into what is signed; a
// reader that stops at one reads less than was signed (CVE-2017-11427 and its
// kin). The rest of a value's syntax changes what is signed, or is refused.
var valueAttacks = []attack{
	{"a comment cuts a longer code short", func(w *witness) string {
		return w.answer(idp, before(write(fiscalValue, luca.FiscalNumber+".evil.example")), after(remove(signature), cut(fiscalValue, len(luca.FiscalNumber))))
	}, ""},
	{"a comment cuts a NameID", loose(cut(nameID, 8)), ""},
	{"a comment cuts an attribute", loose(cut(fiscalValue, 10)), ""},
	{"a comment at the start of an attribute", loose(cut(fiscalValue, 0)), ""},
	{"a comment cuts the assertion's issuer", loose(cut(aIssuer, 10)), ""},
	{"a comment cuts the response's issuer", loose(cut(issuer, 10)), ""},
	{"a comment cuts the audience", loose(cut(audience, 10)), ""},
	{"a comment cuts the level", loose(cut(class, 30)), ""},
	{"a comment cuts the digest", loose(cut(reference+"/ds:DigestValue", 10)), ""},
	{"a comment cuts the signature", loose(cut(aSignature+"/ds:SignatureValue", 10)), spid.ReasonSignatureInvalid},
	{"a comment makes an issuer out of two", loose(func(root *etree.Element) {
		find(root, issuer).SetText("https://evil.example/")
		find(root, issuer).CreateComment("")
		find(root, issuer).CreateText("https://idp.example")
	}), spid.ReasonIssuer},
	{"a comment between elements", loose(func(root *etree.Element) { find(root, subject).CreateComment("<saml:NameID>evil</saml:NameID>") }), ""},
	{"CDATA with the same text", rewritten(">"+anna.FiscalNumber+"<", "><![CDATA["+anna.FiscalNumber+"]]><"), ""},
	{"CDATA with the same text, in parts", rewritten(">"+anna.FiscalNumber+"<", ">"+anna.FiscalNumber[:9]+"<![CDATA["+anna.FiscalNumber[9:]+"]]><"), ""},
	{"CDATA with other text", rewritten(">"+anna.FiscalNumber+"<", "><![CDATA["+luca.FiscalNumber+"]]><"), spid.ReasonSignatureInvalid},
	{"CDATA with markup", rewritten(">"+anna.FiscalNumber+"<", "><![CDATA[</saml:AttributeValue>]]>"+anna.FiscalNumber+"<"), spid.ReasonSignatureInvalid},
	{"CDATA that is empty", rewritten(">"+anna.FiscalNumber+"<", ">"+anna.FiscalNumber[:9]+"<![CDATA[]]>"+anna.FiscalNumber[9:]+"<"), ""},
	{"character references of the same text", rewritten(">TINIT-", ">&#84;&#x49;NIT-"), ""},
	{"character references of other text", rewritten(">"+anna.FiscalNumber+"<", ">"+references(luca.FiscalNumber)+"<"), spid.ReasonSignatureInvalid},
	{"a character reference of NUL", rewritten(">TINIT-", ">TINIT-&#0;"), spid.ReasonNotWellFormed},
	{"an internal entity", rewritten("<samlp:Response", `<!DOCTYPE r [<!ENTITY x "`+luca.FiscalNumber+`">]><samlp:Response`), spid.ReasonDoctype},
	{"an entity that is not declared", rewritten(">TINIT-", ">&x;TINIT-"), spid.ReasonNotWellFormed},
	{"an entity of HTML", rewritten(">TINIT-", ">&nbsp;TINIT-"), spid.ReasonNotWellFormed},
	{"a processing instruction cuts an attribute", rewritten(">TINIT-", ">TINIT-<?cut?>"), spid.ReasonDoctype},
	{"a processing instruction cuts the NameID", rewritten("</saml:NameID>", "<?cut?></saml:NameID>"), spid.ReasonDoctype},
	{"an element cuts an attribute", loose(func(root *etree.Element) { find(root, fiscalValue).CreateElement("saml:b") }), spid.ReasonUnexpectedElement},
	{"an inclusion in an attribute", loose(func(root *etree.Element) {
		include := find(root, fiscalValue).CreateElement("xi:include")
		include.CreateAttr("xmlns:xi", "http://www.w3.org/2001/XInclude")
		include.CreateAttr("href", "file:///etc/passwd")
	}), spid.ReasonUnexpectedElement},
	{"space around an attribute", rewritten(">"+anna.FiscalNumber+"<", ">\n"+anna.FiscalNumber+"\n<"), spid.ReasonSignatureInvalid},
	{"a look-alike letter", rewritten(">"+anna.FiscalNumber+"<", ">"+strings.Replace(anna.FiscalNumber, "A", "А", 1)+"<"), spid.ReasonSignatureInvalid},
	{"another value of the attribute before", loose(func(root *etree.Element) {
		el := find(root, fiscalValue).Copy()
		el.SetText(luca.FiscalNumber)
		find(root, fiscalValue).Parent().InsertChildAt(0, el)
	}), spid.ReasonSignatureInvalid},
	{"a nil attribute", loose(set(fiscalValue, "xsi:nil", "true")), spid.ReasonSignatureInvalid},
}

// cut puts a comment into the text of an element, at a byte.
func cut(path string, at int) edit {
	return func(root *etree.Element) {
		el := find(root, path)
		text := el.Text()
		el.SetText(text[:at])
		el.CreateComment("cut")
		el.CreateText(text[at:])
	}
}

// references writes text as character references.
func references(text string) string {
	var b strings.Builder
	for _, r := range text {
		b.WriteString("&#" + string(rune('0'+r/100)) + string(rune('0'+r/10%10)) + string(rune('0'+r%10)) + ";")
	}
	return b.String()
}

var idAttacks = []attack{
	{"the response has the assertion's", loose(steal("", "ID")), spid.ReasonDuplicateID},
	{"the response has the assertion's as Id", loose(steal("", "Id")), spid.ReasonDuplicateID},
	{"the response has the assertion's as id", loose(steal("", "id")), spid.ReasonDuplicateID},
	{"the response has the assertion's as xml:id", loose(steal("", "xml:id")), spid.ReasonDuplicateID},
	{"the response has the assertion's as xsi:ID", loose(set("", "xmlns:xsi", "http://www.w3.org/2001/XMLSchema-instance"), steal("", "xsi:ID")), spid.ReasonDuplicateID},
	{"the response has the assertion's in a foreign namespace", loose(set("", "xmlns:x", "urn:x"), steal("", "x:ID")), spid.ReasonDuplicateID},
	{"the response has the assertion's in SAML's namespace", loose(steal("", "saml:ID")), spid.ReasonDuplicateID},
	{"the response has it as the name of a namespace", loose(steal("", "xmlns:ID")), ""},
	{"the status has the assertion's", loose(steal(status, "ID")), spid.ReasonDuplicateID},
	{"the subject has the assertion's", loose(steal(subject, "ID")), spid.ReasonDuplicateID},
	{"the signature has the assertion's", loose(steal(aSignature, "Id")), spid.ReasonDuplicateID},
	{"KeyInfo has the assertion's", loose(steal(aSignature+"/ds:KeyInfo", "Id")), spid.ReasonDuplicateID},
	{"the response has one in a foreign namespace", loose(set("", "xmlns:x", "urn:x"), set("", "x:ID", "_other")), spid.ReasonUnexpectedAttr},
	{"the response has one as xsi:ID", loose(set("", "xmlns:xsi", "http://www.w3.org/2001/XMLSchema-instance"), set("", "xsi:ID", "_other")), spid.ReasonUnexpectedAttr},
	{"the assertion has a foreign one before its own", loose(func(root *etree.Element) {
		el := find(root, assertion)
		el.Attr = append([]etree.Attr{{Space: "xml", Key: "ID", Value: "_other"}}, el.Attr...)
	}), spid.ReasonUnexpectedAttr},
	{"the assertion's is Id", loose(func(root *etree.Element) {
		set(assertion, "Id", find(root, assertion).RemoveAttr("ID").Value)(root)
	}), spid.ReasonAssertionID},
	{"the assertion has two", rewritten("<saml:Assertion ", `<saml:Assertion ID="_forged" `), spid.ReasonNotWellFormed},
	{"the assertion's is padded", loose(func(root *etree.Element) {
		set(assertion, "ID", " "+find(root, assertion).SelectAttrValue("ID", "")+" ")(root)
	}), spid.ReasonSignatureInvalid},
	{"the assertion's is empty, and the reference too", loose(set(assertion, "ID", ""), set(reference, "URI", "#")), spid.ReasonAssertionID},
	{"the assertion's is gone, and the reference is to the document", loose(unset(assertion, "ID"), set(reference, "URI", "")), spid.ReasonAssertionID},
	{"an empty one on the subject", loose(set(subject, "ID", "")), spid.ReasonDuplicateID},
}

// steal gives an element the assertion's ID.
func steal(path, key string) edit {
	return func(root *etree.Element) {
		id := find(root, assertion).SelectAttrValue("ID", "")
		el := find(root, path)
		el.RemoveAttr(key)
		el.CreateAttr(key, id)
	}
}
