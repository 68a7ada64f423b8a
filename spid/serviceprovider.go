package spid

import (
	"crypto"
	"crypto/x509"
	"errors"
	"time"
)

// ServiceProvider is the party that requests logins. Its methods do not change
// it, and it is safe for concurrent use if Key is.
type ServiceProvider struct {
	Scheme    Scheme
	EntityID  string
	ACSURL    string // where responses are posted to
	LogoutURL string // where providers send logout requests, by HTTP-Redirect

	Key         crypto.Signer // RSA, 2048 bits or more
	Certificate *x509.Certificate
	// Other is a second certificate that the metadata list during a key change:
	// the next one before the change, the previous one after it. It is nil if
	// there is none.
	Other *x509.Certificate

	ServiceName  string // shown at login; if empty, the organization's display name
	Organization Organization

	Level      Level  // requested level; SpidL2 if zero
	Comparison string // exact, minimum, better or maximum; minimum if empty

	Now func() time.Time // time.Now if nil
}

func (sp *ServiceProvider) checkKey() error {
	if sp.Key == nil || sp.Certificate == nil {
		return errors.New("no signing key or certificate")
	}
	return checkPair(sp.Key, sp.Certificate)
}

func (sp *ServiceProvider) now() time.Time {
	if sp.Now == nil {
		return time.Now().UTC()
	}
	return sp.Now().UTC()
}

func (sp *ServiceProvider) level() Level {
	if sp.Level == 0 {
		return SpidL2
	}
	return sp.Level
}

func (sp *ServiceProvider) comparison() string {
	if sp.Comparison == "" {
		return "minimum"
	}
	return sp.Comparison
}
