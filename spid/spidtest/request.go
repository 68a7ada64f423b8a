package spidtest

import (
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/beevik/etree"
	"github.com/crewjam/saml"

	"stella/spid"
)

// A request is the data of an AuthnRequest that the provider needs.
type request struct {
	id         string
	issuer     string
	service    string // its display name
	acsURL     string
	level      string   // class reference of the requested level
	attributes []string // names of the requested attributes
	purpose    string   // requested type of identity
	relayState string
}

// A refusal is an error that is shown on a page of the provider and not
// reported to the service (SPID technical rules, "Messaggi di errore", 4 to
// 10).
type refusal struct {
	code   int
	reason string
}

func (r *refusal) Error() string { return fmt.Sprintf("ErrorCode %d: %s", r.code, r.reason) }

// A fault is an error that is reported to the service in a response (SPID
// technical rules, "Messaggi di errore", 8 to 25).
type fault struct {
	code   string
	status string
	detail string // second-level status
}

func (f *fault) Error() string { return "ErrorCode " + f.code }

func loginFailed(code string) *fault { return &fault{code, "Responder", "AuthnFailed"} }

const (
	maxAge       = 10 * time.Minute
	maxClockSkew = time.Minute
)

// order is the order of the elements of a request
// (saml-schema-protocol-2.0.xsd).
var order = []string{"Issuer", "Signature", "Extensions", "Subject", "NameIDPolicy", "Conditions", "RequestedAuthnContext", "Scoping"}

// extract reads the data of a request that an answer needs. If the request
// names an unknown service, the answer goes to the default one (ErrorCode
// nr16).
func (p *Provider) extract(root *etree.Element, descriptor *saml.EntityDescriptor) *request {
	role := descriptor.SPSSODescriptors[0]
	req := &request{
		id:      root.SelectAttrValue("ID", ""),
		issuer:  descriptor.EntityID,
		service: descriptor.EntityID,
		acsURL:  role.AssertionConsumerServices[0].Location,
	}
	for _, acs := range role.AssertionConsumerServices {
		if root.SelectAttrValue("AssertionConsumerServiceIndex", "") == strconv.Itoa(acs.Index) {
			req.acsURL = acs.Location
		}
	}
	for _, service := range role.AttributeConsumingServices {
		if root.SelectAttrValue("AttributeConsumingServiceIndex", "") == strconv.Itoa(service.Index) {
			if len(service.ServiceNames) > 0 {
				req.service = service.ServiceNames[0].Value
			}
			for _, attribute := range service.RequestedAttributes {
				req.attributes = append(req.attributes, attribute.Name)
			}
		}
	}
	if context := root.SelectElement("RequestedAuthnContext"); context != nil {
		req.level = childText(context, "AuthnContextClassRef")
	}
	if extensions := root.SelectElement("Extensions"); extensions != nil {
		req.purpose = childText(extensions, "Purpose")
	}
	if p.config.Scheme == spid.CIE {
		req.level = spid.SpidL3.URI()
		req.attributes = slices.DeleteFunc(req.attributes, func(name string) bool { return !slices.Contains(eIDAS, name) })
	}
	return req
}

// eIDAS lists the attributes of the eIDAS minimum. CIE sends only these.
var eIDAS = []string{"name", "familyName", "dateOfBirth", "fiscalNumber"}

