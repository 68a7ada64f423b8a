package spid_test

import (
	"testing"
	"time"

	"github.com/beevik/etree"

	"stella/spid"
)

// The result for a valid response.
func TestVerify(t *testing.T) {
	t.Parallel()
	o := newObserver(t)
	answer := o.answer(idp)
	a, err := o.verify(answer)
	if err != nil {
		t.Fatal(err)
	}
	o.wantSigned(a, nil)
	second := now.Truncate(time.Second)
	if a.ID == "" || a.ResponseID == "" || a.ID == a.ResponseID || a.NameID == "" {
		t.Errorf("ids are missing: %+v", a)
	}
	if a.Issuer != "https://idp.example" || a.Level != spid.SpidL2 || !a.CertificateExpired.IsZero() {
		t.Errorf("got issuer %q, level %s, an expired certificate %s", a.Issuer, a.Level, a.CertificateExpired)
	}
	if !a.IssuedAt.Equal(second) || !a.AuthnInstant.Equal(second) || !a.NotOnOrAfter.Equal(second.Add(5*time.Minute)) {
		t.Errorf("got instants %s, %s, %s", a.IssuedAt, a.AuthnInstant, a.NotOnOrAfter)
	}
	want := map[string]string{
		"spidCode": "PROV0000000001", "name": "Anna", "familyName": "Neri",
		"fiscalNumber": "TINIT-NRENNA80A41H501T", "dateOfBirth": "1980-01-01",
	}
	if len(a.Attributes) != len(want) {
		t.Errorf("got attributes %v, want %v", a.Attributes, want)
	}
	for name, value := range want {
		if a.Attributes[name] != value {
			t.Errorf("%s is %q, want %q", name, a.Attributes[name], value)
		}
	}
	if response, err := spid.Open(answer); err != nil || string(response.XML()) != unpack(answer) {
		t.Errorf("XML differs from the received document: %v", err)
	}
}

