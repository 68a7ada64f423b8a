package spid

import (
	"crypto/rand"
	"encoding/base64"
	"errors"
	"fmt"
	"time"

	"github.com/beevik/etree"
)

// A Request is the data of a login that must be stored until its answer arrives.
type Request struct {
	ID         string
	RelayState string
	Provider   string // entity ID
	IssuedAt   time.Time
	Level      Level
	Comparison string
	XML        []byte // the message as sent, for the archive
}

// LoginOptions are the options of one login.
type LoginOptions struct {
	// Company requests the company's attributes too. Only a professional
	// identity of a legal person has them.
	Company bool
	// Purpose is the accepted type of identity: P, PF, PG, LP or PX (Avviso
	// 18). If empty, the request is for a personal identity.
	Purpose string
	// Post sends the request by HTTP-POST even if HTTP-Redirect is available.
	Post bool
}

// A Dispatch is how the browser sends a message to a provider: it opens URL,
// or, if SAMLRequest is not empty, posts a form with these two fields to it.
type Dispatch struct {
	URL         string
	SAMLRequest string
	RelayState  string
}

// instantFormat has milliseconds, as the rules require.
const instantFormat = "2006-01-02T15:04:05.000Z"

// Login makes an authentication request to p. It returns the request, which the
// caller must store, and the dispatch for the browser: by HTTP-Redirect if p
// supports it, otherwise by HTTP-POST (SPID technical rules, "Single Sign-On",
// "AuthnRequest").
func (sp *ServiceProvider) Login(p *Provider, options LoginOptions) (Request, Dispatch, error) {
	req, dispatch, err := sp.login(p, options)
	if err != nil {
		return Request{}, Dispatch{}, fmt.Errorf("making a %s request: %w", sp.Scheme, err)
	}
	return req, dispatch, nil
}

func (sp *ServiceProvider) login(p *Provider, options LoginOptions) (Request, Dispatch, error) {
	if p == nil {
		return Request{}, Dispatch{}, errors.New("no such identity provider")
	}
	if err := errors.Join(sp.checkKey(), sp.Scheme.CheckLevel(sp.level(), sp.comparison()), sp.checkOptions(options)); err != nil {
		return Request{}, Dispatch{}, err
	}
	destination, byPost := p.RedirectURL, false
	if options.Post || destination == "" {
		destination, byPost = p.PostURL, true
	}
	if destination == "" {
		return Request{}, Dispatch{}, fmt.Errorf("%s has no service for the request", p.EntityID)
	}
	req := Request{
		// An xs:ID must not start with a digit.
		ID: "_" + rand.Text(),
		// Random: the rules do not allow the relay state to reveal the
		// requested resource.
		RelayState: rand.Text(),
		Provider:   p.EntityID,
		IssuedAt:   sp.now().Truncate(time.Millisecond),
		Level:      sp.level(),
		Comparison: sp.comparison(),
	}
	message := sp.authnRequest(req, options, destination)
	if byPost {
		return sp.post(req, message, destination)
	}
	var err error
	if req.XML, err = etree.NewDocumentWithRoot(message).WriteToBytes(); err != nil {
		return Request{}, Dispatch{}, fmt.Errorf("writing: %w", err)
	}
	query, err := sp.signedQuery("SAMLRequest", req.XML, req.RelayState)
	return req, Dispatch{URL: withQuery(destination, query)}, err
}

func (sp *ServiceProvider) checkOptions(options LoginOptions) error {
	if sp.Scheme == CIE && (options.Company || options.Purpose != "") {
		return errors.New("CIE identifies only natural persons")
	}
	return CheckPurpose(options.Purpose)
}

// authnRequest returns the message, with its elements in the order of the
// schema.
func (sp *ServiceProvider) authnRequest(req Request, options LoginOptions, destination string) *etree.Element {
	attributes := personSet
	if options.Company {
		attributes = companySet
	}
	root := etree.NewElement("samlp:AuthnRequest")
	set(root, "xmlns:samlp", nsProtocol, "xmlns:saml", nsAssertion,
		"ID", req.ID, "Version", "2.0", "IssueInstant", req.IssuedAt.Format(instantFormat),
		// Not the entity ID: SPID accepts it too, but CIE does not (Avviso 11).
		"Destination", destination,
		// Required above SpidL1, and for CIE. At SpidL1 it prevents an answer
		// for the person who logged in before in the same browser.
		"ForceAuthn", "true",
		// By index, not by URL: the rules prefer it.
		"AssertionConsumerServiceIndex", acsIndex, "AttributeConsumingServiceIndex", attributes)
	sp.addIssuer(root)
	if options.Purpose != "" {
		addPurpose(root, options.Purpose)
	}
	// Without AllowCreate, as Avviso 5 requires.
	add(root, "samlp:NameIDPolicy", "", "Format", formatTransient)
	context := add(root, "samlp:RequestedAuthnContext", "", "Comparison", req.Comparison)
	add(context, "saml:AuthnContextClassRef", req.Level.URI())
	return root
}

// addIssuer adds the Issuer that names this service provider.
func (sp *ServiceProvider) addIssuer(message *etree.Element) {
	add(message, "saml:Issuer", sp.EntityID, "Format", formatEntity, "NameQualifier", sp.EntityID)
}

// post signs the message with an enveloped signature (SPID technical rules,
// "Trasmissione dei messaggi", "Binding HTTP-POST").
func (sp *ServiceProvider) post(req Request, message *etree.Element, destination string) (Request, Dispatch, error) {
	if err := sign(message, sp.Key, sp.Certificate); err != nil {
		return Request{}, Dispatch{}, err
	}
	var err error
	if req.XML, err = etree.NewDocumentWithRoot(message).WriteToBytes(); err != nil {
		return Request{}, Dispatch{}, fmt.Errorf("writing: %w", err)
	}
	return req, Dispatch{
		URL:         destination,
		SAMLRequest: base64.StdEncoding.EncodeToString(req.XML),
		RelayState:  req.RelayState,
	}, nil
}
