package spid

import (
	"crypto"
	"crypto/x509"
	"errors"
	"time"
)

// ServiceProvider is who asks for logins. It is not changed by its methods and
// may be used from many goroutines at once, if Key may.
type ServiceProvider struct {
	Scheme    Scheme
	EntityID  string
	ACSURL    string // where responses are posted to
	LogoutURL string // where providers send logout requests, by HTTP-Redirect

	Key         crypto.Signer // RSA, 2048 bits or more
	Certificate *x509.Certificate
	// Other is a second certificate that the metadata list during a change of
	// keys: first the one to come, and after the change the former. Nil if none.
	Other *x509.Certificate

	ServiceName  string // shown at login; the organization's display name if empty
	Organization Organization

	Level      Level  // asked for; SpidL2 if zero
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
