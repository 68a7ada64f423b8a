package spid_test

import (
	"testing"

	"github.com/beevik/etree"

	"stella/spid"
)

const (
	past           = "2018-01-01T00:00:00Z"
	future         = "2099-01-01T00:00:00Z"
	otherRequestID = "_other-request"
)

// officialCases are the cases of the two official testers, italia/spid-sp-test
// and italia/spid-saml-check, by their numbers. The descriptions are ours.
// Except in the cases about signatures, the answer is signed after it is
// changed, so that the tested rule refuses it and not the signature.
var officialCases = []struct {
	id    string
	what  string
	forge forgery
	want  spid.Reason // empty: accepted
}{
	{"1", "good, with SessionIndex", issued(before(set(statement, "SessionIndex", "_session"))), ""},
	{"1-NS", "good, without SessionIndex", issued(before()), ""},
	{"2", "nothing signed", issued(after(remove(signature), remove(aSignature))), spid.ReasonAssertionNotSigned},
	{"3", "only the response signed", issued(between(remove(aSignature))), spid.ReasonAssertionNotSigned},
	{"4", "signed by a key that is not the provider's, the certificate empty",
		counterfeit(between(emptied(aSignature+x509Data)), after(emptied(signature+x509Data))), spid.ReasonSignatureInvalid},
	{"5", "signed by a key that is not the provider's, the certificate in KeyInfo", counterfeit(), spid.ReasonSignatureInvalid},
	{"8", "Response ID empty", issued(before(set("", "ID", ""))), spid.ReasonResponseID},
	{"9", "Response ID absent", issued(before(unset("", "ID"))), spid.ReasonResponseID},
	{"10", "Response Version 1.0", issued(before(set("", "Version", "1.0"))), spid.ReasonVersion},
	{"11", "IssueInstant empty", issued(before(set("", "IssueInstant", ""))), spid.ReasonIssueInstant},
	{"12", "IssueInstant absent", issued(before(unset("", "IssueInstant"))), spid.ReasonIssueInstant},
	{"13", "IssueInstant malformed", issued(before(set("", "IssueInstant", "2018-09-04"))), spid.ReasonIssueInstant},
	{"14", "before the request",
		issued(before(
			set("", "IssueInstant", past),
			set(assertion, "IssueInstant", past),
			set(conditions, "NotBefore", past),
		)), spid.ReasonIssueInstant},
	{"15", "after reception",
		issued(before(
			set("", "IssueInstant", future),
			set(assertion, "IssueInstant", future),
			set(conditions, "NotBefore", future),
		)), spid.ReasonIssueInstant},
	{"16", "InResponseTo empty", issued(before(set("", "InResponseTo", ""))), spid.ReasonInResponseTo},
	{"17", "InResponseTo absent", issued(before(unset("", "InResponseTo"))), spid.ReasonInResponseTo},
	{"18", "InResponseTo of another request", issued(before(set("", "InResponseTo", otherRequestID))), spid.ReasonInResponseTo},
	{"19", "Destination empty", issued(before(set("", "Destination", ""))), spid.ReasonDestination},
	{"20", "Destination absent", issued(before(unset("", "Destination"))), spid.ReasonDestination},
	{"21", "another Destination", issued(before(set("", "Destination", "https://other.example/acs"))), spid.ReasonDestination},
	{"22", "Status empty", issued(before(emptied(status))), spid.ReasonStatus},
	{"23", "Status absent", issued(before(remove(status))), spid.ReasonStatus},
	{"24", "StatusCode Value empty", issued(before(set(statusCode, "Value", ""))), spid.ReasonStatus},
	{"25", "StatusCode absent", issued(before(remove(statusCode))), spid.ReasonStatus},
	{"26", "StatusCode unknown",
		issued(before(set(statusCode, "Value", "urn:oasis:names:tc:SAML:2.0:status:statuscodenonvalido"))), spid.ReasonStatus},
	{"27", "Issuer empty", issued(before(emptied(issuer))), spid.ReasonIssuer},
	{"28", "Issuer absent", issued(before(remove(issuer))), spid.ReasonIssuer},
	{"29", "another Issuer", issued(before(write(issuer, "https://other.example"))), spid.ReasonIssuer},
	{"30", "Issuer Format wrong",
		issued(before(set(issuer, "Format", "urn:oasis:names:tc:SAML:2.0:nameid-format:persistent"))), spid.ReasonIssuerFormat},
	{"31", "Issuer Format absent", issued(before(unset(issuer, "Format"))), ""},
	{"32", "Assertion absent", issued(before(remove(assertion))), spid.ReasonAssertionMissing},
	{"33", "Assertion ID empty", issued(before(set(assertion, "ID", ""))), spid.ReasonAssertionID},
	{"34", "Assertion ID absent", issued(before(unset(assertion, "ID"))), spid.ReasonAssertionID},
	{"35", "Assertion Version 1.0", issued(before(set(assertion, "Version", "1.0"))), spid.ReasonAssertionVersion},
	{"36", "Assertion IssueInstant empty", issued(before(set(assertion, "IssueInstant", ""))), spid.ReasonAssertionIssueInstant},
	{"37", "Assertion IssueInstant absent", issued(before(unset(assertion, "IssueInstant"))), spid.ReasonAssertionIssueInstant},
	{"38", "Assertion IssueInstant malformed",
		issued(before(set(assertion, "IssueInstant", "2018-09-06 16:00"))), spid.ReasonAssertionIssueInstant},
	{"39", "Assertion before the request",
		issued(before(set(assertion, "IssueInstant", "2000-01-01T00:00:00Z"))), spid.ReasonAssertionIssueInstant},
	{"40", "Assertion after reception", issued(before(set(assertion, "IssueInstant", future))), spid.ReasonAssertionIssueInstant},
	{"41", "Subject empty", issued(before(emptied(subject))), spid.ReasonNameID},
	{"42", "Subject absent", issued(before(remove(subject))), spid.ReasonSubject},
	{"43", "NameID blank", issued(before(write(nameID, " \n "), set(nameID, "NameQualifier", ""))), spid.ReasonNameID},
	{"44", "NameID absent", issued(before(remove(nameID))), spid.ReasonNameID},
	{"45", "NameID Format empty", issued(before(set(nameID, "Format", ""))), spid.ReasonNameIDFormat},
	{"46", "NameID Format absent", issued(before(unset(nameID, "Format"))), spid.ReasonNameIDFormat},
	{"47", "NameID Format not transient",
		issued(before(set(nameID, "Format", "urn:oasis:names:tc:SAML:2.0:nameid-format:persistent"))), spid.ReasonNameIDFormat},
	{"48", "NameQualifier empty", issued(before(set(nameID, "NameQualifier", ""))), spid.ReasonNameIDQualifier},
	{"49", "NameQualifier absent", issued(before(unset(nameID, "NameQualifier"))), spid.ReasonNameIDQualifier},
	{"51", "SubjectConfirmation empty", issued(before(emptied(confirmation))), spid.ReasonConfirmationData},
	{"52", "SubjectConfirmation absent", issued(before(remove(confirmation))), spid.ReasonConfirmation},
	{"53", "Method empty", issued(before(set(confirmation, "Method", ""))), spid.ReasonConfirmationMethod},
	{"54", "Method absent", issued(before(unset(confirmation, "Method"))), spid.ReasonConfirmationMethod},
	{"55", "Method not bearer",
		issued(before(set(confirmation, "Method", "urn:oasis:names:tc:SAML:2.0:cm:sender-vouches"))), spid.ReasonConfirmationMethod},
	{"56", "SubjectConfirmationData absent", issued(before(remove(data))), spid.ReasonConfirmationData},
	{"57", "Recipient empty", issued(before(set(data, "Recipient", ""))), spid.ReasonConfirmationRecipient},
	{"58", "Recipient absent", issued(before(unset(data, "Recipient"))), spid.ReasonConfirmationRecipient},
	{"59", "another Recipient", issued(before(set(data, "Recipient", "https://other.example/acs"))), spid.ReasonConfirmationRecipient},
	{"60", "confirmation InResponseTo empty", issued(before(set(data, "InResponseTo", ""))), spid.ReasonConfirmationInResponseTo},
	{"61", "confirmation InResponseTo absent", issued(before(unset(data, "InResponseTo"))), spid.ReasonConfirmationInResponseTo},
	{"62", "confirmation InResponseTo of another request",
		issued(before(set(data, "InResponseTo", otherRequestID))), spid.ReasonConfirmationInResponseTo},
	{"63", "confirmation NotOnOrAfter empty", issued(before(set(data, "NotOnOrAfter", ""))), spid.ReasonConfirmationNotOnOrAfter},
	{"64", "confirmation NotOnOrAfter absent", issued(before(unset(data, "NotOnOrAfter"))), spid.ReasonConfirmationNotOnOrAfter},
	{"65", "confirmation NotOnOrAfter malformed",
		issued(before(set(data, "NotOnOrAfter", "2018.09.18"))), spid.ReasonConfirmationNotOnOrAfter},
	{"66", "confirmation NotOnOrAfter past",
		issued(before(set(data, "NotOnOrAfter", "2000-01-01T00:00:00Z"))), spid.ReasonConfirmationNotOnOrAfter},
	{"67", "Assertion Issuer empty", issued(before(emptied(aIssuer))), spid.ReasonAssertionIssuer},
	{"68", "Assertion Issuer absent", issued(before(remove(aIssuer))), spid.ReasonAssertionIssuer},
	{"69", "another Assertion Issuer", issued(before(write(aIssuer, "https://other.example"))), spid.ReasonAssertionIssuer},
	{"70", "Assertion Issuer Format empty", issued(before(set(aIssuer, "Format", ""))), spid.ReasonAssertionIssuerFormat},
	{"71", "Assertion Issuer Format absent", issued(before(unset(aIssuer, "Format"))), spid.ReasonAssertionIssuerFormat},
	{"72", "Assertion Issuer Format wrong",
		issued(before(set(aIssuer, "Format", "urn:oasis:names:tc:SAML:2.0:nameid-format:persistent"))), spid.ReasonAssertionIssuerFormat},
	{"73", "Conditions empty", issued(before(emptied(conditions))), spid.ReasonAudienceRestriction},
	{"74", "Conditions absent", issued(before(remove(conditions))), spid.ReasonConditions},
	{"75", "NotBefore empty", issued(before(set(conditions, "NotBefore", ""))), spid.ReasonConditionsNotBefore},
	{"76", "NotBefore absent", issued(before(unset(conditions, "NotBefore"))), spid.ReasonConditionsNotBefore},
	{"77", "NotBefore malformed", issued(before(set(conditions, "NotBefore", "2018/09/10"))), spid.ReasonConditionsNotBefore},
	{"78", "NotBefore in the future", issued(before(set(conditions, "NotBefore", future))), spid.ReasonConditionsNotBefore},
	{"79", "NotOnOrAfter empty", issued(before(set(conditions, "NotOnOrAfter", ""))), spid.ReasonConditionsNotOnOrAfter},
	{"80", "NotOnOrAfter absent", issued(before(unset(conditions, "NotOnOrAfter"))), spid.ReasonConditionsNotOnOrAfter},
	{"81", "NotOnOrAfter malformed", issued(before(set(conditions, "NotOnOrAfter", "10-09-2018"))), spid.ReasonConditionsNotOnOrAfter},
	{"82", "NotOnOrAfter past", issued(before(set(conditions, "NotOnOrAfter", "2000-01-01T00:00:00Z"))), spid.ReasonConditionsNotOnOrAfter},
	{"83", "AudienceRestriction empty", issued(before(emptied(restriction))), spid.ReasonAudience},
	{"84", "AudienceRestriction absent", issued(before(remove(restriction))), spid.ReasonAudienceRestriction},
	{"85", "Audience empty", issued(before(emptied(audience))), spid.ReasonAudience},
	{"86", "Audience absent", issued(before(remove(audience))), spid.ReasonAudience},
	{"87", "another Audience", issued(before(write(audience, "https://other.example"))), spid.ReasonAudience},
	{"88", "AuthnStatement without AuthnContext", issued(before(emptied(statement))), spid.ReasonAuthnContext},
	{"89", "AuthnStatement absent", issued(before(remove(statement))), spid.ReasonAuthnStatement},
	{"90", "AuthnContext empty", issued(before(emptied(authnContext))), spid.ReasonAuthnContextClass},
	{"91", "AuthnContext absent", issued(before(remove(authnContext))), spid.ReasonAuthnContext},
	{"92", "AuthnContextClassRef empty", issued(before(emptied(class))), spid.ReasonAuthnContextClass},
	{"93", "AuthnContextClassRef absent", issued(before(remove(class))), spid.ReasonAuthnContextClass},
	{"94", "SpidL1 to a request for SpidL2", issued(before(write(class, "https://www.spid.gov.it/SpidL1"))), spid.ReasonLevel},
	{"95", "SpidL2 to a request for SpidL2", issued(before(write(class, "https://www.spid.gov.it/SpidL2"))), ""},
	{"96", "SpidL3 to a request for SpidL2", issued(before(write(class, "https://www.spid.gov.it/SpidL3"))), ""},
	{"97", "AuthnContextClassRef of the old form",
		issued(before(write(class, "urn:oasis:names:tc:SAML:2.0:ac:classes:SpidL1"))), spid.ReasonAuthnContextClass},
	{"98", "AttributeStatement empty", issued(before(emptied(attributes))), spid.ReasonAttributeStatement},
	{"99", "Attribute without AttributeValue",
		issued(before(remove(attributes + "/saml:Attribute/saml:AttributeValue"))), spid.ReasonAttributeValue},
	{"100", "the assertion signed by a key that is not the provider's", counterfeit(after(remove(signature))), spid.ReasonSignatureInvalid},
	{"103", "another set of attributes",
		issued(before(remove(attributes+"/saml:Attribute[@Name='dateOfBirth']"), addAttribute("email", "a@b.example"))), ""},
	{"109", "Attributes without NameFormat", issued(before(everyAttribute(func(el *etree.Element) { el.RemoveAttr("NameFormat") }))), ""},
	{"110", "IssueInstant with a fraction", issued(before(set("", "IssueInstant", "2026-03-02T10:20:30.678901Z"))), ""},
	{"112", "a signed foreign element first",
		issued(after(remove(signature), foreignFirst, remove(aSignature))), spid.ReasonUnexpectedElement},
	{"113", "a signed foreign element first, the assertion's signature wrong",
		issued(after(remove(signature), foreignFirst, write(nameID, "_tampered"))), spid.ReasonUnexpectedElement},
	{"xslt", "an XSLT transform", issued(after(addXSLT(signature))), spid.ReasonSignatureStructure},
	{"xsw1", "the signed response inside of its signature", issued(after(xsw1(unwrapped))), spid.ReasonSignatureStructure},
	{"xsw2", "the signed response before its signature", issued(after(xsw2(unwrapped))), spid.ReasonUnexpectedElement},
	{"xsw3", "a forged assertion before the signed one", issued(after(xsw3(unwrapped))), spid.ReasonAssertionMisplaced},
	{"xsw4", "a forged assertion around the signed one", issued(after(xsw4(unwrapped))), spid.ReasonAssertionMisplaced},
	{"xsw5", "a forged assertion with the signature, the signed one after it",
		issued(after(xsw5(unwrapped))), spid.ReasonAssertionMisplaced},
	{"xsw6", "the signed assertion inside of a forged one's signature", issued(after(xsw6(unwrapped))), spid.ReasonAssertionMisplaced},
	{"xsw7", "a forged assertion in Extensions", issued(after(xsw7(unwrapped))), spid.ReasonAssertionMisplaced},
	{"xsw8", "the signed assertion in an Object of the signature", issued(after(xsw8(unwrapped))), spid.ReasonSignatureStructure},
}

