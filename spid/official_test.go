package spid_test

import (
	"errors"
	"strings"
	"testing"

	"github.com/beevik/etree"

	"stella/spid"
	"stella/spid/spidtest"
)

const (
	past      = "2018-01-01T00:00:00Z"
	future    = "2099-01-01T00:00:00Z"
	foreignID = "_somebody-elses-request"
)

// TestOfficialCases goes through the cases of the two official testers,
// italia/spid-sp-test and italia/spid-saml-check, by their numbers; the words
// are ours. Every case but those of signing is signed rightly after it is
// spoilt, so that it is the rule that refuses it and not the signature.
func TestOfficialCases(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		id   string
		what string
		edit spidtest.Edit
		want spid.Reason // empty: accepted
	}{
		{"1", "good, with SessionIndex", before(set(statement, "SessionIndex", "_session")), ""},
		{"1-NS", "good, without SessionIndex", before(), ""},
		{"2", "nothing signed", after(remove(signature), remove(aSignature)), spid.ReasonAssertionNotSigned},
		{"3", "only the response signed", between(remove(aSignature)), spid.ReasonAssertionNotSigned},
		{"8", "Response ID empty", before(set("", "ID", "")), spid.ReasonResponseID},
		{"9", "Response ID absent", before(unset("", "ID")), spid.ReasonResponseID},
		{"10", "Response Version 1.0", before(set("", "Version", "1.0")), spid.ReasonVersion},
		{"11", "IssueInstant empty", before(set("", "IssueInstant", "")), spid.ReasonIssueInstant},
		{"12", "IssueInstant absent", before(unset("", "IssueInstant")), spid.ReasonIssueInstant},
		{"13", "IssueInstant malformed", before(set("", "IssueInstant", "2018-09-04")), spid.ReasonIssueInstant},
		{"14", "before the request", before(set("", "IssueInstant", past), set(assertion, "IssueInstant", past), set(conditions, "NotBefore", past)), spid.ReasonIssueInstant},
		{"15", "after reception", before(set("", "IssueInstant", future), set(assertion, "IssueInstant", future), set(conditions, "NotBefore", future)), spid.ReasonIssueInstant},
		{"16", "InResponseTo empty", before(set("", "InResponseTo", "")), spid.ReasonInResponseTo},
		{"17", "InResponseTo absent", before(unset("", "InResponseTo")), spid.ReasonInResponseTo},
		{"18", "InResponseTo of another", before(set("", "InResponseTo", foreignID)), spid.ReasonInResponseTo},
		{"19", "Destination empty", before(set("", "Destination", "")), spid.ReasonDestination},
		{"20", "Destination absent", before(unset("", "Destination")), spid.ReasonDestination},
		{"21", "Destination elsewhere", before(set("", "Destination", "https://other.example/acs")), spid.ReasonDestination},
		{"22", "Status empty", before(hollow(status)), spid.ReasonStatus},
		{"23", "Status absent", before(remove(status)), spid.ReasonStatus},
		{"24", "StatusCode Value empty", before(set(statusCode, "Value", "")), spid.ReasonStatus},
		{"25", "StatusCode absent", before(hollow(status), write(status, " ")), spid.ReasonStatus},
		{"26", "StatusCode unknown", before(set(statusCode, "Value", "urn:oasis:names:tc:SAML:2.0:status:statuscodenonvalido")), spid.ReasonStatus},
		{"27", "Issuer empty", before(hollow(issuer)), spid.ReasonIssuer},
		{"28", "Issuer absent", before(remove(issuer)), spid.ReasonIssuer},
		{"29", "Issuer another", before(write(issuer, "https://other.example")), spid.ReasonIssuer},
		{"30", "Issuer Format wrong", before(set(issuer, "Format", "urn:oasis:names:tc:SAML:2.0:nameid-format:persistent")), spid.ReasonIssuerFormat},
		{"31", "Issuer Format absent", before(unset(issuer, "Format")), ""},
		{"32", "Assertion absent", before(remove(assertion)), spid.ReasonAssertionMissing},
		{"33", "Assertion ID empty", before(set(assertion, "ID", "")), spid.ReasonAssertionID},
		{"34", "Assertion ID absent", before(unset(assertion, "ID")), spid.ReasonAssertionID},
		{"35", "Assertion Version 1.0", before(set(assertion, "Version", "1.0")), spid.ReasonAssertionVersion},
		{"36", "Assertion IssueInstant empty", before(set(assertion, "IssueInstant", "")), spid.ReasonAssertionIssueInstant},
		{"37", "Assertion IssueInstant absent", before(unset(assertion, "IssueInstant")), spid.ReasonAssertionIssueInstant},
		{"38", "Assertion IssueInstant malformed", before(set(assertion, "IssueInstant", "2018-09-06 16:00")), spid.ReasonAssertionIssueInstant},
		{"39", "Assertion before the request", before(set(assertion, "IssueInstant", "2000-01-01T00:00:00Z")), spid.ReasonAssertionIssueInstant},
		{"40", "Assertion after reception", before(set(assertion, "IssueInstant", future)), spid.ReasonAssertionIssueInstant},
		{"41", "Subject empty", before(hollow(subject)), spid.ReasonNameID},
		{"42", "Subject absent", before(remove(subject)), spid.ReasonSubject},
		{"43", "NameID blank", before(write(nameID, " \n "), set(nameID, "NameQualifier", "")), spid.ReasonNameID},
		{"44", "NameID absent", before(remove(nameID)), spid.ReasonNameID},
		{"45", "NameID Format empty", before(set(nameID, "Format", "")), spid.ReasonNameIDFormat},
		{"46", "NameID Format absent", before(unset(nameID, "Format")), spid.ReasonNameIDFormat},
		{"47", "NameID Format not transient", before(set(nameID, "Format", "urn:oasis:names:tc:SAML:2.0:nameid-format:persistent")), spid.ReasonNameIDFormat},
		{"48", "NameQualifier empty", before(set(nameID, "NameQualifier", "")), spid.ReasonNameIDQualifier},
		{"49", "NameQualifier absent", before(unset(nameID, "NameQualifier")), spid.ReasonNameIDQualifier},
		{"51", "SubjectConfirmation empty", before(hollow(confirmation)), spid.ReasonConfirmationData},
		{"52", "SubjectConfirmation absent", before(remove(confirmation)), spid.ReasonConfirmation},
		{"53", "Method empty", before(set(confirmation, "Method", "")), spid.ReasonConfirmationMethod},
		{"54", "Method absent", before(unset(confirmation, "Method")), spid.ReasonConfirmationMethod},
		{"55", "Method not bearer", before(set(confirmation, "Method", "urn:oasis:names:tc:SAML:2.0:cm:sender-vouches")), spid.ReasonConfirmationMethod},
		{"56", "SubjectConfirmationData absent", before(remove(data)), spid.ReasonConfirmationData},
		{"57", "Recipient empty", before(set(data, "Recipient", "")), spid.ReasonConfirmationRecipient},
		{"58", "Recipient absent", before(unset(data, "Recipient")), spid.ReasonConfirmationRecipient},
		{"59", "Recipient elsewhere", before(set(data, "Recipient", "https://other.example/acs")), spid.ReasonConfirmationRecipient},
		{"60", "confirmation InResponseTo empty", before(set(data, "InResponseTo", "")), spid.ReasonConfirmationInResponseTo},
		{"61", "confirmation InResponseTo absent", before(unset(data, "InResponseTo")), spid.ReasonConfirmationInResponseTo},
		{"62", "confirmation InResponseTo of another", before(set(data, "InResponseTo", foreignID)), spid.ReasonConfirmationInResponseTo},
		{"63", "confirmation NotOnOrAfter empty", before(set(data, "NotOnOrAfter", "")), spid.ReasonConfirmationNotOnOrAfter},
		{"64", "confirmation NotOnOrAfter absent", before(unset(data, "NotOnOrAfter")), spid.ReasonConfirmationNotOnOrAfter},
		{"65", "confirmation NotOnOrAfter malformed", before(set(data, "NotOnOrAfter", "2018.09.18")), spid.ReasonConfirmationNotOnOrAfter},
		{"66", "confirmation NotOnOrAfter past", before(set(data, "NotOnOrAfter", "2000-01-01T00:00:00Z")), spid.ReasonConfirmationNotOnOrAfter},
		{"67", "Assertion Issuer empty", before(hollow(aIssuer)), spid.ReasonAssertionIssuer},
		{"68", "Assertion Issuer absent", before(remove(aIssuer)), spid.ReasonAssertionIssuer},
		{"69", "Assertion Issuer another", before(write(aIssuer, "https://other.example")), spid.ReasonAssertionIssuer},
		{"70", "Assertion Issuer Format empty", before(set(aIssuer, "Format", "")), spid.ReasonAssertionIssuerFormat},
		{"71", "Assertion Issuer Format absent", before(unset(aIssuer, "Format")), spid.ReasonAssertionIssuerFormat},
		{"72", "Assertion Issuer Format wrong", before(set(aIssuer, "Format", "urn:oasis:names:tc:SAML:2.0:nameid-format:persistent")), spid.ReasonAssertionIssuerFormat},
		{"73", "Conditions empty", before(hollow(conditions)), spid.ReasonAudienceRestriction},
		{"74", "Conditions absent", before(remove(conditions)), spid.ReasonConditions},
		{"75", "NotBefore empty", before(set(conditions, "NotBefore", "")), spid.ReasonConditionsNotBefore},
		{"76", "NotBefore absent", before(unset(conditions, "NotBefore")), spid.ReasonConditionsNotBefore},
		{"77", "NotBefore malformed", before(set(conditions, "NotBefore", "2018/09/10")), spid.ReasonConditionsNotBefore},
		{"78", "NotBefore in the future", before(set(conditions, "NotBefore", future)), spid.ReasonConditionsNotBefore},
		{"79", "NotOnOrAfter empty", before(set(conditions, "NotOnOrAfter", "")), spid.ReasonConditionsNotOnOrAfter},
		{"80", "NotOnOrAfter absent", before(unset(conditions, "NotOnOrAfter")), spid.ReasonConditionsNotOnOrAfter},
		{"81", "NotOnOrAfter malformed", before(set(conditions, "NotOnOrAfter", "10-09-2018")), spid.ReasonConditionsNotOnOrAfter},
		{"82", "NotOnOrAfter past", before(set(conditions, "NotOnOrAfter", "2000-01-01T00:00:00Z")), spid.ReasonConditionsNotOnOrAfter},
		{"83", "AudienceRestriction empty", before(hollow(restriction)), spid.ReasonAudience},
		{"84", "AudienceRestriction absent", before(remove(restriction)), spid.ReasonAudienceRestriction},
		{"85", "Audience empty", before(hollow(audience)), spid.ReasonAudience},
		{"86", "Audience absent", before(remove(audience)), spid.ReasonAudience},
		{"87", "Audience another", before(write(audience, "https://other.example")), spid.ReasonAudience},
		{"88", "AuthnStatement without AuthnContext", before(hollow(statement)), spid.ReasonAuthnContext},
		{"89", "AuthnStatement absent", before(remove(statement)), spid.ReasonAuthnStatement},
		{"90", "AuthnContext empty", before(hollow(authnContext)), spid.ReasonAuthnContextClass},
		{"91", "AuthnContext absent", before(remove(authnContext)), spid.ReasonAuthnContext},
		{"92", "AuthnContextClassRef empty", before(hollow(class)), spid.ReasonAuthnContextClass},
		{"93", "AuthnContextClassRef absent", before(remove(class)), spid.ReasonAuthnContextClass},
		{"94", "SpidL1 to a request for SpidL2", before(write(class, "https://www.spid.gov.it/SpidL1")), spid.ReasonLevel},
		{"95", "SpidL2 to a request for SpidL2", before(write(class, "https://www.spid.gov.it/SpidL2")), ""},
		{"96", "SpidL3 to a request for SpidL2", before(write(class, "https://www.spid.gov.it/SpidL3")), ""},
		{"97", "AuthnContextClassRef of old", before(write(class, "urn:oasis:names:tc:SAML:2.0:ac:classes:SpidL1")), spid.ReasonAuthnContextClass},
		{"98", "AttributeStatement empty", before(hollow(attributes)), spid.ReasonAttributeStatement},
		{"99", "Attribute without AttributeValue", before(remove(attributes + "/saml:Attribute/saml:AttributeValue")), spid.ReasonAttributeValue},
		{"103", "another set of attributes", before(remove(attributes+"/saml:Attribute[@Name='dateOfBirth']"), addAttribute("email", "a@b.example")), ""},
		{"109", "Attributes without NameFormat", before(everyAttribute(func(el *etree.Element) { el.RemoveAttr("NameFormat") })), ""},
		{"110", "IssueInstant with a fraction", before(set("", "IssueInstant", "2026-03-02T10:20:30.678901Z")), ""},
		{"112", "a signed foreign element first", after(remove(signature), foreignFirst, remove(aSignature)), spid.ReasonUnexpectedElement},
		{"113", "a signed foreign element first, the assertion's signature wrong", after(remove(signature), foreignFirst, write(nameID, "_tampered")), spid.ReasonUnexpectedElement},
		{"xslt", "an XSLT transform", after(addXSLT(signature)), spid.ReasonSignatureStructure},
		{"xsw1", "the signed response inside of its signature", after(xsw1), spid.ReasonSignatureStructure},
		{"xsw2", "the signed response beside its signature", after(xsw2), spid.ReasonUnexpectedElement},
		{"xsw3", "a forged assertion before the signed one", after(remove(signature), xsw3), spid.ReasonAssertionMisplaced},
		{"xsw4", "a forged assertion around the signed one", after(remove(signature), xsw4), spid.ReasonAssertionMisplaced},
		{"xsw5", "a forged assertion with the signature, the signed one after it", after(remove(signature), xsw5), spid.ReasonAssertionMisplaced},
		{"xsw6", "the signed assertion inside of a forged one's signature", after(remove(signature), xsw6), spid.ReasonAssertionMisplaced},
		{"xsw7", "a forged assertion in Extensions", after(remove(signature), xsw7), spid.ReasonUnexpectedElement},
		{"xsw8", "the signed assertion in an Object of the signature", after(remove(signature), xsw8), spid.ReasonSignatureStructure},
	} {
		t.Run(c.id, func(t *testing.T) {
			t.Parallel()
			_, err := answered(t, c.edit)
			if wantReason(t, err, c.want); t.Failed() {
				t.Log(c.what)
			}
		})
	}
	for _, id := range []string{"4", "5", "100"} {
		t.Run(id, func(t *testing.T) {
			t.Parallel()
			req := login(t)
			edits := map[string]spidtest.Edit{
				"4":   between(hollow(aSignature + "/ds:KeyInfo/ds:X509Data/ds:X509Certificate")),
				"5":   between(), // with the foreign certificate in KeyInfo
				"100": after(remove(signature)),
			}
			answer, err := impostor.Answer(req, anna, edits[id])
			if err != nil {
				t.Fatal(err)
			}
			_, err = verify(req, answer)
			wantReason(t, err, spid.ReasonSignatureInvalid)
		})
	}
	for id, code := range map[string]string{
		"104": "nr19", "105": "nr20", "106": "nr21", "107": "nr22", "108": "nr23", "111": "nr25",
	} {
		t.Run(id, func(t *testing.T) {
			t.Parallel()
			req := login(t)
			// One tester signs the failures, the other does not.
			for _, signed := range []bool{true, false} {
				edit := after()
				if !signed {
					edit = after(remove(signature))
				}
				answer, err := idp.Fail(req, code, edit)
				if err != nil {
					t.Fatal(err)
				}
				_, err = verify(req, answer)
				wantAnomaly(t, err, code, signed)
			}
		})
	}
}

