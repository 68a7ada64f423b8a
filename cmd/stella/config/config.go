package config

import (
	"errors"
	"fmt"
	"io/fs"
	"net"
	"net/netip"
	"net/url"
	"os"
	"strings"

	"filippo.io/age"

	stellamail "stella/mail"
	"stella/spid"
	"stella/templates"
	"stella/web"
	"stella/workflow"
)

//go:generate go test . -run TestConfigurationIsDocumented -write

// Config is the configuration of the service as the operator gives it. The parser
// requires no value, so that Check can report everything that is missing or invalid
// at once.
type Config struct {
	Database `group:"Database"`

	PublicURL string   `name:"public-url" env:"STELLA_PUBLIC_URL" placeholder:"URL" group:"Web" help:"URL at which people reach Stella, such as https://identita.gestore.example. Plain http is accepted for loopback only."`
	Listen    string   `env:"STELLA_LISTEN" default:"127.0.0.1:8080" placeholder:"ADDRESS" group:"Web" help:"Address to listen on, behind a proxy that terminates TLS (default: ${default})."`
	Metrics   string   `name:"metrics-listen" env:"STELLA_METRICS_LISTEN" placeholder:"ADDRESS" group:"Web" help:"Address to listen on for Prometheus, such as 127.0.0.1:9090. /metrics is served only there. Without it there are no metrics."`
	Proxies   []string `env:"STELLA_PROXIES" placeholder:"CIDR" group:"Web" help:"Networks of the proxies whose X-Forwarded-For header is trusted, such as 10.0.0.0/8."`
	KeyFile   []string `env:"STELLA_KEY_FILE" placeholder:"FILE" group:"Web" help:"Secret from which codes, links and webhook secrets are computed: a file of at least 32 random bytes, the same for every instance. To change it, name several files: new codes, links and secrets use the first."`

	Provider         string `env:"STELLA_PROVIDER" placeholder:"NAME" group:"Texts" help:"The provider's name, as shown in pages and mails."`
	Service          string `env:"STELLA_SERVICE" placeholder:"NAME" group:"Texts" help:"The name of the mailbox service, such as \"PEC Esempio\"."`
	WebmailURL       string `name:"webmail-url" env:"STELLA_WEBMAIL_URL" placeholder:"URL" group:"Texts" help:"The webmail, from which holders come."`
	PrivacyURL       string `name:"privacy-url" env:"STELLA_PRIVACY_URL" placeholder:"URL" group:"Texts" help:"The privacy notice."`
	AccessibilityURL string `name:"accessibility-url" env:"STELLA_ACCESSIBILITY_URL" placeholder:"URL" group:"Texts" help:"The accessibility statement."`
	HelpURL          string `name:"help-url" env:"STELLA_HELP_URL" placeholder:"URL" group:"Texts" help:"Help for holders. Without it, pages and mails link to Stella's own guide at /guida."`
	HelpContact      string `env:"STELLA_HELP_CONTACT" placeholder:"TEXT" group:"Texts" help:"Contact for holders who need help: an address or a telephone number."`
	ReviewDays       int    `env:"STELLA_REVIEW_DAYS" placeholder:"DAYS" group:"Texts" help:"Number of working days within which a request under review is answered, as shown in its page and mail. Without it they name no time."`
	ContractDir      string `env:"STELLA_CONTRACT_DIR" placeholder:"DIR" group:"Texts" help:"Folder with your contract notice, it.html and en.html."`
	SampleContract   bool   `group:"Texts" help:"Show a sample instead of your own contract notice, for a trial. The page and the log say that it is a sample."`

	MailFrom            string `env:"STELLA_MAIL_FROM" placeholder:"SENDER" group:"Mail" help:"Sender of the mails, such as \"Posta Esempio <staff@gestore.example>\"."`
	SMTPURL             string `name:"smtp-url" env:"STELLA_SMTP_URL" placeholder:"URL" group:"Mail" help:"The relay, such as smtp://user@relay.example:587, or smtps:// for TLS from the first byte. TLS is mandatory."`
	SMTPPasswordFile    string `name:"smtp-password-file" env:"STELLA_SMTP_PASSWORD_FILE" placeholder:"FILE" group:"Mail" help:"The relay's password."`
	SMTPEHLOName        string `name:"smtp-ehlo-name" env:"STELLA_SMTP_EHLO_NAME" placeholder:"HOST" group:"Mail" help:"Domain name that Stella sends in EHLO to the relays (default: the public URL's host, or an address literal if that has no dot)."`
	SMTPCAFile          string `name:"smtp-ca-file" env:"STELLA_SMTP_CA_FILE" placeholder:"FILE" group:"Mail" help:"Root certificates (PEM) with which the relays are verified, instead of the system's."`
	PECSMTPURL          string `name:"pec-smtp-url" env:"STELLA_PEC_SMTP_URL" placeholder:"URL" group:"Mail" help:"A second relay, for mails to certified mailboxes. Without it they are sent through the first relay."`
	PECSMTPPasswordFile string `name:"pec-smtp-password-file" env:"STELLA_PEC_SMTP_PASSWORD_FILE" placeholder:"FILE" group:"Mail" help:"The second relay's password."`

	DKIMSelector string `name:"dkim-selector" env:"STELLA_DKIM_SELECTOR" placeholder:"NAME" group:"Mail" help:"Selector of the DKIM key, if Stella signs the mails and not the relay."`
	DKIMKeyFile  string `name:"dkim-key-file" env:"STELLA_DKIM_KEY_FILE" placeholder:"FILE" group:"Mail" help:"DKIM key (PEM, RSA or Ed25519) with which mails are signed for the sender's domain."`

	SPIDConfig
	LoginConfig
	ProvidersConfig
	CIEConfig
	WebhookConfig

	ArchiveRecipient string `env:"STELLA_ARCHIVE_RECIPIENT" placeholder:"age1…" group:"SPID" help:"The auditor's public key, which \"stella archive keygen\" prints. Requests and responses are archived encrypted to it."`
}

