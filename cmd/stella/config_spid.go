package main

import (
	"cmp"
	"fmt"
	"net/url"
	"os"

	"stella/spid"
)

// check makes the service provider. Its metadata are made once, so that what is
// wrong with them is told now. The public URL is nil where it is wrong itself.
func (c spidConfig) check(public *url.URL, wrong *problems) *spid.ServiceProvider {
	base := ""
	if public != nil {
		base = public.String()
	}
	sp := &spid.ServiceProvider{EntityID: cmp.Or(c.EntityID, base), ACSURL: base + "/spid/acs", LogoutURL: base + "/spid/logout",
		Organization: spid.Organization{Name: c.OrganizationName, DisplayName: c.OrganizationName, URL: c.OrganizationURL,
			Email: c.OrganizationEmail, VATNumber: c.OrganizationVATNumber, FiscalCode: c.OrganizationFiscalCode,
			IPACode: c.OrganizationIPACode, Public: c.OrganizationIPACode != "",
			Billing: spid.Billing{Street: c.BillingStreet, PostalCode: c.BillingPostalCode, City: c.BillingCity}}}
	before := len(*wrong)
	c.checkOrganization(sp.Organization, wrong)
	if c.SPIDKeyFile == "" {
		wrong.add("STELLA_SPID_KEY_FILE", errMissing)
	}
	if c.SPIDCertFile == "" {
		wrong.add("STELLA_SPID_CERT_FILE", errMissing)
	}
	if c.SPIDKeyFile != "" && c.SPIDCertFile != "" {
		var err error
		sp.Key, sp.Certificate, err = spid.LoadKeyPair(c.SPIDKeyFile, c.SPIDCertFile)
		wrong.add("STELLA_SPID_KEY_FILE, STELLA_SPID_CERT_FILE", err)
	}
	if public != nil && len(*wrong) == before {
		_, err := sp.Metadata()
		wrong.add("the SPID metadata", err)
	}
	return sp
}

// checkOrganization names the variables that are missing, and leaves what the
// others hold to package spid.
func (c spidConfig) checkOrganization(o spid.Organization, wrong *problems) {
	before := len(*wrong)
	need := func(variable, value string) {
		if value == "" {
			wrong.add(variable, errMissing)
		}
	}
	need("STELLA_ORGANIZATION_NAME", c.OrganizationName)
	need("STELLA_ORGANIZATION_URL", c.OrganizationURL)
	need("STELLA_ORGANIZATION_EMAIL", c.OrganizationEmail)
	if !o.Public {
		need("STELLA_ORGANIZATION_VAT_NUMBER (or STELLA_ORGANIZATION_FISCAL_CODE, or for a public administration STELLA_ORGANIZATION_IPA_CODE)",
			c.OrganizationVATNumber+c.OrganizationFiscalCode)
		need("STELLA_BILLING_STREET", c.BillingStreet)
		need("STELLA_BILLING_POSTAL_CODE", c.BillingPostalCode)
		need("STELLA_BILLING_CITY", c.BillingCity)
	}
	if len(*wrong) == before {
		wrong.add("STELLA_ORGANIZATION_*, STELLA_BILLING_*", o.Check())
	}
}

func (c spidConfig) readProviders(wrong *problems) spid.Providers {
	if len(c.Providers) == 0 {
		wrong.add("STELLA_SPID_PROVIDERS", errMissing)
	}
	var all spid.Providers
	for _, file := range c.Providers {
		text, err := os.ReadFile(file)
		if err != nil {
			wrong.add("STELLA_SPID_PROVIDERS", err)
			continue
		}
		providers, err := spid.ParseProviders(text)
		if err != nil {
			wrong.add("STELLA_SPID_PROVIDERS", fmt.Errorf("%s: %w", file, err))
		}
		for _, p := range providers {
			if all.Find(p.EntityID) != nil {
				wrong.add("STELLA_SPID_PROVIDERS", fmt.Errorf("%s: %s is there twice", file, p.EntityID))
			}
			all = append(all, p)
		}
	}
	return all
}
