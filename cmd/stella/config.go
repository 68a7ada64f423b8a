package main

import (
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"io/fs"
	"net"
	"net/mail"
	"net/netip"
	"net/url"
	"os"
	"strconv"
	"strings"

	"filippo.io/age"

	stellamail "stella/mail"
	"stella/spid"
	"stella/templates"
)

// config is the configuration of the service, as it is given. Nothing in it is
// required by the parser, so that Check can name everything that is missing or
// wrong at once.
type config struct {
	database `group:"Database"`

	PublicURL string   `name:"public-url" env:"STELLA_PUBLIC_URL" placeholder:"URL" group:"Web" help:"Where people reach Stella, such as https://identita.gestore.example. Plain http is accepted for loopback only."`
	Listen    string   `env:"STELLA_LISTEN" default:"127.0.0.1:8080" group:"Web" help:"Address to listen on, behind a proxy that speaks TLS (${default})."`
	Proxies   []string `env:"STELLA_PROXIES" placeholder:"CIDR" group:"Web" help:"Proxies whose X-Forwarded-For is believed, such as 10.0.0.0/8."`
	KeyFile   string   `env:"STELLA_KEY_FILE" placeholder:"FILE" group:"Web" help:"Secret from which codes and links are computed: a file of 32 random bytes or more, the same for every instance."`

	Provider         string `env:"STELLA_PROVIDER" placeholder:"NAME" group:"Words" help:"The provider's name, as pages and mails tell it."`
	Service          string `env:"STELLA_SERVICE" placeholder:"NAME" group:"Words" help:"What its mailboxes are called, such as \"PEC Esempio\"."`
	WebmailURL       string `name:"webmail-url" env:"STELLA_WEBMAIL_URL" placeholder:"URL" group:"Words" help:"The webmail, where holders start."`
	PrivacyURL       string `name:"privacy-url" env:"STELLA_PRIVACY_URL" placeholder:"URL" group:"Words" help:"The privacy notice."`
	AccessibilityURL string `name:"accessibility-url" env:"STELLA_ACCESSIBILITY_URL" placeholder:"URL" group:"Words" help:"The accessibility statement."`
	HelpURL          string `name:"help-url" env:"STELLA_HELP_URL" placeholder:"URL" group:"Words" help:"Help for holders."`
	HelpContact      string `env:"STELLA_HELP_CONTACT" placeholder:"TEXT" group:"Words" help:"Whom holders can ask: an address or a telephone number."`
	ContractDir      string `env:"STELLA_CONTRACT_DIR" placeholder:"DIR" group:"Words" help:"Folder with the contract notice, it.html and en.html. Without it a sample is shown."`

	MailFrom            string `env:"STELLA_MAIL_FROM" placeholder:"SENDER" group:"Mail" help:"Sender of the mails, such as \"Posta Esempio <staff@gestore.example>\"."`
	SMTPURL             string `name:"smtp-url" env:"STELLA_SMTP_URL" placeholder:"URL" group:"Mail" help:"The relay, such as smtp://user@relay.example:587, or smtps:// for TLS from the first byte. TLS is mandatory."`
	SMTPPasswordFile    string `env:"STELLA_SMTP_PASSWORD_FILE" placeholder:"FILE" group:"Mail" help:"The relay's password."`
	SMTPCAFile          string `env:"STELLA_SMTP_CA_FILE" placeholder:"FILE" group:"Mail" help:"Certificates (PEM) that the relays are checked against, instead of the system's."`
	PECSMTPURL          string `name:"pec-smtp-url" env:"STELLA_PEC_SMTP_URL" placeholder:"URL" group:"Mail" help:"A second relay, for mails to certified mailboxes. Without it they go through the first."`
	PECSMTPPasswordFile string `env:"STELLA_PEC_SMTP_PASSWORD_FILE" placeholder:"FILE" group:"Mail" help:"The second relay's password."`

	spidConfig

	ArchiveRecipient string `env:"STELLA_ARCHIVE_RECIPIENT" placeholder:"age1…" group:"SPID" help:"The auditor's public key, which \"stella archive keygen\" prints. Requests and responses are archived encrypted to it."`
}