// The level given back against the one asked for, in all combinations (94-96).
func TestLevels(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		comparison string
		given      spid.Level
		want       spid.Reason
	}{
		{"minimum", spid.SpidL1, spid.ReasonLevel},
		{"minimum", spid.SpidL2, ""},
		{"minimum", spid.SpidL3, ""},
		{"exact", spid.SpidL1, spid.ReasonLevel},
		{"exact", spid.SpidL2, ""},
		{"exact", spid.SpidL3, ""}, // a higher level must not fail
		{"better", spid.SpidL1, spid.ReasonLevel},
		{"better", spid.SpidL2, spid.ReasonLevel},
		{"better", spid.SpidL3, ""},
		{"maximum", spid.SpidL1, ""},
		{"maximum", spid.SpidL2, ""},
		{"maximum", spid.SpidL3, ""},
	} {
		req := login(t)
		req.Comparison = c.comparison
		answer, err := idp.Answer(req, anna, before(write(class, c.given.URI())))
		if err != nil {
			t.Fatal(err)
		}
		a, err := verify(req, answer)
		wantReason(t, err, c.want)
		if err == nil && a.Level != c.given {
			t.Errorf("%s: got level %s, want %s", c.comparison, a.Level, c.given)
		}
	}
}

func TestLevelNamed(t *testing.T) {
	t.Parallel()
	for _, l := range []spid.Level{spid.SpidL1, spid.SpidL2, spid.SpidL3} {
		if got, err := spid.LevelNamed(l.String()); got != l || err != nil {
			t.Errorf("%s: got %s, %v", l, got, err)
		}
	}
	if l, err := spid.LevelNamed("SpidL4"); err == nil {
		t.Errorf("got %s", l)
	}
}

