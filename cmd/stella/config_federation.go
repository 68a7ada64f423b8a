package main

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

// providersConfig is which identity providers are known by name.
type providersConfig struct {
	Registry    string   `name:"spid-registry" env:"STELLA_SPID_REGISTRY" placeholder:"URL" group:"SPID" help:"The signed registry of identity providers: AgID's is https://registry.spid.gov.it/metadata/idp/spid-entities-idps.xml. It may be a file. It is read every hour, and the last good one is kept."`
	RegistryPin string   `name:"spid-registry-pin" env:"STELLA_SPID_REGISTRY_PIN" placeholder:"DIGEST" group:"SPID" help:"SHA-256 fingerprint of the certificate that signs the registry (default: AgID's)."`
	Providers   []string `name:"spid-providers" env:"STELLA_SPID_PROVIDERS" placeholder:"FILE" group:"SPID" help:"Metadata of identity providers that are not in the registry: files, with one provider or many each."`
	Names       []string `name:"spid-names" env:"STELLA_SPID_NAMES" placeholder:"ENTITYID=NAME" group:"SPID" help:"Names of identity providers as the pages show them, such as https://idp.example=Identità Esempio. The providers of AgID's registry have their brand names by default."`
	CIEProvider string   `name:"cie-provider" env:"STELLA_CIE_PROVIDER" placeholder:"FILE" group:"CIE" help:"Metadata of the identity provider of the electronic identity card, which lets people in with it."`
}

// loginConfig is what a login asks for, and where.
type loginConfig struct {
	Level      string `name:"spid-level" env:"STELLA_SPID_LEVEL" default:"SpidL2" placeholder:"LEVEL" group:"SPID" help:"Level to ask for: SpidL1, SpidL2 or SpidL3 (default: ${default})."`
	Comparison string `name:"spid-comparison" env:"STELLA_SPID_COMPARISON" default:"minimum" placeholder:"COMPARISON" group:"SPID" help:"How the level is meant: exact, minimum, better or maximum (default: ${default})."`
	Purpose    string `name:"spid-purpose" env:"STELLA_SPID_PURPOSE" placeholder:"PURPOSE" group:"SPID" help:"For a company's mailbox, ask for a professional identity: P, PF, PG, LP or PX. It tells of which company the person is, and proves no power to represent it. LP and PX let a company's own identity in too, which names no person and is refused: prefer PG or P. Without it a person's own identity is asked for."`
	LogosDir   string `name:"spid-logos-dir" env:"STELLA_SPID_LOGOS_DIR" placeholder:"DIR" group:"SPID" help:"Folder with the official logos of SPID, CIE and the identity providers, such as posteid.poste.it.svg. Without it names are shown alone."`
	Collaudo   string `name:"spid-collaudo" env:"STELLA_SPID_COLLAUDO" default:"false" placeholder:"WHETHER" group:"SPID" help:"true lets the official testers log in at /spid/collaudo, for no mailbox. It is refused with AgID's registry, unless it is force (default: ${default})."`
}

// cieConfig is what we are to CIE, beyond what we are to SPID.
type cieConfig struct {
	CIEEntityID              string `name:"cie-entity-id" env:"STELLA_CIE_ENTITY_ID" placeholder:"URL" group:"CIE" help:"Our entity ID for CIE (default: the one for SPID)."`
	OrganizationMunicipality string `env:"STELLA_ORGANIZATION_MUNICIPALITY" placeholder:"CODE" group:"CIE" help:"Of the metadata for CIE: the cadastral code of the town of its seat, such as H501 for Rome."`
	OrganizationNACE2Code    string `name:"organization-nace2-code" env:"STELLA_ORGANIZATION_NACE2_CODE" placeholder:"CODE" group:"CIE" help:"Of a private organization's metadata for CIE: its ATECO code, such as 61.90.99. The fiscal code is needed too."`
}

// checkSPID reads how people log in.
func (c config) checkSPID(s *settings, wrong *problems) {
	s.spid = c.spidConfig.check(s.publicURL, wrong)
	s.providers = readProviders("STELLA_SPID_PROVIDERS", c.Providers, wrong)
	var err error
	s.names, err = c.names()
	wrong.add("STELLA_SPID_NAMES", err)
	pin, err := c.pin()
	wrong.add("STELLA_SPID_REGISTRY_PIN", err)
	if c.Registry != "" {
		wrong.add("STELLA_SPID_REGISTRY", checkRegistry(c.Registry))
		s.registry = &spid.Source{Location: c.Registry, Signers: []spid.Fingerprint{pin}}
	} else if len(c.Providers) == 0 {
		wrong.add("STELLA_SPID_REGISTRY (or STELLA_SPID_PROVIDERS)", errMissing)
	}
	s.spid.Level, s.spid.Comparison, err = c.level()
	wrong.add("STELLA_SPID_LEVEL, STELLA_SPID_COMPARISON", err)
	s.purpose = c.Purpose
	wrong.add("STELLA_SPID_PURPOSE", spid.CheckPurpose(c.Purpose))
	if c.LogosDir != "" {
		_, err := os.ReadDir(c.LogosDir)
		wrong.add("STELLA_SPID_LOGOS_DIR", err)
		s.logos = os.DirFS(c.LogosDir)
	}
	s.collaudo, err = c.collaudo(s.registry)
	wrong.add("STELLA_SPID_COLLAUDO", err)
	if c.CIEProvider != "" {
		s.card = readProviders("STELLA_CIE_PROVIDER", []string{c.CIEProvider}, wrong)
		s.cie = c.cieConfig.check(*s.spid, s.publicURL, wrong)
		s.site.CIE = true
	}
}

