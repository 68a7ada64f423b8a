package spidtest

import (
	"encoding/base64"
	"errors"
	"fmt"
	"net/http"
	"strings"
	"sync"
	"time"

	"github.com/beevik/etree"
	"github.com/crewjam/saml"
	dsig "github.com/russellhaering/goxmldsig"
	"github.com/russellhaering/goxmldsig/etreeutils"

	"stella/spid"
)

// Config describes an identity provider.
type Config struct {
	// BaseURL is the URL of the provider, without a slash at the end. For SPID
	// it is also the entity ID.
	BaseURL string
	// Scheme is SPID, or CIE for a provider that acts like the Ministry's:
	// other URLs, responses whose issuer has no Format, always SpidL3, only
	// four attributes, no answers to logouts.
	Scheme spid.Scheme
	Name   string   // "Identità di prova" if empty
	People []Person // DemoPeople if nil
	// ServiceProvider returns the metadata of the service provider whose
	// requests are answered. It is called for every request and answer.
	ServiceProvider func() ([]byte, error)
	Now             func() time.Time // time.Now if nil
}

// Provider is an identity provider. New makes its key, and Rotate changes it.
type Provider struct {
	config Config
	logins logins
	mux    *http.ServeMux

	mu       sync.Mutex
	keys     []keyPair // those in the metadata
	signing  int       // index of the signing key
	metadata []byte
	logouts  map[string]string // relay states of the logouts in progress, by request ID
	service  service
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
	p := &Provider{config: config, logouts: map[string]string{}}
	key, err := p.newKey()
	if err != nil {
		return nil, fmt.Errorf("identity provider: %w", err)
	}
	p.keys = []keyPair{key}
	if p.metadata, err = p.describe(); err != nil {
		return nil, fmt.Errorf("identity provider: %w", err)
	}
	p.mux = p.routes()
	return p, nil
}

// EntityID returns the entity ID of the provider.
func (p *Provider) EntityID() string {
	if p.config.Scheme == spid.CIE {
		return p.postURL()
	}
	return p.config.BaseURL
}

func (p *Provider) ServeHTTP(w http.ResponseWriter, r *http.Request) { p.mux.ServeHTTP(w, r) }

// URLs for requests and for answers to logouts.

func (p *Provider) redirectURL() string {
	if p.config.Scheme == spid.CIE {
		return p.config.BaseURL + "/idp/profile/SAML2/Redirect/SSO"
	}
	return p.config.BaseURL + "/sso"
}

func (p *Provider) postURL() string {
	if p.config.Scheme == spid.CIE {
		return p.config.BaseURL + "/idp/profile/SAML2/POST/SSO"
	}
	return p.config.BaseURL + "/sso"
}

func (p *Provider) loggedOutURL() string { return p.config.BaseURL + "/logged-out" }

func (p *Provider) describe() ([]byte, error) {
	root := etree.NewElement("md:EntityDescriptor")
	root.CreateAttr("xmlns:md", nsMetadata)
	root.CreateAttr("xmlns:ds", dsig.Namespace)
	root.CreateAttr("entityID", p.EntityID())
	root.CreateAttr("ID", newID())
	role := add(root, "md:IDPSSODescriptor", "",
		"protocolSupportEnumeration", nsProtocol, "WantAuthnRequestsSigned", "true")
	for _, key := range p.keys {
		data := add(add(add(role, "md:KeyDescriptor", "", "use", "signing"), "ds:KeyInfo", ""), "ds:X509Data", "")
		add(data, "ds:X509Certificate", base64.StdEncoding.EncodeToString(key.certificate.Raw))
	}
	if p.config.Scheme == spid.SPID {
		add(role, "md:SingleLogoutService", "", "Binding", saml.HTTPRedirectBinding,
			"Location", p.config.BaseURL+"/logout", "ResponseLocation", p.loggedOutURL())
	}
	add(role, "md:NameIDFormat", formatTransient)
	add(role, "md:SingleSignOnService", "", "Binding", saml.HTTPRedirectBinding, "Location", p.redirectURL())
	add(role, "md:SingleSignOnService", "", "Binding", saml.HTTPPostBinding, "Location", p.postURL())
	organization := add(root, "md:Organization", "")
	add(organization, "md:OrganizationName", p.config.Name, "xml:lang", "it")
	add(organization, "md:OrganizationDisplayName", p.config.Name, "xml:lang", "it")
	add(organization, "md:OrganizationURL", p.config.BaseURL, "xml:lang", "it")
	if err := sign(root, p.keys[p.signing]); err != nil {
		return nil, err
	}
	return etree.NewDocumentWithRoot(root).WriteToBytes()
}

func (p *Provider) now() time.Time { return p.config.Now().UTC() }

// addIssuer adds the provider as the issuer of a response.
func (p *Provider) addIssuer(response *etree.Element) {
	issuer := add(response, "saml:Issuer", p.EntityID())
	if p.config.Scheme == spid.SPID {
		issuer.CreateAttr("Format", formatEntity)
	}
}

// Sign adds an enveloped signature of the provider to an element: after its
// Issuer if it has one, otherwise as its first child.
func (p *Provider) Sign(el *etree.Element) error { return sign(el, p.signingKey()) }

func sign(el *etree.Element, key keyPair) error {
	context, err := dsig.NewSigningContext(key.private, [][]byte{key.certificate.Raw})
	if err != nil {
		return fmt.Errorf("signing %s: %w", el.Tag, err)
	}
	context.Canonicalizer = dsig.MakeC14N10ExclusiveCanonicalizerWithPrefixList("")
	scope, err := etreeutils.NSBuildParentContext(el)
	if err != nil {
		return fmt.Errorf("signing %s: %w", el.Tag, err)
	}
	// A copy with the namespaces of the ancestors, because the canonicalizer
	// changes its argument and does not see the ancestors.
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

// add appends an element with the text, if not empty, and the attributes, given
// as alternating names and values.
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
