package spidtest

import (
	"crypto/rand"
	"encoding/base64"
	"fmt"
	"time"

	"github.com/beevik/etree"

	"stella/spid"
)

const (
	nsProtocol  = "urn:oasis:names:tc:SAML:2.0:protocol"
	nsAssertion = "urn:oasis:names:tc:SAML:2.0:assertion"

	formatEntity    = "urn:oasis:names:tc:SAML:2.0:nameid-format:entity"
	formatTransient = "urn:oasis:names:tc:SAML:2.0:nameid-format:transient"
	formatBasic     = "urn:oasis:names:tc:SAML:2.0:attrname-format:basic"

	statusPrefix = "urn:oasis:names:tc:SAML:2.0:status:"
)

// validity is how long an assertion is valid.
const validity = 5 * time.Minute

// An Edit changes a response while it is made. Its function receives the
// Response element, which uses the prefixes samlp, saml and ds.
type Edit struct {
	when stage
	do   func(response *etree.Element)
}

type stage int

const (
	beforeSigning stage = iota
	betweenSignatures
	afterSigning
)

// BeforeSigning returns an edit that is applied before anything is signed.
func BeforeSigning(do func(response *etree.Element)) Edit { return Edit{beforeSigning, do} }

// BetweenSignatures returns an edit that is applied after the assertion is
// signed and before the response is signed.
func BetweenSignatures(do func(response *etree.Element)) Edit { return Edit{betweenSignatures, do} }

// AfterSigning returns an edit of the finished response.
func AfterSigning(do func(response *etree.Element)) Edit { return Edit{afterSigning, do} }

// Answer returns the form field SAMLResponse for a successful login of person.
// It does not check the request.
func (p *Provider) Answer(req spid.Request, person Person, edits ...Edit) (string, error) {
	parsed, err := p.read(req.XML)
	if err != nil {
		return "", fmt.Errorf("answering a SPID request: %w", err)
	}
	return p.finish(p.success(parsed, person), edits)
}

// Fail returns the form field SAMLResponse for a failed login with a code such
// as nr25. It does not check the request.
func (p *Provider) Fail(req spid.Request, code string, edits ...Edit) (string, error) {
	parsed, err := p.read(req.XML)
	if err != nil {
		return "", fmt.Errorf("answering a SPID request: %w", err)
	}
	return p.finish(p.failure(parsed, loginFailed(code)), edits)
}

// finish signs the assertion and then the response, and encodes it.
func (p *Provider) finish(response *etree.Element, edits []Edit) (string, error) {
	doc := etree.NewDocumentWithRoot(response)
	apply := func(when stage) {
		for _, edit := range edits {
			if edit.when == when {
				edit.do(response)
			}
		}
	}
	apply(beforeSigning)
	if assertion := response.SelectElement("saml:Assertion"); assertion != nil {
		if err := p.Sign(assertion); err != nil {
			return "", err
		}
	}
	apply(betweenSignatures)
	if err := p.Sign(response); err != nil {
		return "", err
	}
	apply(afterSigning)
	raw, err := doc.WriteToBytes()
	if err != nil {
		return "", fmt.Errorf("writing a SAML response: %w", err)
	}
	return base64.StdEncoding.EncodeToString(raw), nil
}

func (p *Provider) envelope(req *request) *etree.Element {
	response := etree.NewElement("samlp:Response")
	response.CreateAttr("xmlns:samlp", nsProtocol)
	response.CreateAttr("xmlns:saml", nsAssertion)
	response.CreateAttr("ID", newID())
	response.CreateAttr("Version", "2.0")
	response.CreateAttr("IssueInstant", instant(p.now()))
	response.CreateAttr("Destination", req.acsURL)
	response.CreateAttr("InResponseTo", req.id)
	p.addIssuer(response)
	return response
}

func (p *Provider) failure(req *request, f *fault) *etree.Element {
	response := p.envelope(req)
	status := add(response, "samlp:Status", "")
	code := add(status, "samlp:StatusCode", "", "Value", statusPrefix+f.status)
	if f.detail != "" {
		add(code, "samlp:StatusCode", "", "Value", statusPrefix+f.detail)
	}
	add(status, "samlp:StatusMessage", "ErrorCode "+f.code)
	return response
}

func (p *Provider) success(req *request, person Person) *etree.Element {
	now := p.now()
	response := p.envelope(req)
	add(add(response, "samlp:Status", ""), "samlp:StatusCode", "", "Value", statusPrefix+"Success")

	assertion := add(response, "saml:Assertion", "",
		"xmlns:xs", "http://www.w3.org/2001/XMLSchema", "xmlns:xsi", "http://www.w3.org/2001/XMLSchema-instance",
		"ID", newID(), "Version", "2.0", "IssueInstant", instant(now))
	add(assertion, "saml:Issuer", p.EntityID(), "Format", formatEntity)

	subject := add(assertion, "saml:Subject", "")
	add(subject, "saml:NameID", newID(), "Format", formatTransient, "NameQualifier", p.EntityID())
	confirmation := add(subject, "saml:SubjectConfirmation", "", "Method", "urn:oasis:names:tc:SAML:2.0:cm:bearer")
	add(confirmation, "saml:SubjectConfirmationData", "",
		"Recipient", req.acsURL, "InResponseTo", req.id, "NotOnOrAfter", instant(now.Add(validity)))

	conditions := add(assertion, "saml:Conditions", "",
		"NotBefore", instant(now), "NotOnOrAfter", instant(now.Add(validity)))
	add(add(conditions, "saml:AudienceRestriction", ""), "saml:Audience", req.issuer)

	// No SessionIndex, because a login of level 2 or 3 opens no session.
	statement := add(assertion, "saml:AuthnStatement", "", "AuthnInstant", instant(now))
	add(add(statement, "saml:AuthnContext", ""), "saml:AuthnContextClassRef", req.level)

	attributes := add(assertion, "saml:AttributeStatement", "")
	for _, name := range req.attributes {
		_, value := person.attribute(name)
		if value == "" {
			continue
		}
		kind := "xs:string"
		if name == "dateOfBirth" {
			kind = "xs:date"
		}
		attribute := add(attributes, "saml:Attribute", "", "Name", name, "NameFormat", formatBasic)
		add(attribute, "saml:AttributeValue", value, "xsi:type", kind)
	}
	return response
}

func newID() string { return "_" + rand.Text() }

// instant formats a time in whole seconds, like many identity providers.
func instant(t time.Time) string { return t.Format("2006-01-02T15:04:05Z") }