// names are what the operator calls providers, by entity ID.
func (c providersConfig) names() (map[string]string, error) {
	names := map[string]string{}
	for _, pair := range c.Names {
		i := strings.LastIndex(pair, "=") // an entity ID may have one
		if i < 0 || strings.TrimSpace(pair[:i]) == "" || strings.TrimSpace(pair[i+1:]) == "" {
			return nil, fmt.Errorf("%q: want an entity ID, = and a name", pair)
		}
		names[strings.TrimSpace(pair[:i])] = strings.TrimSpace(pair[i+1:])
	}
	return names, nil
}

// pin is the fingerprint of whoever signs the registry.
func (c providersConfig) pin() (spid.Fingerprint, error) {
	if c.RegistryPin == "" {
		return spid.AgID, nil
	}
	return spid.ParseFingerprint(c.RegistryPin)
}

// checkRegistry checks what can be known of a registry's place without going
// there: it may be away when the service starts.
func checkRegistry(location string) error {
	u, err := url.Parse(location)
	switch {
	case !strings.Contains(location, "://"):
		_, err = os.Stat(location)
		return err
	case strings.Contains(location, "@"): // not to be repeated
		return errors.New("names a user, and the registry is public")
	case err != nil:
		return err
	case u.Host == "" || u.Scheme != "https" && (u.Scheme != "http" || !isLoopback(u.Hostname())):
		return fmt.Errorf("%q: want https, or a file", location)
	}
	return nil
}

func (c loginConfig) level() (spid.Level, string, error) {
	level, err := spid.LevelNamed(c.Level)
	if err != nil {
		return 0, "", fmt.Errorf("%q: want SpidL1, SpidL2 or SpidL3", c.Level)
	}
	return level, c.Comparison, spid.SPID.CheckLevel(level, c.Comparison)
}

// collaudo reports whether testers may log in. With the registry of production
// that is a door more than is needed.
func (c loginConfig) collaudo(registry *spid.Source) (bool, error) {
	switch c.Collaudo {
	case "false":
		return false, nil
	case "true":
		if registry != nil && slices.Contains(registry.Signers, spid.AgID) {
			return false, errors.New("is not for production, and the registry is AgID's; \"force\" has it all the same")
		}
		return true, nil
	case "force":
		return true, nil
	}
	return false, fmt.Errorf("%q: want true, false or force", c.Collaudo)
}

// check makes of the service provider for SPID the one for CIE, which signs
// with the same key. It asks for the same level, always as the minimum.
func (c cieConfig) check(sp spid.ServiceProvider, public *url.URL, wrong *problems) *spid.ServiceProvider {
	before := len(*wrong)
	base := urlOf(public)
	sp.Scheme, sp.EntityID, sp.Comparison = spid.CIE, cmp.Or(c.CIEEntityID, sp.EntityID), "minimum"
	sp.ACSURL, sp.LogoutURL = base+"/cie/acs", base+"/cie/logout"
	wrong.add("STELLA_CIE_ENTITY_ID", checkEntityID(c.CIEEntityID))
	o := &sp.Organization
	o.Municipality, o.NACE2Code = c.OrganizationMunicipality, c.OrganizationNACE2Code
	wrong.need("STELLA_ORGANIZATION_MUNICIPALITY, which CIE wants,", o.Municipality)
	if !o.Public {
		wrong.need("STELLA_ORGANIZATION_FISCAL_CODE, which CIE wants,", o.FiscalCode)
		wrong.need("STELLA_ORGANIZATION_NACE2_CODE, which CIE wants,", o.NACE2Code)
	}
	if len(*wrong) == before && o.Check(spid.SPID) == nil {
		wrong.add("STELLA_ORGANIZATION_*", o.Check(spid.CIE))
	}
	if public != nil && sp.Key != nil && len(*wrong) == before {
		_, err := sp.Metadata()
		wrong.add("the CIE metadata", err)
	}
	return &sp
}

// readProviders reads files of metadata. Those that are not there, or not all
// of whose providers can be used, are told.
func readProviders(variable string, files []string, wrong *problems) spid.Providers {
	var all spid.Providers
	for _, file := range files {
		text, err := os.ReadFile(file)
		if err != nil {
			wrong.add(variable, err)
			continue
		}
		providers, err := spid.ParseProviders(text)
		if err != nil {
			wrong.add(variable, fmt.Errorf("%s: %w", file, err))
		}
		for _, p := range providers {
			if all.Find(p.EntityID) != nil {
				wrong.add(variable, fmt.Errorf("%s: %s is there twice", file, p.EntityID))
			}
			all = append(all, p)
		}
	}
	return all
}
