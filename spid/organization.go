package spid

import (
	"cmp"
	"errors"
	"fmt"
	"net/url"
	"regexp"
	"slices"
	"strings"
)

// Organization is the legal person behind the service provider, with what
// Avviso 29 wants known of it.
type Organization struct {
	Name        string
	DisplayName string
	URL         string
	Locality    string // the town of its seat, for the certificate

	// Public administrations have an IPA code. Others have a VAT number, with
	// the country before it (IT01234567897), or else a fiscal code.
	Public     bool
	IPACode    string
	VATNumber  string
	FiscalCode string

	Email string // no natural person's
	Phone string // optional, with the country code and without spaces

	Billing Billing // of private organizations, for SPID

	// What CIE wants known too.
	Municipality   string // of its seat: the code of the cadastre, such as H501 for Rome
	NACE2Code      string // of private organizations: what they do, by ATECO, such as 61.90.99
	TechnicalEmail string // of who runs the service technically; optional
}

// Billing is whom AgID invoices the use of SPID to.
type Billing struct {
	Name  string // the organization's if empty
	Email string // the organization's if empty
	Phone string // optional

	Street       string
	StreetNumber string // optional
	PostalCode   string
	City         string
	Province     string // optional, two letters
	Country      string // two letters; IT if empty
}

// What the schemas of AgID's invoicing extensions and of CIE let through.
var (
	vatNumber    = regexp.MustCompile(`^[A-Z]{2}[0-9A-Z]{2,28}$`)
	fiscalCode   = regexp.MustCompile(`^[0-9A-Z]{11,16}$`)
	postalCode   = regexp.MustCompile(`^[0-9]{5}$`)
	streetNumber = regexp.MustCompile(`^[\x00-\x7F]{0,8}$`)
	twoLetters   = regexp.MustCompile(`^[A-Z]{2}$`)
	latin60      = regexp.MustCompile(`^[\x00-\x{FF}]{1,60}$`)
	latin80      = regexp.MustCompile(`^[\x00-\x{FF}]{1,80}$`)
	phone        = regexp.MustCompile(`^\+?[0-9]+$`)
	municipality = regexp.MustCompile(`^[A-Z][0-9]{3}$`)
	naceCode     = regexp.MustCompile(`^[0-9]{2}(\.[0-9]{1,2}){0,2}$`)
)

// faults collects what is wrong with an organization.
type faults []error

func (f *faults) need(ok bool, format string, args ...any) {
	if !ok {
		*f = append(*f, fmt.Errorf("organization: "+format, args...))
	}
}

// Check returns everything that is missing or wrong for the metadata of those
// schemes.
func (o Organization) Check(schemes ...Scheme) error {
	var f faults
	f.need(o.Name != "", "no name")
	f.need(o.DisplayName != "", "no display name")
	u, err := url.Parse(o.URL)
	f.need(err == nil && u.Host != "", "%q is no URL", o.URL)
	f.need(strings.Contains(o.Email, "@"), "%q is no e-mail address", o.Email)
	f.need(o.Phone == "" || phone.MatchString(o.Phone), "%q is no phone number, such as +390612345678", o.Phone)
	f.need(o.VATNumber == "" || vatNumber.MatchString(o.VATNumber), "%q is no VAT number, such as IT01234567897", o.VATNumber)
	f.need(o.FiscalCode == "" || fiscalCode.MatchString(o.FiscalCode), "%q is no fiscal code", o.FiscalCode)
	if o.Public {
		f.need(o.IPACode != "", "a public one needs its IPA code")
	} else {
		f.need(o.IPACode == "", "a private one has no IPA code")
		f.need(o.VATNumber != "" || o.FiscalCode != "", "a private one needs its VAT number or its fiscal code")
	}
	if slices.Contains(schemes, SPID) && !o.Public {
		o.checkBilling(&f)
	}
	if slices.Contains(schemes, CIE) {
		o.checkCIE(&f)
	}
	return errors.Join(f...)
}

func (o Organization) checkBilling(f *faults) {
	b := o.Billing
	name := cmp.Or(b.Name, o.Name)
	f.need(name == "" || latin80.MatchString(name), "the billing name %q is not of at most 80 Western letters", name)
	f.need(b.Street != "", "no billing street")
	f.need(b.Street == "" || latin60.MatchString(b.Street), "the billing street %q is not of at most 60 Western letters", b.Street)
	f.need(streetNumber.MatchString(b.StreetNumber), "the billing street number %q is not of at most 8 letters", b.StreetNumber)
	f.need(postalCode.MatchString(b.PostalCode), "billing postal code %q has not five digits", b.PostalCode)
	f.need(b.City != "", "no billing city")
	f.need(b.City == "" || latin60.MatchString(b.City), "the billing city %q is not of at most 60 Western letters", b.City)
	f.need(b.Province == "" || twoLetters.MatchString(b.Province), "billing province %q has not two capital letters", b.Province)
	f.need(b.Country == "" || twoLetters.MatchString(b.Country), "billing country %q has not two capital letters", b.Country)
	f.need(b.Phone == "" || phone.MatchString(b.Phone), "billing: %q is no phone number, such as +390612345678", b.Phone)
}

func (o Organization) checkCIE(f *faults) {
	f.need(municipality.MatchString(o.Municipality), "%q is no code of a municipality, such as H501", o.Municipality)
	f.need(o.TechnicalEmail == "" || strings.Contains(o.TechnicalEmail, "@"), "%q is no e-mail address", o.TechnicalEmail)
	if !o.Public {
		f.need(o.FiscalCode != "", "for CIE a private one needs its fiscal code, even where it is its VAT number")
		f.need(naceCode.MatchString(o.NACE2Code), "%q is no ATECO code, such as 61.90.99", o.NACE2Code)
	}
}
