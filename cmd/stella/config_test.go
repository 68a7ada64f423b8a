package main

import (
	"crypto/x509"
	"encoding/pem"
	"fmt"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"sync"
	"testing"
	"time"

	"stella/spid"
	"stella/spid/spidtest"
	"stella/store/storetest"
)

// fixtures are the keys, certificates and provider metadata that take long to make.
// They are made once for all tests.
var fixtures = sync.OnceValue(func() (n struct {
	key, cert, other, providers []byte
	certificate                 *x509.Certificate
}) {
	check := func(err error) {
		if err != nil {
			panic(err)
		}
	}
	o := spid.Organization{Name: "Posta Esempio S.p.A.", DisplayName: "Posta Esempio S.p.A.", VATNumber: "IT01234567897", Locality: "Roma"}
	key, certificate, err := spid.SelfSigned("https://id.example", o, time.Now().Add(-time.Hour))
	check(err)
	n.certificate = certificate
	der, err := x509.MarshalPKCS8PrivateKey(key)
	check(err)
	n.key = pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: der})
	n.cert = pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: certificate.Raw})
	_, other, err := spid.SelfSigned("https://id.example", o, time.Now().Add(-time.Hour))
	check(err)
	n.other = pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: other.Raw})
	idp, err := spidtest.New(spidtest.Config{BaseURL: "https://idp.example", ServiceProvider: func() ([]byte, error) { return nil, nil }})
	check(err)
	n.providers = idp.Metadata()
	return n
})

// file writes a file for a test and returns its name.
func file(t testing.TB, name string, content []byte) string {
	t.Helper()
	name = filepath.Join(t.TempDir(), name)
	storetest.Must(t, os.WriteFile(name, content, 0o600))
	return name
}

// makeReadable makes a file readable for all users.
func makeReadable(t testing.TB, name string) string {
	t.Helper()
	storetest.Must(t, os.Chmod(name, 0o644))
	return name
}

// contractDir returns a folder with a contract notice: a copy of the sample.
func contractDir(t testing.TB) string {
	t.Helper()
	dir := filepath.Join(t.TempDir(), "contract")
	storetest.Must(t, os.CopyFS(dir, os.DirFS("../../templates/contract")))
	return dir
}

const secretKey = "\n 32 random bytes may look blank "

// goodConfig returns a valid configuration.
func goodConfig(t testing.TB) config {
	t.Helper()
	n := fixtures()
	return config{
		PublicURL:        "https://id.example",
		Listen:           "127.0.0.1:0",
		Proxies:          []string{"10.0.0.0/8"},
		KeyFile:          []string{file(t, "key", []byte(secretKey))},
		Provider:         "Posta Esempio",
		Service:          "PEC Esempio",
		WebmailURL:       "https://webmail.example/",
		PrivacyURL:       "https://gestore.example/privacy",
		AccessibilityURL: "https://gestore.example/accessibilita",
		HelpURL:          "mailto:aiuto@gestore.example",
		HelpContact:      "800 123456",
		ContractDir:      contractDir(t),
		MailFrom:         "Posta Esempio <staff@gestore.example>",
		SMTPURL:          "smtp://stella@relay.example:2525",
		SMTPPasswordFile: file(t, "password", []byte("a password\n")),
		spidConfig: spidConfig{SPIDKeyFile: file(t, "spid.key", n.key), SPIDCertFile: file(t, "spid.crt", n.cert),
			organizationConfig: organizationConfig{OrganizationName: "Posta Esempio S.p.A.", OrganizationURL: "https://gestore.example",
				OrganizationEmail: "staff@gestore.example", OrganizationVATNumber: "IT01234567897",
				BillingStreet: "Via Esempio 1", BillingPostalCode: "00100", BillingCity: "Roma"}},
		providersConfig:  providersConfig{Providers: []string{file(t, "providers.xml", n.providers)}},
		loginConfig:      loginConfig{Level: "SpidL2", Comparison: "minimum", Collaudo: "false"},
		ArchiveRecipient: storetest.Auditor.Recipient().String(),
	}
}

// environ returns a configuration as environment variables.
func environ(configuration any) []string { return variables(reflect.ValueOf(configuration)) }

func variables(v reflect.Value) (env []string) {
	for i := range v.NumField() {
		field, value := v.Type().Field(i), v.Field(i)
		name := field.Tag.Get("env")
		switch value.Kind() {
		case reflect.Struct:
			env = append(env, variables(value)...)
		case reflect.Slice:
			var all []string
			for j := range value.Len() {
				all = append(all, value.Index(j).String())
			}
			env = append(env, name+"="+strings.Join(all, ","))
		default:
			if !value.IsZero() {
				env = append(env, fmt.Sprint(name, "=", value))
			}
		}
	}
	return env
}

