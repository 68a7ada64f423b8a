package spid

import (
	"cmp"
	"crypto/rand"
	"crypto/rsa"
	"crypto/x509"
	"encoding/base64"
	"encoding/xml"
	"errors"
	"fmt"
	mathrand "math/rand/v2"
	"net/url"
	"slices"
	"strings"
	"time"

	"github.com/beevik/etree"
	"github.com/crewjam/saml"
	"github.com/russellhaering/goxmldsig/etreeutils"
)

// A Provider is an identity provider, as its metadata describe it.
type Provider struct {
	EntityID     string
	Name         string // to show to users
	RedirectURL  string // accepts requests by HTTP-Redirect; empty if there is none
	PostURL      string // accepts requests by HTTP-POST; empty if there is none
	LogoutURL    string // accepts answers to its logout requests by HTTP-Redirect; empty if there is none
	Certificates []*x509.Certificate

	validUntil time.Time // according to its metadata; zero if not stated
}

// Unusable returns an error that explains why no answer of the provider can be
// verified at that time, or nil if one can. A usable provider has at least one
// certificate that is valid or expired, but not one that is not yet valid, with
// an RSA key of 2048 bits or more.
func (p *Provider) Unusable(now time.Time) error {
	if len(usable(p.Certificates, now)) > 0 {
		return nil
	}
	var why []string
	for _, c := range p.Certificates {
		switch key, ok := c.PublicKey.(*rsa.PublicKey); {
		case !ok:
			why = append(why, "a key that is not RSA")
		case key.N.BitLen() < minRSA:
			why = append(why, fmt.Sprintf("a key of %d bits, less than %d", key.N.BitLen(), minRSA))
		default:
			why = append(why, fmt.Sprintf("a certificate that is not valid before %s", c.NotBefore.UTC().Format(time.RFC3339)))
		}
	}
	if len(why) == 0 {
		return errors.New("no certificate")
	}
	return fmt.Errorf("no certificate that may sign: %s", strings.Join(why, "; "))
}

// Providers is a list of identity providers.
type Providers []*Provider

// Find returns the provider with that entity ID, or nil.
func (ps Providers) Find(entityID string) *Provider {
	for _, p := range ps {
		if p.EntityID == entityID {
			return p
		}
	}
	return nil
}

// Shuffled returns a copy in random order. The rules require this order for the
// login page, so that no provider is favoured (italia/spid-sp-access-button,
// README).
func (ps Providers) Shuffled() Providers {
	shuffled := slices.Clone(ps)
	var seed [32]byte
	rand.Read(seed[:]) // never fails
	mathrand.New(mathrand.NewChaCha8(seed)).Shuffle(len(shuffled), func(i, j int) {
		shuffled[i], shuffled[j] = shuffled[j], shuffled[i]
	})
	return shuffled
}

// ParseProviders reads the metadata of one identity provider, or of many, like
// the metadata of the SPID registry. If some entries cannot be used, it returns
// the usable ones together with an error that lists the others. It checks no
// signature and no validity period, so the metadata must come from a trusted
// source: their author decides which keys are trusted.
func ParseProviders(metadata []byte) (Providers, error) {
	doc := etree.NewDocument()
	if err := doc.ReadFromBytes(metadata); err != nil {
		return nil, fmt.Errorf("reading SAML metadata: %w", err)
	}
	if doc.Root() == nil {
		return nil, errors.New("reading SAML metadata: no document")
	}
	providers, err := providersIn(doc.Root())
	if len(providers) == 0 {
		err = errors.Join(err, noProvider(doc.Root()))
	}
	return providers, err
}

// noProvider returns the error for a document without a usable provider. If the
// document has no entry at all, the error says why; otherwise the errors of the
// entries do.
func noProvider(root *etree.Element) error {
	const none = "SAML metadata: no usable identity provider"
	switch {
	case len(entityDescriptors(root)) > 0:
		return errors.New(none)
	case isMetadata(root, "EntitiesDescriptor"):
		return errors.New(none + ": the list has no EntityDescriptor")
	}
	return fmt.Errorf("%s: the root is %s of the namespace %q, not EntityDescriptor or EntitiesDescriptor of %q",
		none, root.Tag, root.NamespaceURI(), nsMetadata)
}

// providersIn returns the usable providers in an EntityDescriptor or
// EntitiesDescriptor, with an error that lists the entries with problems.
func providersIn(root *etree.Element) (Providers, error) {
	var providers Providers
	var errs []error
	for i, el := range entityDescriptors(root) {
		p, err := parseProvider(el)
		if err != nil {
			id := el.SelectAttrValue("entityID", "without entityID")
			errs = append(errs, fmt.Errorf("SAML metadata, entry %d (%s): %w", i+1, id, err))
		}
		if p == nil {
			continue
		}
		if providers.Find(p.EntityID) != nil {
			errs = append(errs, fmt.Errorf("SAML metadata, entry %d (%s): is listed twice; the first is used", i+1, p.EntityID))
			continue
		}
		providers = append(providers, p)
	}
	return providers, errors.Join(errs...)
}