// Rules that no official case tests, and variants that must be accepted.
func TestOtherRules(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		what string
		edit edit
		want spid.Reason
	}{
		{"instant in the second of the request", set("", "IssueInstant", "2026-03-02T10:20:30Z"), ""},
		{"instant by a clock that is 5 s slow",
			all(set("", "IssueInstant", "2026-03-02T10:20:25Z"), set(assertion, "IssueInstant", "2026-03-02T10:20:25Z")), ""},
		{"instant by a clock that is 6 s slow", set("", "IssueInstant", "2026-03-02T10:20:24Z"), spid.ReasonIssueInstant},
		{"the assertion's instant by a clock that is 6 s slow",
			set(assertion, "IssueInstant", "2026-03-02T10:20:24Z"), spid.ReasonAssertionIssueInstant},
		{"instant within the tolerance", set("", "IssueInstant", "2026-03-02T10:20:55Z"), ""},
		{"instant beyond the tolerance", set("", "IssueInstant", "2026-03-02T10:21:05Z"), spid.ReasonIssueInstant},
		{"instant without a zone", set("", "IssueInstant", "2026-03-02T10:20:30"), spid.ReasonIssueInstant},
		{"instant in another zone", set("", "IssueInstant", "2026-03-02T11:20:30+01:00"), spid.ReasonIssueInstant},
		{"instant with a comma", set("", "IssueInstant", "2026-03-02T10:20:30,5Z"), spid.ReasonIssueInstant},
		{"instant with one digit", set("", "IssueInstant", "2026-3-2T10:20:30Z"), spid.ReasonIssueInstant},
		{"instant on an invalid day", set("", "IssueInstant", "2026-02-30T10:20:30Z"), spid.ReasonIssueInstant},
		{"instant padded", set("", "IssueInstant", " 2026-03-02T10:20:30Z "), ""},
		{"instant in milliseconds", set("", "IssueInstant", "2026-03-02T10:20:30.678Z"), ""},
		{"instant in nanoseconds", set("", "IssueInstant", "2026-03-02T10:20:30.678901234Z"), ""},
		{"ends now", set(conditions, "NotOnOrAfter", "2026-03-02T10:20:30.678Z"), spid.ReasonConditionsNotOnOrAfter},
		{"ends in a millisecond", set(conditions, "NotOnOrAfter", "2026-03-02T10:20:30.679Z"), ""},
		{"NotBefore in the confirmation", set(data, "NotBefore", "2026-03-02T10:20:30Z"), spid.ReasonConfirmationNotBefore},
		{"AuthnInstant absent", unset(statement, "AuthnInstant"), spid.ReasonAuthnInstant},
		{"AuthnInstant in the future", set(statement, "AuthnInstant", future), spid.ReasonAuthnInstant},
		{"AuthnInstant a minute before the request", set(statement, "AuthnInstant", "2026-03-02T10:19:30Z"), ""},
		{"AuthnInstant more than a minute before the request",
			set(statement, "AuthnInstant", "2026-03-02T10:19:29Z"), spid.ReasonAuthnInstant},
		{"a second restriction for others", func(root *etree.Element) {
			find(root, conditions).CreateElement("saml:AudienceRestriction").CreateElement("saml:Audience").SetText("https://other.example")
		}, spid.ReasonAudience},
		{"other audiences and ours", func(root *etree.Element) {
			find(root, restriction).CreateElement("saml:Audience").SetText("https://other.example")
		}, ""},
		{"OneTimeUse", func(root *etree.Element) { find(root, conditions).CreateElement("saml:OneTimeUse") }, ""},
		{"an unknown condition",
			func(root *etree.Element) { find(root, conditions).CreateElement("saml:Condition") }, spid.ReasonUnexpectedElement},
		{"two subjects", repeat(subject), spid.ReasonSubject},
		{"two NameIDs", repeat(nameID), spid.ReasonNameID},
		{"two confirmations", repeat(confirmation), spid.ReasonConfirmation},
		{"two conditions", repeat(conditions), spid.ReasonConditions},
		{"two issuers", repeat(issuer), spid.ReasonIssuer},
		{"two statuses", repeat(status), spid.ReasonStatus},
		{"an attribute twice", repeat(attributes + "/saml:Attribute"), spid.ReasonAttributeValue},
		{"an attribute with two values", repeat(fiscalValue), spid.ReasonAttributeValue},
		{"an attribute without a name", unset(attributes+"/saml:Attribute", "Name"), spid.ReasonAttributeName},
		{"a value with an element",
			func(root *etree.Element) { find(root, fiscalValue).CreateElement("saml:NameID") }, spid.ReasonUnexpectedElement},
		{"no fiscalNumber", remove(attributes + "/saml:Attribute[@Name='fiscalNumber']"), spid.ReasonAttributeMissing},
		{"no name", remove(attributes + "/saml:Attribute[@Name='name']"), spid.ReasonAttributeMissing},
		{"blank familyName", write(attributes+"/saml:Attribute[@Name='familyName']/saml:AttributeValue", " "), spid.ReasonAttributeMissing},
		{"blank dateOfBirth", write(attributes+"/saml:Attribute[@Name='dateOfBirth']/saml:AttributeValue", ""), ""},
		{"Advice", func(root *etree.Element) { find(root, assertion).CreateElement("saml:Advice") }, spid.ReasonUnexpectedElement},
		{"text between elements", func(root *etree.Element) { root.CreateText("text") }, spid.ReasonUnexpectedText},
		{"an element of no namespace",
			func(root *etree.Element) { find(root, subject).CreateElement("NameID") }, spid.ReasonUnexpectedElement},
		{"a second attribute statement without attributes", func(root *etree.Element) {
			find(root, assertion).CreateElement("saml:AttributeStatement")
		}, spid.ReasonAttributeStatement},
		{"a failure with an assertion",
			set(statusCode, "Value", "urn:oasis:names:tc:SAML:2.0:status:Responder"), spid.ReasonStatusAssertion},
	} {
		t.Run(c.what, func(t *testing.T) {
			t.Parallel()
			o := newObserver(t)
			o.expect(o.answer(idp, before(c.edit)), c.want)
		})
	}
}

