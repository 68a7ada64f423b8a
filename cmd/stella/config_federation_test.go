package main

import (
	"testing"

	"stella/spid"
	"stella/store/storetest"
)

const agIDsRegistry = "https://registry.spid.gov.it/metadata/idp/spid-entities-idps.xml"

// withCIE returns a change of a configuration that allows logins with CIE.
func withCIE(t *testing.T) func(*config) {
	return func(c *config) {
		c.CIEProvider = file(t, "cie.xml", fixtures().providers)
		c.OrganizationMunicipality, c.OrganizationNACE2Code, c.OrganizationFiscalCode = "H501", "61.90.99", "01234567897"
	}
}

func TestLoginSettings(t *testing.T) {
	t.Parallel()
	c := goodConfig(t)
	withCIE(t)(&c)
	c.Registry, c.Level, c.Comparison, c.Purpose, c.Collaudo = agIDsRegistry, "SpidL3", "exact", "PG", "force"
	c.SPIDOtherCertFile, c.CIEEntityID, c.LogosDir = file(t, "other.crt", fixtures().other), "https://cie.example", t.TempDir()
	s, err := c.Check()
	storetest.Must(t, err)
	if s.registry.Location != agIDsRegistry || len(s.registry.Signers) != 1 || s.registry.Signers[0] != spid.AgID ||
		len(s.providers) != 1 || len(s.card) != 1 {
		t.Errorf("%+v, %d and %d providers", s.registry, len(s.providers), len(s.card))
	}
	if s.spid.Level != spid.SpidL3 || s.spid.Comparison != "exact" || s.spid.Other == nil ||
		s.purpose != "PG" || !s.collaudo || s.logos == nil {
		t.Errorf("%+v", s)
	}
	if x := s.cie; !s.site.CIE || x.Scheme != spid.CIE || x.EntityID != "https://cie.example" ||
		x.ACSURL != "https://id.example/cie/acs" || x.LogoutURL != "https://id.example/cie/logout" ||
		x.Level != spid.SpidL3 || x.Comparison != "minimum" || x.Organization.Municipality != "H501" || x.Key != s.spid.Key {
		t.Errorf("%+v", x)
	}
	if s, err := goodConfig(t).Check(); err != nil || s.registry != nil || s.cie != nil || s.collaudo ||
		s.spid.Level != spid.SpidL2 || s.spid.Comparison != "minimum" {
		t.Errorf("with the defaults: %+v, %v", s, err)
	}
}

// STELLA_SPID_NAMES gives providers the names that the pages show.
func TestProviderNames(t *testing.T) {
	t.Parallel()
	names, err := providersConfig{Names: []string{"https://idp.example=Identità Esempio", " https://a.example/?x=y = A "}}.names()
	if err != nil || len(names) != 2 || names["https://idp.example"] != "Identità Esempio" || names["https://a.example/?x=y"] != "A" {
		t.Errorf("%q, %v", names, err)
	}
	for _, wrong := range []string{"https://idp.example", "=Nome", "https://idp.example="} {
		if _, err := (providersConfig{Names: []string{wrong}}).names(); err == nil {
			t.Errorf("%q is accepted", wrong)
		}
	}
}