// check checks a request that was received at location (SPID technical rules,
// "Single Sign-On", "AuthnRequest"). It checks the rules in the order of their
// error codes.
func (p *Provider) check(root *etree.Element, descriptor *saml.EntityDescriptor, location string) error {
	role := descriptor.SPSSODescriptors[0]
	value := func(key string) string { return root.SelectAttrValue(key, "") }
	issuer := root.SelectElement("Issuer")
	issued, err := time.Parse(time.RFC3339, value("IssueInstant"))
	switch {
	case issuer.SelectAttrValue("Format", "") != formatEntity, issuer.SelectAttrValue("NameQualifier", "") == "":
		return &fault{"nr08", "Requester", ""}
	case !ordered(root), root.SelectElement("Extensions") != nil && !purposeAllowed(root):
		return &fault{"nr08", "Requester", ""}
	case value("Version") != "2.0":
		return &fault{"nr09", "VersionMismatch", ""}
	case value("ID") == "" || strings.ContainsAny(value("ID")[:1], "0123456789"):
		return &fault{"nr11", "Requester", ""}
	case !p.contextAllowed(root):
		return &fault{"nr12", "Requester", "NoAuthnContext"}
	case err != nil || !strings.HasSuffix(value("IssueInstant"), "Z"),
		issued.Before(p.now().Add(-maxAge)), issued.After(p.now().Add(maxClockSkew)):
		return &fault{"nr13", "Requester", "RequestDenied"}
	case value("Destination") != location && (p.config.Scheme == spid.CIE || value("Destination") != p.EntityID()): // Avviso 11
		return &fault{"nr14", "Requester", "RequestUnsupported"}
	case root.SelectAttr("IsPassive") != nil:
		return &fault{"nr15", "Requester", "NoPassive"}
	case !acsAllowed(root, role):
		return &fault{"nr16", "Requester", "RequestUnsupported"}
	case !nameIDPolicyAllowed(root):
		return &fault{"nr17", "Requester", "RequestUnsupported"}
	case !slices.ContainsFunc(role.AttributeConsumingServices, func(s saml.AttributeConsumingService) bool {
		return value("AttributeConsumingServiceIndex") == strconv.Itoa(s.Index)
	}):
		return &fault{"nr18", "Requester", "RequestUnsupported"}
	}
	return nil
}

// ordered reports whether the elements are those of the schema, in its order,
// and none is repeated.
func ordered(root *etree.Element) bool {
	last := -1
	for _, el := range root.ChildElements() {
		place := slices.Index(order, el.Tag)
		if place <= last {
			return false
		}
		last = place
	}
	return true
}

// purposeAllowed checks the extension that requests a type of identity.
func purposeAllowed(root *etree.Element) bool {
	purpose := root.SelectElement("Extensions").SelectElement("Purpose")
	if purpose == nil || purpose.NamespaceURI() != "https://spid.gov.it/saml-extensions" {
		return false
	}
	value := purpose.Text()
	return value != "" && admitted[value] != nil
}

// contextAllowed checks the requested level, and that a level above the first
// requires a new authentication.
func (p *Provider) contextAllowed(root *etree.Element) bool {
	contexts := root.SelectElements("RequestedAuthnContext")
	if len(contexts) != 1 || len(contexts[0].ChildElements()) != 1 {
		return false
	}
	comparisons := []string{"exact", "minimum", "better", "maximum"}
	if p.config.Scheme == spid.CIE {
		comparisons = comparisons[:2]
	}
	if !slices.Contains(comparisons, contexts[0].SelectAttrValue("Comparison", "")) {
		return false
	}
	force := root.SelectAttrValue("ForceAuthn", "")
	forced := force == "true" || force == "1"
	switch childText(contexts[0], "AuthnContextClassRef") {
	case "https://www.spid.gov.it/SpidL1":
		return forced || p.config.Scheme == spid.SPID
	case "https://www.spid.gov.it/SpidL2", "https://www.spid.gov.it/SpidL3":
		return forced
	}
	return false
}

// acsAllowed checks that the assertion consumer service is given either by
// index or by URL and binding.
func acsAllowed(root *etree.Element, role saml.SPSSODescriptor) bool {
	index := root.SelectAttr("AssertionConsumerServiceIndex")
	location := root.SelectAttr("AssertionConsumerServiceURL")
	binding := root.SelectAttr("ProtocolBinding")
	if index != nil {
		return location == nil && binding == nil &&
			slices.ContainsFunc(role.AssertionConsumerServices, func(acs saml.IndexedEndpoint) bool {
				return index.Value == strconv.Itoa(acs.Index)
			})
	}
	return location != nil && binding != nil && binding.Value == saml.HTTPPostBinding &&
		slices.ContainsFunc(role.AssertionConsumerServices, func(acs saml.IndexedEndpoint) bool {
			return location.Value == acs.Location
		})
}

// nameIDPolicyAllowed requires transient names without AllowCreate (Avviso 5).
func nameIDPolicyAllowed(root *etree.Element) bool {
	policy := root.SelectElement("NameIDPolicy")
	return policy != nil && policy.SelectAttrValue("Format", "") == formatTransient && policy.SelectAttr("AllowCreate") == nil
}

func childText(el *etree.Element, tag string) string {
	child := el.SelectElement(tag)
	if child == nil {
		return ""
	}
	return strings.TrimSpace(child.Text())
}
