package spid

import (
	"slices"
	"strings"

	"github.com/beevik/etree"
)

// prefixes are those by which this package names the elements of a response,
// whatever prefixes the response itself uses.
var prefixes = map[string]string{
	nsProtocol:  "samlp",
	nsAssertion: "saml",
	nsSignature: "ds",
	nsExclusive: "ec",
}

// grammar lists the elements a response may have and the children of each. An
// element that is not listed is refused, so that nothing can hide a second
// assertion or a signed foreign element: signature wrapping lives off elements
// that one reader skips and another finds.
//
// It has what SAML allows and SPID does not forbid. Of that nothing is read but
// what assertion.go names: not who else vouched for the login
// (AuthenticatingAuthority), not a declaration of how (AuthnContextDeclRef), not
// who may confirm the subject (the NameID of a SubjectConfirmation), and not the
// conditions OneTimeUse and ProxyRestriction, which hold by themselves: an
// assertion is used once, and none is made on its strength. StatusDetail and
// Extensions may hold what is foreign, see checkGrammar. Advice is the one
// element of an assertion that SPID forbids.
var grammar = map[string][]string{
	"samlp:Response":      {"saml:Issuer", "ds:Signature", "samlp:Extensions", "samlp:Status", "saml:Assertion"},
	"samlp:Extensions":    {},
	"saml:Issuer":         {},
	"samlp:Status":        {"samlp:StatusCode", "samlp:StatusMessage", "samlp:StatusDetail"},
	"samlp:StatusCode":    {"samlp:StatusCode"},
	"samlp:StatusMessage": {},
	"samlp:StatusDetail":  {},

	"saml:Assertion":               {"saml:Issuer", "ds:Signature", "saml:Subject", "saml:Conditions", "saml:AuthnStatement", "saml:AttributeStatement"},
	"saml:Subject":                 {"saml:NameID", "saml:SubjectConfirmation"},
	"saml:NameID":                  {},
	"saml:SubjectConfirmation":     {"saml:NameID", "saml:SubjectConfirmationData"},
	"saml:SubjectConfirmationData": {},
	"saml:Conditions":              {"saml:AudienceRestriction", "saml:OneTimeUse", "saml:ProxyRestriction"},
	"saml:AudienceRestriction":     {"saml:Audience"},
	"saml:OneTimeUse":              {},
	"saml:ProxyRestriction":        {"saml:Audience"},
	"saml:Audience":                {},
	"saml:AuthnStatement":          {"saml:SubjectLocality", "saml:AuthnContext"},
	"saml:SubjectLocality":         {},
	"saml:AuthnContext":            {"saml:AuthnContextClassRef", "saml:AuthnContextDeclRef", "saml:AuthenticatingAuthority"},
	"saml:AuthnContextClassRef":    {},
	"saml:AuthnContextDeclRef":     {},
	"saml:AuthenticatingAuthority": {},
	"saml:AttributeStatement":      {"saml:Attribute"},
	"saml:Attribute":               {"saml:AttributeValue"},
	"saml:AttributeValue":          {},

	"ds:Signature":              {"ds:SignedInfo", "ds:SignatureValue", "ds:KeyInfo"},
	"ds:SignedInfo":             {"ds:CanonicalizationMethod", "ds:SignatureMethod", "ds:Reference"},
	"ds:CanonicalizationMethod": {},
	"ds:SignatureMethod":        {},
	"ds:Reference":              {"ds:Transforms", "ds:DigestMethod", "ds:DigestValue"},
	"ds:Transforms":             {"ds:Transform"},
	"ds:Transform":              {"ec:InclusiveNamespaces"},
	"ec:InclusiveNamespaces":    {},
	"ds:DigestMethod":           {},
	"ds:DigestValue":            {},
	"ds:SignatureValue":         {},
	"ds:KeyInfo":                {"ds:KeyName", "ds:KeyValue", "ds:X509Data"},
	"ds:KeyName":                {},
	"ds:KeyValue":               {"ds:RSAKeyValue"},
	"ds:RSAKeyValue":            {"ds:Modulus", "ds:Exponent"},
	"ds:Modulus":                {},
	"ds:Exponent":               {},
	"ds:X509Data":               {"ds:X509Certificate", "ds:X509SubjectName", "ds:X509IssuerSerial", "ds:X509SKI"},
	"ds:X509Certificate":        {},
	"ds:X509SubjectName":        {},
	"ds:X509IssuerSerial":       {"ds:X509IssuerName", "ds:X509SerialNumber"},
	"ds:X509IssuerName":         {},
	"ds:X509SerialNumber":       {},
	"ds:X509SKI":                {},
}

// open lists the elements that may hold elements of other namespaces: a
// provider's own words on a failure (SAML 2.0 Core, 3.2.2.4), and what two
// parties have agreed on beyond SAML (3.2.2).
var open = map[string]bool{"samlp:StatusDetail": true, "samlp:Extensions": true}

