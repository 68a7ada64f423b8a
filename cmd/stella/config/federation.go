package config

import (
	"cmp"
	"errors"
	"fmt"
	"net/url"
	"os"
	"slices"
	"strings"

	"stella/spid"
)

// ProvidersConfig names the sources of the identity providers' metadata.
type ProvidersConfig struct {
	Registry    string   `name:"spid-registry" env:"STELLA_SPID_REGISTRY" placeholder:"URL" group:"SPID" help:"The signed registry of identity providers, a URL or a file. AgID's registry is https://registry.spid.gov.it/metadata/idp/spid-entities-idps.xml. It is read every hour, and the last valid copy is kept."`
	RegistryPin string   `name:"spid-registry-pin" env:"STELLA_SPID_REGISTRY_PIN" placeholder:"DIGEST" group:"SPID" help:"SHA-256 fingerprint of the certificate that signs the registry (default: AgID's)."`
	Providers   []string `name:"spid-providers" env:"STELLA_SPID_PROVIDERS" placeholder:"FILE" group:"SPID" help:"Metadata files of identity providers that are not in the registry, each with one or more providers."`
	Names       []string `name:"spid-names" env:"STELLA_SPID_NAMES" placeholder:"ENTITYID=NAME" group:"SPID" help:"Names of identity providers for the pages, such as https://idp.example=Identità Esempio. By default the providers of AgID's registry have their brand names."`
	CIEProvider string   `name:"cie-provider" env:"STELLA_CIE_PROVIDER" placeholder:"FILE" group:"CIE" help:"Metadata file of the identity provider for the electronic identity card (CIE). With it people can log in with their card."`
}

// LoginConfig says what a login requests from the identity provider, and how the
// choice of providers is shown.
type LoginConfig struct {
	Level      string `name:"spid-level" env:"STELLA_SPID_LEVEL" default:"SpidL2" placeholder:"LEVEL" group:"SPID" help:"Level to request: SpidL1, SpidL2 or SpidL3 (default: ${default})."`
	Comparison string `name:"spid-comparison" env:"STELLA_SPID_COMPARISON" default:"minimum" placeholder:"COMPARISON" group:"SPID" help:"How the level is compared: exact, minimum, better or maximum (default: ${default})."`
	Purpose    string `name:"spid-purpose" env:"STELLA_SPID_PURPOSE" placeholder:"PURPOSE" group:"SPID" help:"For a company's mailbox, request a professional identity: P, PF, PG, LP or PX. It names the person's company, but does not prove that the person may represent it. LP and PX also admit a company's own identity, which names no person and is refused: prefer PG or P. Without it a personal identity is requested."`
	LogosDir   string `name:"spid-logos-dir" env:"STELLA_SPID_LOGOS_DIR" placeholder:"DIR" group:"SPID" help:"Folder with the official logos of SPID, CIE and the identity providers, such as posteid.poste.it.svg. Without it only names are shown."`
	Collaudo   string `name:"spid-collaudo" env:"STELLA_SPID_COLLAUDO" default:"false" placeholder:"WHETHER" group:"SPID" help:"true allows test logins at /spid/collaudo, without a mailbox, for the official test. With AgID's registry only force allows them (default: ${default})."`
}

// CIEConfig contains the additional values of our metadata for CIE.
type CIEConfig struct {
	CIEEntityID              string `name:"cie-entity-id" env:"STELLA_CIE_ENTITY_ID" placeholder:"URL" group:"CIE" help:"Our entity ID for CIE (default: the one for SPID)."`
	OrganizationMunicipality string `env:"STELLA_ORGANIZATION_MUNICIPALITY" placeholder:"CODE" group:"CIE" help:"Metadata for CIE: the cadastral code of the town of the organization's seat, such as H501 for Rome."`
	OrganizationNACE2Code    string `name:"organization-nace2-code" env:"STELLA_ORGANIZATION_NACE2_CODE" placeholder:"CODE" group:"CIE" help:"Metadata for CIE, private organizations only: the ATECO code, such as 61.90.99. The fiscal code is required too."`
}

// checkSPID checks the settings of the logins, SPID and CIE, and adds them to s.
func (c Config) checkSPID(s *Settings, wrong *Problems) {
	s.SPID = c.SPIDConfig.Check(s.PublicURL, wrong)
	s.Providers = ReadProviders("STELLA_SPID_PROVIDERS", c.Providers, wrong)
	var err error
	s.Names, err = c.ParseNames()
	wrong.Add("STELLA_SPID_NAMES", err)
	pin, err := c.Pin()
	wrong.Add("STELLA_SPID_REGISTRY_PIN", err)
	if c.Registry != "" {
		wrong.Add("STELLA_SPID_REGISTRY", checkRegistry(c.Registry))
		s.Registry = &spid.Source{Location: c.Registry, Signers: []spid.Fingerprint{pin}}
	} else if len(c.Providers) == 0 {
		wrong.Add("STELLA_SPID_REGISTRY (or STELLA_SPID_PROVIDERS)", ErrMissing)
	}
	s.SPID.Level, s.SPID.Comparison, err = c.level()
	wrong.Add("STELLA_SPID_LEVEL, STELLA_SPID_COMPARISON", err)
	s.Purpose = c.Purpose
	wrong.Add("STELLA_SPID_PURPOSE", spid.CheckPurpose(c.Purpose))
	if c.LogosDir != "" {
		_, err := os.ReadDir(c.LogosDir)
		wrong.Add("STELLA_SPID_LOGOS_DIR", err)
		s.Logos = os.DirFS(c.LogosDir)
	}
	s.Collaudo, err = c.collaudo(s.Registry)
	wrong.Add("STELLA_SPID_COLLAUDO", err)
	if c.CIEProvider != "" {
		s.Card = ReadProviders("STELLA_CIE_PROVIDER", []string{c.CIEProvider}, wrong)
		s.CIE = c.CIEConfig.Check(*s.SPID, s.PublicURL, wrong)
		s.Site.CIE = true
	}
}

