package spid_test

import (
	"encoding/base64"
	"errors"
	"maps"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/beevik/etree"

	"stella/spid"
)

// What comes out of a good response.
func TestVerify(t *testing.T) {
	t.Parallel()
	a, err := answered(t)
	if err != nil {
		t.Fatal(err)
	}
	second := now.Truncate(time.Second)
	if a.ID == "" || a.ResponseID == "" || a.ID == a.ResponseID || a.NameID == "" {
		t.Errorf("ids are missing: %+v", a)
	}
	if a.Issuer != "https://idp.example" || a.Level != spid.SpidL2 {
		t.Errorf("got issuer %q and level %s", a.Issuer, a.Level)
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
}

// Rules that no official case tests, and freedoms that must be left.
func TestOtherRules(t *testing.T) {
	t.Parallel()
	pad := func(path string) edit {
		return func(root *etree.Element) {
			el := find(root, path)
			el.SetText("\n    " + el.Text() + " \t\n")
		}
	}
	again := func(path string) edit {
		return func(root *etree.Element) {
			el := find(root, path)
			el.Parent().AddChild(el.Copy())
		}
	}
	for _, c := range []struct {
		what string
		edit edit
		want spid.Reason
	}{
		{"padded NameID, issuers, audience, level", all(pad(nameID), pad(issuer), pad(aIssuer), pad(audience), pad(class)), ""},
		{"padded Format", set(aIssuer, "Format", "urn:oasis:names:tc:SAML:2.0:nameid-format:entity "), ""},
		{"instant at the request's very second", set("", "IssueInstant", "2026-03-02T10:20:30Z"), ""},
		{"instant a second before the request", set("", "IssueInstant", "2026-03-02T10:20:29Z"), spid.ReasonIssueInstant},
		{"instant within the tolerance", set("", "IssueInstant", "2026-03-02T10:20:55Z"), ""},
		{"instant beyond the tolerance", set("", "IssueInstant", "2026-03-02T10:21:05Z"), spid.ReasonIssueInstant},
		{"instant without a zone", set("", "IssueInstant", "2026-03-02T10:20:30"), spid.ReasonIssueInstant},
		{"ends now", set(conditions, "NotOnOrAfter", "2026-03-02T10:20:30.678Z"), spid.ReasonConditionsNotOnOrAfter},
		{"ends in a moment", set(conditions, "NotOnOrAfter", "2026-03-02T10:20:30.679Z"), ""},
		{"NotBefore in the confirmation", set(data, "NotBefore", "2026-03-02T10:20:30Z"), spid.ReasonConfirmationNotBefore},
		{"AuthnInstant absent", unset(statement, "AuthnInstant"), spid.ReasonAuthnInstant},
		{"AuthnInstant in the future", set(statement, "AuthnInstant", future), spid.ReasonAuthnInstant},
		{"a second restriction for others", func(root *etree.Element) {
			find(root, conditions).CreateElement("saml:AudienceRestriction").CreateElement("saml:Audience").SetText("https://other.example")
		}, spid.ReasonAudience},
		{"other audiences beside ours", func(root *etree.Element) {
			find(root, restriction).CreateElement("saml:Audience").SetText("https://other.example")
		}, ""},
		{"OneTimeUse", func(root *etree.Element) { find(root, conditions).CreateElement("saml:OneTimeUse") }, ""},
		{"a condition not known", func(root *etree.Element) { find(root, conditions).CreateElement("saml:Condition") }, spid.ReasonUnexpectedElement},
		{"two subjects", all(again(subject)), spid.ReasonSubject},
		{"two NameIDs", again(nameID), spid.ReasonNameID},
		{"two confirmations", again(confirmation), spid.ReasonConfirmation},
		{"two conditions", again(conditions), spid.ReasonConditions},
		{"two statements", again(statement), spid.ReasonAuthnStatement},
		{"two attribute statements", again(attributes), spid.ReasonAttributeStatement},
		{"two issuers", again(issuer), spid.ReasonIssuer},
		{"two statuses", again(status), spid.ReasonStatus},
		{"an attribute twice", again(attributes + "/saml:Attribute"), spid.ReasonAttributeName},
		{"an attribute with two values", again(fiscalValue), spid.ReasonAttributeValue},
		{"an attribute without a name", unset(attributes+"/saml:Attribute", "Name"), spid.ReasonAttributeName},
		{"a value with an element", func(root *etree.Element) { find(root, fiscalValue).CreateElement("saml:NameID") }, spid.ReasonUnexpectedElement},
		{"no fiscalNumber", remove(attributes + "/saml:Attribute[@Name='fiscalNumber']"), spid.ReasonAttributeMissing},
		{"no name", remove(attributes + "/saml:Attribute[@Name='name']"), spid.ReasonAttributeMissing},
		{"blank familyName", write(attributes+"/saml:Attribute[@Name='familyName']/saml:AttributeValue", " "), spid.ReasonAttributeMissing},
		{"blank dateOfBirth", write(attributes+"/saml:Attribute[@Name='dateOfBirth']/saml:AttributeValue", ""), ""},
		{"an encrypted assertion", func(root *etree.Element) { root.CreateElement("saml:EncryptedAssertion") }, spid.ReasonAssertionEncrypted},
		{"Advice", func(root *etree.Element) { find(root, assertion).CreateElement("saml:Advice") }, spid.ReasonUnexpectedElement},
		{"text between elements", func(root *etree.Element) { root.CreateText("text") }, spid.ReasonUnexpectedText},
		{"an element of no namespace", func(root *etree.Element) { find(root, subject).CreateElement("NameID") }, spid.ReasonUnexpectedElement},
		{"one id twice", func(root *etree.Element) {
			root.CreateAttr("ID", find(root, assertion).SelectAttrValue("ID", ""))
		}, spid.ReasonDuplicateID},
		{"an id in another spelling", func(root *etree.Element) {
			find(root, subject).CreateAttr("id", find(root, assertion).SelectAttrValue("ID", ""))
		}, spid.ReasonDuplicateID},
		{"an id in another namespace", func(root *etree.Element) {
			find(root, assertion).CreateAttr("xmlns:other", "urn:other")
			find(root, assertion).CreateAttr("other:ID", "_other")
		}, spid.ReasonUnexpectedAttr},
		{"a failure with an assertion", set(statusCode, "Value", "urn:oasis:names:tc:SAML:2.0:status:Responder"), spid.ReasonStatusAssertion},
	} {
		t.Run(c.what, func(t *testing.T) {
			t.Parallel()
			_, err := answered(t, before(c.edit))
			wantReason(t, err, c.want)
		})
	}
}

// An answer is for one request, one provider and one RelayState.
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
		spoil func(*spid.Request)
		p     *spid.Provider
		want  spid.Reason
	}{
		{"good", req.RelayState, func(*spid.Request) {}, provider, ""},
		{"good again", req.RelayState, func(*spid.Request) {}, provider, ""}, // nothing was changed
		{"other RelayState", "x" + req.RelayState, func(*spid.Request) {}, provider, spid.ReasonRelayState},
		{"no RelayState", "", func(*spid.Request) {}, provider, spid.ReasonRelayState},
		{"none at all", "", func(r *spid.Request) { r.RelayState = "" }, provider, spid.ReasonRelayState},
		{"other request", req.RelayState, func(r *spid.Request) { r.ID = "_other" }, provider, spid.ReasonInResponseTo},
		{"zero request", "", func(r *spid.Request) { *r = spid.Request{} }, provider, spid.ReasonRelayState},
		{"other provider", req.RelayState, func(*spid.Request) {}, &spid.Provider{EntityID: "https://other.example"}, spid.ReasonIssuer},
		{"no provider", req.RelayState, func(*spid.Request) {}, nil, spid.ReasonIssuer},
	} {
		r := req
		c.spoil(&r)
		_, err := sp.Verify(response, c.relay, r, c.p)
		t.Log(c.what)
		wantReason(t, err, c.want)
	}
}