func everyAttribute(do edit) edit {
	return func(root *etree.Element) {
		for _, el := range find(root, attributes).ChildElements() {
			do(el)
		}
	}
}

func addAttribute(name, value string) edit {
	return func(root *etree.Element) {
		el := find(root, attributes).CreateElement("saml:Attribute")
		el.CreateAttr("Name", name)
		el.CreateElement("saml:AttributeValue").SetText(value)
	}
}

// foreignFirst puts an element first that the provider has signed, like its
// metadata, which everyone can get.
func foreignFirst(root *etree.Element) {
	doc := etree.NewDocument()
	check(doc.ReadFromBytes(idp.Metadata()))
	root.InsertChildAt(0, doc.Root())
}

func addXSLT(path string) edit {
	return func(root *etree.Element) {
		transforms := find(root, path+"/ds:SignedInfo/ds:Reference/ds:Transforms")
		transform := transforms.CreateElement("ds:Transform")
		transform.CreateAttr("Algorithm", "http://www.w3.org/TR/1999/REC-xslt-19991116")
		sheet := transform.CreateElement("xsl:stylesheet")
		sheet.CreateAttr("xmlns:xsl", "http://www.w3.org/1999/XSL/Transform")
	}
}

// forged returns a copy of the signed assertion that says Luca, without a
// signature and with another ID.
func forged(root *etree.Element) *etree.Element {
	el := find(root, assertion).Copy()
	el.CreateAttr("ID", "_forged")
	el.RemoveChild(el.SelectElement("ds:Signature"))
	for _, value := range el.FindElements("saml:AttributeStatement/saml:Attribute[@Name='fiscalNumber']/saml:AttributeValue") {
		value.SetText(luca.FiscalNumber)
	}
	return el
}