// Settings is a configuration that Check has found valid.
type Settings struct {
	Database  Database
	PublicURL *url.URL
	Listen    string
	Proxies   []netip.Prefix
	Allow     []netip.Prefix // networks that webhooks may be in, besides public addresses
	Keys      workflow.Keys
	Site      templates.Site
	Documents map[string]templates.Document
	FromName  string
	From      string
	Relay     stellamail.RelayOptions
	PECRelay  *stellamail.RelayOptions
	DKIM      *stellamail.DKIM
	Metrics   string // address to listen on; empty if there are no metrics
	SPID      *spid.ServiceProvider
	Providers spid.Providers    // from metadata files
	Names     map[string]string // the operator's names of providers, by entity ID
	Registry  *spid.Source      // nil if none is configured. newRegistry sets its Memory
	Purpose   string
	Collaudo  bool
	Logos     fs.FS                 // nil if there are no logos
	CIE       *spid.ServiceProvider // nil if login with CIE is not configured
	Card      spid.Providers        // CIE's identity provider
	Recipient age.Recipient
}

// Problems collects the errors of a configuration. Each names the variable to correct.
type Problems []error

// Add adds the error of a variable. It adds nothing if err is nil, or if the
// variable's quotes are already reported: they cause the other errors.
func (p *Problems) Add(variable string, err error) {
	switch {
	case err == nil || p.quoted(variable):
	case errors.Is(err, ErrMissing):
		*p = append(*p, fmt.Errorf("%s %w", variable, err))
	default:
		*p = append(*p, fmt.Errorf("%s: %w", variable, err))
	}
}

// Require adds an error if the value of a variable is empty.
func (p *Problems) Require(variable, value string) {
	if value == "" {
		p.Add(variable, ErrMissing)
	}
}

var ErrMissing = errors.New("is missing")