// officialAnomalies are the cases of failed logins.
var officialAnomalies = map[string]string{
	"104": "nr19", "105": "nr20", "106": "nr21", "107": "nr22", "108": "nr23", "111": "nr25",
}

func TestOfficialCases(t *testing.T) {
	t.Parallel()
	for _, c := range officialCases {
		t.Run(c.id, func(t *testing.T) {
			t.Parallel()
			t.Log(c.what)
			o := newObserver(t)
			o.expect(c.forge(o), c.want)
		})
	}
	for id, code := range officialAnomalies {
		t.Run(id, func(t *testing.T) {
			t.Parallel()
			// One tester signs failures, the other does not.
			o := newObserver(t)
			_, err := o.verify(o.fail(code))
			wantAnomaly(t, err, code, true)
			_, err = o.verify(o.fail(code, after(remove(signature))))
			wantAnomaly(t, err, code, false)
		})
	}
}

// Valid answers with features of the testers that have no case number.
func TestAcceptedVariants(t *testing.T) {
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
		{"empty certificates", issued(between(emptied(aSignature+x509Data)), after(emptied(signature+x509Data)))},
		{"the request's IssueInstant sent back",
			issued(before(set("", "IssueInstant", exact), set(assertion, "IssueInstant", exact), set(conditions, "NotBefore", exact)))},
		{"whole seconds, truncated",
			issued(before(set("", "IssueInstant", "2026-03-02T10:20:30Z"), set(assertion, "IssueInstant", "2026-03-02T10:20:30Z")))},
		{"microseconds",
			issued(before(
				set("", "IssueInstant", "2026-03-02T10:20:30.678901Z"),
				set(assertion, "IssueInstant", "2026-03-02T10:20:30.678901Z"),
			))},
		{"padded names", issued(before(pad(nameID), pad(issuer), pad(aIssuer), pad(audience), pad(class), pad(fiscalValue)))},
		{"a padded Format", issued(before(set(aIssuer, "Format", "urn:oasis:names:tc:SAML:2.0:nameid-format:entity ")))},
		{"a SessionIndex, empty", issued(before(set(statement, "SessionIndex", "")))},
		{"comments and lines between elements", issued(before(func(root *etree.Element) {
			root.InsertChildAt(1, etree.NewComment(" Response Signature here "))
			root.IndentWithSettings(etree.NewIndentSettings())
		}))},
		{"namespaces declared on the element that uses them", issued(before(
			set(
				fiscalValue,
				"xmlns:xs",
				"http://www.w3.org/2001/XMLSchema",
			), set(fiscalValue, "xmlns:xsi", "http://www.w3.org/2001/XMLSchema-instance")))},
		{"an unused namespace declared", issued(before(set("", "xmlns:ds", "http://www.w3.org/2000/09/xmldsig#")))},
	} {
		t.Run(c.what, func(t *testing.T) {
			t.Parallel()
			o := newObserver(t)
			o.expect(c.forge(o), "")
		})
	}
}

// All combinations of requested and received levels (cases 94-96).
func TestLevels(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		comparison string
		received   spid.Level
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
		answer, err := idp.Answer(req, anna, before(write(class, c.received.URI())))
		if err != nil {
			t.Fatal(err)
		}
		a, err := verify(req, answer)
		wantReason(t, err, c.want)
		if err == nil && a.Level != c.received {
			t.Errorf("%s: got level %s, want %s", c.comparison, a.Level, c.received)
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

// foreignFirst inserts, as the first child, an element that the provider has
// signed: its metadata, which are public.
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
