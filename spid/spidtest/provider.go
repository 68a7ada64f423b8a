package spidtest

import (
	"bytes"
	"crypto"
	"crypto/x509"
	"encoding/base64"
	"errors"
	"fmt"
	"net/http"
	"strings"
	"time"

	"github.com/beevik/etree"
	"github.com/crewjam/saml"
	dsig "github.com/russellhaering/goxmldsig"
	"github.com/russellhaering/goxmldsig/etreeutils"

	"stella/spid"
)

// Config describes an identity provider.
type Config struct {
	// BaseURL is where the provider is reached, without a slash at the end. It
	// is the entity ID too.
	BaseURL string
	Name    string   // "Identità di prova" if empty
	People  []Person // DemoPeople if nil
	// ServiceProvider returns the metadata of the service provider whose
	// requests are answered. It is called for every request.
	ServiceProvider func() ([]byte, error)
	Now             func() time.Time // time.Now if nil
}

// Provider is an identity provider. It has a key of its own, made by New.
type Provider struct {
	config      Config
	key         crypto.Signer
	certificate *x509.Certificate
	metadata    []byte
	logins      logins
	mux         *http.ServeMux
}

// New makes an identity provider with a new key.
func New(config Config) (*Provider, error) {
	if config.Name == "" {
		config.Name = "Identità di prova"
	}
	if config.People == nil {
		config.People = DemoPeople()
	}
	if config.Now == nil {
		config.Now = time.Now
	}
	config.BaseURL = strings.TrimSuffix(config.BaseURL, "/")
	if config.BaseURL == "" || config.ServiceProvider == nil {
		return nil, errors.New("identity provider: no base URL or no service provider")
	}
	organization := spid.Organization{Name: config.Name, VATNumber: "IT01234567897", Locality: "Roma"}
	key, certificate, err := spid.SelfSigned(config.BaseURL, organization, config.Now().Add(-time.Hour))
	if err != nil {
		return nil, fmt.Errorf("identity provider: %w", err)
	}
	p := &Provider{config: config, key: key, certificate: certificate}
	if p.metadata, err = p.describe(); err != nil {
		return nil, fmt.Errorf("identity provider: %w", err)
	}
	p.mux = p.routes()
	return p, nil
}

// Metadata returns the signed metadata of the provider.
func (p *Provider) Metadata() []byte { return bytes.Clone(p.metadata) }

// EntityID returns the entity ID of the provider, its base URL.
func (p *Provider) EntityID() string { return p.config.BaseURL }

func (p *Provider) ServeHTTP(w http.ResponseWriter, r *http.Request) { p.mux.ServeHTTP(w, r) }

func (p *Provider) describe() ([]byte, error) {
	root := etree.NewElement("md:EntityDescriptor")
	root.CreateAttr("xmlns:md", "urn:oasis:names:tc:SAML:2.0:metadata")
	root.CreateAttr("xmlns:ds", dsig.Namespace)
	root.CreateAttr("entityID", p.config.BaseURL)
	root.CreateAttr("ID", newID())
	role := add(root, "md:IDPSSODescriptor", "",
		"protocolSupportEnumeration", nsProtocol, "WantAuthnRequestsSigned", "true")
	data := add(add(add(role, "md:KeyDescriptor", "", "use", "signing"), "ds:KeyInfo", ""), "ds:X509Data", "")
	add(data, "ds:X509Certificate", base64.StdEncoding.EncodeToString(p.certificate.Raw))
	add(role, "md:NameIDFormat", formatTransient)
	add(role, "md:SingleSignOnService", "", "Binding", saml.HTTPRedirectBinding, "Location", p.ssoURL())
	organization := add(root, "md:Organization", "")
	add(organization, "md:OrganizationName", p.config.Name, "xml:lang", "it")
	add(organization, "md:OrganizationDisplayName", p.config.Name, "xml:lang", "it")
	add(organization, "md:OrganizationURL", p.config.BaseURL, "xml:lang", "it")
	if err := p.Sign(root); err != nil {
		return nil, err
	}
	return etree.NewDocumentWithRoot(root).WriteToBytes()
}

func (p *Provider) ssoURL() string { return p.config.BaseURL + "/sso" }

func (p *Provider) now() time.Time { return p.config.Now().UTC() }

// Sign puts an enveloped signature by the provider into an element: after its
// issuer if it has one, and as its first child otherwise.
func (p *Provider) Sign(el *etree.Element) error {
	context, err := dsig.NewSigningContext(p.key, [][]byte{p.certificate.Raw})
	if err != nil {
		return fmt.Errorf("signing %s: %w", el.Tag, err)
	}
	context.Canonicalizer = dsig.MakeC14N10ExclusiveCanonicalizerWithPrefixList("")
	scope, err := etreeutils.NSBuildParentContext(el)
	if err != nil {
		return fmt.Errorf("signing %s: %w", el.Tag, err)
	}
	// A copy with the namespaces declared further up, since the canonicalizer
	// changes what it is given and does not look beyond it.
	detached, err := etreeutils.NSDetatch(scope, el)
	if err != nil {
		return fmt.Errorf("signing %s: %w", el.Tag, err)
	}
	signature, err := context.ConstructSignature(detached, true)
	if err != nil {
		return fmt.Errorf("signing %s: %w", el.Tag, err)
	}
	place := 0
	if issuer := el.SelectElement("Issuer"); issuer != nil {
		place = issuer.Index() + 1
	}
	el.InsertChildAt(place, signature)
	return nil
}

// add appends an element with that text, if any, and those attributes, given as
// names and values in turn.
func add(parent *etree.Element, name, text string, attributes ...string) *etree.Element {
	el := parent.CreateElement(name)
	for i := 0; i+1 < len(attributes); i += 2 {
		el.CreateAttr(attributes[i], attributes[i+1])
	}
	if text != "" {
		el.SetText(text)
	}
	return el
}
