package config

import (
	"cmp"
	"crypto/x509"
	"encoding/pem"
	"fmt"
	"net/url"
	"os"
	"slices"
	"strings"

	"stella/spid"
	"stella/workflow/contact"
	"stella/workflow/fiscal"
)

// OrganizationConfig describes the organization for the metadata and the certificate.
type OrganizationConfig struct {
	EntityID string `name:"spid-entity-id" env:"STELLA_SPID_ENTITY_ID" placeholder:"URL" group:"SPID" help:"Our entity ID (default: the public URL)."`

	OrganizationName       string `env:"STELLA_ORGANIZATION_NAME" placeholder:"NAME" group:"SPID" help:"Metadata: the name of the legal person."`
	OrganizationURL        string `name:"organization-url" env:"STELLA_ORGANIZATION_URL" placeholder:"URL" group:"SPID" help:"Metadata: its web site."`
	OrganizationEmail      string `env:"STELLA_ORGANIZATION_EMAIL" placeholder:"ADDRESS" group:"SPID" help:"Metadata: its e-mail address, which must not be a person's."`
	OrganizationVATNumber  string `name:"organization-vat-number" env:"STELLA_ORGANIZATION_VAT_NUMBER" placeholder:"IT…" group:"SPID" help:"Metadata: its VAT number, such as IT01234567897."`
	OrganizationFiscalCode string `env:"STELLA_ORGANIZATION_FISCAL_CODE" placeholder:"CODE" group:"SPID" help:"Metadata: its fiscal code, if it has no VAT number."`
	OrganizationIPACode    string `name:"organization-ipa-code" env:"STELLA_ORGANIZATION_IPA_CODE" placeholder:"CODE" group:"SPID" help:"Metadata: its IPA code. An organization with an IPA code is a public administration."`
	BillingStreet          string `env:"STELLA_BILLING_STREET" placeholder:"TEXT" group:"SPID" help:"Metadata, private organizations only: street and number of its seat, for invoices."`
	BillingPostalCode      string `env:"STELLA_BILLING_POSTAL_CODE" placeholder:"CODE" group:"SPID" help:"Metadata, private organizations only: the postal code of its seat, five digits."`
	BillingCity            string `env:"STELLA_BILLING_CITY" placeholder:"TEXT" group:"SPID" help:"Metadata, private organizations only: the town of its seat."`
}

// SPIDConfig describes the service as a SPID service provider.
type SPIDConfig struct {
	OrganizationConfig

	SPIDKeyFile       string `name:"spid-key-file" env:"STELLA_SPID_KEY_FILE" placeholder:"FILE" group:"SPID" help:"Our key (PEM, RSA)."`
	SPIDCertFile      string `name:"spid-cert-file" env:"STELLA_SPID_CERT_FILE" placeholder:"FILE" group:"SPID" help:"Our certificate (PEM)."`
	SPIDOtherCertFile string `name:"spid-other-cert-file" env:"STELLA_SPID_OTHER_CERT_FILE" placeholder:"FILE" group:"SPID" help:"While the key is changed, a second certificate (PEM) for the metadata: the new one before the change, the old one after it."`
}

// ID returns our entity ID. The default is base, the public URL.
func (c OrganizationConfig) ID(base string) string { return cmp.Or(c.EntityID, base) }

func (c OrganizationConfig) organization() spid.Organization {
	return spid.Organization{Name: c.OrganizationName, DisplayName: c.OrganizationName, URL: c.OrganizationURL,
		Email: c.OrganizationEmail, VATNumber: c.OrganizationVATNumber, FiscalCode: c.OrganizationFiscalCode,
		IPACode: c.OrganizationIPACode, Public: c.OrganizationIPACode != "",
		Billing: spid.Billing{Street: c.BillingStreet, PostalCode: c.BillingPostalCode, City: c.BillingCity}}
}

