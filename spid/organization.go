package spid

import (
	"errors"
	"fmt"
	"net/url"
	"regexp"
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

	Billing Billing // of private organizations
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

var (
	vatNumber  = regexp.MustCompile(`^[A-Z]{2}[0-9A-Z]{2,28}$`)
	postalCode = regexp.MustCompile(`^[0-9]{5}$`)
	phone      = regexp.MustCompile(`^\+?[0-9]+$`)
)

// Check returns everything that is missing or wrong for the metadata.
func (o Organization) Check() error {
	var errs []error
	need := func(ok bool, format string, args ...any) {
		if !ok {
			errs = append(errs, fmt.Errorf("organization: "+format, args...))
		}
	}
	need(o.Name != "", "no name")
	need(o.DisplayName != "", "no display name")
	u, err := url.Parse(o.URL)
	need(err == nil && u.Host != "", "%q is no URL", o.URL)
	need(strings.Contains(o.Email, "@"), "%q is no e-mail address", o.Email)
	need(o.Phone == "" || phone.MatchString(o.Phone), "%q is no phone number, such as +390612345678", o.Phone)
	if o.Public {
		need(o.IPACode != "", "a public one needs its IPA code")
		return errors.Join(errs...)
	}
	need(o.IPACode == "", "a private one has no IPA code")
	need(o.VATNumber != "" || o.FiscalCode != "", "a private one needs its VAT number or its fiscal code")
	need(o.VATNumber == "" || vatNumber.MatchString(o.VATNumber), "%q is no VAT number, such as IT01234567897", o.VATNumber)
	b := o.Billing
	need(b.Street != "", "no billing street")
	need(postalCode.MatchString(b.PostalCode), "billing postal code %q has not five digits", b.PostalCode)
	need(b.City != "", "no billing city")
	need(b.Phone == "" || phone.MatchString(b.Phone), "billing: %q is no phone number, such as +390612345678", b.Phone)
	return errors.Join(errs...)
}
