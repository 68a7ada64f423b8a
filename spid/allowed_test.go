package spid_test

import (
	"testing"

	"github.com/beevik/etree"

	"stella/spid"
)

// Elements that SAML allows and SPID's providers do not send.
const (
	extensions              = "samlp:Extensions"
	authenticatingAuthority = authnContext + "/saml:AuthenticatingAuthority"
)

// extend adds an Extensions element to the response, after its issuer, and
// passes it to put.
func extend(put edit) edit {
	return func(root *etree.Element) {
		el := etree.NewElement(extensions)
		root.InsertChildAt(find(root, issuer).Index()+1, el)
		put(el)
	}
}

// addStatement adds a second AuthnStatement, an edited copy of the first.
func addStatement(key, value string) edit {
	return func(root *etree.Element) {
		el := find(root, statement).Copy()
		switch key {
		case "class":
			el.FindElement("saml:AuthnContext/saml:AuthnContextClassRef").SetText(value)
		default:
			el.CreateAttr(key, value)
		}
		find(root, assertion).AddChild(el)
	}
}

// addAttributeStatement adds an attribute in a second AttributeStatement.
func addAttributeStatement(name string, values ...string) edit {
	return func(root *etree.Element) {
		el := find(root, assertion).CreateElement("saml:AttributeStatement").CreateElement("saml:Attribute")
		el.CreateAttr("Name", name)
		for _, value := range values {
			el.CreateElement("saml:AttributeValue").SetText(value)
		}
	}
}

func child(path, name, text string) edit {
	return func(root *etree.Element) { find(root, path).CreateElement(name).SetText(text) }
}

// Elements that SAML allows and SPID does not forbid. They are accepted, and
// the result is the same as without them.
func TestAllowedBySAML(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		what string
		edit edit
	}{
		{"authenticating authorities",
			all(
				child(authnContext, "saml:AuthenticatingAuthority", "https://proxy.example"),
				child(authnContext, "saml:AuthenticatingAuthority", "https://other.example"),
			)},
		{"a declaration of the context", child(authnContext, "saml:AuthnContextDeclRef", "https://www.spid.gov.it/SpidL3")},
		{"a NameID in the confirmation", child(confirmation, "saml:NameID", luca.FiscalNumber)},
		{"extensions", extend(func(el *etree.Element) {
			more := el.CreateElement("x:More")
			more.CreateAttr("xmlns:x", "https://idp.example/more")
			more.CreateAttr("x:ID", "_more")
			more.CreateElement("x:fiscalNumber").SetText(luca.FiscalNumber)
		})},
		{"empty extensions", extend(func(*etree.Element) {})},
		{"a second statement of the authentication", repeat(statement)},
		{"a second statement, of a higher level", addStatement("class", spid.SpidL3.URI())},
		{"a second statement, of a later instant", addStatement("AuthnInstant", "2026-03-02T10:20:40Z")},
		{"a second attribute statement", addAttributeStatement("email", "anna.neri@mail.example")},
		{"an attribute that is not used, with two values", addAttributeStatement("email", "anna.neri@mail.example", "anna@mail.example")},
		{"an attribute that is not used, twice",
			all(addAttributeStatement("email", "anna.neri@mail.example"), addAttributeStatement("email", "anna@mail.example"))},
	} {
		t.Run(c.what, func(t *testing.T) {
			t.Parallel()
			o := newObserver(t)
			a, err := o.verify(o.answer(idp, before(c.edit)))
			if err != nil {
				t.Fatal(err)
			}
			o.wantSigned(a, nil)
			if a.Attributes["fiscalNumber"] != anna.FiscalNumber || a.NameID == luca.FiscalNumber || a.Level != spid.SpidL2 {
				t.Errorf("got %+v, want Anna at SpidL2", a)
			}
			if !a.AuthnInstant.Equal(now.Truncate(1e9)) {
				t.Errorf("authenticated at %s, want the earliest instant", a.AuthnInstant)
			}
		})
	}
}

