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
	Name         string // for people
	RedirectURL  string // takes requests by HTTP-Redirect; empty if it does not
	PostURL      string // takes requests by HTTP-POST; empty if it does not
	LogoutURL    string // takes answers to its logout requests by HTTP-Redirect; empty if it does not
	Certificates []*x509.Certificate

	validUntil time.Time // by its metadata; zero if they do not say
}

// Unusable says why no answer of the provider can count at that time, or returns
// nil: it has no certificate in force, or once in force, whose key is RSA of
// 2048 bits or more.
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

// Providers are the identity providers one may log in with.
type Providers []*Provider

// Find returns the provider of that entity ID, or nil.
func (ps Providers) Find(entityID string) *Provider {
	for _, p := range ps {
		if p.EntityID == entityID {
			return p
		}
	}
	return nil
}

// Shuffled returns the providers in random order, which is how they must be
// shown so that none is favoured (italia/spid-sp-access-button, README).
func (ps Providers) Shuffled() Providers {
	shuffled := slices.Clone(ps)
	var seed [32]byte
	rand.Read(seed[:]) // does not fail
	mathrand.New(mathrand.NewChaCha8(seed)).Shuffle(len(shuffled), func(i, j int) {
		shuffled[i], shuffled[j] = shuffled[j], shuffled[i]
	})
	return shuffled
}

// ParseProviders reads the metadata of one identity provider, or of many like
// those of the SPID registry. An entry that cannot be used does not take the
// others along: the good ones are returned together with an error that tells
// of the bad ones. Neither a signature nor the end of their validity is asked
// for, so the metadata must come from a trusted place: whoever writes them
// decides whom we believe.
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

// noProvider says that a document has no provider that can be used. Where it has
// no entry at all it says why: what the entries lack, the other errors say.
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

// providersIn returns the usable providers in a descriptor of one entity or of
// many, with an error that tells of the others.
func providersIn(root *etree.Element) (Providers, error) {
	var providers Providers
	var errs []error
	for i, el := range entityDescriptors(root) {
		p, err := parseProvider(el)
		if err != nil {
			errs = append(errs, fmt.Errorf("SAML metadata, entry %d (%s): %w", i+1, el.SelectAttrValue("entityID", "without entityID"), err))
		}
		if p == nil {
			continue
		}
		if providers.Find(p.EntityID) != nil {
			errs = append(errs, fmt.Errorf("SAML metadata, entry %d (%s): is there twice, the first counts", i+1, p.EntityID))
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

// parseProvider may return a provider and an error: one that can be used, but
// has a part that cannot.
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

// addServices takes the first service of a kind and binding that can be used.
func (p *Provider) addServices(role saml.IDPSSODescriptor) error {
	var errs []error
	add := func(field *string, location string) {
		location = strings.TrimSpace(location)
		switch u, err := url.Parse(location); {
		case err != nil, u.Host == "", u.Fragment != "": // the scheme has been judged
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

// addCertificates takes all those for signatures, in force or not: a provider
// that changes its key lists two for a while.
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
