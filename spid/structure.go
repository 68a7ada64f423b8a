package spid

import (
	"slices"
	"strings"

	"github.com/beevik/etree"
)

// prefixes maps namespaces to the prefixes with which this package names
// elements. They do not depend on the prefixes in the response.
var prefixes = map[string]string{
	nsProtocol:  "samlp",
	nsAssertion: "saml",
	nsSignature: "ds",
	nsExclusive: "ec",
}

// grammar lists the elements that a response can contain and the allowed
// children of each. Any other element is refused, so that a second assertion or
// a foreign signed element cannot be hidden: signature wrapping depends on
// elements that one reader skips and another finds.
//
// It allows all that SAML allows and SPID does not forbid. Only the parts used
// in assertion.go are read. Not read are AuthenticatingAuthority (other parties
// that vouch for the login), AuthnContextDeclRef, the NameID of a
// SubjectConfirmation, and the conditions OneTimeUse and ProxyRestriction,
// which are always satisfied: an assertion is used once, and no other assertion
// is made from it. StatusDetail and Extensions can contain foreign elements,
// see checkGrammar. Advice is the only element of an assertion that SPID
// forbids.
var grammar = map[string][]string{
	"samlp:Response":      {"saml:Issuer", "ds:Signature", "samlp:Extensions", "samlp:Status", "saml:Assertion"},
	"samlp:Extensions":    {},
	"saml:Issuer":         {},
	"samlp:Status":        {"samlp:StatusCode", "samlp:StatusMessage", "samlp:StatusDetail"},
	"samlp:StatusCode":    {"samlp:StatusCode"},
	"samlp:StatusMessage": {},
	"samlp:StatusDetail":  {},

	"saml:Assertion": {
		"saml:Issuer", "ds:Signature", "saml:Subject", "saml:Conditions",
		"saml:AuthnStatement", "saml:AttributeStatement",
	},
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

// open lists the elements that can contain elements of other namespaces: a
// provider's details on a failure (SAML 2.0 Core, 3.2.2.4), and extensions
// agreed between two parties (3.2.2).
var openElements = map[string]bool{"samlp:StatusDetail": true, "samlp:Extensions": true}

// checkStructure checks el, a response or an assertion, with all its
// descendants: all elements are known and in an allowed place, there is at most
// one assertion, and IDs are present and unique.
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
		// goxmldsig and others accept an ID attribute of any namespace as the ID.
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
			if openElements[parent] && foreign(t) {
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

// foreign reports whether el and all its descendants are of namespaces that
// this package does not read. Then no reader can mistake them for SAML.
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

// misplaced returns the error for a child that its parent must not have.
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
		child = "an unknown element" // the real name is the sender's text, which is not logged
	}
	if strings.HasPrefix(parent, "ds:") {
		return reject(ReasonSignatureStructure, "%s in %s", child, parent)
	}
	return reject(ReasonUnexpectedElement, "%s in %s", child, parent)
}

// checkIDs checks that the response and the assertion have an ID, and that no
// ID is empty or used twice, on any element and in any spelling of the
// attribute name.
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
				return reject(ReasonDuplicateID, "an ID that is empty or used twice")
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

// qname returns the name of an element with the prefix from prefixes, or with a
// question mark if its namespace is not there.
func qname(el *etree.Element) string {
	prefix, ok := prefixes[el.NamespaceURI()]
	if !ok {
		prefix = "?"
	}
	return prefix + ":" + el.Tag
}

// children returns the children of el with that name.
func children(el *etree.Element, name string) []*etree.Element {
	var found []*etree.Element
	for _, child := range el.ChildElements() {
		if qname(child) == name {
			found = append(found, child)
		}
	}
	return found
}

// only returns the single child with that name. It returns an error if there is
// none or more than one.
func onlyChild(el *etree.Element, name string, reason Reason) (*etree.Element, error) {
	found := children(el, name)
	if len(found) != 1 {
		return nil, reject(reason, "%s has %d %s, not one", qname(el), len(found), name)
	}
	return found[0], nil
}

// attr returns an attribute without a namespace. It trims the value, because
// XML Schema collapses spaces in all attribute types read here.
func attr(el *etree.Element, key string) (value string, ok bool) {
	for _, a := range el.Attr {
		if a.Space == "" && a.Key == key {
			return strings.TrimSpace(a.Value), true
		}
	}
	return "", false
}

// text returns the text of an element, without any comments in it. It trims the
// text, because AgID's validator and some identity providers pad names and
// issuers with spaces.
func text(el *etree.Element) string {
	var b strings.Builder
	for _, token := range el.Child {
		if data, ok := token.(*etree.CharData); ok {
			b.WriteString(data.Data)
		}
	}
	return strings.TrimSpace(b.String())
}
