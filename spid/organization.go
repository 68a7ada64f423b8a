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

// Organization is the legal person that runs the service provider, with the
// data that Avviso 29 requires.
type Organization struct {
	Name        string
	DisplayName string
	URL         string
	Locality    string // town of the registered office, for the certificate

	// Public administrations have an IPA code. Others have a VAT number with
	// the country code (IT01234567897), or a fiscal code.
	Public     bool
	IPACode    string
	VATNumber  string
	FiscalCode string

	Email string // must not belong to a natural person
	Phone string // optional, with the country code and without spaces

	Billing Billing // only for private organizations, for SPID

	// Further data that CIE requires.
	Municipality   string // cadastral code of the registered office, such as H501 for Rome
	NACE2Code      string // only for private organizations: the ATECO code of the business, such as 61.90.99
	TechnicalEmail string // of the technical contact; optional
}

// Billing is the party to which AgID invoices the use of SPID.
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

// Formats that the schemas of AgID's invoicing extensions and of CIE allow.
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

// problems collects everything that is wrong with an organization.
type problems []error

func (p *problems) require(ok bool, format string, args ...any) {
	if !ok {
		*p = append(*p, fmt.Errorf("organization: "+format, args...))
	}
}

// Check returns an error that lists all data that the metadata of the given
// schemes require and that are missing or invalid.
func (o Organization) Check(schemes ...Scheme) error {
	var p problems
	p.require(o.Name != "", "no name")
	p.require(o.DisplayName != "", "no display name")
	u, err := url.Parse(o.URL)
	p.require(err == nil && u.Host != "", "%q is not a URL", o.URL)
	p.require(strings.Contains(o.Email, "@"), "%q is not an e-mail address", o.Email)
	p.require(o.Phone == "" || phone.MatchString(o.Phone), "%q is no phone number, such as +390612345678", o.Phone)
	p.require(o.VATNumber == "" || vatNumber.MatchString(o.VATNumber), "%q is no VAT number, such as IT01234567897", o.VATNumber)
	p.require(o.FiscalCode == "" || fiscalCode.MatchString(o.FiscalCode), "%q is no fiscal code", o.FiscalCode)
	if o.Public {
		p.require(o.IPACode != "", "a public one needs its IPA code")
	} else {
		p.require(o.IPACode == "", "a private one has no IPA code")
		p.require(o.VATNumber != "" || o.FiscalCode != "", "a private one needs its VAT number or its fiscal code")
	}
	if slices.Contains(schemes, SPID) && !o.Public {
		o.checkBilling(&p)
	}
	if slices.Contains(schemes, CIE) {
		o.checkCIE(&p)
	}
	return errors.Join(p...)
}

func (o Organization) checkBilling(p *problems) {
	b := o.Billing
	name := cmp.Or(b.Name, o.Name)
	p.require(name == "" || latin80.MatchString(name), "the billing name %q does not have 1 to 80 Latin-1 characters", name)
	p.require(b.Street != "", "no billing street")
	p.require(b.Street == "" || latin60.MatchString(b.Street), "the billing street %q does not have 1 to 60 Latin-1 characters", b.Street)
	p.require(streetNumber.MatchString(b.StreetNumber),
		"the billing street number %q does not have at most 8 ASCII characters", b.StreetNumber)
	p.require(postalCode.MatchString(b.PostalCode), "billing postal code %q does not have five digits", b.PostalCode)
	p.require(b.City != "", "no billing city")
	p.require(b.City == "" || latin60.MatchString(b.City), "the billing city %q does not have 1 to 60 Latin-1 characters", b.City)
	p.require(b.Province == "" || twoLetters.MatchString(b.Province), "billing province %q does not have two capital letters", b.Province)
	p.require(b.Country == "" || twoLetters.MatchString(b.Country), "billing country %q does not have two capital letters", b.Country)
	p.require(b.Phone == "" || phone.MatchString(b.Phone), "billing: %q is no phone number, such as +390612345678", b.Phone)
}

func (o Organization) checkCIE(p *problems) {
	p.require(municipality.MatchString(o.Municipality), "%q is no code of a municipality, such as H501", o.Municipality)
	p.require(o.TechnicalEmail == "" || strings.Contains(o.TechnicalEmail, "@"), "%q is not an e-mail address", o.TechnicalEmail)
	if !o.Public {
		p.require(o.FiscalCode != "", "for CIE a private one needs its fiscal code, even if it equals its VAT number")
		p.require(naceCode.MatchString(o.NACE2Code), "%q is no ATECO code, such as 61.90.99", o.NACE2Code)
	}
}
