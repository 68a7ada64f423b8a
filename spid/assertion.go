package spid

import (
	"time"

	"github.com/beevik/etree"
)

// An Assertion is what a provider vouches for, read from signed bytes.
type Assertion struct {
	ID           string
	ResponseID   string // signed only if the response is
	Issuer       string
	NameID       string // of this login only
	Level        Level
	IssuedAt     time.Time
	AuthnInstant time.Time
	NotOnOrAfter time.Time // until when the ID must not be seen again
	// Attributes by name, values without surrounding space. Those that
	// identify a person, name, familyName and fiscalNumber, are there and are
	// not empty.
	Attributes map[string]string
	// CertificateExpired is when the certificate did by which the assertion is
	// signed, or zero if it is in force. The provider's metadata list it, so the
	// assertion is good; but the provider should be told.
	CertificateExpired time.Time
}

// assertion reads a verified assertion and checks every rule on it (SPID
// technical rules, "Single Sign-On", "Assertion").
func (v verification) assertion(el *etree.Element) (*Assertion, error) {
	a := &Assertion{}
	a.ID, _ = attr(el, "ID")
	if version, _ := attr(el, "Version"); version != "2.0" {
		return nil, reject(ReasonAssertionVersion, "Version of the assertion is not 2.0")
	}
	var err error
	if a.IssuedAt, err = v.issued(el, ReasonAssertionIssueInstant); err != nil {
		return nil, err
	}
	issuer, err := v.issuer(el, ReasonAssertionIssuer)
	if err != nil {
		return nil, err
	}
	// CIE may leave it out (italia/cie-eid-saml-docs, "Risposta di autenticazione
	// SAML").
	if format, ok := attr(issuer, "Format"); format != formatEntity && (ok || v.sp.Scheme != CIE) {
		return nil, reject(ReasonAssertionIssuerFormat, "Format of the assertion's issuer is not entity")
	}
	a.Issuer = text(issuer)
	for _, read := range []func(*Assertion, *etree.Element) error{
		v.subject, v.conditions, v.authnStatement, v.attributes,
	} {
		if err := read(a, el); err != nil {
			return nil, err
		}
	}
	return a, nil
}

func (v verification) subject(a *Assertion, el *etree.Element) error {
	subject, err := only(el, "saml:Subject", ReasonSubject)
	if err != nil {
		return err
	}
	name, err := only(subject, "saml:NameID", ReasonNameID)
	if err != nil {
		return err
	}
	if a.NameID = text(name); a.NameID == "" {
		return reject(ReasonNameID, "NameID is empty")
	}
	if format, _ := attr(name, "Format"); format != formatTransient {
		return reject(ReasonNameIDFormat, "Format of NameID is not transient")
	}
	if qualifier, _ := attr(name, "NameQualifier"); qualifier == "" {
		return reject(ReasonNameIDQualifier, "NameID has no NameQualifier")
	}
	confirmation, err := only(subject, "saml:SubjectConfirmation", ReasonConfirmation)
	if err != nil {
		return err
	}
	if method, _ := attr(confirmation, "Method"); method != methodBearer {
		return reject(ReasonConfirmationMethod, "Method of SubjectConfirmation is not bearer")
	}
	data, err := only(confirmation, "saml:SubjectConfirmationData", ReasonConfirmationData)
	if err != nil {
		return err
	}
	if recipient, _ := attr(data, "Recipient"); recipient != v.sp.ACSURL {
		return reject(ReasonConfirmationRecipient, "Recipient is not our assertion consumer service")
	}
	if id, _ := attr(data, "InResponseTo"); id == "" || id != v.request.ID {
		return reject(ReasonConfirmationInResponseTo, "InResponseTo of the confirmation is not the request's ID")
	}
	// A bearer assertion has no NotBefore here (SAML 2.0 Profiles, 4.1.4.2).
	if _, ok := attr(data, "NotBefore"); ok {
		return reject(ReasonConfirmationNotBefore, "SubjectConfirmationData has NotBefore")
	}
	_, err = v.unexpired(data, ReasonConfirmationNotOnOrAfter)
	return err
}

func (v verification) conditions(a *Assertion, el *etree.Element) error {
	conditions, err := only(el, "saml:Conditions", ReasonConditions)
	if err != nil {
		return err
	}
	notBefore, err := instant(conditions, "NotBefore", ReasonConditionsNotBefore)
	if err != nil {
		return err
	}
	if err := v.begun(notBefore, conditions, "NotBefore", ReasonConditionsNotBefore); err != nil {
		return err
	}
	if a.NotOnOrAfter, err = v.unexpired(conditions, ReasonConditionsNotOnOrAfter); err != nil {
		return err
	}
	restrictions := children(conditions, "saml:AudienceRestriction")
	if len(restrictions) == 0 {
		return reject(ReasonAudienceRestriction, "the assertion is for any audience")
	}
	// All restrictions hold at once, each by any of its audiences (SAML 2.0
	// Core, 2.5.1.4).
	for _, restriction := range restrictions {
		ours := false
		for _, audience := range children(restriction, "saml:Audience") {
			ours = ours || text(audience) == v.sp.EntityID
		}
		if !ours {
			return reject(ReasonAudience, "the assertion is for another audience")
		}
	}
	return nil
}

// authnStatement does not look at SessionIndex. By the rules a login of level 2
// or 3 opens no session, but official testers send one, and it binds us to
// nothing.
func (v verification) authnStatement(a *Assertion, el *etree.Element) error {
	statement, err := only(el, "saml:AuthnStatement", ReasonAuthnStatement)
	if err != nil {
		return err
	}
	if a.AuthnInstant, err = instant(statement, "AuthnInstant", ReasonAuthnInstant); err != nil {
		return err
	}
	if err := v.begun(a.AuthnInstant, statement, "AuthnInstant", ReasonAuthnInstant); err != nil {
		return err
	}
	context, err := only(statement, "saml:AuthnContext", ReasonAuthnContext)
	if err != nil {
		return err
	}
	class, err := only(context, "saml:AuthnContextClassRef", ReasonAuthnContextClass)
	if err != nil {
		return err
	}
	level, ok := parseLevel(text(class))
	if !ok {
		return reject(ReasonAuthnContextClass, "AuthnContextClassRef is none of SPID")
	}
	if !level.satisfies(v.request.Level, v.request.Comparison) {
		return reject(ReasonLevel, "%s does not satisfy %s %s", level, v.request.Comparison, v.request.Level)
	}
	a.Level = level
	return nil
}

func (v verification) attributes(a *Assertion, el *etree.Element) error {
	statement, err := only(el, "saml:AttributeStatement", ReasonAttributeStatement)
	if err != nil {
		return err
	}
	attributes := children(statement, "saml:Attribute")
	if len(attributes) == 0 {
		return reject(ReasonAttributeStatement, "AttributeStatement has no attributes")
	}
	a.Attributes = make(map[string]string, len(attributes))
	for _, attribute := range attributes {
		name, _ := attr(attribute, "Name")
		if _, taken := a.Attributes[name]; name == "" || taken {
			return reject(ReasonAttributeName, "an attribute's name is empty or there twice")
		}
		value, err := only(attribute, "saml:AttributeValue", ReasonAttributeValue)
		if err != nil {
			return err
		}
		a.Attributes[name] = text(value)
	}
	for _, name := range []string{AttributeName, AttributeFamilyName, AttributeFiscalNumber} {
		if a.Attributes[name] == "" {
			return reject(ReasonAttributeMissing, "%s is missing or empty", name)
		}
	}
	return nil
}