func TestAnomaly(t *testing.T) {
	t.Parallel()
	message := status + "/samlp:StatusMessage"
	for _, c := range []struct {
		what string
		edit edit
		code string
		want spid.Reason // if it is no anomaly
	}{
		{"as the rules have it", all(), "nr25", ""},
		{"other wording", write(message, "Errorcode: NR 8 (invalid)"), "nr08", ""},
		{"no code", write(message, "Authentication failed"), "", ""},
		{"no message", remove(message), "", ""},
		{"second status as the rules misspell it", set(statusCode+"/samlp:StatusCode", "Value", "urn:oasis:names:tc:SAML:2.0:statuss:AuthnFailed"), "nr25", ""},
		{"Destination elsewhere", set("", "Destination", "https://other.example"), "", spid.ReasonDestination},
		{"InResponseTo another", set("", "InResponseTo", foreignID), "", spid.ReasonInResponseTo},
		{"Issuer another", write(issuer, "https://other.example"), "", spid.ReasonIssuer},
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
	t.Run("signed wrongly", func(t *testing.T) {
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

func TestOpen(t *testing.T) {
	t.Parallel()
	req := login(t)
	good, err := idp.Answer(req, anna)
	if err != nil {
		t.Fatal(err)
	}
	const open = `<samlp:Response xmlns:samlp="urn:oasis:names:tc:SAML:2.0:protocol">`
	const end = `</samlp:Response>`
	in := func(s string) string { return base64.StdEncoding.EncodeToString([]byte(s)) }
	raw, _ := base64.StdEncoding.DecodeString(good)
	for _, c := range []struct {
		what string
		form string
		want spid.Reason
	}{
		{"good", good, ""},
		{"good, in lines", good[:76] + "\r\n" + good[76:] + "\n", ""},
		{"good, with a declaration", in("<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n" + string(raw) + "\n"), ""},
		{"nothing", "", spid.ReasonNotWellFormed},
		{"no base64", "<Response/>", spid.ReasonNotBase64},
		{"truncated", good[:len(good)/2/4*4], spid.ReasonNotWellFormed},
		{"truncated in base64", good[:len(good)-3], spid.ReasonNotBase64},
		{"no XML", in("SAML"), spid.ReasonNotWellFormed},
		{"another message", in(`<samlp:LogoutResponse xmlns:samlp="urn:oasis:names:tc:SAML:2.0:protocol"/>`), spid.ReasonNotAResponse},
		{"another namespace", in(`<Response xmlns="urn:other"/>`), spid.ReasonNotAResponse},
		{"no namespace", in(`<samlp:Response/>`), spid.ReasonNotAResponse},
		{"document type", in(`<!DOCTYPE r [<!ENTITY x "y">]>` + open + `&x;` + end), spid.ReasonDoctype},
		{"document type inside", in(open + `<!DOCTYPE r>` + end), spid.ReasonDoctype},
		{"external entity", in(`<!DOCTYPE r SYSTEM "file:///etc/passwd">` + open + end), spid.ReasonDoctype},
		{"undeclared entity", in(open + `&x;` + end), spid.ReasonNotWellFormed},
		{"processing instruction", in(open + `<?php x ?>` + end), spid.ReasonDoctype},
		{"stylesheet", in(`<?xml-stylesheet href="x"?>` + open + end), spid.ReasonDoctype},
		{"another charset", in(`<?xml version="1.0" encoding="ISO-8859-1"?>` + open + end), spid.ReasonNotWellFormed},
		{"not UTF-8", in(open + "\xff" + end), spid.ReasonNotWellFormed},
		{"two roots", in(open + end + open + end), spid.ReasonNotWellFormed},
		{"text after the root", in(open + end + "text"), spid.ReasonNotWellFormed},
		{"an attribute twice", in(`<samlp:Response xmlns:samlp="urn:oasis:names:tc:SAML:2.0:protocol" ID="a" ID="b"/>`), spid.ReasonNotWellFormed},
		{"a name that changes when read again", in(open + `<x::y/>` + end), spid.ReasonNotWellFormed},
		{"not closed", in(open), spid.ReasonNotWellFormed},
		{"closed wrongly", in(open + `<a></b>` + end), spid.ReasonNotWellFormed},
		{"huge", strings.Repeat("A", 1<<20), spid.ReasonTooLarge},
		{"wide", in(open + strings.Repeat("<a/>", 2000) + end), spid.ReasonTooLarge},
		{"deep", in(open + strings.Repeat("<a>", 200) + strings.Repeat("</a>", 200) + end), spid.ReasonTooLarge},
		{"many attributes", in(open + "<a" + manyAttributes(200) + "/>" + end), spid.ReasonTooLarge},
	} {
		t.Run(c.what, func(t *testing.T) {
			t.Parallel()
			response, err := spid.Open(c.form)
			wantReason(t, err, c.want)
			if err == nil {
				_, err = sp.Verify(response, req.RelayState, req, provider)
				wantReason(t, err, "")
				if len(response.XML()) == 0 {
					t.Error("no XML for the archive")
				}
			}
		})
	}
}

func manyAttributes(n int) string {
	var b strings.Builder
	for i := range n {
		b.WriteString(" a" + strings.Repeat("b", i) + `="x"`)
	}
	return b.String()
}

// FuzzResponse cuts and pastes in a signed response, and looks for panics and
// for one that is accepted and says something else than what was signed. It is
// given what to do and not the response, since every process has other keys.
func FuzzResponse(f *testing.F) {
	req := login(f)
	answer, err := idp.Answer(req, anna, after(remove(signature)))
	if err != nil {
		f.Fatal(err)
	}
	raw, err := base64.StdEncoding.DecodeString(answer)
	if err != nil {
		f.Fatal(err)
	}
	place := func(part string) (from, size uint16) {
		start, end := strings.Index(string(raw), "<"+part), strings.LastIndex(string(raw), "</"+part)
		return uint16(start), uint16(end + len("</"+part+">") - start)
	}
	from, size := place("saml:Assertion")
	f.Add(uint16(0), uint16(0), []byte(nil), uint16(0), uint16(0))
	f.Add(from, uint16(0), []byte(nil), from, size)
	f.Add(from+size, uint16(0), []byte(nil), from, size)
	value, _ := place("saml:AttributeValue")
	f.Add(value+40, uint16(1), []byte("<!-- x -->"), uint16(0), uint16(0))
	f.Add(value+40, uint16(1), []byte("<![CDATA[x]]>"), uint16(0), uint16(0))
	inside, _ := place("ds:KeyInfo")
	f.Add(inside, uint16(0), []byte("<ds:Object>"), from, size)
	f.Add(uint16(0), uint16(0), []byte("<!DOCTYPE x>"), uint16(0), uint16(0))
	f.Fuzz(func(t *testing.T, at, cut uint16, insert []byte, from, size uint16) {
		spoilt := slices.Concat(
			part(raw, 0, int(at)), insert, part(raw, int(from), int(size)), part(raw, int(at)+int(cut), len(raw)))
		a, err := verify(req, base64.StdEncoding.EncodeToString(spoilt))
		if err == nil && !maps.Equal(a.Attributes, map[string]string{
			"spidCode": anna.SpidCode, "name": anna.Name, "familyName": anna.FamilyName,
			"fiscalNumber": anna.FiscalNumber, "dateOfBirth": anna.DateOfBirth,
		}) {
			t.Errorf("somebody else was identified by %s", spoilt)
		}
		wantKind(t, err)
	})
}

// part returns size bytes from a place, or as many as there are.
func part(raw []byte, from, size int) []byte {
	from = min(from, len(raw))
	return raw[from:min(from+size, len(raw))]
}

// FuzzOpen looks for panics in documents of all kinds.
func FuzzOpen(f *testing.F) {
	req := login(f)
	seed := func(answer string, err error) {
		if err != nil {
			f.Fatal(err)
		}
		raw, err := base64.StdEncoding.DecodeString(answer)
		if err != nil {
			f.Fatal(err)
		}
		f.Add(raw)
	}
	seed(idp.Answer(req, anna))
	seed(idp.Answer(req, anna, after(remove(signature), remove(aSignature))))
	seed(idp.Answer(req, anna, after(xsw8)))
	seed(idp.Answer(req, anna, before(hollow(subject), hollow(statement))))
	seed(idp.Fail(req, "nr25"))
	seed(idp.Fail(req, "nr22", after(remove(signature))))
	f.Fuzz(func(t *testing.T, raw []byte) {
		response, err := spid.Open(base64.StdEncoding.EncodeToString(raw))
		wantKind(t, err)
		if err != nil {
			return
		}
		// Whatever it claims to answer, so that it gets past the envelope.
		req := req
		req.ID = response.InResponseTo()
		_, err = sp.Verify(response, req.RelayState, req, provider)
		wantKind(t, err)
	})
}

// wantKind fails unless err is of the kinds that are documented.
func wantKind(t *testing.T, err error) {
	t.Helper()
	var rejection *spid.Rejection
	var anomaly *spid.Anomaly
	if err != nil && !errors.As(err, &rejection) && !errors.As(err, &anomaly) {
		t.Errorf("neither a rejection nor an anomaly: %v", err)
	}
}
