package config

import (
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"net/mail"
	"net/url"
	"os"
	"regexp"
	"strconv"

	stellamail "stella/mail"
	"stella/workflow/contact"
)

func (c Config) checkMail(s *Settings, wrong *Problems) {
	if c.MailFrom == "" {
		wrong.Add("STELLA_MAIL_FROM", ErrMissing)
	} else if from, err := mail.ParseAddress(c.MailFrom); err != nil {
		wrong.Add("STELLA_MAIL_FROM", fmt.Errorf("%q: %w", c.MailFrom, err))
	} else if from.Address, err = contact.ParseAddress(from.Address); err != nil { // converts the domain to ASCII
		wrong.Add("STELLA_MAIL_FROM", fmt.Errorf("%q: %w", c.MailFrom, err))
	} else {
		s.FromName, s.From, s.Site.MailSender = from.Name, from.Address, from.Address
	}
	roots, err := readRoots(c.SMTPCAFile)
	wrong.Add("STELLA_SMTP_CA_FILE", err)
	s.Relay = parseRelay("STELLA_SMTP", c.SMTPURL, c.SMTPPasswordFile, roots, wrong)
	if c.PECSMTPURL != "" || c.PECSMTPPasswordFile != "" {
		relay := parseRelay("STELLA_PEC_SMTP", c.PECSMTPURL, c.PECSMTPPasswordFile, roots, wrong)
		s.PECRelay = &relay
	}
	name, err := c.ehloName(s.PublicURL)
	wrong.Add("STELLA_SMTP_EHLO_NAME", err)
	s.Relay.Name = name
	if s.PECRelay != nil {
		s.PECRelay.Name = name
	}
	if c.DKIMSelector != "" || c.DKIMKeyFile != "" {
		wrong.Add("STELLA_DKIM_SELECTOR", checkSelector(c.DKIMSelector))
		s.DKIM, err = readDKIM(c.DKIMSelector, c.DKIMKeyFile)
		wrong.Add("STELLA_DKIM_KEY_FILE", err)
	}
}

// domainName matches a name that relays accept in EHLO: fully qualified, in ASCII.
var domainName = regexp.MustCompile(`^([0-9A-Za-z]([0-9A-Za-z-]*[0-9A-Za-z])?\.)+[A-Za-z]([0-9A-Za-z-]*[0-9A-Za-z])?$`)

// ehloName returns the name for EHLO: the configured name, or else the public URL's
// host. It returns "" if that host is not a domain name: EHLO then contains an address
// literal. The machine's host name is not used, because that of a container has no dot,
// and relays refuse it.
func (c Config) ehloName(public *url.URL) (string, error) {
	switch {
	case c.SMTPEHLOName != "" && !domainName.MatchString(c.SMTPEHLOName):
		return "", fmt.Errorf("%q: want a domain name with a dot, such as identita.gestore.example", c.SMTPEHLOName)
	case c.SMTPEHLOName != "":
		return c.SMTPEHLOName, nil
	case public != nil && domainName.MatchString(public.Hostname()):
		return public.Hostname(), nil
	}
	return "", nil
}

// selector matches a DKIM selector (RFC 6376, section 3.1).
var selector = regexp.MustCompile(`^[0-9A-Za-z]([0-9A-Za-z-]*[0-9A-Za-z])?(\.[0-9A-Za-z]([0-9A-Za-z-]*[0-9A-Za-z])?)*$`)

func checkSelector(name string) error {
	switch {
	case name == "":
		return ErrMissing
	case !selector.MatchString(name):
		return fmt.Errorf("%q: want a valid DNS name, such as stella2026", name)
	}
	return nil
}

func readDKIM(selector, keyFile string) (*stellamail.DKIM, error) {
	if keyFile == "" {
		return nil, ErrMissing
	}
	pem, err := ReadSecret(keyFile)
	if err != nil {
		return nil, err
	}
	return stellamail.NewDKIM(selector, pem)
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
		return nil, fmt.Errorf("%s contains no certificate", file)
	}
	return &tls.Config{RootCAs: roots, MinVersion: tls.VersionTLS12}, nil
}

// parseRelay checks the two variables of a relay, prefix+"_URL" and
// prefix+"_PASSWORD_FILE". The default port is 587, or 465 for smtps.
func parseRelay(prefix, raw, passwordFile string, roots *tls.Config, wrong *Problems) stellamail.RelayOptions {
	u, err := parseRelayURL(raw)
	wrong.Add(prefix+"_URL", err)
	if err != nil {
		return stellamail.RelayOptions{}
	}
	o := stellamail.RelayOptions{Host: u.Hostname(), Port: 587, ImplicitTLS: u.Scheme == "smtps", User: u.User.Username(), TLS: roots}
	if o.ImplicitTLS {
		o.Port = 465
	}
	if p := u.Port(); p != "" {
		if o.Port, err = strconv.Atoi(p); err != nil || o.Port < 1 || o.Port > 65535 {
			wrong.Add(prefix+"_URL", fmt.Errorf("there is no port %s", p))
		}
	}
	switch {
	case o.User != "":
		o.Password, err = readPassword(passwordFile)
		wrong.Add(prefix+"_PASSWORD_FILE", err)
	case passwordFile != "":
		wrong.Add(prefix+"_URL", errors.New("names no user for the password, as in smtp://user@relay.example:587"))
	}
	return o
}

// parseRelayURL parses a relay's URL. Its errors do not repeat the URL, which may
// contain a password.
func parseRelayURL(raw string) (*url.URL, error) {
	if raw == "" {
		return nil, ErrMissing
	}
	u, err := url.Parse(raw)
	if err != nil || u.Hostname() == "" || u.Scheme != "smtp" && u.Scheme != "smtps" {
		return nil, errors.New("want smtp://relay.example:587 or smtps://relay.example:465")
	}
	if _, inURL := u.User.Password(); inURL {
		return nil, errors.New("contains a password; put the password in a file")
	}
	return u, nil
}
