package spid

import (
	"bytes"
	"compress/flate"
	"crypto"
	"crypto/rand"
	"crypto/rsa"
	"crypto/sha256"
	"crypto/x509"
	"encoding/base64"
	"errors"
	"fmt"
	"net/url"
	"slices"
	"strings"
	"time"

	"github.com/beevik/etree"
	"github.com/crewjam/saml"
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

// A Request is what is to be remembered of a login until its answer comes.
type Request struct {
	ID         string
	RelayState string
	Provider   string // entity ID
	IssuedAt   time.Time
	Level      Level
	Comparison string
	XML        []byte // the message itself, for the archive
}

// Ask is what one login asks for beyond what all of them do.
type Ask struct {
	// Company asks for the attributes of the company too, which a professional
	// identity of a legal person has.
	Company bool
	// Purpose is the type of identity that is let in: P, PF, PG, LP or PX
	// (Avviso 18). Empty asks for a person's own.
	Purpose string
	// Post sends the request by HTTP-POST even if HTTP-Redirect can be used.
	Post bool
}

// A Dispatch is how the browser takes a message to a provider: by going to URL,
// or, if SAMLRequest is there, by posting a form to it with these two fields.
type Dispatch struct {
	URL         string
	SAMLRequest string
	RelayState  string
}

// Indexes of the only services of their kind in the metadata.
const (
	acsIndex        = "0"
	attributesIndex = "0"
)

// Login makes a request to authenticate at p, and how the browser takes it
// there (SPID technical rules, "Single Sign-On", "AuthnRequest", and
// "Trasmissione", HTTP-Redirect).
func (sp *ServiceProvider) Login(p *Provider, ask Ask) (Request, Dispatch, error) {
	if p == nil {
		return Request{}, Dispatch{}, errors.New("making a SPID request: no such identity provider")
	}
	if err := sp.checkKey(); err != nil {
		return Request{}, Dispatch{}, fmt.Errorf("making a SPID request: %w", err)
	}
	req := Request{
		// An xs:ID does not begin with a digit.
		ID: "_" + rand.Text(),
		// Opaque: the rules forbid that it tells what was asked for.
		RelayState: rand.Text(),
		Provider:   p.EntityID,
		IssuedAt:   sp.now().Truncate(time.Millisecond),
		Level:      sp.level(),
		Comparison: sp.comparison(),
	}
	if !slices.Contains([]string{"exact", "minimum", "better", "maximum"}, req.Comparison) {
		return Request{}, Dispatch{}, fmt.Errorf("making a SPID request: %q is no comparison", req.Comparison)
	}
	if _, ok := parseLevel(req.Level.URI()); !ok {
		return Request{}, Dispatch{}, fmt.Errorf("making a SPID request: %s is no level", req.Level)
	}
	doc := etree.NewDocumentWithRoot(sp.authnRequest(req, p))
	var err error
	if req.XML, err = doc.WriteToBytes(); err != nil {
		return Request{}, Dispatch{}, fmt.Errorf("writing a SPID request: %w", err)
	}
	redirect, err := sp.redirect(p.RedirectURL, req)
	if err != nil {
		return Request{}, Dispatch{}, fmt.Errorf("making a SPID request: %w", err)
	}
	return req, Dispatch{URL: redirect}, nil
}

func (sp *ServiceProvider) authnRequest(req Request, p *Provider) *etree.Element {
	forceAuthn, format := true, formatTransient
	el := (&saml.AuthnRequest{
		ID:           req.ID,
		Version:      "2.0",
		IssueInstant: req.IssuedAt,
		Destination:  p.RedirectURL,
		// Obligatory from level 2 up.
		ForceAuthn: &forceAuthn,
		// By index, not by URL: "preferred".
		AssertionConsumerServiceIndex:  acsIndex,
		AttributeConsumingServiceIndex: attributesIndex,
		Issuer: &saml.Issuer{
			Format:        formatEntity,
			NameQualifier: sp.EntityID,
			Value:         sp.EntityID,
		},
		// Without AllowCreate (Avviso 5).
		NameIDPolicy: &saml.NameIDPolicy{Format: &format},
		RequestedAuthnContext: &saml.RequestedAuthnContext{
			Comparison:           req.Comparison,
			AuthnContextClassRef: req.Level.URI(),
		},
	}).Element()
	// crewjam/saml drops the zeros at the end of the milliseconds.
	el.CreateAttr("IssueInstant", req.IssuedAt.Format("2006-01-02T15:04:05.000Z"))
	return el
}

// redirect signs the query as it is sent (SAML 2.0 Bindings, 3.4.4.1).
func (sp *ServiceProvider) redirect(ssoURL string, req Request) (string, error) {
	var deflated bytes.Buffer
	w, err := flate.NewWriter(&deflated, flate.BestCompression)
	if err != nil {
		return "", fmt.Errorf("deflating: %w", err)
	}
	if _, err := w.Write(req.XML); err != nil {
		return "", fmt.Errorf("deflating: %w", err)
	}
	if err := w.Close(); err != nil {
		return "", fmt.Errorf("deflating: %w", err)
	}
	query := "SAMLRequest=" + url.QueryEscape(base64.StdEncoding.EncodeToString(deflated.Bytes())) +
		"&RelayState=" + url.QueryEscape(req.RelayState) +
		"&SigAlg=" + url.QueryEscape(algRSASHA256)
	digest := sha256.Sum256([]byte(query))
	signature, err := sp.Key.Sign(rand.Reader, digest[:], crypto.SHA256)
	if err != nil {
		return "", fmt.Errorf("signing the query: %w", err)
	}
	query += "&Signature=" + url.QueryEscape(base64.StdEncoding.EncodeToString(signature))
	if strings.Contains(ssoURL, "?") {
		return ssoURL + "&" + query, nil
	}
	return ssoURL + "?" + query, nil
}

func (sp *ServiceProvider) checkKey() error {
	if sp.Key == nil || sp.Certificate == nil {
		return errors.New("no signing key or certificate")
	}
	return checkPair(sp.Key, sp.Certificate)
}

// checkPair checks that the key is one SPID allows and is the certificate's.
func checkPair(key crypto.Signer, certificate *x509.Certificate) error {
	public, ok := key.Public().(*rsa.PublicKey)
	if !ok {
		return errors.New("the key is not RSA")
	}
	if public.N.BitLen() < minRSA {
		return fmt.Errorf("the key has %d bits, less than %d", public.N.BitLen(), minRSA)
	}
	if !public.Equal(certificate.PublicKey) {
		return errors.New("the certificate belongs to another key")
	}
	return nil
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