func entityDescriptors(el *etree.Element) []*etree.Element {
	switch {
	case isMetadata(el, "EntityDescriptor"):
		return []*etree.Element{el}
	case isMetadata(el, "EntitiesDescriptor"):
		var found []*etree.Element
		for _, child := range el.ChildElements() {
			found = append(found, entityDescriptors(child)...)
		}
		return found
	}
	return nil
}

func isMetadata(el *etree.Element, tag string) bool {
	return el.Tag == tag && el.NamespaceURI() == nsMetadata
}

// parseProvider may return both a provider and an error: a provider that can be
// used, but has an unusable part.
func parseProvider(el *etree.Element) (*Provider, error) {
	until, err := validity(el)
	if err != nil {
		return nil, err
	}
	scope, err := etreeutils.NSBuildParentContext(el)
	if err != nil {
		return nil, fmt.Errorf("reading namespaces: %w", err)
	}
	if el, err = etreeutils.NSDetatch(scope, el); err != nil {
		return nil, fmt.Errorf("reading namespaces: %w", err)
	}
	raw, err := etree.NewDocumentWithRoot(el).WriteToBytes()
	if err != nil {
		return nil, fmt.Errorf("copying: %w", err)
	}
	var descriptor saml.EntityDescriptor
	if err := xml.Unmarshal(raw, &descriptor); err != nil {
		return nil, fmt.Errorf("reading: %w", err)
	}
	p := &Provider{EntityID: strings.TrimSpace(descriptor.EntityID), validUntil: until}
	if p.EntityID == "" {
		return nil, errors.New("no entityID")
	}
	p.Name = displayName(p.EntityID, descriptor.Organization)
	if len(descriptor.IDPSSODescriptors) == 0 {
		return nil, errors.New("not an identity provider")
	}
	var errs []error
	for _, role := range descriptor.IDPSSODescriptors {
		errs = append(errs, p.addServices(role), p.addCertificates(role))
	}
	if p.RedirectURL == "" && p.PostURL == "" {
		return nil, errors.Join(append(errs, errors.New("no single sign-on service with HTTP-Redirect or HTTP-POST"))...)
	}
	if len(p.Certificates) == 0 {
		return nil, errors.Join(append(errs, errors.New("no signing certificate"))...)
	}
	return p, errors.Join(errs...)
}

// addServices adds the first usable service of each kind and binding.
func (p *Provider) addServices(role saml.IDPSSODescriptor) error {
	var errs []error
	add := func(field *string, location string) {
		location = strings.TrimSpace(location)
		switch u, err := url.Parse(location); {
		case err != nil, u.Host == "", u.Fragment != "": // crewjam/saml has checked the scheme
			errs = append(errs, fmt.Errorf("a service at %q", location))
		case *field == "":
			*field = location
		}
	}
	for _, service := range role.SingleSignOnServices {
		switch service.Binding {
		case saml.HTTPRedirectBinding:
			add(&p.RedirectURL, service.Location)
		case saml.HTTPPostBinding:
			add(&p.PostURL, service.Location)
		}
	}
	for _, service := range role.SingleLogoutServices {
		if service.Binding == saml.HTTPRedirectBinding {
			add(&p.LogoutURL, cmp.Or(service.ResponseLocation, service.Location))
		}
	}
	return errors.Join(errs...)
}

// addCertificates adds all signing certificates, whether they are valid or not:
// a provider that changes its key lists two for a while.
func (p *Provider) addCertificates(role saml.IDPSSODescriptor) error {
	var errs []error
	for _, key := range role.KeyDescriptors {
		if key.Use != "" && key.Use != "signing" {
			continue
		}
		for _, data := range key.KeyInfo.X509Data.X509Certificates {
			certificate, err := parseCertificate(data.Data)
			if err != nil {
				errs = append(errs, fmt.Errorf("a signing certificate: %w", err))
				continue
			}
			if !slices.ContainsFunc(p.Certificates, certificate.Equal) {
				p.Certificates = append(p.Certificates, certificate)
			}
		}
	}
	return errors.Join(errs...)
}

func parseCertificate(data string) (*x509.Certificate, error) {
	der, err := base64.StdEncoding.DecodeString(withoutSpace(data))
	if err != nil {
		return nil, err
	}
	return readCertificate(der)
}
