package spidtest

import (
	"bytes"
	"compress/flate"
	"crypto"
	"crypto/rsa"
	"crypto/sha256"
	"crypto/x509"
	"encoding/base64"
	"encoding/xml"
	"errors"
	"fmt"
	"io"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/beevik/etree"
	"github.com/crewjam/saml"
)

// A request is what the provider needs of an AuthnRequest.
type request struct {
	id         string
	issuer     string
	service    string // its name for people
	acsURL     string
	level      string   // class reference
	attributes []string // names asked for
	relayState string
}

// A refusal is a request that is answered with a page of the provider and never
// reaches the service (SPID technical rules, "Messaggi di errore", 4 to 10).
type refusal struct {
	code   int
	reason string
}

func (r *refusal) Error() string { return fmt.Sprintf("ErrorCode %d: %s", r.code, r.reason) }

// A fault is reported to the service in a response (SPID technical rules,
// "Messaggi di errore", 8 to 25).
type fault struct {
	code   string
	status string
	detail string // second-level status
}

func (f *fault) Error() string { return "ErrorCode " + f.code }

func loginFailed(code string) *fault { return &fault{code, "Responder", "AuthnFailed"} }

const (
	sigAlg       = "http://www.w3.org/2001/04/xmldsig-more#rsa-sha256"
	maxRequest   = 64 << 10
	maxAge       = 10 * time.Minute
	maxClockSkew = time.Minute
)

// receive reads a signed query. The error is a *refusal, or a *fault together
// with the request it is to be reported for.
func (p *Provider) receive(rawQuery string) (*request, error) {
	parts := map[string]string{} // as sent, for the signature is over that
	for part := range strings.SplitSeq(rawQuery, "&") {
		key, value, _ := strings.Cut(part, "=")
		if _, twice := parts[key]; twice {
			return nil, &refusal{4, "un parametro è ripetuto"}
		}
		parts[key] = value
	}
	document, err := inflate(parts["SAMLRequest"])
	if err != nil {
		return nil, &refusal{4, "SAMLRequest manca o non si legge"}
	}
	descriptor, err := p.serviceProvider()
	if err != nil {
		return nil, &refusal{10, "i metadati del servizio non si leggono"}
	}
	if err := checkQuery(parts, descriptor); err != nil {
		return nil, err
	}
	root, err := parse(document)
	if err != nil {
		return nil, &refusal{4, "SAMLRequest non è una richiesta SAML"}
	}
	if issuer := childText(root, "Issuer"); issuer != descriptor.EntityID {
		return nil, &refusal{10, "il servizio è sconosciuto"}
	}
	req := extract(root, descriptor)
	if req.relayState, err = url.QueryUnescape(parts["RelayState"]); err != nil {
		return nil, &refusal{4, "RelayState non si legge"}
	}
	return req, p.check(root, descriptor)
}

// read reads a request without checking it.
func (p *Provider) read(document []byte) (*request, error) {
	descriptor, err := p.serviceProvider()
	if err != nil {
		return nil, err
	}
	root, err := parse(document)
	if err != nil {
		return nil, err
	}
	return extract(root, descriptor), nil
}

func (p *Provider) serviceProvider() (*saml.EntityDescriptor, error) {
	metadata, err := p.config.ServiceProvider()
	if err != nil {
		return nil, fmt.Errorf("getting the service provider's metadata: %w", err)
	}
	var descriptor saml.EntityDescriptor
	if err := xml.Unmarshal(metadata, &descriptor); err != nil {
		return nil, fmt.Errorf("reading the service provider's metadata: %w", err)
	}
	if len(descriptor.SPSSODescriptors) == 0 || len(descriptor.SPSSODescriptors[0].AssertionConsumerServices) == 0 {
		return nil, errors.New("reading the service provider's metadata: no assertion consumer service")
	}
	return &descriptor, nil
}

func inflate(parameter string) ([]byte, error) {
	encoded, err := url.QueryUnescape(parameter)
	if err != nil {
		return nil, fmt.Errorf("unescaping: %w", err)
	}
	deflated, err := base64.StdEncoding.DecodeString(encoded)
	if err != nil {
		return nil, fmt.Errorf("decoding: %w", err)
	}
	document, err := io.ReadAll(io.LimitReader(flate.NewReader(bytes.NewReader(deflated)), maxRequest))
	if err != nil {
		return nil, fmt.Errorf("inflating: %w", err)
	}
	return document, nil
}

