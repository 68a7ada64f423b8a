package spid

import (
	"cmp"

	"github.com/beevik/etree"
)

// addSPIDContacts adds the contact data of the organization and, for a private
// one, the billing contact (Avviso 29).
func (sp *ServiceProvider) addSPIDContacts(root *etree.Element) {
	o := sp.Organization
	sector := "spid:Private"
	if o.Public {
		sector = "spid:Public"
	}
	set(root, "xmlns:spid", nsSPID)
	contact := add(root, "md:ContactPerson", "", "contactType", "other")
	extensions := add(contact, "md:Extensions", "")
	addIf(extensions, "spid:IPACode", o.IPACode)
	addIf(extensions, "spid:VATNumber", o.VATNumber)
	addIf(extensions, "spid:FiscalCode", o.FiscalCode)
	add(extensions, sector, "")
	addContactDetails(contact, o.Name, o.Email, o.Phone)
	if o.Public {
		return
	}
	b := o.Billing
	contact = add(root, "md:ContactPerson", "", "contactType", "billing")
	addBuyer(add(contact, "md:Extensions", "", "xmlns:fpa", nsInvoicing), o)
	addContactDetails(contact, cmp.Or(b.Name, o.Name), cmp.Or(b.Email, o.Email), b.Phone)
}

// addBuyer adds the buyer's data of an electronic invoice.
func addBuyer(extensions *etree.Element, o Organization) {
	b := o.Billing
	buyer := add(extensions, "fpa:CessionarioCommittente", "")
	identity := add(buyer, "fpa:DatiAnagrafici", "")
	if o.VATNumber != "" {
		id := add(identity, "fpa:IdFiscaleIVA", "")
		add(id, "fpa:IdPaese", o.VATNumber[:2])
		add(id, "fpa:IdCodice", o.VATNumber[2:])
	}
	addIf(identity, "fpa:CodiceFiscale", o.FiscalCode)
	add(add(identity, "fpa:Anagrafica", ""), "fpa:Denominazione", cmp.Or(b.Name, o.Name))
	office := add(buyer, "fpa:Sede", "")
	add(office, "fpa:Indirizzo", b.Street)
	addIf(office, "fpa:NumeroCivico", b.StreetNumber)
	add(office, "fpa:CAP", b.PostalCode)
	add(office, "fpa:Comune", b.City)
	addIf(office, "fpa:Provincia", b.Province)
	add(office, "fpa:Nazione", cmp.Or(b.Country, "IT"))
}

// addCIEContacts adds the administrative and the technical contact of the
// organization (italia/cie-eid-saml-docs, "Federazione", "Informazioni di
// censimento e contatto").
func (sp *ServiceProvider) addCIEContacts(root *etree.Element) {
	o := sp.Organization
	set(root, "xmlns:cie", nsCIE)
	for _, kind := range []struct{ contactType, email string }{{"administrative", o.Email}, {"technical", o.TechnicalEmail}} {
		if kind.email == "" {
			continue
		}
		contact := add(root, "md:ContactPerson", "", "contactType", kind.contactType)
		extensions := add(contact, "md:Extensions", "")
		if o.Public {
			add(extensions, "cie:Public", "")
			add(extensions, "cie:IPACode", o.IPACode)
		} else {
			add(extensions, "cie:Private", "")
			addIf(extensions, "cie:VATNumber", o.VATNumber)
			add(extensions, "cie:FiscalCode", o.FiscalCode)
			add(extensions, "cie:NACE2Code", o.NACE2Code)
		}
		add(extensions, "cie:Municipality", o.Municipality)
		addContactDetails(contact, o.Name, kind.email, o.Phone)
	}
}

// addContactDetails adds the company, e-mail address and phone number of a
// contact. The rules require the company to be the organization's name.
func addContactDetails(contact *etree.Element, company, email, phone string) {
	add(contact, "md:Company", company)
	add(contact, "md:EmailAddress", email)
	addIf(contact, "md:TelephoneNumber", phone)
}