// CIE is more lenient than SPID in some rules (spid.ServiceProvider.Scheme).
func TestSchemes(t *testing.T) {
	t.Parallel()
	cie := *sp
	cie.Scheme = spid.CIE
	const entity, persistent = "urn:oasis:names:tc:SAML:2.0:nameid-format:entity", "urn:oasis:names:tc:SAML:2.0:nameid-format:persistent"
	onlyEIDAS := func(root *etree.Element) {
		remove(attributes + "/saml:Attribute[@Name='spidCode']")(root)
		set(attributes+"/saml:Attribute[@Name='dateOfBirth']/saml:AttributeValue", "xsi:type", "xs:string")(root)
	}
	for _, c := range []struct {
		what      string
		edit      edit
		spid, cie spid.Reason
	}{
		{"the SPID form", all(), "", ""},
		{"the CIE form",
			all(
				unset(issuer, "Format"),
				unset(aIssuer, "Format"),
				onlyEIDAS,
				write(class, spid.SpidL3.URI()),
			), spid.ReasonAssertionIssuerFormat, ""},
		{"issuers without Format", all(unset(issuer, "Format"), unset(aIssuer, "Format")), spid.ReasonAssertionIssuerFormat, ""},
		{"response's issuer without Format", unset(issuer, "Format"), "", ""},
		{"issuers with Format", all(set(issuer, "Format", entity), set(aIssuer, "Format", entity)), "", ""},
		{"response's issuer with another Format", set(issuer, "Format", persistent), spid.ReasonIssuerFormat, spid.ReasonIssuerFormat},
		{"assertion's issuer with another Format",
			set(aIssuer, "Format", persistent), spid.ReasonAssertionIssuerFormat, spid.ReasonAssertionIssuerFormat},
		{"assertion's issuer with an empty Format",
			set(aIssuer, "Format", ""), spid.ReasonAssertionIssuerFormat, spid.ReasonAssertionIssuerFormat},
		{"the four attributes of CIE", onlyEIDAS, "", ""},
		{"a level above the requested one", write(class, spid.SpidL3.URI()), "", ""},
		{"a level below the requested one", write(class, spid.SpidL1.URI()), spid.ReasonLevel, spid.ReasonLevel},
		{"NameID persistent", set(nameID, "Format", persistent), spid.ReasonNameIDFormat, spid.ReasonNameIDFormat},
		{"no fiscalNumber",
			remove(attributes + "/saml:Attribute[@Name='fiscalNumber']"), spid.ReasonAttributeMissing, spid.ReasonAttributeMissing},
		{"no NotBefore", unset(conditions, "NotBefore"), spid.ReasonConditionsNotBefore, spid.ReasonConditionsNotBefore},
		{"no assertion", remove(assertion), spid.ReasonAssertionMissing, spid.ReasonAssertionMissing},
	} {
		t.Run(c.what, func(t *testing.T) {
			t.Parallel()
			o := newObserver(t)
			answer := o.answer(idp, before(c.edit))
			o.expect(answer, c.spid)
			o.sp = &cie
			o.expect(answer, c.cie)
		})
	}
	for _, code := range []string{"nr21", "nr22", "nr23", "nr25"} {
		o := newObserver(t)
		o.sp = &cie
		_, err := o.verify(o.fail(code))
		wantAnomaly(t, err, code, true)
	}
}

// A professional identity contains the company's attributes and the person's.
func TestCompany(t *testing.T) {
	t.Parallel()
	o := newObserver(t)
	company := map[string]string{
		"companyName": "Officine Bianchi S.r.l.", "companyFiscalNumber": "TINIT-09876543217",
		"ivaCode": "VATIT-09876543217", "registeredOffice": "Via Roma 1, 00184 Roma",
	}
	var edits []edit
	for name, value := range company {
		edits = append(edits, addAttribute(name, value))
	}
	a, err := o.verify(o.answer(idp, before(edits...)))
	if err != nil {
		t.Fatal(err)
	}
	o.wantSigned(a, nil)
	for name, value := range company {
		if a.Attributes[name] != value {
			t.Errorf("%s is %q, want %q", name, a.Attributes[name], value)
		}
	}
}

