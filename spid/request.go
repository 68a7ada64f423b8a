package spid

import (
	"crypto/rand"
	"encoding/base64"
	"errors"
	"fmt"
	"time"

	"github.com/beevik/etree"
)

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

// instantFormat has the milliseconds that the rules ask for.
const instantFormat = "2006-01-02T15:04:05.000Z"

// Login makes a request to authenticate at p, and how the browser takes it
// there: by HTTP-Redirect if p has it (SPID technical rules, "Single Sign-On",
// "AuthnRequest").
func (sp *ServiceProvider) Login(p *Provider, ask Ask) (Request, Dispatch, error) {
	req, dispatch, err := sp.login(p, ask)
	if err != nil {
		return Request{}, Dispatch{}, fmt.Errorf("making a %s request: %w", sp.Scheme, err)
	}
	return req, dispatch, nil
}

func (sp *ServiceProvider) login(p *Provider, ask Ask) (Request, Dispatch, error) {
	if p == nil {
		return Request{}, Dispatch{}, errors.New("no such identity provider")
	}
	if err := errors.Join(sp.checkKey(), sp.Scheme.CheckLevel(sp.level(), sp.comparison()), sp.checkAsk(ask)); err != nil {
		return Request{}, Dispatch{}, err
	}
	destination, byPost := p.RedirectURL, false
	if ask.Post || destination == "" {
		destination, byPost = p.PostURL, true
	}
	if destination == "" {
		return Request{}, Dispatch{}, fmt.Errorf("%s has no service for it", p.EntityID)
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
	message := sp.authnRequest(req, ask, destination)
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

func (sp *ServiceProvider) checkAsk(ask Ask) error {
	if sp.Scheme == CIE && (ask.Company || ask.Purpose != "") {
		return errors.New("CIE identifies natural persons, and as nothing else")
	}
	return CheckPurpose(ask.Purpose)
}

// authnRequest returns the message, its elements in the order of the schema.
func (sp *ServiceProvider) authnRequest(req Request, ask Ask, destination string) *etree.Element {
	attributes := personSet
	if ask.Company {
		attributes = companySet
	}
	root := etree.NewElement("samlp:AuthnRequest")
	set(root, "xmlns:samlp", nsProtocol, "xmlns:saml", nsAssertion,
		"ID", req.ID, "Version", "2.0", "IssueInstant", req.IssuedAt.Format(instantFormat),
		// Not the entity ID, which SPID lets in too, and CIE does not (Avviso 11).
		"Destination", destination,
		// Obligatory above SpidL1, and for CIE. At SpidL1 it keeps a provider from
		// answering for whoever logged in before at that browser.
		"ForceAuthn", "true",
		// By index, not by URL: "preferred".
		"AssertionConsumerServiceIndex", acsIndex, "AttributeConsumingServiceIndex", attributes)
	sp.addIssuer(root)
	if ask.Purpose != "" {
		addPurpose(root, ask.Purpose)
	}
	// Without AllowCreate (Avviso 5).
	add(root, "samlp:NameIDPolicy", "", "Format", formatTransient)
	context := add(root, "samlp:RequestedAuthnContext", "", "Comparison", req.Comparison)
	add(context, "saml:AuthnContextClassRef", req.Level.URI())
	return root
}

// addIssuer says that a message is ours.
func (sp *ServiceProvider) addIssuer(message *etree.Element) {
	add(message, "saml:Issuer", sp.EntityID, "Format", formatEntity, "NameQualifier", sp.EntityID)
}

// post signs the message itself, after its issuer (SPID technical rules,
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
