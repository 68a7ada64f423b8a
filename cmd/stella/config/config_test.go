package config_test

import (
	"strings"
	"testing"

	"stella/cmd/stella/config"
	"stella/cmd/stella/programtest"
)

func TestValidConfiguration(t *testing.T) {
	t.Parallel()
	s, err := programtest.GoodConfig(t).Check()
	if err != nil {
		t.Fatal(err)
	}
	if s.PublicURL.String() != "https://id.example" || s.Listen != "127.0.0.1:0" {
		t.Errorf("%v, %v", s.PublicURL, s.Listen)
	}
	if len(s.Keys) != 1 || string(s.Keys[0]) != programtest.SecretKey {
		t.Errorf("the keys are %q", s.Keys)
	}
	if r := s.Relay; r.Host != "relay.example" || r.Port != 2525 || r.ImplicitTLS || r.User != "stella" ||
		r.Password != "a password" || s.PECRelay != nil {
		t.Errorf("the relay is %+v, the other %+v", r, s.PECRelay)
	}
	if s.From != "staff@gestore.example" || s.FromName != "Posta Esempio" || s.Site.MailSender != s.From {
		t.Errorf("%q, %q", s.FromName, s.From)
	}
	if s.SPID.EntityID != "https://id.example" || s.SPID.ACSURL != "https://id.example/spid/acs" || len(s.Providers) != 1 ||
		s.Recipient == nil {
		t.Errorf("%+v, %d providers", s.SPID, len(s.Providers))
	}
	if s.Documents["it"].SHA256 == "" || len(s.Proxies) != 1 {
		t.Errorf("%d documents, %v", len(s.Documents), s.Proxies)
	}
}

func TestValidVariants(t *testing.T) {
	t.Parallel()
	for name, change := range map[string]func(*config.Config){
		"a trailing slash":                 func(c *config.Config) { c.PublicURL = "https://id.example/" },
		"loopback":                         func(c *config.Config) { c.PublicURL = "http://localhost:8080" },
		"another loopback":                 func(c *config.Config) { c.PublicURL = "http://[::1]:8080" },
		"a sample contract":                func(c *config.Config) { c.ContractDir, c.SampleContract = "", true },
		"no proxy":                         func(c *config.Config) { c.Proxies = nil },
		"a relay without a user":           func(c *config.Config) { c.SMTPURL, c.SMTPPasswordFile = "smtps://relay.example", "" },
		"a second relay":                   func(c *config.Config) { c.PECSMTPURL = "smtp://pec.relay.example" },
		"a bare sender":                    func(c *config.Config) { c.MailFrom = "staff@gestore.example" },
		"a sender with an accented domain": func(c *config.Config) { c.MailFrom = "staff@città.example" },
		"a public administration": func(c *config.Config) {
			c.OrganizationIPACode, c.OrganizationVATNumber = "c_h501", ""
			c.BillingStreet, c.BillingPostalCode, c.BillingCity = "", "", ""
		},
		"a fiscal code":              func(c *config.Config) { c.OrganizationFiscalCode, c.OrganizationVATNumber = "01234567897", "" },
		"another entity ID":          func(c *config.Config) { c.EntityID = "https://gestore.example" },
		"AgID's registry":            func(c *config.Config) { c.ProvidersConfig.Providers, c.Registry = nil, agIDsRegistry },
		"a registry on this machine": func(c *config.Config) { c.Registry = "http://127.0.0.1:8080/registry.xml" },
		"a registry in a file":       func(c *config.Config) { c.Registry = programtest.File(t, "registry.xml", nil) },
		"test logins":                func(c *config.Config) { c.Collaudo = "true" },
		"test logins with another registry": func(c *config.Config) {
			c.Collaudo, c.Registry, c.RegistryPin = "true", "https://registry.example", strings.Repeat("ab", 32)
		},
		"test logins with AgID's registry": func(c *config.Config) { c.Collaudo, c.Registry = "force", agIDsRegistry },
		"a professional identity":          func(c *config.Config) { c.Purpose = "PG" },
		"the highest level":                func(c *config.Config) { c.Level, c.Comparison = "SpidL3", "exact" },
		"logos":                            func(c *config.Config) { c.LogosDir = t.TempDir() },
		"metrics":                          func(c *config.Config) { c.Metrics = "127.0.0.1:9090" },
		"a change of keys": func(c *config.Config) {
			c.SPIDOtherCertFile = programtest.File(t, "other.crt", programtest.Fixtures().Other)
		},
		"the identity card": programtest.WithCIE(t),
	} {
		c := programtest.GoodConfig(t)
		change(&c)
		if _, err := c.Check(); err != nil {
			t.Errorf("%s: %v", name, err)
		}
	}
	c := programtest.GoodConfig(t)
	c.MailFrom = "staff@città.example"
	if s, err := c.Check(); err != nil || s.From != "staff@xn--citt-3na.example" {
		t.Errorf("the sender is %v, %v", s, err)
	}
}

func TestEmptyConfigurationListsAllMissing(t *testing.T) {
	t.Parallel()
	_, err := config.Config{Listen: "127.0.0.1:8080", LoginConfig: config.LoginConfig{Level: "SpidL2", Comparison: "minimum", Collaudo: "false"}}.Check()
	if err == nil {
		t.Fatal("an empty configuration is accepted")
	}
	want := `the configuration has 22 problems:
STELLA_PUBLIC_URL is missing
STELLA_KEY_FILE is missing
STELLA_PROVIDER is missing
STELLA_SERVICE is missing
STELLA_WEBMAIL_URL is missing
STELLA_PRIVACY_URL is missing
STELLA_ACCESSIBILITY_URL is missing
STELLA_HELP_CONTACT is missing
STELLA_CONTRACT_DIR is missing
STELLA_MAIL_FROM is missing
STELLA_SMTP_URL is missing
STELLA_ORGANIZATION_NAME is missing
STELLA_ORGANIZATION_URL is missing
STELLA_ORGANIZATION_EMAIL is missing
STELLA_ORGANIZATION_VAT_NUMBER (or STELLA_ORGANIZATION_FISCAL_CODE, or for a public administration STELLA_ORGANIZATION_IPA_CODE) is missing
STELLA_BILLING_STREET is missing
STELLA_BILLING_POSTAL_CODE is missing
STELLA_BILLING_CITY is missing
STELLA_SPID_KEY_FILE is missing
STELLA_SPID_CERT_FILE is missing
STELLA_SPID_REGISTRY (or STELLA_SPID_PROVIDERS) is missing
STELLA_ARCHIVE_RECIPIENT is missing`
	if err.Error() != want {
		t.Errorf("the error is\n%v\nwant\n%s", err, want)
	}
}
