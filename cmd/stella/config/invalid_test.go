package config_test

import (
	"slices"
	"strings"
	"testing"

	"github.com/alecthomas/kong"

	"stella/cmd/stella/config"
	"stella/cmd/stella/programtest"
	"stella/store/storetest"
)

// Each row makes one variable invalid. The error must name this variable with the
// reason, and no other variable. Every variable must have a row.
func TestInvalidValuesAreReported(t *testing.T) {
	t.Parallel()
	n := programtest.Fixtures()
	garbage := []byte("garbage")
	wrong := map[string]struct {
		change   func(*config.Config)
		variable string
		reason   string // a part of the error
	}{
		"plain http":           {func(c *config.Config) { c.PublicURL = "http://id.example" }, "STELLA_PUBLIC_URL", "loopback"},
		"no scheme":            {func(c *config.Config) { c.PublicURL = "id.example" }, "STELLA_PUBLIC_URL", "scheme"},
		"another scheme":       {func(c *config.Config) { c.PublicURL = "ftp://id.example" }, "STELLA_PUBLIC_URL", "https"},
		"a path":               {func(c *config.Config) { c.PublicURL = "https://id.example/stella" }, "STELLA_PUBLIC_URL", "host"},
		"no URL at all":        {func(c *config.Config) { c.PublicURL = "https://[" }, "STELLA_PUBLIC_URL", "["},
		"no port to listen on": {func(c *config.Config) { c.Listen = "localhost" }, "STELLA_LISTEN", "port"},
		"no URL of a database": {
			func(c *config.Config) { c.URL = "postgres://stella:hush@db:port/stella" },
			"STELLA_DATABASE_URL", "percent-encoded",
		},
		"a name for a proxy network": {func(c *config.Config) { c.Proxies = []string{"proxy.example"} }, "STELLA_PROXIES", "proxy.example"},
		"no key":                     {func(c *config.Config) { c.KeyFile = nil }, "STELLA_KEY_FILE", "missing"},
		"a key that is not there":    {func(c *config.Config) { c.KeyFile = []string{"/nonexistent/key"} }, "STELLA_KEY_FILE", "/nonexistent/key"},
		"a short key": {
			func(c *config.Config) { c.KeyFile = append(c.KeyFile, programtest.File(t, "key", garbage)) }, "STELLA_KEY_FILE", "7 bytes",
		},
		"a world-readable key": {func(c *config.Config) { programtest.MakeReadable(t, c.KeyFile[0]) }, "STELLA_KEY_FILE", "run chmod 600 /"},
		"a world-readable password": {
			func(c *config.Config) { programtest.MakeReadable(t, c.SMTPPasswordFile) }, "STELLA_SMTP_PASSWORD_FILE", "run chmod 600 /",
		},
		"a world-readable SPID key": {func(c *config.Config) { programtest.MakeReadable(t, c.SPIDKeyFile) }, "STELLA_SPID_KEY_FILE", "run chmod 600 /"},
		"a world-readable DKIM key": {
			func(c *config.Config) {
				c.DKIMSelector, c.DKIMKeyFile = "stella", programtest.MakeReadable(t, programtest.File(t, "dkim.key", nil))
			},
			"STELLA_DKIM_KEY_FILE", "run chmod 600 /",
		},
		"a world-readable pgpass file": {func(c *config.Config) {
			c.URL = "postgres://stella@localhost/stella?sslmode=disable&passfile=" + programtest.MakeReadable(t, programtest.File(t, "pgpass", nil))
		}, "STELLA_DATABASE_URL", "run chmod 600 /"},
		"no provider":                  {func(c *config.Config) { c.Provider = "" }, "STELLA_PROVIDER", "missing"},
		"no service":                   {func(c *config.Config) { c.Service = "" }, "STELLA_SERVICE", "missing"},
		"a name for the webmail's URL": {func(c *config.Config) { c.WebmailURL = "webmail" }, "STELLA_WEBMAIL_URL", "not a URL"},
		"a script":                     {func(c *config.Config) { c.PrivacyURL = "javascript:alert(1)" }, "STELLA_PRIVACY_URL", "not a URL"},
		"no statement":                 {func(c *config.Config) { c.AccessibilityURL = "" }, "STELLA_ACCESSIBILITY_URL", "missing"},
		"an address for a URL":         {func(c *config.Config) { c.HelpURL = "aiuto@gestore.example" }, "STELLA_HELP_URL", "not a URL"},
		"days in the past":             {func(c *config.Config) { c.ReviewDays = -1 }, "STELLA_REVIEW_DAYS", "not a number of days"},
		"no contact":                   {func(c *config.Config) { c.HelpContact = "" }, "STELLA_HELP_CONTACT", "missing"},
		"no contract":                  {func(c *config.Config) { c.ContractDir = "" }, "STELLA_CONTRACT_DIR", "missing"},
		"a URL in quotes": {
			func(c *config.Config) { c.URL = `'postgres://stella:hush@db1/stella'` },
			"STELLA_DATABASE_URL", "begins and ends with the quote '",
		},
		"a URL after a blank": {
			func(c *config.Config) { c.URL = " postgres://stella:hush@db1/stella" },
			"STELLA_DATABASE_URL", "begins or ends with blanks",
		},
		"a name in quotes": {
			func(c *config.Config) { c.Provider = `"Posta Esempio"` }, "STELLA_PROVIDER", "begins and ends with the quote \"",
		},
		"networks in quotes": {
			func(c *config.Config) { c.Proxies = []string{"'10.0.0.0/8", "10.1.0.0/16'"} }, "STELLA_PROXIES", "the quote '",
		},
		"a folder in quotes": {func(c *config.Config) { c.Dir = "'/srv/stella'" }, "STELLA_DIR", "the quote '"},
		"a user in the public URL": {
			func(c *config.Config) { c.PublicURL = "https://u:hush@id.example" }, "STELLA_PUBLIC_URL", "names a user",
		},
		"a user in the registry's URL": {
			func(c *config.Config) { c.Registry = "https://u:hush@registry.example" }, "STELLA_SPID_REGISTRY", "names a user",
		},
		"twelve digits": {
			func(c *config.Config) { c.OrganizationVATNumber = "IT012345678901" },
			"STELLA_ORGANIZATION_VAT_NUMBER", "11 digits",
		},
		"a wrong check digit": {
			func(c *config.Config) { c.OrganizationVATNumber = "IT01234567890" },
			"STELLA_ORGANIZATION_VAT_NUMBER", "11 digits",
		},
		"no such contract":            {func(c *config.Config) { c.ContractDir = "/nonexistent" }, "STELLA_CONTRACT_DIR", "it.html"},
		"a sender without an address": {func(c *config.Config) { c.MailFrom = "Posta Esempio" }, "STELLA_MAIL_FROM", "Posta Esempio"},
		"a relay without scheme":      {func(c *config.Config) { c.SMTPURL = "relay.example:587" }, "STELLA_SMTP_URL", "smtp://"},
		"a relay over http":           {func(c *config.Config) { c.SMTPURL = "http://relay.example" }, "STELLA_SMTP_URL", "smtp://"},
		"a relay's wrong port":        {func(c *config.Config) { c.SMTPURL = "smtp://stella@relay.example:99999" }, "STELLA_SMTP_URL", "99999"},
		"a password in the URL": {
			func(c *config.Config) { c.SMTPURL = "smtp://stella:hush@relay.example" }, "STELLA_SMTP_URL", "in a file",
		},
		"a user without a password": {func(c *config.Config) { c.SMTPPasswordFile = "" }, "STELLA_SMTP_PASSWORD_FILE", "missing"},
		"no such password": {
			func(c *config.Config) { c.SMTPPasswordFile = "/nonexistent" }, "STELLA_SMTP_PASSWORD_FILE", "/nonexistent",
		},
		"a password without a user": {func(c *config.Config) { c.SMTPURL = "smtp://relay.example" }, "STELLA_SMTP_URL", "user"},
		"a host name without a dot": {func(c *config.Config) { c.SMTPEHLOName = "9f1c2a7b3d4e" }, "STELLA_SMTP_EHLO_NAME", "9f1c2a7b3d4e"},
		"no such CA file":           {func(c *config.Config) { c.SMTPCAFile = "/nonexistent" }, "STELLA_SMTP_CA_FILE", "/nonexistent"},
		"a garbled CA file": {
			func(c *config.Config) { c.SMTPCAFile = programtest.File(t, "ca", garbage) }, "STELLA_SMTP_CA_FILE", "no certificate",
		},
		"a wrong second relay": {func(c *config.Config) { c.PECSMTPURL = "relay" }, "STELLA_PEC_SMTP_URL", "smtp://"},
		"a second user": {
			func(c *config.Config) { c.PECSMTPURL = "smtp://u@relay.example" }, "STELLA_PEC_SMTP_PASSWORD_FILE", "missing",
		},
		"a second password": {
			func(c *config.Config) { c.PECSMTPPasswordFile = c.SMTPPasswordFile }, "STELLA_PEC_SMTP_URL", "missing",
		},
		"a garbled DKIM key": {
			func(c *config.Config) {
				c.DKIMSelector, c.DKIMKeyFile = "stella", programtest.File(t, "dkim.key", garbage)
			},
			"STELLA_DKIM_KEY_FILE", "PEM",
		},
		"a relative entity ID": {func(c *config.Config) { c.EntityID = "gestore" }, "STELLA_SPID_ENTITY_ID", "not a URI"},
		"no SPID key":          {func(c *config.Config) { c.SPIDKeyFile = "" }, "STELLA_SPID_KEY_FILE", "missing"},
		"no SPID certificate":  {func(c *config.Config) { c.SPIDCertFile = "" }, "STELLA_SPID_CERT_FILE", "missing"},
		"a garbled SPID key":   {func(c *config.Config) { c.SPIDKeyFile = programtest.File(t, "k", garbage) }, "STELLA_SPID_KEY_FILE", "k"},
		"the certificate of another key": {
			func(c *config.Config) { c.SPIDCertFile = programtest.File(t, "other.crt", n.Other) },
			"STELLA_SPID_KEY_FILE, STELLA_SPID_CERT_FILE", "other.crt",
		},
		"no identity providers": {
			func(c *config.Config) { c.ProvidersConfig.Providers = nil },
			"STELLA_SPID_REGISTRY (or STELLA_SPID_PROVIDERS)", "missing",
		},
		"no such providers": {
			func(c *config.Config) { c.ProvidersConfig.Providers = []string{"/nonexistent"} },
			"STELLA_SPID_PROVIDERS", "/nonexistent",
		},
		"garbled providers": {
			func(c *config.Config) { c.ProvidersConfig.Providers = []string{programtest.File(t, "p.xml", garbage)} },
			"STELLA_SPID_PROVIDERS", "p.xml",
		},
		"providers twice": {func(c *config.Config) {
			c.ProvidersConfig.Providers = append(c.ProvidersConfig.Providers, c.ProvidersConfig.Providers[0])
		}, "STELLA_SPID_PROVIDERS", "https://idp.example"},
		"a registry over http":      {func(c *config.Config) { c.Registry = "http://registry.example" }, "STELLA_SPID_REGISTRY", "https"},
		"no such registry":          {func(c *config.Config) { c.Registry = "/nonexistent" }, "STELLA_SPID_REGISTRY", "/nonexistent"},
		"a registry without a host": {func(c *config.Config) { c.Registry = "https://" }, "STELLA_SPID_REGISTRY", "https"},
		"a garbled pin":             {func(c *config.Config) { c.RegistryPin = "abc" }, "STELLA_SPID_REGISTRY_PIN", "64 hexadecimal digits"},
		"no level":                  {func(c *config.Config) { c.Level = "SpidL4" }, "STELLA_SPID_LEVEL", "SpidL1, SpidL2 or SpidL3"},
		"no comparison":             {func(c *config.Config) { c.Comparison = "about" }, "STELLA_SPID_LEVEL, STELLA_SPID_COMPARISON", "about"},
		"better than the highest level": {
			func(c *config.Config) { c.Level, c.Comparison = "SpidL3", "better" },
			"STELLA_SPID_LEVEL, STELLA_SPID_COMPARISON", "better",
		},
		"no purpose": {func(c *config.Config) { c.Purpose = "XX" }, "STELLA_SPID_PURPOSE", "XX"},
		"a name without an entity ID": {
			func(c *config.Config) { c.Names = []string{"Identità Esempio"} }, "STELLA_SPID_NAMES", "Identità Esempio",
		},
		"no such logos": {func(c *config.Config) { c.LogosDir = "/nonexistent" }, "STELLA_SPID_LOGOS_DIR", "/nonexistent"},
		"collaudo in production": {
			func(c *config.Config) { c.Collaudo, c.Registry = "true", agIDsRegistry }, "STELLA_SPID_COLLAUDO", "force",
		},
		"an invalid collaudo": {func(c *config.Config) { c.Collaudo = "perhaps" }, "STELLA_SPID_COLLAUDO", "perhaps"},
		"a name for a webhook network": {
			func(c *config.Config) { c.WebhookAllow = []string{"hooks.example"} }, "STELLA_WEBHOOK_ALLOW", "hooks.example",
		},
		"no port for metrics": {func(c *config.Config) { c.Metrics = "localhost" }, "STELLA_METRICS_LISTEN", "port"},
		"no other certificate": {
			func(c *config.Config) { c.SPIDOtherCertFile = "/nonexistent" }, "STELLA_SPID_OTHER_CERT_FILE", "/nonexistent",
		},
		"a key for a certificate": {
			func(c *config.Config) { c.SPIDOtherCertFile = c.SPIDKeyFile }, "STELLA_SPID_OTHER_CERT_FILE", "no certificate",
		},
		"a garbled certificate": {func(c *config.Config) {
			c.SPIDOtherCertFile = programtest.File(t, "other.crt", []byte("-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n"))
		}, "STELLA_SPID_OTHER_CERT_FILE", "other.crt"},
		"no such CIE provider": {
			func(c *config.Config) { programtest.WithCIE(t)(c); c.CIEProvider = "/nonexistent" }, "STELLA_CIE_PROVIDER", "/nonexistent",
		},
		"CIE without a town": {
			func(c *config.Config) { programtest.WithCIE(t)(c); c.OrganizationMunicipality = "" },
			"STELLA_ORGANIZATION_MUNICIPALITY, which CIE wants,", "missing",
		},
		"CIE without a fiscal code": {
			func(c *config.Config) { programtest.WithCIE(t)(c); c.OrganizationFiscalCode = "" },
			"STELLA_ORGANIZATION_FISCAL_CODE, which CIE wants,", "missing",
		},
		"CIE without a NACE code": {
			func(c *config.Config) { programtest.WithCIE(t)(c); c.OrganizationNACE2Code = "" },
			"STELLA_ORGANIZATION_NACE2_CODE, which CIE wants,", "missing",
		},
		"CIE with a town's name": {
			func(c *config.Config) { programtest.WithCIE(t)(c); c.OrganizationMunicipality = "Roma" }, "STELLA_ORGANIZATION_*", "Roma",
		},
		"an invalid entity ID for CIE": {func(c *config.Config) { programtest.WithCIE(t)(c); c.CIEEntityID = "gestore" }, "STELLA_CIE_ENTITY_ID", "not a URI"},
		"no site":                      {func(c *config.Config) { c.OrganizationURL = "" }, "STELLA_ORGANIZATION_URL", "missing"},
		"no address":                   {func(c *config.Config) { c.OrganizationEmail = "" }, "STELLA_ORGANIZATION_EMAIL", "missing"},
		"an invalid e-mail address": {
			func(c *config.Config) { c.OrganizationEmail = "-oQ/x@gestore.example" },
			"STELLA_ORGANIZATION_EMAIL", "not an e-mail address",
		},
		"no street":       {func(c *config.Config) { c.BillingStreet = "" }, "STELLA_BILLING_STREET", "missing"},
		"no town":         {func(c *config.Config) { c.BillingCity = "" }, "STELLA_BILLING_CITY", "missing"},
		"no organization": {func(c *config.Config) { c.OrganizationName = "" }, "STELLA_ORGANIZATION_NAME", "missing"},
		"a wrong VAT number": {
			func(c *config.Config) { c.OrganizationVATNumber = "01234567897" }, "STELLA_ORGANIZATION_*", "VAT number",
		},
		"a wrong postal code": {
			func(c *config.Config) { c.BillingPostalCode = "1" }, "STELLA_ORGANIZATION_*, STELLA_BILLING_*", "postal code",
		},
		"no auditor":        {func(c *config.Config) { c.ArchiveRecipient = "" }, "STELLA_ARCHIVE_RECIPIENT", "missing"},
		"a garbled auditor": {func(c *config.Config) { c.ArchiveRecipient = "age1garbled" }, "STELLA_ARCHIVE_RECIPIENT", "age1"},
		"the auditor's secret": {
			func(c *config.Config) { c.ArchiveRecipient = storetest.Auditor.String() }, "STELLA_ARCHIVE_RECIPIENT", "secret",
		},
	}
	untried := map[string]bool{}
	parser, err := kong.New(&config.Config{}, kong.Vars{"default_dir": ""})
	storetest.Must(t, err)
	for _, f := range parser.Model.Flags {
		if len(f.Envs) > 0 {
			untried[f.Envs[0]] = true
		}
	}
	delete(untried, "STELLA_DIR")               // every value is valid
	delete(untried, "STELLA_DATABASE_INSECURE") // checked by the parser
	delete(untried, "STELLA_ORGANIZATION_IPA_CODE")
	for name, w := range wrong {
		c := programtest.GoodConfig(t)
		before := programtest.Environ(c)
		w.change(&c)
		after := programtest.Environ(c)
		for _, line := range slices.Concat(before, after) {
			if variable, _, _ := strings.Cut(line, "="); !slices.Contains(before, line) || !slices.Contains(after, line) {
				delete(untried, variable)
			}
		}
		_, err := c.Check()
		if err == nil {
			t.Errorf("%s is accepted", name)
			continue
		}
		text := err.Error()
		if strings.Contains(text, "problems:") || !strings.HasPrefix(text, w.variable) || !strings.Contains(text, w.reason) {
			t.Errorf("%s: %q; want %s and %q in one line", name, text, w.variable, w.reason)
		}
		if strings.Contains(text, "hush") || strings.Contains(text, storetest.Auditor.String()) {
			t.Errorf("%s: the error shows a secret: %q", name, text)
		}
	}
	for variable := range untried {
		t.Errorf("no row for %s", variable)
	}
}