// Check reads the files and parses the values. Its error lists everything that is
// missing or invalid.
func (c Config) Check() (*Settings, error) {
	wrong := QuotedValues(c)
	s := &Settings{Database: c.Database, Listen: c.Listen, Metrics: c.Metrics}
	wrong.Add("STELLA_DATABASE_URL", c.Database.Check())
	var err error
	s.PublicURL, err = ParsePublicURL(c.PublicURL)
	wrong.Add("STELLA_PUBLIC_URL", err)
	if _, _, err := net.SplitHostPort(c.Listen); err != nil {
		wrong.Add("STELLA_LISTEN", err)
	}
	if c.Metrics != "" {
		_, _, err := net.SplitHostPort(c.Metrics)
		wrong.Add("STELLA_METRICS_LISTEN", err)
	}
	s.Proxies = parseNetworks("STELLA_PROXIES", c.Proxies, &wrong)
	s.Allow = c.WebhookConfig.Check(&wrong)
	s.Keys, err = ReadKeys(c.KeyFile)
	wrong.Add("STELLA_KEY_FILE", err)
	if c.HelpURL == "" && s.PublicURL != nil {
		c.HelpURL = s.PublicURL.JoinPath(web.GuidePath).String()
	}
	s.Site = c.checkSite(&wrong)
	s.Documents, err = c.contract()
	wrong.Add("STELLA_CONTRACT_DIR", err)
	s.Site.SampleContract = c.ContractDir == ""
	c.checkMail(s, &wrong)
	c.checkSPID(s, &wrong)
	s.Recipient, err = ParseRecipient(c.ArchiveRecipient)
	wrong.Add("STELLA_ARCHIVE_RECIPIENT", err)
	if err := wrong.Join(); err != nil {
		return nil, err
	}
	return s, nil
}

// Join returns all problems as one error with a line for each, or nil.
func (p Problems) Join() error {
	switch len(p) {
	case 0:
		return nil
	case 1:
		return p[0]
	}
	return fmt.Errorf("the configuration has %d problems:\n%w", len(p), errors.Join(p...))
}

func ParsePublicURL(raw string) (*url.URL, error) {
	if raw == "" {
		return nil, ErrMissing
	}
	u, err := url.Parse(raw)
	switch {
	case strings.Contains(raw, "@"): // may contain a password, so the message does not repeat it
		return nil, errors.New("names a user, and the pages are public: want a scheme and a host, such as https://identita.gestore.example")
	case err != nil:
		return nil, err
	case u.Host == "" || strings.TrimSuffix(u.Path, "/") != "" || u.RawQuery != "":
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

func parseNetworks(variable string, texts []string, wrong *Problems) []netip.Prefix {
	var all []netip.Prefix
	for _, text := range texts {
		network, err := netip.ParsePrefix(text)
		if err != nil {
			err = fmt.Errorf("%q is not a network, such as 10.1.2.0/24", text)
		}
		wrong.Add(variable, err)
		all = append(all, network)
	}
	return all
}

func (c Config) checkSite(wrong *Problems) templates.Site {
	text := func(variable, value string) string {
		wrong.Require(variable, value)
		return value
	}
	link := func(variable, value string) string {
		if u, err := url.Parse(text(variable, value)); value != "" && (err != nil || u.Host == "" && u.Scheme != "mailto") {
			wrong.Add(variable, fmt.Errorf("%q is not a URL", value))
		}
		return value
	}
	if c.ReviewDays < 0 {
		wrong.Add("STELLA_REVIEW_DAYS", fmt.Errorf("%d is not a number of days", c.ReviewDays))
	}
	helpURL := c.HelpURL // empty only if the public URL is missing too, which is reported
	if helpURL != "" {
		link("STELLA_HELP_URL", helpURL)
	}
	return templates.Site{
		Provider:         text("STELLA_PROVIDER", c.Provider),
		Service:          text("STELLA_SERVICE", c.Service),
		WebmailURL:       link("STELLA_WEBMAIL_URL", c.WebmailURL),
		PrivacyURL:       link("STELLA_PRIVACY_URL", c.PrivacyURL),
		AccessibilityURL: link("STELLA_ACCESSIBILITY_URL", c.AccessibilityURL),
		HelpURL:          helpURL,
		HelpContact:      text("STELLA_HELP_CONTACT", c.HelpContact),
		ReviewDays:       c.ReviewDays,
	}
}

func (c Config) contract() (map[string]templates.Document, error) {
	switch {
	case c.ContractDir != "":
		return templates.Contracts(os.DirFS(c.ContractDir))
	case c.SampleContract:
		return templates.Contracts(templates.SampleContract())
	}
	return nil, ErrMissing
}

func ParseRecipient(text string) (age.Recipient, error) {
	if text == "" {
		return nil, ErrMissing
	}
	recipient, err := age.ParseX25519Recipient(text)
	switch {
	case err == nil:
		return recipient, nil
	case strings.HasPrefix(strings.ToUpper(text), "AGE-SECRET-KEY-"): // the message does not repeat it
		return nil, errors.New("is the auditor's secret key, which the service must not have; want the public one, age1…")
	}
	return nil, fmt.Errorf("%q: want the public key that \"stella archive keygen\" prints, age1…", text)
}