// Check adds a problem for every variable that the metadata of the schemes require
// and that is missing. If there is none, package spid checks the values.
func (c OrganizationConfig) Check(wrong *Problems, schemes ...spid.Scheme) spid.Organization {
	wrong.Add("STELLA_SPID_ENTITY_ID", checkEntityID(c.EntityID))
	o, before := c.organization(), len(*wrong)
	wrong.Require("STELLA_ORGANIZATION_NAME", c.OrganizationName)
	wrong.Require("STELLA_ORGANIZATION_URL", c.OrganizationURL)
	wrong.Require("STELLA_ORGANIZATION_EMAIL", c.OrganizationEmail)
	if _, err := contact.ParseAddress(c.OrganizationEmail); err != nil && c.OrganizationEmail != "" {
		wrong.Add("STELLA_ORGANIZATION_EMAIL", fmt.Errorf("%q: %w", c.OrganizationEmail, err))
	}
	if !o.Public {
		wrong.Require("STELLA_ORGANIZATION_VAT_NUMBER (or STELLA_ORGANIZATION_FISCAL_CODE, "+
			"or for a public administration STELLA_ORGANIZATION_IPA_CODE)",
			c.OrganizationVATNumber+c.OrganizationFiscalCode)
	}
	if !o.Public && slices.Contains(schemes, spid.SPID) {
		wrong.Require("STELLA_BILLING_STREET", c.BillingStreet)
		wrong.Require("STELLA_BILLING_POSTAL_CODE", c.BillingPostalCode)
		wrong.Require("STELLA_BILLING_CITY", c.BillingCity)
	}
	wrong.Add("STELLA_ORGANIZATION_VAT_NUMBER", checkVATNumber(c.OrganizationVATNumber))
	if len(*wrong) == before {
		wrong.Add("STELLA_ORGANIZATION_*, STELLA_BILLING_*", o.Check(schemes...))
	}
	return o
}

// checkVATNumber checks the check digit of an Italian VAT number. Package spid checks
// the form of all others.
func checkVATNumber(number string) error {
	digits, italian := strings.CutPrefix(number, "IT")
	if !italian {
		return nil
	}
	if code, err := fiscal.ParseCompany(digits); err != nil || string(code) != digits || len(digits) != 11 {
		return fmt.Errorf("%q: want IT and 11 digits with a valid check digit, as in IT01234567897", number)
	}
	return nil
}

// Check returns the service provider. It generates the metadata once, to report their
// errors at the start. The public URL is nil if it is itself invalid.
func (c SPIDConfig) Check(public *url.URL, wrong *Problems) *spid.ServiceProvider {
	before := len(*wrong)
	base := BaseURL(public)
	sp := &spid.ServiceProvider{EntityID: c.ID(base), ACSURL: base + "/spid/acs", LogoutURL: base + "/spid/logout",
		Organization: c.OrganizationConfig.Check(wrong, spid.SPID)}
	wrong.Require("STELLA_SPID_KEY_FILE", c.SPIDKeyFile)
	wrong.Require("STELLA_SPID_CERT_FILE", c.SPIDCertFile)
	if c.SPIDKeyFile != "" && c.SPIDCertFile != "" {
		if _, err := ReadSecret(c.SPIDKeyFile); err != nil {
			wrong.Add("STELLA_SPID_KEY_FILE", err)
		} else {
			sp.Key, sp.Certificate, err = spid.LoadKeyPair(c.SPIDKeyFile, c.SPIDCertFile)
			wrong.Add("STELLA_SPID_KEY_FILE, STELLA_SPID_CERT_FILE", err)
		}
	}
	if c.SPIDOtherCertFile != "" {
		var err error
		sp.Other, err = readCertificate(c.SPIDOtherCertFile)
		wrong.Add("STELLA_SPID_OTHER_CERT_FILE", err)
	}
	if public != nil && len(*wrong) == before {
		_, err := sp.Metadata()
		wrong.Add("the SPID metadata", err)
	}
	return sp
}

// checkEntityID accepts an absolute URI, as SAML requires, or an empty text.
func checkEntityID(id string) error {
	if u, err := url.Parse(id); id != "" && (err != nil || !u.IsAbs()) {
		return fmt.Errorf("%q is not a URI, such as https://gestore.example", id)
	}
	return nil
}

func BaseURL(public *url.URL) string {
	if public == nil {
		return ""
	}
	return public.String()
}

func readCertificate(file string) (*x509.Certificate, error) {
	text, err := os.ReadFile(file)
	if err != nil {
		return nil, err
	}
	block, _ := pem.Decode(text)
	if block == nil || block.Type != "CERTIFICATE" {
		return nil, fmt.Errorf("%s contains no certificate", file)
	}
	certificate, err := x509.ParseCertificate(block.Bytes)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", file, err)
	}
	return certificate, nil
}