// The eight classic wrappings (Somorovsky et al., "On Breaking SAML: Be Whoever
// You Want to Be", as numbered by SAML Raider).

func xsw1(root *etree.Element) {
	original := root.Copy()
	original.RemoveChild(original.SelectElement("ds:Signature"))
	evil := forged(root)
	root.CreateAttr("ID", "_forged-response")
	root.RemoveChild(find(root, assertion))
	root.AddChild(evil)
	find(root, signature).AddChild(original)
}

func xsw2(root *etree.Element) {
	original := root.Copy()
	original.RemoveChild(original.SelectElement("ds:Signature"))
	root.CreateAttr("ID", "_forged")
	root.RemoveChild(find(root, assertion))
	root.InsertChildAt(find(root, signature).Index(), original)
}

func xsw3(root *etree.Element) {
	evil := forged(root)
	root.InsertChildAt(find(root, assertion).Index(), evil)
}

func xsw4(root *etree.Element) {
	evil := forged(root)
	evil.AddChild(find(root, assertion))
	root.AddChild(evil)
}

func xsw5(root *etree.Element) {
	signed := find(root, assertion)
	original := signed.Copy()
	original.RemoveChild(original.SelectElement("ds:Signature"))
	signed.CreateAttr("ID", "_forged")
	root.AddChild(original)
}

