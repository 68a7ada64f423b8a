package spid

import (
	"time"

	"github.com/beevik/etree"
)

// An Assertion is the verified content of a provider's assertion. All fields
// are read from signed bytes, except ResponseID.
type Assertion struct {
	ID           string
	ResponseID   string // signed only if the response is
	Issuer       string
	NameID       string // valid for this login only
	Level        Level
	IssuedAt     time.Time
	AuthnInstant time.Time
	NotOnOrAfter time.Time // the ID must not be accepted again before this time
	// Attributes maps names to values without surrounding space. It always
	// contains name, familyName and fiscalNumber, which identify a person, and
	// they are not empty.
	Attributes map[string]string
	// CertificateExpired is the time at which the certificate that signed the
	// assertion expired, or zero if it is valid. The assertion is accepted
	// anyway, because the provider's metadata list the certificate, but the
	// provider should be informed.
	CertificateExpired time.Time
}

// assertion reads a verified assertion and checks all rules for it (SPID
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
	// CIE may omit the format (italia/cie-eid-saml-docs, "Risposta di
	// autenticazione SAML").
	if format, ok := attr(issuer, "Format"); format != formatEntity && (ok || v.sp.Scheme != CIE) {
		return nil, reject(ReasonAssertionIssuerFormat, "Format of the assertion's issuer is not entity")
	}
	a.Issuer = text(issuer)
	for _, read := range []func(*Assertion, *etree.Element) error{
		v.subject, v.conditions, v.authnStatements, v.attributes,
	} {
		if err := read(a, el); err != nil {
			return nil, err
		}
	}
	return a, nil
}

func (v verification) subject(a *Assertion, el *etree.Element) error {
	subject, err := onlyChild(el, "saml:Subject", ReasonSubject)
	if err != nil {
		return err
	}
	name, err := onlyChild(subject, "saml:NameID", ReasonNameID)
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
	confirmation, err := onlyChild(subject, "saml:SubjectConfirmation", ReasonConfirmation)
	if err != nil {
		return err
	}
	if method, _ := attr(confirmation, "Method"); method != methodBearer {
		return reject(ReasonConfirmationMethod, "Method of SubjectConfirmation is not bearer")
	}
	data, err := onlyChild(confirmation, "saml:SubjectConfirmationData", ReasonConfirmationData)
	if err != nil {
		return err
	}
	if recipient, _ := attr(data, "Recipient"); recipient != v.sp.ACSURL {
		return reject(ReasonConfirmationRecipient, "Recipient is not our assertion consumer service")
	}
	if id, _ := attr(data, "InResponseTo"); id == "" || id != v.request.ID {
		return reject(ReasonConfirmationInResponseTo, "InResponseTo of the confirmation is not the request's ID")
	}
	// SAML 2.0 Profiles, 4.1.4.2, forbids NotBefore in a bearer confirmation.
	if _, ok := attr(data, "NotBefore"); ok {
		return reject(ReasonConfirmationNotBefore, "SubjectConfirmationData has NotBefore")
	}
	_, err = v.unexpired(data, ReasonConfirmationNotOnOrAfter)
	return err
}

