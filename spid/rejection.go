package spid

import "fmt"

// A Rejection is the error for a message that breaks a rule. It never contains
// a value from the message, so it can be logged.
type Rejection struct {
	Reason Reason
	Detail string // description of the error, for the operator
}

func (r *Rejection) Error() string {
	return fmt.Sprintf("spid: rejected (%s): %s", r.Reason, r.Detail)
}

func reject(reason Reason, format string, args ...any) *Rejection {
	return &Rejection{reason, fmt.Sprintf(format, args...)}
}

// A Reason is the stable name of the rule that a message breaks.
type Reason string

// The document.
const (
	ReasonTooLarge      Reason = "too-large"       // bytes, elements, attributes or depth
	ReasonNotBase64     Reason = "not-base64"      // the form field
	ReasonNotWellFormed Reason = "not-well-formed" // or ambiguous to different parsers
	ReasonDoctype       Reason = "doctype"         // or a processing instruction
	ReasonNotAResponse  Reason = "not-a-response"  // the root is something else
)

// The structure.
const (
	ReasonResponseID         Reason = "response-id"
	ReasonAssertionID        Reason = "assertion-id"
	ReasonDuplicateID        Reason = "duplicate-id"
	ReasonUnexpectedElement  Reason = "unexpected-element"
	ReasonUnexpectedText     Reason = "unexpected-text"
	ReasonUnexpectedAttr     Reason = "unexpected-attribute"
	ReasonAssertionMissing   Reason = "assertion-missing"
	ReasonAssertionMisplaced Reason = "assertion-misplaced" // or more than one
	ReasonAssertionEncrypted Reason = "assertion-encrypted"
)

// The signatures.
const (
	ReasonAssertionNotSigned  Reason = "assertion-not-signed"
	ReasonSignaturePlacement  Reason = "signature-placement"
	ReasonSignatureStructure  Reason = "signature-structure"
	ReasonSignatureAlgorithm  Reason = "signature-algorithm"
	ReasonSignatureTransforms Reason = "signature-transforms"
	ReasonSignatureReference  Reason = "signature-reference"
	ReasonSignatureInvalid    Reason = "signature-invalid"
)

// The envelope.
const (
	ReasonRelayState      Reason = "relay-state"
	ReasonVersion         Reason = "version"
	ReasonIssueInstant    Reason = "issue-instant"
	ReasonInResponseTo    Reason = "in-response-to"
	ReasonDestination     Reason = "destination"
	ReasonIssuer          Reason = "issuer"
	ReasonIssuerFormat    Reason = "issuer-format"
	ReasonStatus          Reason = "status"
	ReasonStatusAssertion Reason = "status-assertion" // a failure with an assertion
)

// The assertion.
const (
	ReasonAssertionVersion         Reason = "assertion-version"
	ReasonAssertionIssueInstant    Reason = "assertion-issue-instant"
	ReasonAssertionIssuer          Reason = "assertion-issuer"
	ReasonAssertionIssuerFormat    Reason = "assertion-issuer-format"
	ReasonSubject                  Reason = "subject"
	ReasonNameID                   Reason = "nameid"
	ReasonNameIDFormat             Reason = "nameid-format"
	ReasonNameIDQualifier          Reason = "nameid-qualifier"
	ReasonConfirmation             Reason = "subject-confirmation"
	ReasonConfirmationMethod       Reason = "subject-confirmation-method"
	ReasonConfirmationData         Reason = "subject-confirmation-data"
	ReasonConfirmationRecipient    Reason = "subject-confirmation-recipient"
	ReasonConfirmationInResponseTo Reason = "subject-confirmation-in-response-to"
	ReasonConfirmationNotOnOrAfter Reason = "subject-confirmation-not-on-or-after"
	ReasonConfirmationNotBefore    Reason = "subject-confirmation-not-before"
	ReasonConditions               Reason = "conditions"
	ReasonConditionsNotBefore      Reason = "conditions-not-before"
	ReasonConditionsNotOnOrAfter   Reason = "conditions-not-on-or-after"
	ReasonAudienceRestriction      Reason = "audience-restriction"
	ReasonAudience                 Reason = "audience"
	ReasonAuthnStatement           Reason = "authn-statement"
	ReasonAuthnInstant             Reason = "authn-instant"
	ReasonAuthnContext             Reason = "authn-context"
	ReasonAuthnContextClass        Reason = "authn-context-class"
	ReasonLevel                    Reason = "level"
	ReasonAttributeStatement       Reason = "attribute-statement"
	ReasonAttributeName            Reason = "attribute-name"
	ReasonAttributeValue           Reason = "attribute-value"
	ReasonAttributeMissing         Reason = "attribute-missing"
	ReasonLegalPerson              Reason = "legal-person" // a company's identity without a person
)

// A logout request. It can break some of the rules above too.
const (
	ReasonQuery             Reason = "query" // a parameter is repeated, or cannot be decoded
	ReasonNotALogoutRequest Reason = "not-a-logout-request"
	ReasonRequestID         Reason = "request-id"
	ReasonNotOnOrAfter      Reason = "not-on-or-after"
	ReasonLogoutService     Reason = "logout-service" // the provider has none to answer to
)