func xsw6(root *etree.Element) {
	signed := find(root, assertion)
	original := signed.Copy()
	original.RemoveChild(original.SelectElement("ds:Signature"))
	signed.CreateAttr("ID", "_forged")
	find(root, aSignature).AddChild(original)
}

func xsw7(root *etree.Element) {
	evil := forged(root)
	extensions := etree.NewElement("samlp:Extensions")
	extensions.AddChild(evil)
	root.InsertChildAt(find(root, assertion).Index(), extensions)
}

func xsw8(root *etree.Element) {
	signed := find(root, assertion)
	original := signed.Copy()
	original.RemoveChild(original.SelectElement("ds:Signature"))
	signed.CreateAttr("ID", "_forged")
	find(root, aSignature).CreateElement("ds:Object").AddChild(original)
}

// A rejection is logged: it must not hold what the response says.
func TestRejectionsHoldNoPersonalData(t *testing.T) {
	t.Parallel()
	secret := strings.TrimPrefix(anna.FiscalNumber, "TINIT-")
	for _, spoil := range []edit{
		write(nameID, secret+"<"), set(data, "NotOnOrAfter", secret), set("", "IssueInstant", secret),
		write(issuer, secret), write(class, secret), write(audience, secret),
		set(conditions, "NotBefore", secret), set(statusCode, "Value", secret),
		set(attributes+"/saml:Attribute", "Name", secret), set(nameID, "ID", ""),
	} {
		_, err := answered(t, after(write(signature+"/ds:SignatureValue", "%"+secret)), before(spoil))
		var rejection *spid.Rejection
		if !errors.As(err, &rejection) || strings.Contains(err.Error(), secret) {
			t.Errorf("got %v, want a rejection without what was sent", err)
		}
		_, err = answered(t, before(spoil))
		if err != nil && strings.Contains(err.Error(), secret) {
			t.Errorf("got %v, want it without what was sent", err)
		}
	}
}