// The allowed elements cannot be used to change the person or the
// authentication.
var allowedAttacks = []attack{
	{"a forged assertion in the extensions", assertionOnly(func(root *etree.Element) {
		extend(func(el *etree.Element) { el.AddChild(forged(root)) })(root)
	}), spid.ReasonAssertionMisplaced},
	{"the signed assertion in the extensions, a forged one in its place", assertionOnly(func(root *etree.Element) {
		original, evil := find(root, assertion), forged(root)
		root.RemoveChild(original)
		root.AddChild(evil)
		extend(func(el *etree.Element) { el.CreateElement("Wrapped").AddChild(original) })(root)
	}), spid.ReasonUnexpectedElement},
	{"a signature in the extensions", assertionOnly(func(root *etree.Element) {
		stolen := find(root, aSignature).Copy()
		extend(func(el *etree.Element) { el.AddChild(stolen) })(root)
	}), spid.ReasonSignaturePlacement},
	{"a response in the extensions", assertionOnly(func(root *etree.Element) {
		extend(func(el *etree.Element) { el.CreateElement("samlp:Response").CreateAttr("ID", "_other") })(root)
	}), spid.ReasonUnexpectedElement},
	{"a subject in the extensions",
		assertionOnly(extend(func(el *etree.Element) { el.CreateElement("saml:Subject") })), spid.ReasonUnexpectedElement},
	{"a status deep in the extensions", assertionOnly(extend(func(el *etree.Element) {
		el.CreateElement("a").CreateElement("b").CreateElement("samlp:Status")
	})), spid.ReasonUnexpectedElement},
	{"the assertion's ID in the extensions", assertionOnly(func(root *etree.Element) {
		id := find(root, assertion).SelectAttrValue("ID", "")
		extend(func(el *etree.Element) { el.CreateElement("More").CreateAttr("id", id) })(root)
	}), spid.ReasonDuplicateID},
	{"extensions in the assertion", issued(before(child(assertion, "samlp:Extensions", ""))), spid.ReasonUnexpectedElement},
	{"extensions added to a signed response", tampered(extend(func(*etree.Element) {})), spid.ReasonSignatureInvalid},
	{"text in the extensions", issued(before(extend(func(el *etree.Element) { el.SetText("x") }))), ""},

	{"another person in a second attribute statement",
		issued(before(addAttributeStatement("fiscalNumber", luca.FiscalNumber))), spid.ReasonAttributeValue},
	{"another person in an attribute statement before the first",
		issued(before(addAttributeStatement("fiscalNumber", luca.FiscalNumber), func(root *etree.Element) {
			all := find(root, assertion).SelectElements("saml:AttributeStatement")
			find(root, assertion).InsertChildAt(all[0].Index(), all[1])
		})), spid.ReasonAttributeValue},
	{"the same person in a second attribute statement",
		issued(before(addAttributeStatement("fiscalNumber", anna.FiscalNumber))), spid.ReasonAttributeValue},
	{"another person as a second value",
		issued(before(child(
			attributes+"/saml:Attribute[@Name='fiscalNumber']",
			"saml:AttributeValue",
			luca.FiscalNumber,
		))), spid.ReasonAttributeValue},
	{"an empty second value",
		issued(before(child(attributes+"/saml:Attribute[@Name='fiscalNumber']", "saml:AttributeValue", ""))), spid.ReasonAttributeValue},
	{"another name as a second value", issued(before(addAttributeStatement("name", "Luca"))), spid.ReasonAttributeValue},
	{"two companies",
		issued(before(addAttributeStatement("ivaCode", "VATIT-09876543217", "VATIT-01234567897"))), spid.ReasonAttributeValue},
	{"another person under another format of the name",
		issued(before(
			addAttributeStatement("fiscalNumber", luca.FiscalNumber),
			set(attributes+"/saml:Attribute[@Name='fiscalNumber']", "NameFormat", "urn:oasis:names:tc:SAML:2.0:attrname-format:uri"),
		)), spid.ReasonAttributeValue},
	{"a second attribute statement, unsigned",
		assertionOnly(addAttributeStatement("email", "luca@mail.example")), spid.ReasonSignatureInvalid},

	{"a second statement of a lower level", issued(before(addStatement("class", spid.SpidL1.URI()))), spid.ReasonLevel},
	{"a second statement with no SPID level",
		issued(before(addStatement("class", "urn:oasis:names:tc:SAML:2.0:ac:classes:Password"))), spid.ReasonAuthnContextClass},
	{"a second statement of an old authentication", issued(before(addStatement("AuthnInstant", past))), spid.ReasonAuthnInstant},
	{"a second statement, unsigned", assertionOnly(repeat(statement)), spid.ReasonSignatureInvalid},
	{"a level only in a declaration",
		issued(before(remove(class), child(authnContext, "saml:AuthnContextDeclRef", spid.SpidL2.URI()))), spid.ReasonAuthnContextClass},
	{"a NameID only in the confirmation", issued(before(remove(nameID), child(confirmation, "saml:NameID", "_anna"))), spid.ReasonNameID},
	{"an authority with an element", issued(before(child(authnContext, "saml:AuthenticatingAuthority", ""), func(root *etree.Element) {
		find(root, authenticatingAuthority).CreateElement("saml:NameID")
	})), spid.ReasonUnexpectedElement},

	{"an authentication of the day before",
		issued(before(set(statement, "AuthnInstant", "2026-03-01T10:20:30Z"))), spid.ReasonAuthnInstant},
	{"an authentication of an hour before",
		issued(before(set(statement, "AuthnInstant", "2026-03-02T09:20:30Z"))), spid.ReasonAuthnInstant},
	{"an authentication of ten years before",
		issued(before(set(statement, "AuthnInstant", "2016-01-01T00:00:00Z"))), spid.ReasonAuthnInstant},
	{"an old authentication, the response not signed",
		issued(before(set(statement, "AuthnInstant", past)), after(remove(signature))), spid.ReasonAuthnInstant},
}

// With a comparison that accepts lower levels, the assertion gets the lowest
// stated level.
func TestLowestLevel(t *testing.T) {
	t.Parallel()
	o := newObserver(t)
	o.req.Comparison = "maximum"
	a, err := o.verify(o.answer(idp, before(addStatement("class", spid.SpidL1.URI()))))
	if err != nil {
		t.Fatal(err)
	}
	o.wantSigned(a, nil)
	if a.Level != spid.SpidL1 {
		t.Errorf("got %s, want SpidL1", a.Level)
	}
}
