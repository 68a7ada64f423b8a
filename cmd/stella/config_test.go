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
func file(t testing.TB, name string, content []byte) string {
	t.Helper()
	name = filepath.Join(t.TempDir(), name)
	storetest.Must(t, os.WriteFile(name, content, 0o600))
	return name
}

const secretKey = "\n 32 random bytes may look blank "

// goodConfig is a configuration in which nothing is wrong.
func goodConfig(t testing.TB) config {
	t.Helper()
	n := neighbours()
	return config{
		PublicURL: "https://id.example", Listen: "127.0.0.1:0", Proxies: []string{"10.0.0.0/8"}, KeyFile: file(t, "key", []byte(secretKey)),
		Provider: "Posta Esempio", Service: "PEC Esempio", WebmailURL: "https://webmail.example/", PrivacyURL: "https://gestore.example/privacy",
		AccessibilityURL: "https://gestore.example/accessibilita", HelpURL: "mailto:aiuto@gestore.example", HelpContact: "800 123456",
		MailFrom: "Posta Esempio <staff@gestore.example>", SMTPURL: "smtp://stella@relay.example:2525",
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
	if s.publicURL.String() != "https://id.example" || s.listen != "127.0.0.1:0" {
		t.Errorf("%v, %v", s.publicURL, s.listen)
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
		"a fiscal code":        func(c *config) { c.OrganizationFiscalCode, c.OrganizationVATNumber = "01234567897", "" },
		"an own entity ID":     func(c *config) { c.EntityID = "https://gestore.example" },
		"AgID's registry":      func(c *config) { c.providersConfig.Providers, c.Registry = nil, agIDsRegistry },
		"a registry here":      func(c *config) { c.Registry = "http://127.0.0.1:8080/registry.xml" },
		"a registry in a file": func(c *config) { c.Registry = file(t, "registry.xml", nil) },
		"trials":               func(c *config) { c.Collaudo = "true" },
		"trials with a registry of nobody's": func(c *config) {
			c.Collaudo, c.Registry, c.RegistryPin = "true", "https://registry.example", strings.Repeat("ab", 32)
		},
		"trials in production":    func(c *config) { c.Collaudo, c.Registry = "force", agIDsRegistry },
		"a professional identity": func(c *config) { c.Purpose = "PG" },
		"the highest level":       func(c *config) { c.Level, c.Comparison = "SpidL3", "exact" },
		"logos":                   func(c *config) { c.LogosDir = t.TempDir() },
		"metrics":                 func(c *config) { c.Metrics = "127.0.0.1:9090" },
		"a change of keys":        func(c *config) { c.SPIDOtherCertFile = file(t, "other.crt", neighbours().other) },
		"the identity card":       withCIE(t),
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

const agIDsRegistry = "https://registry.spid.gov.it/metadata/idp/spid-entities-idps.xml"

// withCIE lets people in with the identity card too.
func withCIE(t *testing.T) func(*config) {
	return func(c *config) {
		c.CIEProvider = file(t, "cie.xml", neighbours().providers)
		c.OrganizationMunicipality, c.OrganizationNACE2Code, c.OrganizationFiscalCode = "H501", "61.90.99", "01234567897"
	}
}

func TestHowPeopleLogInIsTaken(t *testing.T) {
	t.Parallel()
	c := goodConfig(t)
	withCIE(t)(&c)
	c.Registry, c.Level, c.Comparison, c.Purpose, c.Collaudo = agIDsRegistry, "SpidL3", "exact", "PG", "force"
	c.SPIDOtherCertFile, c.CIEEntityID, c.LogosDir = file(t, "other.crt", neighbours().other), "https://cie.example", t.TempDir()
	s, err := c.Check()
	storetest.Must(t, err)
	if s.registry.Location != agIDsRegistry || len(s.registry.Signers) != 1 || s.registry.Signers[0] != spid.AgID || len(s.providers) != 1 || len(s.card) != 1 {
		t.Errorf("%+v, %d and %d providers", s.registry, len(s.providers), len(s.card))
	}
	if s.spid.Level != spid.SpidL3 || s.spid.Comparison != "exact" || s.spid.Other == nil || s.purpose != "PG" || !s.collaudo || s.logos == nil {
		t.Errorf("%+v", s)
	}
	if x := s.cie; !s.site.CIE || x.Scheme != spid.CIE || x.EntityID != "https://cie.example" || x.ACSURL != "https://id.example/cie/acs" || x.LogoutURL != "https://id.example/cie/logout" ||
		x.Level != spid.SpidL3 || x.Comparison != "minimum" || x.Organization.Municipality != "H501" || x.Key != s.spid.Key {
		t.Errorf("%+v", x)
	}
	if s, err := goodConfig(t).Check(); err != nil || s.registry != nil || s.cie != nil || s.collaudo || s.spid.Level != spid.SpidL2 || s.spid.Comparison != "minimum" {
		t.Errorf("with nothing of that: %+v, %v", s, err)
	}
}

func TestAnEmptyConfigurationNamesAllThatIsMissing(t *testing.T) {
	t.Parallel()
	_, err := config{Listen: "127.0.0.1:8080", loginConfig: loginConfig{Level: "SpidL2", Comparison: "minimum", Collaudo: "false"}}.Check()
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
STELLA_SPID_REGISTRY (or STELLA_SPID_PROVIDERS) is missing
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
		"no identity providers":   {func(c *config) { c.providersConfig.Providers = nil }, "STELLA_SPID_REGISTRY (or STELLA_SPID_PROVIDERS)", "missing"},
		"providers not there":     {func(c *config) { c.providersConfig.Providers = []string{"/nonexistent"} }, "STELLA_SPID_PROVIDERS", "/nonexistent"},
		"providers of garbage":    {func(c *config) { c.providersConfig.Providers = []string{file(t, "p.xml", garbage)} }, "STELLA_SPID_PROVIDERS", "p.xml"},
		"providers twice": {func(c *config) {
			c.providersConfig.Providers = append(c.providersConfig.Providers, c.providersConfig.Providers[0])
		}, "STELLA_SPID_PROVIDERS", "https://idp.example"},
		"a registry over http":    {func(c *config) { c.Registry = "http://registry.example" }, "STELLA_SPID_REGISTRY", "https"},
		"a registry not there":    {func(c *config) { c.Registry = "/nonexistent" }, "STELLA_SPID_REGISTRY", "/nonexistent"},
		"a registry of no host":   {func(c *config) { c.Registry = "https://" }, "STELLA_SPID_REGISTRY", "https"},
		"a garbled pin":           {func(c *config) { c.RegistryPin = "abc" }, "STELLA_SPID_REGISTRY_PIN", "64 hexadecimal digits"},
		"no level":                {func(c *config) { c.Level = "SpidL4" }, "STELLA_SPID_LEVEL", "SpidL1, SpidL2 or SpidL3"},
		"no comparison":           {func(c *config) { c.Comparison = "about" }, "STELLA_SPID_LEVEL, STELLA_SPID_COMPARISON", "about"},
		"better than the best":    {func(c *config) { c.Level, c.Comparison = "SpidL3", "better" }, "STELLA_SPID_LEVEL, STELLA_SPID_COMPARISON", "better"},
		"no purpose":              {func(c *config) { c.Purpose = "XX" }, "STELLA_SPID_PURPOSE", "XX"},
		"no such logos":           {func(c *config) { c.LogosDir = "/nonexistent" }, "STELLA_SPID_LOGOS_DIR", "/nonexistent"},
		"trials of production":    {func(c *config) { c.Collaudo, c.Registry = "true", agIDsRegistry }, "STELLA_SPID_COLLAUDO", "force"},
		"trials perhaps":          {func(c *config) { c.Collaudo = "perhaps" }, "STELLA_SPID_COLLAUDO", "perhaps"},
		"no port for metrics":     {func(c *config) { c.Metrics = "localhost" }, "STELLA_METRICS_LISTEN", "port"},
		"no other certificate":    {func(c *config) { c.SPIDOtherCertFile = "/nonexistent" }, "STELLA_SPID_OTHER_CERT_FILE", "/nonexistent"},
		"a key for a certificate": {func(c *config) { c.SPIDOtherCertFile = c.SPIDKeyFile }, "STELLA_SPID_OTHER_CERT_FILE", "no certificate"},
		"a garbled certificate": {func(c *config) {
			c.SPIDOtherCertFile = file(t, "other.crt", []byte("-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n"))
		}, "STELLA_SPID_OTHER_CERT_FILE", "other.crt"},
		"no such card":         {func(c *config) { withCIE(t)(c); c.CIEProvider = "/nonexistent" }, "STELLA_CIE_PROVIDER", "/nonexistent"},
		"a card of no town":    {func(c *config) { withCIE(t)(c); c.OrganizationMunicipality = "" }, "STELLA_ORGANIZATION_MUNICIPALITY, which CIE wants,", "missing"},
		"a card of no code":    {func(c *config) { withCIE(t)(c); c.OrganizationFiscalCode = "" }, "STELLA_ORGANIZATION_FISCAL_CODE, which CIE wants,", "missing"},
		"a card of no trade":   {func(c *config) { withCIE(t)(c); c.OrganizationNACE2Code = "" }, "STELLA_ORGANIZATION_NACE2_CODE, which CIE wants,", "missing"},
		"a card of a town":     {func(c *config) { withCIE(t)(c); c.OrganizationMunicipality = "Roma" }, "STELLA_ORGANIZATION_*", "Roma"},
		"no organization":      {func(c *config) { c.OrganizationName = "" }, "STELLA_ORGANIZATION_NAME", "missing"},
		"a wrong VAT number":   {func(c *config) { c.OrganizationVATNumber = "01234567897" }, "STELLA_ORGANIZATION_*", "VAT number"},
		"a wrong postal code":  {func(c *config) { c.BillingPostalCode = "1" }, "STELLA_ORGANIZATION_*, STELLA_BILLING_*", "postal code"},
		"no auditor":           {func(c *config) { c.ArchiveRecipient = "" }, "STELLA_ARCHIVE_RECIPIENT", "missing"},
		"a garbled auditor":    {func(c *config) { c.ArchiveRecipient = "age1garbled" }, "STELLA_ARCHIVE_RECIPIENT", "age1"},
		"the auditor's secret": {func(c *config) { c.ArchiveRecipient = storetest.Auditor.String() }, "STELLA_ARCHIVE_RECIPIENT", "secret"},
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

	// While the keys are changed both are listed, and for CIE there is a document
	// of its own.
	c.SPIDOtherCertFile = file(t, "other.crt", neighbours().other)
	withCIE(t)(&c)
	env := append(append(environ(reflect.ValueOf(c.spidConfig)), environ(reflect.ValueOf(c.cieConfig))...), "STELLA_PUBLIC_URL="+c.PublicURL)
	if out := stella(t, env, "spid", "metadata").succeeds(t); strings.Count(out, "<ds:X509Certificate>") != 3 { // the signature has one too
		t.Errorf("with another certificate: %s", out)
	}
	card := stella(t, env, "spid", "metadata", "--cie").succeeds(t)
	if !strings.Contains(card, "https://id.example/cie/acs") || !strings.Contains(card, "H501") || strings.Contains(out, "/cie/") {
		t.Errorf("for CIE: %s", card)
	}
	bare := stella(t, append(environ(reflect.ValueOf(c.spidConfig)), "STELLA_PUBLIC_URL="+c.PublicURL), "spid", "metadata", "--cie")
	if bare.status != 1 || !strings.Contains(bare.err, "STELLA_ORGANIZATION_MUNICIPALITY, which CIE wants, is missing") {
		t.Errorf("for CIE, with nothing: %+v", bare)
	}

	r := stella(t, nil, "spid", "metadata")
	if r.status != 1 || !strings.Contains(r.err, "STELLA_PUBLIC_URL is missing\n") || !strings.Contains(r.err, "STELLA_SPID_CERT_FILE is missing\n") || r.out != "" {
		t.Errorf("with nothing: %+v", r)
	}
}