// checkStructure checks the whole of el, a response or an assertion: that only
// known elements stand in it, each in its place, that there are not two
// assertions, and that ids are there and unique.
func checkStructure(el *etree.Element) error {
	if err := checkIDs(el); err != nil {
		return err
	}
	if err := checkGrammar(el); err != nil {
		return err
	}
	if n := len(children(el, "saml:Assertion")); n > 1 {
		return reject(ReasonAssertionMisplaced, "the response has %d assertions", n)
	}
	return nil
}

func checkGrammar(el *etree.Element) error {
	parent := qname(el)
	for _, a := range el.Attr {
		// goxmldsig and others take an ID in whatever namespace for the ID.
		if a.Space != "" && a.Space != "xmlns" && (a.NamespaceURI() != nsInstance || strings.EqualFold(a.Key, "id")) {
			return reject(ReasonUnexpectedAttr, "%s has an attribute of a foreign namespace", parent)
		}
	}
	allowed := grammar[parent]
	for _, token := range el.Child {
		switch t := token.(type) {
		case *etree.CharData:
			if len(allowed) > 0 && strings.TrimSpace(t.Data) != "" {
				return reject(ReasonUnexpectedText, "%s has text", parent)
			}
		case *etree.Element:
			if open[parent] && foreign(t) {
				continue
			}
			if child := qname(t); !slices.Contains(allowed, child) {
				return misplaced(parent, child)
			}
			if err := checkGrammar(t); err != nil {
				return err
			}
		}
	}
	return nil
}

// foreign tells whether neither el nor anything in it is of a namespace that is
// read here, so that no reader can take it for something.
func foreign(el *etree.Element) bool {
	if _, known := prefixes[el.NamespaceURI()]; known {
		return false
	}
	for child := range el.ChildElementsSeq() {
		if !foreign(child) {
			return false
		}
	}
	return true
}

// misplaced says which rule is broken by a child that its parent may not have.
func misplaced(parent, child string) error {
	switch child {
	case "saml:Assertion":
		return reject(ReasonAssertionMisplaced, "an assertion in %s", parent)
	case "saml:EncryptedAssertion":
		return reject(ReasonAssertionEncrypted, "SPID does not encrypt assertions")
	case "ds:Signature":
		return reject(ReasonSignaturePlacement, "a signature in %s", parent)
	}
	if _, known := grammar[child]; !known {
		child = "an unknown element" // whose name is the sender's
	}
	if strings.HasPrefix(parent, "ds:") {
		return reject(ReasonSignatureStructure, "%s in %s", child, parent)
	}
	return reject(ReasonUnexpectedElement, "%s in %s", child, parent)
}

// checkIDs checks that response and assertion have an id, and that no id of
// whatever element or spelling is there twice or empty.
func checkIDs(root *etree.Element) error {
	seen := map[string]bool{}
	var walk func(*etree.Element) error
	walk = func(el *etree.Element) error {
		missing := ReasonDuplicateID
		switch qname(el) {
		case "samlp:Response":
			missing = ReasonResponseID
		case "saml:Assertion":
			missing = ReasonAssertionID
		}
		if id, _ := attr(el, "ID"); id == "" && missing != ReasonDuplicateID {
			return reject(missing, "%s has no ID", qname(el))
		}
		for _, a := range el.Attr {
			if a.Space == "xmlns" || !strings.EqualFold(a.Key, "id") {
				continue
			}
			if a.Value == "" || seen[a.Value] {
				return reject(ReasonDuplicateID, "an ID that is empty or taken")
			}
			seen[a.Value] = true
		}
		for _, child := range el.ChildElements() {
			if err := walk(child); err != nil {
				return err
			}
		}
		return nil
	}
	return walk(root)
}

// qname returns the name of an element with the prefix of this package, or
// with a question mark if its namespace is none of ours.
func qname(el *etree.Element) string {
	prefix, ok := prefixes[el.NamespaceURI()]
	if !ok {
		prefix = "?"
	}
	return prefix + ":" + el.Tag
}

// children returns the children of that name.
func children(el *etree.Element, name string) []*etree.Element {
	var found []*etree.Element
	for _, child := range el.ChildElements() {
		if qname(child) == name {
			found = append(found, child)
		}
	}
	return found
}

// only returns the child of that name, of which there must be exactly one.
func only(el *etree.Element, name string, reason Reason) (*etree.Element, error) {
	found := children(el, name)
	if len(found) != 1 {
		return nil, reject(reason, "%s has %d %s, not one", qname(el), len(found), name)
	}
	return found[0], nil
}

// attr returns an attribute that is in no namespace. Surrounding space does not
// count: all attributes read here are of types that XML Schema collapses.
func attr(el *etree.Element, key string) (value string, ok bool) {
	for _, a := range el.Attr {
		if a.Space == "" && a.Key == key {
			return strings.TrimSpace(a.Value), true
		}
	}
	return "", false
}

// text returns the whole text of an element, whatever comments stand in it.
// Surrounding space does not count: AgID's validator and some identity
// providers pad names and issuers.
func text(el *etree.Element) string {
	var b strings.Builder
	for _, token := range el.Child {
		if data, ok := token.(*etree.CharData); ok {
			b.WriteString(data.Data)
		}
	}
	return strings.TrimSpace(b.String())
}
