package main

import (
	"crypto/x509"
	"encoding/pem"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/beevik/etree"
	dsig "github.com/russellhaering/goxmldsig"

	"stella/spid"
	"stella/spid/spidtest"
	"stella/store/storetest"
)

// neighbours are what takes long to make, once for all tests.
var neighbours = sync.OnceValue(func() (n struct {
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
func file(t *testing.T, name string, content []byte) string {
	t.Helper()
	name = filepath.Join(t.TempDir(), name)
	storetest.Must(t, os.WriteFile(name, content, 0o600))
	return name
}

const secretKey = "\n 32 random bytes may look blank "

// goodConfig is a configuration in which nothing is wrong.
func goodConfig(t *testing.T) config {
	t.Helper()
	n := neighbours()
	return config{
		PublicURL: "https://id.example", Listen: "127.0.0.1:0", Proxies: []string{"10.0.0.0/8"}, KeyFile: file(t, "key", []byte(secretKey)),
		Provider: "Posta Esempio", Service: "PEC Esempio", WebmailURL: "https://webmail.example/", PrivacyURL: "https://gestore.example/privacy",
		AccessibilityURL: "https://gestore.example/accessibilita", HelpURL: "mailto:aiuto@gestore.example", HelpContact: "800 123456",
		MailFrom: "Posta Esempio <staff@gestore.example>", SMTPURL: "smtp://stella@relay.example:2525",
		SMTPPasswordFile: file(t, "password", []byte("a password\n")),
		spidConfig: spidConfig{SPIDKeyFile: file(t, "spid.key", n.key), SPIDCertFile: file(t, "spid.crt", n.cert),
			Providers:        []string{file(t, "providers.xml", n.providers)},
			OrganizationName: "Posta Esempio S.p.A.", OrganizationURL: "https://gestore.example", OrganizationEmail: "staff@gestore.example",
			OrganizationVATNumber: "IT01234567897", BillingStreet: "Via Esempio 1", BillingPostalCode: "00100", BillingCity: "Roma"},
		ArchiveRecipient: storetest.Auditor.Recipient().String(),
	}
}

// environ gives a configuration by its variables.
func environ(v reflect.Value) (env []string) {
	for i := range v.NumField() {
		field, value := v.Type().Field(i), v.Field(i)
		name := field.Tag.Get("env")
		switch value.Kind() {
		case reflect.Struct:
			env = append(env, environ(value)...)
		case reflect.Slice:
			var all []string
			for j := range value.Len() {
				all = append(all, value.Index(j).String())
			}
			env = append(env, name+"="+strings.Join(all, ","))
		default:
			if value.String() != "" {
				env = append(env, name+"="+value.String())
			}
		}
	}
	return env
}

func TestAGoodConfigurationIsTaken(t *testing.T) {
	t.Parallel()
	s, err := goodConfig(t).Check()
	if err != nil {
		t.Fatal(err)
	}
	if s.publicURL.String() != "https://id.example" || s.site.PublicURL != "https://id.example" || s.listen != "127.0.0.1:0" {
		t.Errorf("%v, %v, %v", s.publicURL, s.site.PublicURL, s.listen)
	}
	if string(s.key) != secretKey {
		t.Errorf("the key is %q", s.key)
	}
	if r := s.relay; r.Host != "relay.example" || r.Port != 2525 || r.ImplicitTLS || r.User != "stella" || r.Password != "a password" || s.pecRelay != nil {
		t.Errorf("the relay is %+v, the other %+v", r, s.pecRelay)
	}
	if s.from != "staff@gestore.example" || s.fromName != "Posta Esempio" || s.site.MailSender != s.from {
		t.Errorf("%q, %q", s.fromName, s.from)
	}
	if s.spid.EntityID != "https://id.example" || s.spid.ACSURL != "https://id.example/spid/acs" || len(s.providers) != 1 || s.recipient == nil {
		t.Errorf("%+v, %d providers", s.spid, len(s.providers))
	}
	if s.documents["it"].SHA256 == "" || len(s.proxies) != 1 {
		t.Errorf("%d documents, %v", len(s.documents), s.proxies)
	}
}

func TestWhatMayBeLeftOutOrWrittenOtherwise(t *testing.T) {
	t.Parallel()
	for name, change := range map[string]func(*config){
		"a trailing slash":               func(c *config) { c.PublicURL = "https://id.example/" },
		"loopback":                       func(c *config) { c.PublicURL = "http://localhost:8080" },
		"another loopback":               func(c *config) { c.PublicURL = "http://[::1]:8080" },
		"no proxy":                       func(c *config) { c.Proxies = nil },
		"a relay without a user":         func(c *config) { c.SMTPURL, c.SMTPPasswordFile = "smtps://relay.example", "" },
		"a second relay":                 func(c *config) { c.PECSMTPURL = "smtp://pec.relay.example" },
		"a bare sender":                  func(c *config) { c.MailFrom = "staff@gestore.example" },
		"a sender of a foreign alphabet": func(c *config) { c.MailFrom = "staff@città.example" },
		"a public administration": func(c *config) {
			c.OrganizationIPACode, c.OrganizationVATNumber = "c_h501", ""
			c.BillingStreet, c.BillingPostalCode, c.BillingCity = "", "", ""
		},
		"a fiscal code":    func(c *config) { c.OrganizationFiscalCode, c.OrganizationVATNumber = "01234567897", "" },
		"an own entity ID": func(c *config) { c.EntityID = "https://gestore.example" },
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

func TestAnEmptyConfigurationNamesAllThatIsMissing(t *testing.T) {
	t.Parallel()
	_, err := config{Listen: "127.0.0.1:8080"}.Check()
	if err == nil {
		t.Fatal("an empty configuration is taken")
	}
	want := `the configuration has 22 problems:
STELLA_PUBLIC_URL is missing
STELLA_KEY_FILE is missing
STELLA_PROVIDER is missing
STELLA_SERVICE is missing
STELLA_WEBMAIL_URL is missing
STELLA_PRIVACY_URL is missing
STELLA_ACCESSIBILITY_URL is missing
STELLA_HELP_URL is missing
STELLA_HELP_CONTACT is missing
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
STELLA_SPID_PROVIDERS is missing
STELLA_ARCHIVE_RECIPIENT is missing`
	if err.Error() != want {
		t.Errorf("it says\n%v\nwant\n%s", err, want)
	}
}

// Each row breaks one variable, which must be named with what is wrong, and
// nothing else with it.
func TestEachWrongValueIsNamed(t *testing.T) {
	t.Parallel()
	n := neighbours()
	garbage := []byte("garbage")
	wrong := map[string]struct {
		change   func(*config)
		variable string
		tells    string
	}{
		"plain http":              {func(c *config) { c.PublicURL = "http://id.example" }, "STELLA_PUBLIC_URL", "loopback"},
		"no scheme":               {func(c *config) { c.PublicURL = "id.example" }, "STELLA_PUBLIC_URL", "scheme"},
		"another scheme":          {func(c *config) { c.PublicURL = "ftp://id.example" }, "STELLA_PUBLIC_URL", "https"},
		"a path":                  {func(c *config) { c.PublicURL = "https://id.example/stella" }, "STELLA_PUBLIC_URL", "host"},
		"no URL at all":           {func(c *config) { c.PublicURL = "https://[" }, "STELLA_PUBLIC_URL", "["},
		"no port to listen on":    {func(c *config) { c.Listen = "localhost" }, "STELLA_LISTEN", "port"},
		"a proxy's name":          {func(c *config) { c.Proxies = []string{"proxy.example"} }, "STELLA_PROXIES", "proxy.example"},
		"no key":                  {func(c *config) { c.KeyFile = "" }, "STELLA_KEY_FILE", "missing"},
		"a key that is not there": {func(c *config) { c.KeyFile = "/nonexistent/key" }, "STELLA_KEY_FILE", "/nonexistent/key"},
		"a short key":             {func(c *config) { c.KeyFile = file(t, "key", garbage) }, "STELLA_KEY_FILE", "7 bytes"},
		"no provider":             {func(c *config) { c.Provider = "" }, "STELLA_PROVIDER", "missing"},
		"no service":              {func(c *config) { c.Service = "" }, "STELLA_SERVICE", "missing"},
		"a webmail's name":        {func(c *config) { c.WebmailURL = "webmail" }, "STELLA_WEBMAIL_URL", "no URL"},
		"a script":                {func(c *config) { c.PrivacyURL = "javascript:alert(1)" }, "STELLA_PRIVACY_URL", "no URL"},
		"no statement":            {func(c *config) { c.AccessibilityURL = "" }, "STELLA_ACCESSIBILITY_URL", "missing"},
		"an address for a URL":    {func(c *config) { c.HelpURL = "aiuto@gestore.example" }, "STELLA_HELP_URL", "no URL"},
		"nobody to ask":           {func(c *config) { c.HelpContact = "" }, "STELLA_HELP_CONTACT", "missing"},
		"no such contract":        {func(c *config) { c.ContractDir = "/nonexistent" }, "STELLA_CONTRACT_DIR", "it.html"},
		"a name for a sender":     {func(c *config) { c.MailFrom = "Posta Esempio" }, "STELLA_MAIL_FROM", "Posta Esempio"},
		"a relay without scheme":  {func(c *config) { c.SMTPURL = "relay.example:587" }, "STELLA_SMTP_URL", "smtp://"},
		"a relay over http":       {func(c *config) { c.SMTPURL = "http://relay.example" }, "STELLA_SMTP_URL", "smtp://"},
		"a relay's wrong port":    {func(c *config) { c.SMTPURL = "smtp://stella@relay.example:99999" }, "STELLA_SMTP_URL", "99999"},
		"a password in the URL":   {func(c *config) { c.SMTPURL = "smtp://stella:hush@relay.example" }, "STELLA_SMTP_URL", "by a file"},
		"a user's password":       {func(c *config) { c.SMTPPasswordFile = "" }, "STELLA_SMTP_PASSWORD_FILE", "missing"},
		"no such password":        {func(c *config) { c.SMTPPasswordFile = "/nonexistent" }, "STELLA_SMTP_PASSWORD_FILE", "/nonexistent"},
		"a password of nobody":    {func(c *config) { c.SMTPURL = "smtp://relay.example" }, "STELLA_SMTP_URL", "user"},
		"no such authority":       {func(c *config) { c.SMTPCAFile = "/nonexistent" }, "STELLA_SMTP_CA_FILE", "/nonexistent"},
		"an authority of garbage": {func(c *config) { c.SMTPCAFile = file(t, "ca", garbage) }, "STELLA_SMTP_CA_FILE", "no certificate"},
		"a wrong second relay":    {func(c *config) { c.PECSMTPURL = "relay" }, "STELLA_PEC_SMTP_URL", "smtp://"},
		"a second user":           {func(c *config) { c.PECSMTPURL = "smtp://u@relay.example" }, "STELLA_PEC_SMTP_PASSWORD_FILE", "missing"},
		"a second password":       {func(c *config) { c.PECSMTPPasswordFile = c.SMTPPasswordFile }, "STELLA_PEC_SMTP_URL", "missing"},
		"no SPID key":             {func(c *config) { c.SPIDKeyFile = "" }, "STELLA_SPID_KEY_FILE", "missing"},
		"no SPID certificate":     {func(c *config) { c.SPIDCertFile = "" }, "STELLA_SPID_CERT_FILE", "missing"},
		"a SPID key of garbage":   {func(c *config) { c.SPIDKeyFile = file(t, "k", garbage) }, "STELLA_SPID_KEY_FILE", "k"},
		"another's certificate":   {func(c *config) { c.SPIDCertFile = file(t, "other.crt", n.other) }, "STELLA_SPID_KEY_FILE, STELLA_SPID_CERT_FILE", "other.crt"},
		"no identity providers":   {func(c *config) { c.spidConfig.Providers = nil }, "STELLA_SPID_PROVIDERS", "missing"},
		"providers not there":     {func(c *config) { c.spidConfig.Providers = []string{"/nonexistent"} }, "STELLA_SPID_PROVIDERS", "/nonexistent"},
		"providers of garbage":    {func(c *config) { c.spidConfig.Providers = []string{file(t, "p.xml", garbage)} }, "STELLA_SPID_PROVIDERS", "p.xml"},
		"providers twice":         {func(c *config) { c.spidConfig.Providers = append(c.spidConfig.Providers, c.spidConfig.Providers[0]) }, "STELLA_SPID_PROVIDERS", "https://idp.example"},
		"no organization":         {func(c *config) { c.OrganizationName = "" }, "STELLA_ORGANIZATION_NAME", "missing"},
		"a wrong VAT number":      {func(c *config) { c.OrganizationVATNumber = "01234567897" }, "STELLA_ORGANIZATION_*", "VAT number"},
		"a wrong postal code":     {func(c *config) { c.BillingPostalCode = "1" }, "STELLA_ORGANIZATION_*, STELLA_BILLING_*", "postal code"},
		"no auditor":              {func(c *config) { c.ArchiveRecipient = "" }, "STELLA_ARCHIVE_RECIPIENT", "missing"},
		"a garbled auditor":       {func(c *config) { c.ArchiveRecipient = "age1garbled" }, "STELLA_ARCHIVE_RECIPIENT", "age1"},
		"the auditor's secret":    {func(c *config) { c.ArchiveRecipient = storetest.Auditor.String() }, "STELLA_ARCHIVE_RECIPIENT", "secret"},
	}
	for name, w := range wrong {
		c := goodConfig(t)
		w.change(&c)
		_, err := c.Check()
		if err == nil {
			t.Errorf("%s is taken", name)
			continue
		}
		text := err.Error()
		if strings.Contains(text, "problems:") || !strings.HasPrefix(text, w.variable) || !strings.Contains(text, w.tells) {
			t.Errorf("%s: %q; want %s and %q in one line", name, text, w.variable, w.tells)
		}
		if strings.Contains(text, "hush") || strings.Contains(text, storetest.Auditor.String()) {
			t.Errorf("%s: a secret is told: %q", name, text)
		}
	}
}

func TestTheMetadataAreSigned(t *testing.T) {
	t.Parallel()
	c := goodConfig(t)
	out := stella(t, append(environ(reflect.ValueOf(c.spidConfig)), "STELLA_PUBLIC_URL="+c.PublicURL), "spid", "metadata").succeeds(t)
	doc := etree.NewDocument()
	storetest.Must(t, doc.ReadFromString(out))
	if root := doc.Root(); root.Tag != "EntityDescriptor" || root.SelectAttrValue("entityID", "") != "https://id.example" {
		t.Errorf("the document is %.200s", out)
	}
	trusted := dsig.NewDefaultValidationContext(&dsig.MemoryX509CertificateStore{Roots: []*x509.Certificate{neighbours().certificate}})
	if _, err := trusted.Validate(doc.Root()); err != nil {
		t.Errorf("the signature: %v", err)
	}

	r := stella(t, nil, "spid", "metadata")
	if r.status != 1 || !strings.Contains(r.err, "STELLA_PUBLIC_URL is missing\n") || !strings.Contains(r.err, "STELLA_SPID_CERT_FILE is missing\n") || r.out != "" {
		t.Errorf("with nothing: %+v", r)
	}
}