// spidConfig is what the service is to identity providers.
type spidConfig struct {
	EntityID     string   `name:"spid-entity-id" env:"STELLA_SPID_ENTITY_ID" placeholder:"URL" group:"SPID" help:"Our entity ID (default: the public URL)."`
	SPIDKeyFile  string   `name:"spid-key-file" env:"STELLA_SPID_KEY_FILE" placeholder:"FILE" group:"SPID" help:"Our key (PEM, RSA)."`
	SPIDCertFile string   `name:"spid-cert-file" env:"STELLA_SPID_CERT_FILE" placeholder:"FILE" group:"SPID" help:"Our certificate (PEM)."`
	Providers    []string `name:"spid-providers" env:"STELLA_SPID_PROVIDERS" placeholder:"FILE" group:"SPID" help:"Metadata of the identity providers: files, with one provider or many each."`

	OrganizationName       string `env:"STELLA_ORGANIZATION_NAME" placeholder:"NAME" group:"SPID" help:"Of the metadata: the legal person's name."`
	OrganizationURL        string `name:"organization-url" env:"STELLA_ORGANIZATION_URL" placeholder:"URL" group:"SPID" help:"Of the metadata: its web site."`
	OrganizationEmail      string `env:"STELLA_ORGANIZATION_EMAIL" placeholder:"ADDRESS" group:"SPID" help:"Of the metadata: its address, no natural person's."`
	OrganizationVATNumber  string `name:"organization-vat-number" env:"STELLA_ORGANIZATION_VAT_NUMBER" placeholder:"IT…" group:"SPID" help:"Of the metadata: its VAT number, such as IT01234567897."`
	OrganizationFiscalCode string `env:"STELLA_ORGANIZATION_FISCAL_CODE" placeholder:"CODE" group:"SPID" help:"Of the metadata: its fiscal code, where it has no VAT number."`
	OrganizationIPACode    string `name:"organization-ipa-code" env:"STELLA_ORGANIZATION_IPA_CODE" placeholder:"CODE" group:"SPID" help:"Of the metadata: its IPA code, which makes it a public administration."`
	BillingStreet          string `env:"STELLA_BILLING_STREET" placeholder:"TEXT" group:"SPID" help:"Of a private organization's metadata: its seat, for invoices."`
	BillingPostalCode      string `env:"STELLA_BILLING_POSTAL_CODE" placeholder:"CODE" group:"SPID" help:"The same: five digits."`
	BillingCity            string `env:"STELLA_BILLING_CITY" placeholder:"TEXT" group:"SPID" help:"The same."`
}

// settings is a configuration that was found right.
type settings struct {
	database  database
	publicURL *url.URL
	listen    string
	proxies   []netip.Prefix
	key       []byte
	site      templates.Site
	documents map[string]templates.Document
	fromName  string
	from      string
	relay     stellamail.RelayOptions
	pecRelay  *stellamail.RelayOptions
	spid      *spid.ServiceProvider
	providers spid.Providers
	recipient age.Recipient
}

// problems collects what is wrong, each with the variable to mend.
type problems []error

func (p *problems) add(variable string, err error) {
	if err != nil {
		*p = append(*p, fmt.Errorf("%s: %w", variable, err))
	}
}

var errMissing = errors.New("is missing")

// Check reads files and parses values, and names everything that is missing or
// wrong at once.
func (c config) Check() (*settings, error) {
	var wrong problems
	s := &settings{database: c.database, listen: c.Listen}
	var err error
	s.publicURL, err = parsePublicURL(c.PublicURL)
	wrong.add("STELLA_PUBLIC_URL", err)
	if _, _, err := net.SplitHostPort(c.Listen); err != nil {
		wrong.add("STELLA_LISTEN", err)
	}
	for _, p := range c.Proxies {
		prefix, err := netip.ParsePrefix(p)
		wrong.add("STELLA_PROXIES", err)
		s.proxies = append(s.proxies, prefix)
	}
	s.key, err = readSecret(c.KeyFile)
	if err == nil && len(s.key) < 32 {
		err = fmt.Errorf("%s holds %d bytes, and 32 are needed", c.KeyFile, len(s.key))
	}
	wrong.add("STELLA_KEY_FILE", err)
	s.site = c.checkWords(&wrong)
	s.documents, err = c.contract()
	wrong.add("STELLA_CONTRACT_DIR", err)
	c.checkMail(s, &wrong)
	if s.publicURL != nil {
		s.site.PublicURL = s.publicURL.String()
		s.spid = c.spidConfig.check(s.publicURL, &wrong)
	}
	s.providers = c.readProviders(&wrong)
	s.recipient, err = parseRecipient(c.ArchiveRecipient)
	wrong.add("STELLA_ARCHIVE_RECIPIENT", err)
	if len(wrong) > 0 {
		return nil, fmt.Errorf("the configuration has %d problems:\n%w", len(wrong), errors.Join(wrong...))
	}
	return s, nil
}