func TestValidConfiguration(t *testing.T) {
	t.Parallel()
	s, err := goodConfig(t).Check()
	if err != nil {
		t.Fatal(err)
	}
	if s.publicURL.String() != "https://id.example" || s.listen != "127.0.0.1:0" {
		t.Errorf("%v, %v", s.publicURL, s.listen)
	}
	if len(s.keys) != 1 || string(s.keys[0]) != secretKey {
		t.Errorf("the keys are %q", s.keys)
	}
	if r := s.relay; r.Host != "relay.example" || r.Port != 2525 || r.ImplicitTLS || r.User != "stella" ||
		r.Password != "a password" || s.pecRelay != nil {
		t.Errorf("the relay is %+v, the other %+v", r, s.pecRelay)
	}
	if s.from != "staff@gestore.example" || s.fromName != "Posta Esempio" || s.site.MailSender != s.from {
		t.Errorf("%q, %q", s.fromName, s.from)
	}
	if s.spid.EntityID != "https://id.example" || s.spid.ACSURL != "https://id.example/spid/acs" || len(s.providers) != 1 ||
		s.recipient == nil {
		t.Errorf("%+v, %d providers", s.spid, len(s.providers))
	}
	if s.documents["it"].SHA256 == "" || len(s.proxies) != 1 {
		t.Errorf("%d documents, %v", len(s.documents), s.proxies)
	}
}

func TestValidVariants(t *testing.T) {
	t.Parallel()
	for name, change := range map[string]func(*config){
		"a trailing slash":                 func(c *config) { c.PublicURL = "https://id.example/" },
		"loopback":                         func(c *config) { c.PublicURL = "http://localhost:8080" },
		"another loopback":                 func(c *config) { c.PublicURL = "http://[::1]:8080" },
		"a sample contract":                func(c *config) { c.ContractDir, c.SampleContract = "", true },
		"no proxy":                         func(c *config) { c.Proxies = nil },
		"a relay without a user":           func(c *config) { c.SMTPURL, c.SMTPPasswordFile = "smtps://relay.example", "" },
		"a second relay":                   func(c *config) { c.PECSMTPURL = "smtp://pec.relay.example" },
		"a bare sender":                    func(c *config) { c.MailFrom = "staff@gestore.example" },
		"a sender with an accented domain": func(c *config) { c.MailFrom = "staff@città.example" },
		"a public administration": func(c *config) {
			c.OrganizationIPACode, c.OrganizationVATNumber = "c_h501", ""
			c.BillingStreet, c.BillingPostalCode, c.BillingCity = "", "", ""
		},
		"a fiscal code":              func(c *config) { c.OrganizationFiscalCode, c.OrganizationVATNumber = "01234567897", "" },
		"another entity ID":          func(c *config) { c.EntityID = "https://gestore.example" },
		"AgID's registry":            func(c *config) { c.providersConfig.Providers, c.Registry = nil, agIDsRegistry },
		"a registry on this machine": func(c *config) { c.Registry = "http://127.0.0.1:8080/registry.xml" },
		"a registry in a file":       func(c *config) { c.Registry = file(t, "registry.xml", nil) },
		"test logins":                func(c *config) { c.Collaudo = "true" },
		"test logins with another registry": func(c *config) {
			c.Collaudo, c.Registry, c.RegistryPin = "true", "https://registry.example", strings.Repeat("ab", 32)
		},
		"test logins with AgID's registry": func(c *config) { c.Collaudo, c.Registry = "force", agIDsRegistry },
		"a professional identity":          func(c *config) { c.Purpose = "PG" },
		"the highest level":                func(c *config) { c.Level, c.Comparison = "SpidL3", "exact" },
		"logos":                            func(c *config) { c.LogosDir = t.TempDir() },
		"metrics":                          func(c *config) { c.Metrics = "127.0.0.1:9090" },
		"a change of keys":                 func(c *config) { c.SPIDOtherCertFile = file(t, "other.crt", fixtures().other) },
		"the identity card":                withCIE(t),
	} {
		c := goodConfig(t)
		change(&c)
		if _, err := c.Check(); err != nil {
			t.Errorf("%s: %v", name, err)
		}
	}
	c := goodConfig(t)
	c.MailFrom = "staff@città.example"
	if s, err := c.Check(); err != nil || s.from != "staff@xn--citt-3na.example" {
		t.Errorf("the sender is %v, %v", s, err)
	}
}

func TestEmptyConfigurationListsAllMissing(t *testing.T) {
	t.Parallel()
	_, err := config{Listen: "127.0.0.1:8080", loginConfig: loginConfig{Level: "SpidL2", Comparison: "minimum", Collaudo: "false"}}.Check()
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
