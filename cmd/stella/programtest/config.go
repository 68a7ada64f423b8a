// Package programtest is the kit of the program's tests: a valid configuration, its
// files, and what they read in metrics.
package programtest

import (
	"crypto/x509"
	"encoding/pem"
	"fmt"
	"net/http/httptest"
	"os"
	"path/filepath"
	"reflect"
	"regexp"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"stella/cmd/stella/config"
	"stella/spid"
	"stella/spid/spidtest"
	"stella/store/storetest"
)

// Fixtures are the keys, certificates and provider metadata that take long to make.
// They are made once for all tests.
var Fixtures = sync.OnceValue(func() (n struct {
	key, cert, Other, Providers []byte
	Certificate                 *x509.Certificate
}) {
	check := func(err error) {
		if err != nil {
			panic(err)
		}
	}
	o := spid.Organization{Name: "Posta Esempio S.p.A.", DisplayName: "Posta Esempio S.p.A.", VATNumber: "IT01234567897", Locality: "Roma"}
	key, certificate, err := spid.SelfSigned("https://id.example", o, time.Now().Add(-time.Hour))
	check(err)
	n.Certificate = certificate
	der, err := x509.MarshalPKCS8PrivateKey(key)
	check(err)
	n.key = pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: der})
	n.cert = pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: certificate.Raw})
	_, other, err := spid.SelfSigned("https://id.example", o, time.Now().Add(-time.Hour))
	check(err)
	n.Other = pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: other.Raw})
	idp, err := spidtest.New(spidtest.Config{BaseURL: "https://idp.example", ServiceProvider: func() ([]byte, error) { return nil, nil }})
	check(err)
	n.Providers = idp.Metadata()
	return n
})

// File writes a file for a test and returns its name.
func File(t testing.TB, name string, content []byte) string {
	t.Helper()
	name = filepath.Join(t.TempDir(), name)
	storetest.Must(t, os.WriteFile(name, content, 0o600))
	return name
}

// MakeReadable makes a file readable for all users.
func MakeReadable(t testing.TB, name string) string {
	t.Helper()
	storetest.Must(t, os.Chmod(name, 0o644))
	return name
}

// moduleRoot returns the folder of go.mod, above the working folder of the test.
func moduleRoot(t testing.TB) string {
	t.Helper()
	dir, err := os.Getwd()
	storetest.Must(t, err)
	for ; dir != filepath.Dir(dir); dir = filepath.Dir(dir) {
		if _, err := os.Stat(filepath.Join(dir, "go.mod")); err == nil {
			return dir
		}
	}
	t.Fatal("the test does not run in the module")
	return ""
}

// contractDir returns a folder with a contract notice: a copy of the sample.
func contractDir(t testing.TB) string {
	t.Helper()
	dir := filepath.Join(t.TempDir(), "contract")
	storetest.Must(t, os.CopyFS(dir, os.DirFS(filepath.Join(moduleRoot(t), "templates", "contract"))))
	return dir
}

const SecretKey = "\n 32 random bytes may look blank "

// GoodConfig returns a valid configuration.
func GoodConfig(t testing.TB) config.Config {
	t.Helper()
	n := Fixtures()
	return config.Config{
		PublicURL:        "https://id.example",
		Listen:           "127.0.0.1:0",
		Proxies:          []string{"10.0.0.0/8"},
		KeyFile:          []string{File(t, "key", []byte(SecretKey))},
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
		SMTPPasswordFile: File(t, "password", []byte("a password\n")),
		SPIDConfig: config.SPIDConfig{SPIDKeyFile: File(t, "spid.key", n.key), SPIDCertFile: File(t, "spid.crt", n.cert),
			OrganizationConfig: config.OrganizationConfig{OrganizationName: "Posta Esempio S.p.A.", OrganizationURL: "https://gestore.example",
				OrganizationEmail: "staff@gestore.example", OrganizationVATNumber: "IT01234567897",
				BillingStreet: "Via Esempio 1", BillingPostalCode: "00100", BillingCity: "Roma"}},
		ProvidersConfig:  config.ProvidersConfig{Providers: []string{File(t, "providers.xml", n.Providers)}},
		LoginConfig:      config.LoginConfig{Level: "SpidL2", Comparison: "minimum", Collaudo: "false"},
		ArchiveRecipient: storetest.Auditor.Recipient().String(),
	}
}

// Environ returns a configuration as environment variables.
func Environ(configuration any) []string { return variables(reflect.ValueOf(configuration)) }

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

// WithCIE returns a change of a configuration that allows logins with CIE.
func WithCIE(t *testing.T) func(*config.Config) {
	return func(c *config.Config) {
		c.CIEProvider = File(t, "cie.xml", Fixtures().Providers)
		c.OrganizationMunicipality, c.OrganizationNACE2Code, c.OrganizationFiscalCode = "H501", "61.90.99", "01234567897"
	}
}

// RegistryOf returns a registry server. publish publishes the identity provider of the
// fixtures in it.
func RegistryOf(t *testing.T) (r *spidtest.Registry, url string, publish func()) {
	t.Helper()
	r, err := spidtest.NewRegistry(time.Now())
	storetest.Must(t, err)
	server := httptest.NewServer(r)
	t.Cleanup(server.Close)
	return r, server.URL, func() {
		aggregate, err := r.Aggregate(time.Now(), [][]byte{Fixtures().Providers})
		storetest.Must(t, err)
		r.Publish(aggregate)
	}
}

// ExpectLines checks that a scrape contains these lines.
func ExpectLines(t *testing.T, scraped string, lines ...string) {
	t.Helper()
	for _, line := range lines {
		if !strings.Contains("\n"+scraped, "\n"+line+"\n") {
			t.Errorf("no line %s:\n%s", line, OwnMetrics(scraped))
		}
	}
}

// ValueOf returns one value of a scrape.
func ValueOf(t *testing.T, scraped, name string) float64 {
	t.Helper()
	for line := range strings.Lines(scraped) {
		if rest, ok := strings.CutPrefix(line, name+" "); ok {
			value, err := strconv.ParseFloat(strings.TrimSpace(rest), 64)
			storetest.Must(t, err)
			return value
		}
	}
	t.Fatalf("no metric %s:\n%s", name, OwnMetrics(scraped))
	return 0
}

// OwnMetrics returns the lines of Stella's own metrics.
func OwnMetrics(scraped string) string {
	return strings.Join(regexp.MustCompile(`(?m)^stella_.*$`).FindAllString(scraped, -1), "\n")
}