func parsePublicURL(raw string) (*url.URL, error) {
	if raw == "" {
		return nil, errMissing
	}
	u, err := url.Parse(raw)
	if err != nil {
		return nil, err
	}
	switch {
	case u.Host == "" || strings.TrimSuffix(u.Path, "/") != "" || u.RawQuery != "" || u.User != nil:
		return nil, fmt.Errorf("%q: want a scheme and a host, such as https://identita.gestore.example", raw)
	case u.Scheme == "http" && !isLoopback(u.Hostname()):
		return nil, fmt.Errorf("%q: plain http is for loopback only", raw)
	case u.Scheme != "http" && u.Scheme != "https":
		return nil, fmt.Errorf("%q: want https", raw)
	}
	u.Path = ""
	return u, nil
}

func isLoopback(host string) bool {
	ip := net.ParseIP(host)
	return host == "localhost" || ip != nil && ip.IsLoopback()
}

func readSecret(file string) ([]byte, error) {
	if file == "" {
		return nil, errMissing
	}
	secret, err := os.ReadFile(file)
	if err != nil {
		return nil, err
	}
	return []byte(strings.TrimSpace(string(secret))), nil
}

func (c config) checkWords(wrong *problems) templates.Site {
	text := func(variable, value string) string {
		if value == "" {
			wrong.add(variable, errMissing)
		}
		return value
	}
	link := func(variable, value string) string {
		if u, err := url.Parse(text(variable, value)); value != "" && (err != nil || u.Host == "" && u.Scheme != "mailto") {
			wrong.add(variable, fmt.Errorf("%q is no URL", value))
		}
		return value
	}
	return templates.Site{
		Provider:         text("STELLA_PROVIDER", c.Provider),
		Service:          text("STELLA_SERVICE", c.Service),
		WebmailURL:       link("STELLA_WEBMAIL_URL", c.WebmailURL),
		PrivacyURL:       link("STELLA_PRIVACY_URL", c.PrivacyURL),
		AccessibilityURL: link("STELLA_ACCESSIBILITY_URL", c.AccessibilityURL),
		HelpURL:          link("STELLA_HELP_URL", c.HelpURL),
		HelpContact:      text("STELLA_HELP_CONTACT", c.HelpContact),
	}
}

func (c config) contract() (map[string]templates.Document, error) {
	var dir fs.FS
	if c.ContractDir != "" {
		dir = os.DirFS(c.ContractDir)
	}
	return templates.Contracts(dir)
}

func (c config) checkMail(s *settings, wrong *problems) {
	if c.MailFrom == "" {
		wrong.add("STELLA_MAIL_FROM", errMissing)
	} else if from, err := mail.ParseAddress(c.MailFrom); err != nil {
		wrong.add("STELLA_MAIL_FROM", fmt.Errorf("%q: %w", c.MailFrom, err))
	} else {
		s.fromName, s.from, s.site.MailSender = from.Name, from.Address, from.Address
	}
	roots, err := readRoots(c.SMTPCAFile)
	wrong.add("STELLA_SMTP_CA_FILE", err)
	relay, err := parseRelay(c.SMTPURL, c.SMTPPasswordFile, roots)
	wrong.add("STELLA_SMTP_URL", err)
	s.relay = relay
	if c.PECSMTPURL != "" {
		relay, err := parseRelay(c.PECSMTPURL, c.PECSMTPPasswordFile, roots)
		wrong.add("STELLA_PEC_SMTP_URL", err)
		s.pecRelay = &relay
	}
}

