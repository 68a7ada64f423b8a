package config_test

import (
	"testing"

	"stella/cmd/stella/config"
	"stella/cmd/stella/programtest"
	"stella/spid"
	"stella/store/storetest"
)

const agIDsRegistry = "https://registry.spid.gov.it/metadata/idp/spid-entities-idps.xml"

func TestLoginSettings(t *testing.T) {
	t.Parallel()
	c := programtest.GoodConfig(t)
	programtest.WithCIE(t)(&c)
	c.Registry, c.Level, c.Comparison, c.Purpose, c.Collaudo = agIDsRegistry, "SpidL3", "exact", "PG", "force"
	c.SPIDOtherCertFile, c.CIEEntityID, c.LogosDir = programtest.File(t, "other.crt", programtest.Fixtures().Other), "https://cie.example", t.TempDir()
	s, err := c.Check()
	storetest.Must(t, err)
	if s.Registry.Location != agIDsRegistry || len(s.Registry.Signers) != 1 || s.Registry.Signers[0] != spid.AgID ||
		len(s.Providers) != 1 || len(s.Card) != 1 {
		t.Errorf("%+v, %d and %d providers", s.Registry, len(s.Providers), len(s.Card))
	}
	if s.SPID.Level != spid.SpidL3 || s.SPID.Comparison != "exact" || s.SPID.Other == nil ||
		s.Purpose != "PG" || !s.Collaudo || s.Logos == nil {
		t.Errorf("%+v", s)
	}
	if x := s.CIE; !s.Site.CIE || x.Scheme != spid.CIE || x.EntityID != "https://cie.example" ||
		x.ACSURL != "https://id.example/cie/acs" || x.LogoutURL != "https://id.example/cie/logout" ||
		x.Level != spid.SpidL3 || x.Comparison != "minimum" || x.Organization.Municipality != "H501" || x.Key != s.SPID.Key {
		t.Errorf("%+v", x)
	}
	if s, err := programtest.GoodConfig(t).Check(); err != nil || s.Registry != nil || s.CIE != nil || s.Collaudo ||
		s.SPID.Level != spid.SpidL2 || s.SPID.Comparison != "minimum" {
		t.Errorf("with the defaults: %+v, %v", s, err)
	}
}

// STELLA_SPID_NAMES gives providers the names that the pages show.
func TestParseNames(t *testing.T) {
	t.Parallel()
	names, err := config.ProvidersConfig{Names: []string{"https://idp.example=Identità Esempio", " https://a.example/?x=y = A "}}.ParseNames()
	if err != nil || len(names) != 2 || names["https://idp.example"] != "Identità Esempio" || names["https://a.example/?x=y"] != "A" {
		t.Errorf("%q, %v", names, err)
	}
	for _, wrong := range []string{"https://idp.example", "=Nome", "https://idp.example="} {
		if _, err := (config.ProvidersConfig{Names: []string{wrong}}).ParseNames(); err == nil {
			t.Errorf("%q is accepted", wrong)
		}
	}
}
