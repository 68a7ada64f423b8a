package spid_test

import (
	"testing"

	"github.com/beevik/etree"

	"stella/spid"
)

const (
	past      = "2018-01-01T00:00:00Z"
	future    = "2099-01-01T00:00:00Z"
	foreignID = "_somebody-elses-request"
)

// officialCases are those of the two official testers, italia/spid-sp-test and
// italia/spid-saml-check, by their numbers; the words are ours. Every case but
// those of signing is signed rightly after it is spoilt, so that it is the rule
// that refuses it and not the signature.
var officialCases = []struct {
	id    string
	what  string
	forge forgery
	want  spid.Reason // empty: accepted
}{
	{"1", "good, with SessionIndex", made(before(set(statement, "SessionIndex", "_session"))), ""},
	{"1-NS", "good, without SessionIndex", made(before()), ""},
	{"2", "nothing signed", made(after(remove(signature), remove(aSignature))), spid.ReasonAssertionNotSigned},
	{"3", "only the response signed", made(between(remove(aSignature))), spid.ReasonAssertionNotSigned},
	{"4", "signed by a key that is not the provider's, the certificate empty", counterfeit(between(hollow(aSignature+x509Data)), after(hollow(signature+x509Data))), spid.ReasonSignatureInvalid},
	{"5", "signed by a key that is not the provider's, the certificate in KeyInfo", counterfeit(), spid.ReasonSignatureInvalid},
	{"8", "Response ID empty", made(before(set("", "ID", ""))), spid.ReasonResponseID},
	{"9", "Response ID absent", made(before(unset("", "ID"))), spid.ReasonResponseID},
	{"10", "Response Version 1.0", made(before(set("", "Version", "1.0"))), spid.ReasonVersion},
	{"11", "IssueInstant empty", made(before(set("", "IssueInstant", ""))), spid.ReasonIssueInstant},
	{"12", "IssueInstant absent", made(before(unset("", "IssueInstant"))), spid.ReasonIssueInstant},
	{"13", "IssueInstant malformed", made(before(set("", "IssueInstant", "2018-09-04"))), spid.ReasonIssueInstant},
	{"14", "before the request", made(before(set("", "IssueInstant", past), set(assertion, "IssueInstant", past), set(conditions, "NotBefore", past))), spid.ReasonIssueInstant},
	{"15", "after reception", made(before(set("", "IssueInstant", future), set(assertion, "IssueInstant", future), set(conditions, "NotBefore", future))), spid.ReasonIssueInstant},
	{"16", "InResponseTo empty", made(before(set("", "InResponseTo", ""))), spid.ReasonInResponseTo},
	{"17", "InResponseTo absent", made(before(unset("", "InResponseTo"))), spid.ReasonInResponseTo},
	{"18", "InResponseTo of another", made(before(set("", "InResponseTo", foreignID))), spid.ReasonInResponseTo},
	{"19", "Destination empty", made(before(set("", "Destination", ""))), spid.ReasonDestination},
	{"20", "Destination absent", made(before(unset("", "Destination"))), spid.ReasonDestination},
	{"21", "Destination elsewhere", made(before(set("", "Destination", "https://other.example/acs"))), spid.ReasonDestination},
	{"22", "Status empty", made(before(hollow(status))), spid.ReasonStatus},
	{"23", "Status absent", made(before(remove(status))), spid.ReasonStatus},
	{"24", "StatusCode Value empty", made(before(set(statusCode, "Value", ""))), spid.ReasonStatus},
	{"25", "StatusCode absent", made(before(remove(statusCode))), spid.ReasonStatus},
	{"26", "StatusCode unknown", made(before(set(statusCode, "Value", "urn:oasis:names:tc:SAML:2.0:status:statuscodenonvalido"))), spid.ReasonStatus},
	{"27", "Issuer empty", made(before(hollow(issuer))), spid.ReasonIssuer},
	{"28", "Issuer absent", made(before(remove(issuer))), spid.ReasonIssuer},
	{"29", "Issuer another", made(before(write(issuer, "https://other.example"))), spid.ReasonIssuer},
	{"30", "Issuer Format wrong", made(before(set(issuer, "Format", "urn:oasis:names:tc:SAML:2.0:nameid-format:persistent"))), spid.ReasonIssuerFormat},
	{"31", "Issuer Format absent", made(before(unset(issuer, "Format"))), ""},
	{"32", "Assertion absent", made(before(remove(assertion))), spid.ReasonAssertionMissing},
	{"33", "Assertion ID empty", made(before(set(assertion, "ID", ""))), spid.ReasonAssertionID},
	{"34", "Assertion ID absent", made(before(unset(assertion, "ID"))), spid.ReasonAssertionID},
	{"35", "Assertion Version 1.0", made(before(set(assertion, "Version", "1.0"))), spid.ReasonAssertionVersion},
	{"36", "Assertion IssueInstant empty", made(before(set(assertion, "IssueInstant", ""))), spid.ReasonAssertionIssueInstant},
	{"37", "Assertion IssueInstant absent", made(before(unset(assertion, "IssueInstant"))), spid.ReasonAssertionIssueInstant},
	{"38", "Assertion IssueInstant malformed", made(before(set(assertion, "IssueInstant", "2018-09-06 16:00"))), spid.ReasonAssertionIssueInstant},
	{"39", "Assertion before the request", made(before(set(assertion, "IssueInstant", "2000-01-01T00:00:00Z"))), spid.ReasonAssertionIssueInstant},
	{"40", "Assertion after reception", made(before(set(assertion, "IssueInstant", future))), spid.ReasonAssertionIssueInstant},
	{"41", "Subject empty", made(before(hollow(subject))), spid.ReasonNameID},
	{"42", "Subject absent", made(before(remove(subject))), spid.ReasonSubject},
	{"43", "NameID blank", made(before(write(nameID, " \n "), set(nameID, "NameQualifier", ""))), spid.ReasonNameID},
	{"44", "NameID absent", made(before(remove(nameID))), spid.ReasonNameID},
	{"45", "NameID Format empty", made(before(set(nameID, "Format", ""))), spid.ReasonNameIDFormat},
	{"46", "NameID Format absent", made(before(unset(nameID, "Format"))), spid.ReasonNameIDFormat},
	{"47", "NameID Format not transient", made(before(set(nameID, "Format", "urn:oasis:names:tc:SAML:2.0:nameid-format:persistent"))), spid.ReasonNameIDFormat},
	{"48", "NameQualifier empty", made(before(set(nameID, "NameQualifier", ""))), spid.ReasonNameIDQualifier},
	{"49", "NameQualifier absent", made(before(unset(nameID, "NameQualifier"))), spid.ReasonNameIDQualifier},
	{"51", "SubjectConfirmation empty", made(before(hollow(confirmation))), spid.ReasonConfirmationData},
	{"52", "SubjectConfirmation absent", made(before(remove(confirmation))), spid.ReasonConfirmation},
	{"53", "Method empty", made(before(set(confirmation, "Method", ""))), spid.ReasonConfirmationMethod},
	{"54", "Method absent", made(before(unset(confirmation, "Method"))), spid.ReasonConfirmationMethod},
	{"55", "Method not bearer", made(before(set(confirmation, "Method", "urn:oasis:names:tc:SAML:2.0:cm:sender-vouches"))), spid.ReasonConfirmationMethod},
	{"56", "SubjectConfirmationData absent", made(before(remove(data))), spid.ReasonConfirmationData},
	{"57", "Recipient empty", made(before(set(data, "Recipient", ""))), spid.ReasonConfirmationRecipient},
	{"58", "Recipient absent", made(before(unset(data, "Recipient"))), spid.ReasonConfirmationRecipient},
	{"59", "Recipient elsewhere", made(before(set(data, "Recipient", "https://other.example/acs"))), spid.ReasonConfirmationRecipient},
	{"60", "confirmation InResponseTo empty", made(before(set(data, "InResponseTo", ""))), spid.ReasonConfirmationInResponseTo},
	{"61", "confirmation InResponseTo absent", made(before(unset(data, "InResponseTo"))), spid.ReasonConfirmationInResponseTo},
	{"62", "confirmation InResponseTo of another", made(before(set(data, "InResponseTo", foreignID))), spid.ReasonConfirmationInResponseTo},
	{"63", "confirmation NotOnOrAfter empty", made(before(set(data, "NotOnOrAfter", ""))), spid.ReasonConfirmationNotOnOrAfter},
	{"64", "confirmation NotOnOrAfter absent", made(before(unset(data, "NotOnOrAfter"))), spid.ReasonConfirmationNotOnOrAfter},
	{"65", "confirmation NotOnOrAfter malformed", made(before(set(data, "NotOnOrAfter", "2018.09.18"))), spid.ReasonConfirmationNotOnOrAfter},
	{"66", "confirmation NotOnOrAfter past", made(before(set(data, "NotOnOrAfter", "2000-01-01T00:00:00Z"))), spid.ReasonConfirmationNotOnOrAfter},
	{"67", "Assertion Issuer empty", made(before(hollow(aIssuer))), spid.ReasonAssertionIssuer},
	{"68", "Assertion Issuer absent", made(before(remove(aIssuer))), spid.ReasonAssertionIssuer},
	{"69", "Assertion Issuer another", made(before(write(aIssuer, "https://other.example"))), spid.ReasonAssertionIssuer},
	{"70", "Assertion Issuer Format empty", made(before(set(aIssuer, "Format", ""))), spid.ReasonAssertionIssuerFormat},
	{"71", "Assertion Issuer Format absent", made(before(unset(aIssuer, "Format"))), spid.ReasonAssertionIssuerFormat},
	{"72", "Assertion Issuer Format wrong", made(before(set(aIssuer, "Format", "urn:oasis:names:tc:SAML:2.0:nameid-format:persistent"))), spid.ReasonAssertionIssuerFormat},
	{"73", "Conditions empty", made(before(hollow(conditions))), spid.ReasonAudienceRestriction},
	{"74", "Conditions absent", made(before(remove(conditions))), spid.ReasonConditions},
	{"75", "NotBefore empty", made(before(set(conditions, "NotBefore", ""))), spid.ReasonConditionsNotBefore},
	{"76", "NotBefore absent", made(before(unset(conditions, "NotBefore"))), spid.ReasonConditionsNotBefore},
	{"77", "NotBefore malformed", made(before(set(conditions, "NotBefore", "2018/09/10"))), spid.ReasonConditionsNotBefore},
	{"78", "NotBefore in the future", made(before(set(conditions, "NotBefore", future))), spid.ReasonConditionsNotBefore},
	{"79", "NotOnOrAfter empty", made(before(set(conditions, "NotOnOrAfter", ""))), spid.ReasonConditionsNotOnOrAfter},
	{"80", "NotOnOrAfter absent", made(before(unset(conditions, "NotOnOrAfter"))), spid.ReasonConditionsNotOnOrAfter},
	{"81", "NotOnOrAfter malformed", made(before(set(conditions, "NotOnOrAfter", "10-09-2018"))), spid.ReasonConditionsNotOnOrAfter},
	{"82", "NotOnOrAfter past", made(before(set(conditions, "NotOnOrAfter", "2000-01-01T00:00:00Z"))), spid.ReasonConditionsNotOnOrAfter},
	{"83", "AudienceRestriction empty", made(before(hollow(restriction))), spid.ReasonAudience},
	{"84", "AudienceRestriction absent", made(before(remove(restriction))), spid.ReasonAudienceRestriction},
	{"85", "Audience empty", made(before(hollow(audience))), spid.ReasonAudience},
	{"86", "Audience absent", made(before(remove(audience))), spid.ReasonAudience},
	{"87", "Audience another", made(before(write(audience, "https://other.example"))), spid.ReasonAudience},
	{"88", "AuthnStatement without AuthnContext", made(before(hollow(statement))), spid.ReasonAuthnContext},
	{"89", "AuthnStatement absent", made(before(remove(statement))), spid.ReasonAuthnStatement},
	{"90", "AuthnContext empty", made(before(hollow(authnContext))), spid.ReasonAuthnContextClass},
	{"91", "AuthnContext absent", made(before(remove(authnContext))), spid.ReasonAuthnContext},
	{"92", "AuthnContextClassRef empty", made(before(hollow(class))), spid.ReasonAuthnContextClass},
	{"93", "AuthnContextClassRef absent", made(before(remove(class))), spid.ReasonAuthnContextClass},
	{"94", "SpidL1 to a request for SpidL2", made(before(write(class, "https://www.spid.gov.it/SpidL1"))), spid.ReasonLevel},
	{"95", "SpidL2 to a request for SpidL2", made(before(write(class, "https://www.spid.gov.it/SpidL2"))), ""},
	{"96", "SpidL3 to a request for SpidL2", made(before(write(class, "https://www.spid.gov.it/SpidL3"))), ""},
	{"97", "AuthnContextClassRef of old", made(before(write(class, "urn:oasis:names:tc:SAML:2.0:ac:classes:SpidL1"))), spid.ReasonAuthnContextClass},
	{"98", "AttributeStatement empty", made(before(hollow(attributes))), spid.ReasonAttributeStatement},
	{"99", "Attribute without AttributeValue", made(before(remove(attributes + "/saml:Attribute/saml:AttributeValue"))), spid.ReasonAttributeValue},
	{"100", "the assertion signed by a key that is not the provider's", counterfeit(after(remove(signature))), spid.ReasonSignatureInvalid},
	{"103", "another set of attributes", made(before(remove(attributes+"/saml:Attribute[@Name='dateOfBirth']"), addAttribute("email", "a@b.example"))), ""},
	{"109", "Attributes without NameFormat", made(before(everyAttribute(func(el *etree.Element) { el.RemoveAttr("NameFormat") }))), ""},
	{"110", "IssueInstant with a fraction", made(before(set("", "IssueInstant", "2026-03-02T10:20:30.678901Z"))), ""},
	{"112", "a signed foreign element first", made(after(remove(signature), foreignFirst, remove(aSignature))), spid.ReasonUnexpectedElement},
	{"113", "a signed foreign element first, the assertion's signature wrong", made(after(remove(signature), foreignFirst, write(nameID, "_tampered"))), spid.ReasonUnexpectedElement},
	{"xslt", "an XSLT transform", made(after(addXSLT(signature))), spid.ReasonSignatureStructure},
	{"xsw1", "the signed response inside of its signature", made(after(xsw1(plainly))), spid.ReasonSignatureStructure},
	{"xsw2", "the signed response beside its signature", made(after(xsw2(plainly))), spid.ReasonUnexpectedElement},
	{"xsw3", "a forged assertion before the signed one", made(after(xsw3(plainly))), spid.ReasonAssertionMisplaced},
	{"xsw4", "a forged assertion around the signed one", made(after(xsw4(plainly))), spid.ReasonAssertionMisplaced},
	{"xsw5", "a forged assertion with the signature, the signed one after it", made(after(xsw5(plainly))), spid.ReasonAssertionMisplaced},
	{"xsw6", "the signed assertion inside of a forged one's signature", made(after(xsw6(plainly))), spid.ReasonAssertionMisplaced},
	{"xsw7", "a forged assertion in Extensions", made(after(xsw7(plainly))), spid.ReasonAssertionMisplaced},
	{"xsw8", "the signed assertion in an Object of the signature", made(after(xsw8(plainly))), spid.ReasonSignatureStructure},
}

