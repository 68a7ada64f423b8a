package spid

import (
	"cmp"
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"errors"
	"fmt"

	"github.com/beevik/etree"
	"github.com/crewjam/saml"
)

// requestedAttributes is what a login asks for: who the person is, and nothing
// that is not needed to tell.
var requestedAttributes = []string{
	AttributeSPIDCode,
	AttributeName,
	AttributeFamilyName,
	AttributeFiscalNumber,
	AttributeDateOfBirth,
}

// Metadata returns the signed metadata of the service provider, to be published
// and sent to AgID (SPID technical rules, "Metadata", "Service Provider", which
// are Avviso 29). They stay the same byte for byte as long as nothing changes.
//
// They are made here and not by crewjam/saml, whose types have no room for
// SPID's extensions and for more than one contact.
func (sp *ServiceProvider) Metadata() ([]byte, error) {
	if err := sp.check(); err != nil {
		return nil, fmt.Errorf("making the SPID metadata: %w", err)
	}
	root := etree.NewElement("md:EntityDescriptor")
	root.CreateAttr("xmlns:md", nsMetadata)
	root.CreateAttr("xmlns:ds", nsSignature)
	root.CreateAttr("xmlns:spid", nsSPID)
	root.CreateAttr("entityID", sp.EntityID)

	sp.role(root)
	sp.organization(root)
	sp.otherContact(root)
	if !sp.Organization.Public {
		sp.billingContact(root)
	}

	doc := etree.NewDocumentWithRoot(root)
	unsigned, err := doc.WriteToBytes()
	if err != nil {
		return nil, fmt.Errorf("writing the SPID metadata: %w", err)
	}
	digest := sha256.Sum256(unsigned)
	root.CreateAttr("ID", "_"+hex.EncodeToString(digest[:16]))
	if err := sign(root, sp.Key, sp.Certificate); err != nil {
		return nil, fmt.Errorf("making the SPID metadata: %w", err)
	}
	signed, err := doc.WriteToBytes()
	if err != nil {
		return nil, fmt.Errorf("writing the SPID metadata: %w", err)
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
	return errors.Join(append(errs, sp.checkKey(), sp.Organization.Check())...)
}

func (sp *ServiceProvider) role(root *etree.Element) {
	role := add(root, "md:SPSSODescriptor", "",
		"protocolSupportEnumeration", nsProtocol, "AuthnRequestsSigned", "true", "WantAssertionsSigned", "true")
	data := add(add(add(role, "md:KeyDescriptor", "", "use", "signing"), "ds:KeyInfo", ""), "ds:X509Data", "")
	add(data, "ds:X509Certificate", base64.StdEncoding.EncodeToString(sp.Certificate.Raw))
	// At least one is wanted although logins of level 2 open no session (Avviso 3).
	add(role, "md:SingleLogoutService", "", "Binding", saml.HTTPRedirectBinding, "Location", sp.LogoutURL)
	add(role, "md:NameIDFormat", formatTransient)
	add(role, "md:AssertionConsumerService", "",
		"Binding", saml.HTTPPostBinding, "Location", sp.ACSURL, "index", acsIndex, "isDefault", "true")
	service := add(role, "md:AttributeConsumingService", "", "index", attributesIndex)
	add(service, "md:ServiceName", cmp.Or(sp.ServiceName, sp.Organization.DisplayName), "xml:lang", "it")
	for _, name := range requestedAttributes {
		add(service, "md:RequestedAttribute", "", "Name", name, "NameFormat", formatBasic)
	}
}

func (sp *ServiceProvider) organization(root *etree.Element) {
	o := add(root, "md:Organization", "")
	add(o, "md:OrganizationName", sp.Organization.Name, "xml:lang", "it")
	add(o, "md:OrganizationDisplayName", sp.Organization.DisplayName, "xml:lang", "it")
	add(o, "md:OrganizationURL", sp.Organization.URL, "xml:lang", "it")
}

func (sp *ServiceProvider) otherContact(root *etree.Element) {
	o := sp.Organization
	contact := add(root, "md:ContactPerson", "", "contactType", "other")
	extensions := add(contact, "md:Extensions", "")
	switch {
	case o.Public:
		add(extensions, "spid:IPACode", o.IPACode)
		add(extensions, "spid:Public", "")
	case o.VATNumber != "":
		add(extensions, "spid:VATNumber", o.VATNumber)
		add(extensions, "spid:Private", "")
	default:
		add(extensions, "spid:FiscalCode", o.FiscalCode)
		add(extensions, "spid:Private", "")
	}
	// Company, where given, is the organization's name.
	add(contact, "md:Company", o.Name)
	add(contact, "md:EmailAddress", o.Email)
	if o.Phone != "" {
		add(contact, "md:TelephoneNumber", o.Phone)
	}
}

func (sp *ServiceProvider) billingContact(root *etree.Element) {
	o, b := sp.Organization, sp.Organization.Billing
	contact := add(root, "md:ContactPerson", "", "contactType", "billing")
	buyer := add(add(contact, "md:Extensions", "", "xmlns:fpa", nsInvoicing), "fpa:CessionarioCommittente", "")
	who := add(buyer, "fpa:DatiAnagrafici", "")
	if o.VATNumber != "" {
		id := add(who, "fpa:IdFiscaleIVA", "")
		add(id, "fpa:IdPaese", o.VATNumber[:2])
		add(id, "fpa:IdCodice", o.VATNumber[2:])
	}
	if o.FiscalCode != "" {
		add(who, "fpa:CodiceFiscale", o.FiscalCode)
	}
	add(add(who, "fpa:Anagrafica", ""), "fpa:Denominazione", cmp.Or(b.Name, o.Name))
	seat := add(buyer, "fpa:Sede", "")
	for _, part := range []struct{ name, value string }{
		{"fpa:Indirizzo", b.Street}, {"fpa:NumeroCivico", b.StreetNumber}, {"fpa:CAP", b.PostalCode},
		{"fpa:Comune", b.City}, {"fpa:Provincia", b.Province}, {"fpa:Nazione", cmp.Or(b.Country, "IT")},
	} {
		if part.value != "" {
			add(seat, part.name, part.value)
		}
	}
	add(contact, "md:Company", cmp.Or(b.Name, o.Name))
	add(contact, "md:EmailAddress", cmp.Or(b.Email, o.Email))
	if b.Phone != "" {
		add(contact, "md:TelephoneNumber", b.Phone)
	}
}

// add appends an element with that text, if any, and those attributes, given as
// names and values in turn.
func add(parent *etree.Element, name, text string, attributes ...string) *etree.Element {
	el := parent.CreateElement(name)
	for i := 0; i+1 < len(attributes); i += 2 {
		el.CreateAttr(attributes[i], attributes[i+1])
	}
	if text != "" {
		el.SetText(text)
	}
	return el
}
