package main

import (
	"slices"
	"strings"
	"testing"

	"stella/store/storetest"
)

// Each row makes one variable invalid. The error must name this variable with the
// reason, and no other variable. Every variable must have a row.
func TestInvalidValuesAreReported(t *testing.T) {
	t.Parallel()
	n := fixtures()
	garbage := []byte("garbage")
	wrong := map[string]struct {
		change   func(*config)
		variable string
		reason   string // a part of the error
	}{
		"plain http":           {func(c *config) { c.PublicURL = "http://id.example" }, "STELLA_PUBLIC_URL", "loopback"},
		"no scheme":            {func(c *config) { c.PublicURL = "id.example" }, "STELLA_PUBLIC_URL", "scheme"},
		"another scheme":       {func(c *config) { c.PublicURL = "ftp://id.example" }, "STELLA_PUBLIC_URL", "https"},
		"a path":               {func(c *config) { c.PublicURL = "https://id.example/stella" }, "STELLA_PUBLIC_URL", "host"},
		"no URL at all":        {func(c *config) { c.PublicURL = "https://[" }, "STELLA_PUBLIC_URL", "["},
		"no port to listen on": {func(c *config) { c.Listen = "localhost" }, "STELLA_LISTEN", "port"},
		"no URL of a database": {
			func(c *config) { c.URL = "postgres://stella:hush@db:port/stella" },
			"STELLA_DATABASE_URL", "percent-encoded",
		},
		"a name for a proxy network": {func(c *config) { c.Proxies = []string{"proxy.example"} }, "STELLA_PROXIES", "proxy.example"},
		"no key":                     {func(c *config) { c.KeyFile = nil }, "STELLA_KEY_FILE", "missing"},
		"a key that is not there":    {func(c *config) { c.KeyFile = []string{"/nonexistent/key"} }, "STELLA_KEY_FILE", "/nonexistent/key"},
		"a short key": {
			func(c *config) { c.KeyFile = append(c.KeyFile, file(t, "key", garbage)) }, "STELLA_KEY_FILE", "7 bytes",
		},
		"a world-readable key": {func(c *config) { makeReadable(t, c.KeyFile[0]) }, "STELLA_KEY_FILE", "run chmod 600 /"},
		"a world-readable password": {
			func(c *config) { makeReadable(t, c.SMTPPasswordFile) }, "STELLA_SMTP_PASSWORD_FILE", "run chmod 600 /",
		},
		"a world-readable SPID key": {func(c *config) { makeReadable(t, c.SPIDKeyFile) }, "STELLA_SPID_KEY_FILE", "run chmod 600 /"},
		"a world-readable DKIM key": {
			func(c *config) { c.DKIMSelector, c.DKIMKeyFile = "stella", makeReadable(t, file(t, "dkim.key", nil)) },
			"STELLA_DKIM_KEY_FILE", "run chmod 600 /",
		},
		"a world-readable pgpass file": {func(c *config) {
			c.URL = "postgres://stella@localhost/stella?sslmode=disable&passfile=" + makeReadable(t, file(t, "pgpass", nil))
		}, "STELLA_DATABASE_URL", "run chmod 600 /"},
		"no provider":                  {func(c *config) { c.Provider = "" }, "STELLA_PROVIDER", "missing"},
		"no service":                   {func(c *config) { c.Service = "" }, "STELLA_SERVICE", "missing"},
		"a name for the webmail's URL": {func(c *config) { c.WebmailURL = "webmail" }, "STELLA_WEBMAIL_URL", "not a URL"},
		"a script":                     {func(c *config) { c.PrivacyURL = "javascript:alert(1)" }, "STELLA_PRIVACY_URL", "not a URL"},
		"no statement":                 {func(c *config) { c.AccessibilityURL = "" }, "STELLA_ACCESSIBILITY_URL", "missing"},
		"an address for a URL":         {func(c *config) { c.HelpURL = "aiuto@gestore.example" }, "STELLA_HELP_URL", "not a URL"},
		"days in the past":             {func(c *config) { c.ReviewDays = -1 }, "STELLA_REVIEW_DAYS", "not a number of days"},
		"no contact":                   {func(c *config) { c.HelpContact = "" }, "STELLA_HELP_CONTACT", "missing"},
		"no contract":                  {func(c *config) { c.ContractDir = "" }, "STELLA_CONTRACT_DIR", "missing"},
		"a URL in quotes": {
			func(c *config) { c.URL = `'postgres://stella:hush@db1/stella'` },
			"STELLA_DATABASE_URL", "begins and ends with the quote '",
		},
		"a URL after a blank": {
			func(c *config) { c.URL = " postgres://stella:hush@db1/stella" },
			"STELLA_DATABASE_URL", "begins or ends with blanks",
		},
		"a name in quotes": {
			func(c *config) { c.Provider = `"Posta Esempio"` }, "STELLA_PROVIDER", "begins and ends with the quote \"",
		},
		"networks in quotes": {
			func(c *config) { c.Proxies = []string{"'10.0.0.0/8", "10.1.0.0/16'"} }, "STELLA_PROXIES", "the quote '",
		},
		"a folder in quotes": {func(c *config) { c.Dir = "'/srv/stella'" }, "STELLA_DIR", "the quote '"},
		"a user in the public URL": {
			func(c *config) { c.PublicURL = "https://u:hush@id.example" }, "STELLA_PUBLIC_URL", "names a user",
		},
		"a user in the registry's URL": {
			func(c *config) { c.Registry = "https://u:hush@registry.example" }, "STELLA_SPID_REGISTRY", "names a user",
		},
		"twelve digits": {
			func(c *config) { c.OrganizationVATNumber = "IT012345678901" },
			"STELLA_ORGANIZATION_VAT_NUMBER", "11 digits",
		},
		"a wrong check digit": {
			func(c *config) { c.OrganizationVATNumber = "IT01234567890" },
			"STELLA_ORGANIZATION_VAT_NUMBER", "11 digits",
		},
		"no such contract":            {func(c *config) { c.ContractDir = "/nonexistent" }, "STELLA_CONTRACT_DIR", "it.html"},
		"a sender without an address": {func(c *config) { c.MailFrom = "Posta Esempio" }, "STELLA_MAIL_FROM", "Posta Esempio"},
		"a relay without scheme":      {func(c *config) { c.SMTPURL = "relay.example:587" }, "STELLA_SMTP_URL", "smtp://"},
		"a relay over http":           {func(c *config) { c.SMTPURL = "http://relay.example" }, "STELLA_SMTP_URL", "smtp://"},
		"a relay's wrong port":        {func(c *config) { c.SMTPURL = "smtp://stella@relay.example:99999" }, "STELLA_SMTP_URL", "99999"},
		"a password in the URL": {
			func(c *config) { c.SMTPURL = "smtp://stella:hush@relay.example" }, "STELLA_SMTP_URL", "in a file",
		},
		"a user without a password": {func(c *config) { c.SMTPPasswordFile = "" }, "STELLA_SMTP_PASSWORD_FILE", "missing"},
		"no such password": {
			func(c *config) { c.SMTPPasswordFile = "/nonexistent" }, "STELLA_SMTP_PASSWORD_FILE", "/nonexistent",
		},
		"a password without a user": {func(c *config) { c.SMTPURL = "smtp://relay.example" }, "STELLA_SMTP_URL", "user"},
		"a host name without a dot": {func(c *config) { c.SMTPEHLOName = "9f1c2a7b3d4e" }, "STELLA_SMTP_EHLO_NAME", "9f1c2a7b3d4e"},
		"no such CA file":           {func(c *config) { c.SMTPCAFile = "/nonexistent" }, "STELLA_SMTP_CA_FILE", "/nonexistent"},
		"a garbled CA file": {
			func(c *config) { c.SMTPCAFile = file(t, "ca", garbage) }, "STELLA_SMTP_CA_FILE", "no certificate",
		},
		"a wrong second relay": {func(c *config) { c.PECSMTPURL = "relay" }, "STELLA_PEC_SMTP_URL", "smtp://"},
		"a second user": {
			func(c *config) { c.PECSMTPURL = "smtp://u@relay.example" }, "STELLA_PEC_SMTP_PASSWORD_FILE", "missing",
		},
		"a second password": {
			func(c *config) { c.PECSMTPPasswordFile = c.SMTPPasswordFile }, "STELLA_PEC_SMTP_URL", "missing",
		},
		"a garbled DKIM key": {
			func(c *config) { c.DKIMSelector, c.DKIMKeyFile = "stella", file(t, "dkim.key", garbage) },
			"STELLA_DKIM_KEY_FILE", "PEM",
		},
		"a relative entity ID": {func(c *config) { c.EntityID = "gestore" }, "STELLA_SPID_ENTITY_ID", "not a URI"},
		"no SPID key":          {func(c *config) { c.SPIDKeyFile = "" }, "STELLA_SPID_KEY_FILE", "missing"},
		"no SPID certificate":  {func(c *config) { c.SPIDCertFile = "" }, "STELLA_SPID_CERT_FILE", "missing"},
		"a garbled SPID key":   {func(c *config) { c.SPIDKeyFile = file(t, "k", garbage) }, "STELLA_SPID_KEY_FILE", "k"},
		"the certificate of another key": {
			func(c *config) { c.SPIDCertFile = file(t, "other.crt", n.other) },
			"STELLA_SPID_KEY_FILE, STELLA_SPID_CERT_FILE", "other.crt",
		},
		"no identity providers": {
			func(c *config) { c.providersConfig.Providers = nil },
			"STELLA_SPID_REGISTRY (or STELLA_SPID_PROVIDERS)", "missing",
		},
		"no such providers": {
			func(c *config) { c.providersConfig.Providers = []string{"/nonexistent"} },
			"STELLA_SPID_PROVIDERS", "/nonexistent",
		},
		"garbled providers": {
			func(c *config) { c.providersConfig.Providers = []string{file(t, "p.xml", garbage)} },
			"STELLA_SPID_PROVIDERS", "p.xml",
		},
		"providers twice": {func(c *config) {
			c.providersConfig.Providers = append(c.providersConfig.Providers, c.providersConfig.Providers[0])
		}, "STELLA_SPID_PROVIDERS", "https://idp.example"},
		"a registry over http":      {func(c *config) { c.Registry = "http://registry.example" }, "STELLA_SPID_REGISTRY", "https"},
		"no such registry":          {func(c *config) { c.Registry = "/nonexistent" }, "STELLA_SPID_REGISTRY", "/nonexistent"},
		"a registry without a host": {func(c *config) { c.Registry = "https://" }, "STELLA_SPID_REGISTRY", "https"},
		"a garbled pin":             {func(c *config) { c.RegistryPin = "abc" }, "STELLA_SPID_REGISTRY_PIN", "64 hexadecimal digits"},
		"no level":                  {func(c *config) { c.Level = "SpidL4" }, "STELLA_SPID_LEVEL", "SpidL1, SpidL2 or SpidL3"},
		"no comparison":             {func(c *config) { c.Comparison = "about" }, "STELLA_SPID_LEVEL, STELLA_SPID_COMPARISON", "about"},
		"better than the highest level": {
			func(c *config) { c.Level, c.Comparison = "SpidL3", "better" },
			"STELLA_SPID_LEVEL, STELLA_SPID_COMPARISON", "better",
		},
		"no purpose": {func(c *config) { c.Purpose = "XX" }, "STELLA_SPID_PURPOSE", "XX"},
		"a name without an entity ID": {
			func(c *config) { c.Names = []string{"Identità Esempio"} }, "STELLA_SPID_NAMES", "Identità Esempio",
		},
		"no such logos": {func(c *config) { c.LogosDir = "/nonexistent" }, "STELLA_SPID_LOGOS_DIR", "/nonexistent"},
		"collaudo in production": {
			func(c *config) { c.Collaudo, c.Registry = "true", agIDsRegistry }, "STELLA_SPID_COLLAUDO", "force",
		},
		"an invalid collaudo": {func(c *config) { c.Collaudo = "perhaps" }, "STELLA_SPID_COLLAUDO", "perhaps"},
		"a name for a webhook network": {
			func(c *config) { c.WebhookAllow = []string{"hooks.example"} }, "STELLA_WEBHOOK_ALLOW", "hooks.example",
		},
		"no port for metrics": {func(c *config) { c.Metrics = "localhost" }, "STELLA_METRICS_LISTEN", "port"},
		"no other certificate": {
			func(c *config) { c.SPIDOtherCertFile = "/nonexistent" }, "STELLA_SPID_OTHER_CERT_FILE", "/nonexistent",
		},
		"a key for a certificate": {
			func(c *config) { c.SPIDOtherCertFile = c.SPIDKeyFile }, "STELLA_SPID_OTHER_CERT_FILE", "no certificate",
		},
		"a garbled certificate": {func(c *config) {
			c.SPIDOtherCertFile = file(t, "other.crt", []byte("-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n"))
		}, "STELLA_SPID_OTHER_CERT_FILE", "other.crt"},
		"no such CIE provider": {
			func(c *config) { withCIE(t)(c); c.CIEProvider = "/nonexistent" }, "STELLA_CIE_PROVIDER", "/nonexistent",
		},
		"CIE without a town": {
			func(c *config) { withCIE(t)(c); c.OrganizationMunicipality = "" },
			"STELLA_ORGANIZATION_MUNICIPALITY, which CIE wants,", "missing",
		},
		"CIE without a fiscal code": {
			func(c *config) { withCIE(t)(c); c.OrganizationFiscalCode = "" },
			"STELLA_ORGANIZATION_FISCAL_CODE, which CIE wants,", "missing",
		},
		"CIE without a NACE code": {
			func(c *config) { withCIE(t)(c); c.OrganizationNACE2Code = "" },
			"STELLA_ORGANIZATION_NACE2_CODE, which CIE wants,", "missing",
		},
		"CIE with a town's name": {
			func(c *config) { withCIE(t)(c); c.OrganizationMunicipality = "Roma" }, "STELLA_ORGANIZATION_*", "Roma",
		},
		"an invalid entity ID for CIE": {func(c *config) { withCIE(t)(c); c.CIEEntityID = "gestore" }, "STELLA_CIE_ENTITY_ID", "not a URI"},
		"no site":                      {func(c *config) { c.OrganizationURL = "" }, "STELLA_ORGANIZATION_URL", "missing"},
		"no address":                   {func(c *config) { c.OrganizationEmail = "" }, "STELLA_ORGANIZATION_EMAIL", "missing"},
		"an invalid e-mail address": {
			func(c *config) { c.OrganizationEmail = "-oQ/x@gestore.example" },
			"STELLA_ORGANIZATION_EMAIL", "not an e-mail address",
		},
		"no street":       {func(c *config) { c.BillingStreet = "" }, "STELLA_BILLING_STREET", "missing"},
		"no town":         {func(c *config) { c.BillingCity = "" }, "STELLA_BILLING_CITY", "missing"},
		"no organization": {func(c *config) { c.OrganizationName = "" }, "STELLA_ORGANIZATION_NAME", "missing"},
		"a wrong VAT number": {
			func(c *config) { c.OrganizationVATNumber = "01234567897" }, "STELLA_ORGANIZATION_*", "VAT number",
		},
		"a wrong postal code": {
			func(c *config) { c.BillingPostalCode = "1" }, "STELLA_ORGANIZATION_*, STELLA_BILLING_*", "postal code",
		},
		"no auditor":        {func(c *config) { c.ArchiveRecipient = "" }, "STELLA_ARCHIVE_RECIPIENT", "missing"},
		"a garbled auditor": {func(c *config) { c.ArchiveRecipient = "age1garbled" }, "STELLA_ARCHIVE_RECIPIENT", "age1"},
		"the auditor's secret": {
			func(c *config) { c.ArchiveRecipient = storetest.Auditor.String() }, "STELLA_ARCHIVE_RECIPIENT", "secret",
		},
	}
	untried := map[string]bool{}
	for _, f := range flags(t)["serve"] {
		untried[f.Envs[0]] = true
	}
	delete(untried, "STELLA_DIR")               // every value is valid
	delete(untried, "STELLA_DATABASE_INSECURE") // checked by the parser
	delete(untried, "STELLA_ORGANIZATION_IPA_CODE")
	for name, w := range wrong {
		c := goodConfig(t)
		before := environ(c)
		w.change(&c)
		after := environ(c)
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