// officialAnomalies are the cases in which the login failed.
var officialAnomalies = map[string]string{
	"104": "nr19", "105": "nr20", "106": "nr21", "107": "nr22", "108": "nr23", "111": "nr25",
}

func TestOfficialCases(t *testing.T) {
	t.Parallel()
	for _, c := range officialCases {
		t.Run(c.id, func(t *testing.T) {
			t.Parallel()
			t.Log(c.what)
			w := observe(t)
			w.judge(c.forge(w), c.want)
		})
	}
	for id, code := range officialAnomalies {
		t.Run(id, func(t *testing.T) {
			t.Parallel()
			// One tester signs the failures, the other does not.
			w := observe(t)
			_, err := w.verify(w.fail(code))
			wantAnomaly(t, err, code, true)
			_, err = w.verify(w.fail(code, after(remove(signature))))
			wantAnomaly(t, err, code, false)
		})
	}
}

// What the testers do that is no case of its own, and that an answer may do.
func TestTraps(t *testing.T) {
	t.Parallel()
	pad := func(path string) edit {
		return func(root *etree.Element) {
			el := find(root, path)
			el.SetText("\n                    " + el.Text() + "\n            ")
		}
	}
	exact := now.Format("2006-01-02T15:04:05.000Z")
	for _, c := range []struct {
		what  string
		forge forgery
	}{
		{"empty certificates", made(between(hollow(aSignature+x509Data)), after(hollow(signature+x509Data)))},
		{"the request's IssueInstant sent back", made(before(set("", "IssueInstant", exact), set(assertion, "IssueInstant", exact), set(conditions, "NotBefore", exact)))},
		{"whole seconds, cut off", made(before(set("", "IssueInstant", "2026-03-02T10:20:30Z"), set(assertion, "IssueInstant", "2026-03-02T10:20:30Z")))},
		{"microseconds", made(before(set("", "IssueInstant", "2026-03-02T10:20:30.678901Z"), set(assertion, "IssueInstant", "2026-03-02T10:20:30.678901Z")))},
		{"padded names", made(before(pad(nameID), pad(issuer), pad(aIssuer), pad(audience), pad(class), pad(fiscalValue)))},
		{"a padded Format", made(before(set(aIssuer, "Format", "urn:oasis:names:tc:SAML:2.0:nameid-format:entity ")))},
		{"a SessionIndex, empty", made(before(set(statement, "SessionIndex", "")))},
		{"comments and lines between elements", made(before(func(root *etree.Element) {
			root.InsertChildAt(1, etree.NewComment(" Response Signature here "))
			root.IndentWithSettings(etree.NewIndentSettings())
		}))},
		{"namespaces declared where they are used", made(before(
			set(fiscalValue, "xmlns:xs", "http://www.w3.org/2001/XMLSchema"), set(fiscalValue, "xmlns:xsi", "http://www.w3.org/2001/XMLSchema-instance")))},
		{"namespaces declared where they are not", made(before(set("", "xmlns:ds", "http://www.w3.org/2000/09/xmldsig#")))},
	} {
		t.Run(c.what, func(t *testing.T) {
			t.Parallel()
			w := observe(t)
			w.judge(c.forge(w), "")
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