func readRoots(file string) (*tls.Config, error) {
	if file == "" {
		return nil, nil
	}
	pem, err := os.ReadFile(file)
	if err != nil {
		return nil, err
	}
	roots := x509.NewCertPool()
	if !roots.AppendCertsFromPEM(pem) {
		return nil, fmt.Errorf("%s holds no certificate", file)
	}
	return &tls.Config{RootCAs: roots, MinVersion: tls.VersionTLS12}, nil
}

func parseRelay(raw, passwordFile string, roots *tls.Config) (stellamail.RelayOptions, error) {
	if raw == "" {
		return stellamail.RelayOptions{}, errMissing
	}
	u, err := url.Parse(raw)
	if err != nil || u.Hostname() == "" || u.Scheme != "smtp" && u.Scheme != "smtps" {
		return stellamail.RelayOptions{}, errors.New("want smtp://relay.example:587 or smtps://relay.example:465")
	}
	o := stellamail.RelayOptions{Host: u.Hostname(), Port: 587, ImplicitTLS: u.Scheme == "smtps", User: u.User.Username(), TLS: roots}
	if o.ImplicitTLS {
		o.Port = 465
	}
	if p := u.Port(); p != "" {
		if o.Port, err = strconv.Atoi(p); err != nil {
			return o, fmt.Errorf("port %q: %w", p, err)
		}
	}
	if _, inURL := u.User.Password(); inURL {
		return o, errors.New("holds a password; give it by a file")
	}
	if o.User != "" {
		password, err := readSecret(passwordFile)
		if err != nil {
			return o, fmt.Errorf("the password of %s: %w", o.User, err)
		}
		o.Password = string(password)
	}
	return o, nil
}

// check makes the service provider. Its metadata are made once, so that what is
// wrong with them is told now.
func (c spidConfig) check(public *url.URL, wrong *problems) *spid.ServiceProvider {
	sp := &spid.ServiceProvider{EntityID: c.EntityID, ACSURL: public.String() + "/spid/acs", LogoutURL: public.String() + "/spid/logout",
		Organization: spid.Organization{Name: c.OrganizationName, DisplayName: c.OrganizationName, URL: c.OrganizationURL,
			Email: c.OrganizationEmail, VATNumber: c.OrganizationVATNumber, FiscalCode: c.OrganizationFiscalCode,
			IPACode: c.OrganizationIPACode, Public: c.OrganizationIPACode != "",
			Billing: spid.Billing{Street: c.BillingStreet, PostalCode: c.BillingPostalCode, City: c.BillingCity}}}
	if sp.EntityID == "" {
		sp.EntityID = public.String()
	}
	organization := sp.Organization.Check()
	wrong.add("STELLA_ORGANIZATION_*, STELLA_BILLING_*", organization)
	switch {
	case c.SPIDKeyFile == "":
		wrong.add("STELLA_SPID_KEY_FILE", errMissing)
	case c.SPIDCertFile == "":
		wrong.add("STELLA_SPID_CERT_FILE", errMissing)
	default:
		var err error
		sp.Key, sp.Certificate, err = spid.LoadKeyPair(c.SPIDKeyFile, c.SPIDCertFile)
		wrong.add("STELLA_SPID_KEY_FILE, STELLA_SPID_CERT_FILE", err)
		if err == nil && organization == nil {
			_, err := sp.Metadata()
			wrong.add("the SPID metadata", err)
		}
	}
	return sp
}

func (c spidConfig) readProviders(wrong *problems) spid.Providers {
	if len(c.Providers) == 0 {
		wrong.add("STELLA_SPID_PROVIDERS", errMissing)
	}
	var all spid.Providers
	for _, file := range c.Providers {
		text, err := os.ReadFile(file)
		if err != nil {
			wrong.add("STELLA_SPID_PROVIDERS", err)
			continue
		}
		providers, err := spid.ParseProviders(text)
		if err != nil {
			wrong.add("STELLA_SPID_PROVIDERS", fmt.Errorf("%s: %w", file, err))
		}
		all = append(all, providers...)
	}
	return all
}

func parseRecipient(text string) (age.Recipient, error) {
	if text == "" {
		return nil, errMissing
	}
	return age.ParseX25519Recipient(text)
}