// An identity of a legal person names no natural person. It has a different
// reason from a person's identity with missing attributes.
func TestLegalPerson(t *testing.T) {
	t.Parallel()
	person := func(name string) edit { return remove(attributes + "/saml:Attribute[@Name='" + name + "']") }
	noPerson := all(person("name"), person("familyName"), person("fiscalNumber"), person("dateOfBirth"))
	for _, c := range []struct {
		what string
		edit edit
		want spid.Reason
	}{
		{"a company alone",
			all(
				noPerson,
				addAttribute("companyName", "Officine Bianchi S.r.l."),
				addAttribute("ivaCode", "VATIT-09876543217"),
			), spid.ReasonLegalPerson},
		{"a company by its code alone", all(noPerson, addAttribute("companyFiscalNumber", "TINIT-09876543217")), spid.ReasonLegalPerson},
		{"a company with a fiscal number",
			all(person("name"), person("familyName"), addAttribute("companyName", "Officine Bianchi S.r.l.")), spid.ReasonLegalPerson},
		{"neither a person nor a company",
			all(noPerson, person("spidCode"), addAttribute("email", "anna@mail.example")), spid.ReasonAttributeMissing},
		{"a person without a name, and a company",
			all(person("name"), addAttribute("companyName", "Officine Bianchi S.r.l.")), spid.ReasonAttributeMissing},
	} {
		t.Run(c.what, func(t *testing.T) {
			t.Parallel()
			o := newObserver(t)
			o.expect(o.answer(idp, before(c.edit)), c.want)
		})
	}
}

// An answer is valid only for one request, one provider and one RelayState.
func TestVerifyAnotherRequest(t *testing.T) {
	t.Parallel()
	req := login(t)
	answer, err := idp.Answer(req, anna)
	if err != nil {
		t.Fatal(err)
	}
	response, err := spid.Open(answer)
	if err != nil {
		t.Fatal(err)
	}
	if response.InResponseTo() != req.ID {
		t.Errorf("InResponseTo is %q, want %q", response.InResponseTo(), req.ID)
	}
	for _, c := range []struct {
		what  string
		relay string
		edit  func(*spid.Request)
		p     *spid.Provider
		want  spid.Reason
	}{
		{"good", req.RelayState, func(*spid.Request) {}, provider, ""},
		{"good, repeated", req.RelayState, func(*spid.Request) {}, provider, ""}, // Verify changes nothing
		{"other RelayState", "x" + req.RelayState, func(*spid.Request) {}, provider, spid.ReasonRelayState},
		{"no RelayState", "", func(*spid.Request) {}, provider, spid.ReasonRelayState},
		{"no RelayState in the request", "", func(r *spid.Request) { r.RelayState = "" }, provider, spid.ReasonRelayState},
		{"other request", req.RelayState, func(r *spid.Request) { r.ID = "_other" }, provider, spid.ReasonInResponseTo},
		{"zero request", "", func(r *spid.Request) { *r = spid.Request{} }, provider, spid.ReasonRelayState},
		{"other provider", req.RelayState, func(*spid.Request) {}, &spid.Provider{EntityID: "https://other.example"}, spid.ReasonIssuer},
		{"no provider", req.RelayState, func(*spid.Request) {}, nil, spid.ReasonIssuer},
	} {
		r := req
		c.edit(&r)
		_, err := sp.Verify(response, c.relay, r, c.p)
		t.Log(c.what)
		wantReason(t, err, c.want)
	}
}

// detail adds a StatusDetail to a failure.
func detail(do edit) edit {
	return func(root *etree.Element) { do(find(root, status).CreateElement("samlp:StatusDetail")) }
}

