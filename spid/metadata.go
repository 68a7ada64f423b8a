package spid

import (
	"cmp"
	"crypto/sha256"
	"crypto/x509"
	"encoding/base64"
	"encoding/hex"
	"errors"
	"fmt"

	"github.com/beevik/etree"
	"github.com/crewjam/saml"
)

// Indexes of the services in the metadata, to which requests refer.
const (
	acsIndex   = "0"
	personSet  = "0"
	companySet = "1"
)

// An attributeSet is a set of attributes that a login can request. It contains
// only those needed to identify a person or a company.
type attributeSet struct {
	index, name string
	attributes  []string
}

// attributeSets returns the sets that requests can refer to. CIE has one set of
// four attributes, the eIDAS minimum.
func (sp *ServiceProvider) attributeSets() []attributeSet {
	name := cmp.Or(sp.ServiceName, sp.Organization.DisplayName)
	if sp.Scheme == CIE {
		return []attributeSet{{personSet, name, cieAttributes}}
	}
	return []attributeSet{{personSet, name, personAttributes}, {companySet, name + " per le imprese", companyAttributes}}
}

// Metadata returns the signed metadata of the service provider. SPID's metadata
// are published and sent to AgID (SPID technical rules, "Metadata", "Service
// Provider", which are Avviso 29). CIE's metadata are uploaded to the
// Ministry's portal (italia/cie-eid-saml-docs, "Federazione"). The same
// configuration always gives the same bytes.
//
// The document is built here, not with crewjam/saml, because its types do not
// support SPID's extensions and more than one contact.
func (sp *ServiceProvider) Metadata() ([]byte, error) {
	if err := sp.check(); err != nil {
		return nil, fmt.Errorf("making the %s metadata: %w", sp.Scheme, err)
	}
	root := etree.NewElement("md:EntityDescriptor")
	set(root, "xmlns:md", nsMetadata, "xmlns:ds", nsSignature, "entityID", sp.EntityID)
	sp.role(root)
	sp.organization(root)
	if sp.Scheme == CIE {
		sp.addCIEContacts(root)
	} else {
		sp.addSPIDContacts(root)
	}
	doc := etree.NewDocumentWithRoot(root)
	unsigned, err := doc.WriteToBytes()
	if err != nil {
		return nil, fmt.Errorf("writing the %s metadata: %w", sp.Scheme, err)
	}
	digest := sha256.Sum256(unsigned)
	root.CreateAttr("ID", "_"+hex.EncodeToString(digest[:16]))
	if err := sign(root, sp.Key, sp.Certificate); err != nil {
		return nil, fmt.Errorf("making the %s metadata: %w", sp.Scheme, err)
	}
	signed, err := doc.WriteToBytes()
	if err != nil {
		return nil, fmt.Errorf("writing the %s metadata: %w", sp.Scheme, err)
	}
	return append([]byte("<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n"), signed...), nil
}

func (sp *ServiceProvider) check() error {
	var errs []error
	for _, v := range []struct{ name, value string }{
		{"entity ID", sp.EntityID}, {"assertion consumer service URL", sp.ACSURL}, {"logout URL", sp.LogoutURL},
	} {
		if v.value == "" {
			errs = append(errs, fmt.Errorf("no %s", v.name))
		}
	}
	return errors.Join(append(errs, sp.checkKey(), sp.Organization.Check(sp.Scheme))...)
}

func (sp *ServiceProvider) role(root *etree.Element) {
	role := add(root, "md:SPSSODescriptor", "",
		"protocolSupportEnumeration", nsProtocol, "AuthnRequestsSigned", "true", "WantAssertionsSigned", "true")
	// The signing certificate comes first, because some readers use only the first.
	for _, certificate := range []*x509.Certificate{sp.Certificate, sp.Other} {
		if certificate != nil {
			data := add(add(add(role, "md:KeyDescriptor", "", "use", "signing"), "ds:KeyInfo", ""), "ds:X509Data", "")
			add(data, "ds:X509Certificate", base64.StdEncoding.EncodeToString(certificate.Raw))
		}
	}
	// SPID requires at least one, although logins of level 2 open no session
	// (Avviso 3). CIE requires one with HTTP-Redirect.
	add(role, "md:SingleLogoutService", "", "Binding", saml.HTTPRedirectBinding, "Location", sp.LogoutURL)
	add(role, "md:NameIDFormat", formatTransient)
	add(role, "md:AssertionConsumerService", "",
		"Binding", saml.HTTPPostBinding, "Location", sp.ACSURL, "index", acsIndex, "isDefault", "true")
	for _, wanted := range sp.attributeSets() {
		service := add(role, "md:AttributeConsumingService", "", "index", wanted.index)
		add(service, "md:ServiceName", wanted.name, "xml:lang", "it")
		for _, name := range wanted.attributes {
			add(service, "md:RequestedAttribute", "", "Name", name, "NameFormat", formatBasic)
		}
	}
}

func (sp *ServiceProvider) organization(root *etree.Element) {
	o := add(root, "md:Organization", "")
	add(o, "md:OrganizationName", sp.Organization.Name, "xml:lang", "it")
	add(o, "md:OrganizationDisplayName", sp.Organization.DisplayName, "xml:lang", "it")
	add(o, "md:OrganizationURL", sp.Organization.URL, "xml:lang", "it")
}

// add appends an element with the text, if not empty, and the attributes, given
// as alternating names and values.
func add(parent *etree.Element, name, text string, attributes ...string) *etree.Element {
	el := parent.CreateElement(name)
	set(el, attributes...)
	if text != "" {
		el.SetText(text)
	}
	return el
}

// addIf appends an element if text is not empty.
func addIf(parent *etree.Element, name, text string) {
	if text != "" {
		add(parent, name, text)
	}
}

func set(el *etree.Element, attributes ...string) {
	for i := 0; i+1 < len(attributes); i += 2 {
		el.CreateAttr(attributes[i], attributes[i+1])
	}
}