func (v verification) conditions(a *Assertion, el *etree.Element) error {
	conditions, err := onlyChild(el, "saml:Conditions", ReasonConditions)
	if err != nil {
		return err
	}
	notBefore, err := instant(conditions, "NotBefore", ReasonConditionsNotBefore)
	if err != nil {
		return err
	}
	if err := v.notInFuture(notBefore, conditions, "NotBefore", ReasonConditionsNotBefore); err != nil {
		return err
	}
	if a.NotOnOrAfter, err = v.unexpired(conditions, ReasonConditionsNotOnOrAfter); err != nil {
		return err
	}
	restrictions := children(conditions, "saml:AudienceRestriction")
	if len(restrictions) == 0 {
		return reject(ReasonAudienceRestriction, "the assertion has no audience restriction")
	}
	// Every restriction must be met, each by any one of its audiences (SAML 2.0
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

// authnStatements reads how and when the person authenticated. There may be
// more than one statement (SPID technical rules, "Assertion": at least one).
// Each must follow the rules, because a provider that reports two different
// logins must not get the benefit of the better one. The assertion gets the
// lowest level and the earliest instant of all statements.
//
// SessionIndex is not read. By the rules, a login of level 2 or 3 opens no
// session, but official testers send one, and it has no effect.
func (v verification) authnStatements(a *Assertion, el *etree.Element) error {
	statements := children(el, "saml:AuthnStatement")
	if len(statements) == 0 {
		return reject(ReasonAuthnStatement, "the assertion has no AuthnStatement")
	}
	for i, statement := range statements {
		at, level, err := v.authnStatement(statement)
		if err != nil {
			return err
		}
		if i == 0 || level < a.Level {
			a.Level = level
		}
		if i == 0 || at.Before(a.AuthnInstant) {
			a.AuthnInstant = at
		}
	}
	return nil
}

func (v verification) authnStatement(statement *etree.Element) (time.Time, Level, error) {
	at, err := instant(statement, "AuthnInstant", ReasonAuthnInstant)
	if err != nil {
		return at, 0, err
	}
	if err := v.notInFuture(at, statement, "AuthnInstant", ReasonAuthnInstant); err != nil {
		return at, 0, err
	}
	if at.Before(v.asked().Add(-authnTolerance)) {
		return at, 0, reject(ReasonAuthnInstant, "the person authenticated before the request, which asks for a new authentication")
	}
	context, err := onlyChild(statement, "saml:AuthnContext", ReasonAuthnContext)
	if err != nil {
		return at, 0, err
	}
	class, err := onlyChild(context, "saml:AuthnContextClassRef", ReasonAuthnContextClass)
	if err != nil {
		return at, 0, err
	}
	level, ok := parseLevel(text(class))
	if !ok {
		return at, 0, reject(ReasonAuthnContextClass, "AuthnContextClassRef is not a level of SPID")
	}
	if !level.satisfies(v.request.Level, v.request.Comparison) {
		return at, 0, reject(ReasonLevel, "%s does not satisfy %s %s", level, v.request.Comparison, v.request.Level)
	}
	return at, level, nil
}

// attributes reads the attributes of all statements. An attribute that a login
// can request must not have two values: choosing one would be a guess, so the
// answer is refused. Other attributes with more than one value are ignored.
func (v verification) attributes(a *Assertion, el *etree.Element) error {
	values, err := attributeValues(el)
	if err != nil {
		return err
	}
	for _, name := range companyAttributes {
		if n := len(values[name]); n > 1 {
			return reject(ReasonAttributeValue, "%s has %d values", name, n)
		}
	}
	a.Attributes = make(map[string]string, len(values))
	for name, all := range values {
		if len(all) == 1 {
			a.Attributes[name] = all[0]
		}
	}
	if has := a.Attributes; has[AttributeName]+has[AttributeFamilyName] == "" &&
		has[AttributeCompanyName]+has[AttributeCompanyFiscalNumber]+has[AttributeIVACode] != "" {
		return reject(ReasonLegalPerson, "the identity is of a legal person and names no natural person")
	}
	for _, name := range []string{AttributeName, AttributeFamilyName, AttributeFiscalNumber} {
		if a.Attributes[name] == "" {
			return reject(ReasonAttributeMissing, "%s is missing or empty", name)
		}
	}
	return nil
}

// attributeValues returns the values of each attribute of an assertion, by
// name, from all its statements.
func attributeValues(el *etree.Element) (map[string][]string, error) {
	statements := children(el, "saml:AttributeStatement")
	if len(statements) == 0 {
		return nil, reject(ReasonAttributeStatement, "the assertion has no AttributeStatement")
	}
	values := map[string][]string{}
	for _, statement := range statements {
		attributes := children(statement, "saml:Attribute")
		if len(attributes) == 0 {
			return nil, reject(ReasonAttributeStatement, "AttributeStatement has no attributes")
		}
		for _, attribute := range attributes {
			name, _ := attr(attribute, "Name")
			if name == "" {
				return nil, reject(ReasonAttributeName, "an attribute has no name")
			}
			found := children(attribute, "saml:AttributeValue")
			if len(found) == 0 {
				return nil, reject(ReasonAttributeValue, "an attribute has no value")
			}
			for _, value := range found {
				values[name] = append(values[name], text(value))
			}
		}
	}
	return values, nil
}