func TestAnomaly(t *testing.T) {
	t.Parallel()
	message := status + "/samlp:StatusMessage"
	for _, c := range []struct {
		what string
		edit edit
		code string
		want spid.Reason // if it is not an anomaly
	}{
		{"as in the rules", all(), "nr25", ""},
		{"other wording", write(message, "Errorcode: NR 8 (invalid)"), "nr08", ""},
		{"no code", write(message, "Authentication failed"), "", ""},
		{"no message", remove(message), "", ""},
		{"second-level status misspelled as in the rules",
			set(statusCode+"/samlp:StatusCode", "Value", "urn:oasis:names:tc:SAML:2.0:statuss:AuthnFailed"), "nr25", ""},
		{"the second-level status at the top level",
			all(
				set(statusCode, "Value", "urn:oasis:names:tc:SAML:2.0:status:AuthnFailed"),
				remove(statusCode+"/samlp:StatusCode"),
			), "nr25", ""},
		{"the second-level status at both levels", set(statusCode, "Value", "urn:oasis:names:tc:SAML:2.0:status:AuthnFailed"), "nr25", ""},
		{"the top-level status Requester", set(statusCode, "Value", "urn:oasis:names:tc:SAML:2.0:status:Requester"), "nr25", ""},
		{"Requester, RequestUnsupported", all(set(statusCode, "Value", "urn:oasis:names:tc:SAML:2.0:status:Requester"),
			set(statusCode+"/samlp:StatusCode", "Value", "urn:oasis:names:tc:SAML:2.0:status:RequestUnsupported")), "nr25", ""},
		{"RequestUnsupported at the top level",
			set(statusCode, "Value", "urn:oasis:names:tc:SAML:2.0:status:RequestUnsupported"), "nr25", ""},
		{"an unknown status", set(statusCode, "Value", "urn:oasis:names:tc:SAML:2.0:status:Cancelled"), "", spid.ReasonStatus},
		{"no Issuer", remove(issuer), "nr25", ""},
		{"no Issuer, and the second-level status at the top level",
			all(remove(issuer), set(statusCode, "Value", "urn:oasis:names:tc:SAML:2.0:status:AuthnFailed")), "nr25", ""},
		{"no Issuer, and an unknown status", all(remove(issuer), set(statusCode, "Value", "urn:x")), "", spid.ReasonIssuer},
		{"an empty Issuer", emptied(issuer), "", spid.ReasonIssuer},
		{"text around the code", write(message, "Operazione annullata: ErrorCode nr25 (utente)"), "nr25", ""},
		{"no-break spaces around the code", write(message, "\u00a0ErrorCode\u00a0nr25\u00a0"), "nr25", ""},
		{"a detail as text", detail(func(el *etree.Element) { el.SetText("Accesso negato") }), "nr25", ""},
		{"a detail with foreign elements", detail(func(el *etree.Element) {
			el.CreateElement("Cause").SetText("org.example.AccessDenied")
			more := el.CreateElement("x:More")
			more.CreateAttr("xmlns:x", "https://idp.example/more")
			more.CreateAttr("x:level", "2")
			more.CreateElement("x:Step").CreateAttr("ID", "step")
		}), "nr25", ""},
		{"a detail with the response's ID", func(root *etree.Element) {
			detail(func(el *etree.Element) { el.CreateElement("Cause").CreateAttr("id", root.SelectAttrValue("ID", "")) })(root)
		}, "", spid.ReasonDuplicateID},
		{"a detail that is another status",
			detail(func(el *etree.Element) { el.CreateElement("samlp:Status") }), "", spid.ReasonUnexpectedElement},
		{"a signature within a detail", detail(func(el *etree.Element) {
			el.CreateElement("Cause").CreateElement("ds:Signature").CreateAttr("xmlns:ds", "http://www.w3.org/2000/09/xmldsig#")
		}), "", spid.ReasonUnexpectedElement},
		{"another Destination", set("", "Destination", "https://other.example"), "", spid.ReasonDestination},
		{"another InResponseTo", set("", "InResponseTo", otherRequestID), "", spid.ReasonInResponseTo},
		{"another Issuer", write(issuer, "https://other.example"), "", spid.ReasonIssuer},
		{"before the request", set("", "IssueInstant", past), "", spid.ReasonIssueInstant},
		{"Version", set("", "Version", "1.1"), "", spid.ReasonVersion},
		{"no ID", unset("", "ID"), "", spid.ReasonResponseID},
	} {
		t.Run(c.what, func(t *testing.T) {
			t.Parallel()
			req := login(t)
			for _, signed := range []bool{true, false} {
				edits := all()
				if !signed {
					edits = remove(signature)
				}
				answer, err := idp.Fail(req, "nr25", before(c.edit), after(edits))
				if err != nil {
					t.Fatal(err)
				}
				_, err = verify(req, answer)
				if c.want != "" {
					wantReason(t, err, c.want)
				} else {
					wantAnomaly(t, err, c.code, signed)
				}
			}
		})
	}
	t.Run("invalid signature", func(t *testing.T) {
		t.Parallel()
		req := login(t)
		answer, err := impostor.Fail(req, "nr25")
		if err != nil {
			t.Fatal(err)
		}
		_, err = verify(req, answer)
		wantReason(t, err, spid.ReasonSignatureInvalid)
	})
}
