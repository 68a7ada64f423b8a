package spid

import (
	"cmp"

	"github.com/beevik/etree"
)

// addSPIDContacts says who the organization is and, of a private one, whom the
// use of SPID is invoiced to (Avviso 29).
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
	addReach(contact, o.Name, o.Email, o.Phone)
	if o.Public {
		return
	}
	b := o.Billing
	contact = add(root, "md:ContactPerson", "", "contactType", "billing")
	addBuyer(add(contact, "md:Extensions", "", "xmlns:fpa", nsInvoicing), o)
	addReach(contact, cmp.Or(b.Name, o.Name), cmp.Or(b.Email, o.Email), b.Phone)
}

// addBuyer appends what an electronic invoice has of its buyer.
func addBuyer(extensions *etree.Element, o Organization) {
	b := o.Billing
	buyer := add(extensions, "fpa:CessionarioCommittente", "")
	who := add(buyer, "fpa:DatiAnagrafici", "")
	if o.VATNumber != "" {
		id := add(who, "fpa:IdFiscaleIVA", "")
		add(id, "fpa:IdPaese", o.VATNumber[:2])
		add(id, "fpa:IdCodice", o.VATNumber[2:])
	}
	addIf(who, "fpa:CodiceFiscale", o.FiscalCode)
	add(add(who, "fpa:Anagrafica", ""), "fpa:Denominazione", cmp.Or(b.Name, o.Name))
	seat := add(buyer, "fpa:Sede", "")
	add(seat, "fpa:Indirizzo", b.Street)
	addIf(seat, "fpa:NumeroCivico", b.StreetNumber)
	add(seat, "fpa:CAP", b.PostalCode)
	add(seat, "fpa:Comune", b.City)
	addIf(seat, "fpa:Provincia", b.Province)
	add(seat, "fpa:Nazione", cmp.Or(b.Country, "IT"))
}

// addCIEContacts says who the organization is and how its administrative and
// its technical staff are reached (italia/cie-eid-saml-docs, "Federazione",
// "Informazioni di censimento e contatto").
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
		addReach(contact, o.Name, kind.email, o.Phone)
	}
}

// addReach says how a contact is reached. Company, where given, is the
// organization's name.
func addReach(contact *etree.Element, company, email, phone string) {
	add(contact, "md:Company", company)
	add(contact, "md:EmailAddress", email)
	addIf(contact, "md:TelephoneNumber", phone)
}