func parse(document []byte) (*etree.Element, error) {
	doc := etree.NewDocument()
	doc.ReadSettings.MaxDepth = 16
	if err := doc.ReadFromBytes(document); err != nil {
		return nil, fmt.Errorf("reading a SAML request: %w", err)
	}
	root := doc.Root()
	if root == nil || root.Tag != "AuthnRequest" || root.NamespaceURI() != nsProtocol {
		return nil, errors.New("reading a SAML request: not an AuthnRequest")
	}
	return root, nil
}

// checkQuery verifies the signature of the query with the keys in the service
// provider's metadata (SAML 2.0 Bindings, 3.4.4.1).
func checkQuery(parts map[string]string, descriptor *saml.EntityDescriptor) error {
	alg, err := url.QueryUnescape(parts["SigAlg"])
	if err != nil || alg != sigAlg {
		return &refusal{5, "la richiesta non è firmata con rsa-sha256"}
	}
	encoded, err := url.QueryUnescape(parts["Signature"])
	if err != nil {
		return &refusal{5, "la firma non si legge"}
	}
	signature, err := base64.StdEncoding.DecodeString(encoded)
	if err != nil {
		return &refusal{5, "la firma non si legge"}
	}
	signed := "SAMLRequest=" + parts["SAMLRequest"]
	if relayState, ok := parts["RelayState"]; ok {
		signed += "&RelayState=" + relayState
	}
	signed += "&SigAlg=" + parts["SigAlg"]
	digest := sha256.Sum256([]byte(signed))
	for _, key := range descriptor.SPSSODescriptors[0].KeyDescriptors {
		for _, data := range key.KeyInfo.X509Data.X509Certificates {
			der, err := base64.StdEncoding.DecodeString(strings.Join(strings.Fields(data.Data), ""))
			if err != nil {
				continue
			}
			certificate, err := x509.ParseCertificate(der)
			if err != nil {
				continue
			}
			public, ok := certificate.PublicKey.(*rsa.PublicKey)
			if ok && rsa.VerifyPKCS1v15(public, crypto.SHA256, digest[:], signature) == nil {
				return nil
			}
		}
	}
	return &refusal{7, "la firma della richiesta non è valida"}
}

// extract takes from a request what an answer needs. The answer to a request
// for an unknown service goes to the default one (ErrorCode nr16).
func extract(root *etree.Element, descriptor *saml.EntityDescriptor) *request {
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
	return req
}

// check holds a request against the rules (SPID technical rules, "Single
// Sign-On", "AuthnRequest"), in the order of their error codes.
func (p *Provider) check(root *etree.Element, descriptor *saml.EntityDescriptor) error {
	role := descriptor.SPSSODescriptors[0]
	value := func(key string) string { return root.SelectAttrValue(key, "") }
	issuer := root.SelectElement("Issuer")
	issued, err := time.Parse(time.RFC3339, value("IssueInstant"))
	switch {
	case issuer.SelectAttrValue("Format", "") != formatEntity, issuer.SelectAttrValue("NameQualifier", "") == "":
		return &fault{"nr08", "Requester", ""}
	case root.SelectElement("Signature") != nil: // the query is signed instead
		return &fault{"nr08", "Requester", ""}
	case value("Version") != "2.0":
		return &fault{"nr09", "VersionMismatch", ""}
	case value("ID") == "" || strings.ContainsAny(value("ID")[:1], "0123456789"):
		return &fault{"nr11", "Requester", ""}
	case !contextAllowed(root):
		return &fault{"nr12", "Requester", "NoAuthnContext"}
	case err != nil || !strings.HasSuffix(value("IssueInstant"), "Z"),
		issued.Before(p.now().Add(-maxAge)), issued.After(p.now().Add(maxClockSkew)):
		return &fault{"nr13", "Requester", "RequestDenied"}
	case value("Destination") != p.ssoURL() && value("Destination") != p.config.BaseURL: // Avviso 11
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

// contextAllowed checks the level asked for, and that a level above the first
// is asked for anew.
func contextAllowed(root *etree.Element) bool {
	contexts := root.SelectElements("RequestedAuthnContext")
	if len(contexts) != 1 || len(contexts[0].ChildElements()) != 1 {
		return false
	}
	comparison := contexts[0].SelectAttrValue("Comparison", "")
	if !slices.Contains([]string{"exact", "minimum", "better", "maximum"}, comparison) {
		return false
	}
	switch childText(contexts[0], "AuthnContextClassRef") {
	case "https://www.spid.gov.it/SpidL1":
		return true
	case "https://www.spid.gov.it/SpidL2", "https://www.spid.gov.it/SpidL3":
		force := root.SelectAttrValue("ForceAuthn", "")
		return force == "true" || force == "1"
	}
	return false
}

// acsAllowed checks that the service is told either by index or by URL and
// binding.
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

// nameIDPolicyAllowed wants transient names, and no AllowCreate (Avviso 5).
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