// ParseNames returns the operator's names of providers, by entity ID.
func (c ProvidersConfig) ParseNames() (map[string]string, error) {
	names := map[string]string{}
	for _, pair := range c.Names {
		i := strings.LastIndex(pair, "=") // an entity ID may contain "="
		if i < 0 || strings.TrimSpace(pair[:i]) == "" || strings.TrimSpace(pair[i+1:]) == "" {
			return nil, fmt.Errorf("%q: want an entity ID, = and a name", pair)
		}
		names[strings.TrimSpace(pair[:i])] = strings.TrimSpace(pair[i+1:])
	}
	return names, nil
}

// Pin returns the fingerprint of the certificate that signs the registry.
func (c ProvidersConfig) Pin() (spid.Fingerprint, error) {
	if c.RegistryPin == "" {
		return spid.AgID, nil
	}
	return spid.ParseFingerprint(c.RegistryPin)
}

// checkRegistry checks a registry's URL or file name. It does not fetch a URL: the
// registry may be unreachable when the service starts.
func checkRegistry(location string) error {
	u, err := url.Parse(location)
	switch {
	case !strings.Contains(location, "://"):
		_, err = os.Stat(location)
		return err
	case strings.Contains(location, "@"): // may contain a password, so the message does not repeat it
		return errors.New("names a user, and the registry is public")
	case err != nil:
		return err
	case u.Host == "" || u.Scheme != "https" && (u.Scheme != "http" || !isLoopback(u.Hostname())):
		return fmt.Errorf("%q: want https, or a file", location)
	}
	return nil
}

func (c LoginConfig) level() (spid.Level, string, error) {
	level, err := spid.LevelNamed(c.Level)
	if err != nil {
		return 0, "", fmt.Errorf("%q: want SpidL1, SpidL2 or SpidL3", c.Level)
	}
	return level, c.Comparison, spid.SPID.CheckLevel(level, c.Comparison)
}

// collaudo reports whether test logins are allowed. With AgID's registry, which is
// for production, they need "force".
func (c LoginConfig) collaudo(registry *spid.Source) (bool, error) {
	switch c.Collaudo {
	case "false":
		return false, nil
	case "true":
		if registry != nil && slices.Contains(registry.Signers, spid.AgID) {
			return false, errors.New("is not for production, and the registry is AgID's; \"force\" allows it")
		}
		return true, nil
	case "force":
		return true, nil
	}
	return false, fmt.Errorf("%q: want true, false or force", c.Collaudo)
}

// Check derives the service provider for CIE from the one for SPID. It has the same
// key and requests the same level, always as the minimum.
func (c CIEConfig) Check(sp spid.ServiceProvider, public *url.URL, wrong *Problems) *spid.ServiceProvider {
	before := len(*wrong)
	base := BaseURL(public)
	sp.Scheme, sp.EntityID, sp.Comparison = spid.CIE, cmp.Or(c.CIEEntityID, sp.EntityID), "minimum"
	sp.ACSURL, sp.LogoutURL = base+"/cie/acs", base+"/cie/logout"
	wrong.Add("STELLA_CIE_ENTITY_ID", checkEntityID(c.CIEEntityID))
	o := &sp.Organization
	o.Municipality, o.NACE2Code = c.OrganizationMunicipality, c.OrganizationNACE2Code
	wrong.Require("STELLA_ORGANIZATION_MUNICIPALITY, which CIE wants,", o.Municipality)
	if !o.Public {
		wrong.Require("STELLA_ORGANIZATION_FISCAL_CODE, which CIE wants,", o.FiscalCode)
		wrong.Require("STELLA_ORGANIZATION_NACE2_CODE, which CIE wants,", o.NACE2Code)
	}
	if len(*wrong) == before && o.Check(spid.SPID) == nil {
		wrong.Add("STELLA_ORGANIZATION_*", o.Check(spid.CIE))
	}
	if public != nil && sp.Key != nil && len(*wrong) == before {
		_, err := sp.Metadata()
		wrong.Add("the CIE metadata", err)
	}
	return &sp
}

// ReadProviders reads metadata files. It adds a problem for each file that cannot be
// read, or that contains a provider that cannot be used or is listed twice.
func ReadProviders(variable string, files []string, wrong *Problems) spid.Providers {
	var all spid.Providers
	for _, file := range files {
		text, err := os.ReadFile(file)
		if err != nil {
			wrong.Add(variable, err)
			continue
		}
		providers, err := spid.ParseProviders(text)
		if err != nil {
			wrong.Add(variable, fmt.Errorf("%s: %w", file, err))
		}
		for _, p := range providers {
			if all.Find(p.EntityID) != nil {
				wrong.Add(variable, fmt.Errorf("%s: %s is listed twice", file, p.EntityID))
			}
			all = append(all, p)
		}
	}
	return all
}
