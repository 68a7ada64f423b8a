package spid

import "slices"

// Namespaces.
const (
	nsProtocol  = "urn:oasis:names:tc:SAML:2.0:protocol"
	nsAssertion = "urn:oasis:names:tc:SAML:2.0:assertion"
	nsMetadata  = "urn:oasis:names:tc:SAML:2.0:metadata"
	nsSignature = "http://www.w3.org/2000/09/xmldsig#"
	nsExclusive = "http://www.w3.org/2001/10/xml-exc-c14n#"
	nsInstance  = "http://www.w3.org/2001/XMLSchema-instance"
	nsXML       = "http://www.w3.org/XML/1998/namespace"
	nsSPID      = "https://spid.gov.it/saml-extensions"
	nsInvoicing = "https://spid.gov.it/invoicing-extensions"
	nsCIE       = "https://www.cartaidentita.interno.gov.it/saml-extensions"
)

// Identifiers of SAML 2.0.
const (
	formatEntity    = "urn:oasis:names:tc:SAML:2.0:nameid-format:entity"
	formatTransient = "urn:oasis:names:tc:SAML:2.0:nameid-format:transient"
	formatBasic     = "urn:oasis:names:tc:SAML:2.0:attrname-format:basic"
	encodingDeflate = "urn:oasis:names:tc:SAML:2.0:bindings:URL-Encoding:DEFLATE"
	methodBearer    = "urn:oasis:names:tc:SAML:2.0:cm:bearer"

	statusSuccess         = "urn:oasis:names:tc:SAML:2.0:status:Success"
	statusRequester       = "urn:oasis:names:tc:SAML:2.0:status:Requester"
	statusResponder       = "urn:oasis:names:tc:SAML:2.0:status:Responder"
	statusVersionMismatch = "urn:oasis:names:tc:SAML:2.0:status:VersionMismatch"

	statusAuthnFailed        = "urn:oasis:names:tc:SAML:2.0:status:AuthnFailed"
	statusNoAuthnContext     = "urn:oasis:names:tc:SAML:2.0:status:NoAuthnContext"
	statusNoPassive          = "urn:oasis:names:tc:SAML:2.0:status:NoPassive"
	statusRequestDenied      = "urn:oasis:names:tc:SAML:2.0:status:RequestDenied"
	statusRequestUnsupported = "urn:oasis:names:tc:SAML:2.0:status:RequestUnsupported"
)

// Identifiers of XML Signature. SPID requires RSA with SHA-256 or better and
// exclusive canonical XML (SPID technical rules, "Metadata", "Single Sign-On").
const (
	algRSASHA256 = "http://www.w3.org/2001/04/xmldsig-more#rsa-sha256"
	algRSASHA384 = "http://www.w3.org/2001/04/xmldsig-more#rsa-sha384"
	algRSASHA512 = "http://www.w3.org/2001/04/xmldsig-more#rsa-sha512"

	algSHA256 = "http://www.w3.org/2001/04/xmlenc#sha256"
	algSHA384 = "http://www.w3.org/2001/04/xmldsig-more#sha384"
	algSHA512 = "http://www.w3.org/2001/04/xmlenc#sha512"

	algExclusive = "http://www.w3.org/2001/10/xml-exc-c14n#"
	algEnveloped = "http://www.w3.org/2000/09/xmldsig#enveloped-signature"
)

// Names of the attributes that a login requests (SPID technical rules,
// "Attributi").
const (
	AttributeSPIDCode     = "spidCode"
	AttributeName         = "name"
	AttributeFamilyName   = "familyName"
	AttributeFiscalNumber = "fiscalNumber"
	AttributeDateOfBirth  = "dateOfBirth"
)

// Names of the additional attributes of a company's identity. Not every
// provider sends all of them: a company is identified by its fiscal number or
// its VAT number.
const (
	AttributeCompanyName         = "companyName"
	AttributeCompanyFiscalNumber = "companyFiscalNumber" // prefixed with TINIT-
	AttributeIVACode             = "ivaCode"             // prefixed with VATIT-
	AttributeRegisteredOffice    = "registeredOffice"
)

// Attributes that a login requests: with CIE, for a person, and for a company.
// The company's list includes all the others.
var (
	cieAttributes     = []string{AttributeName, AttributeFamilyName, AttributeFiscalNumber, AttributeDateOfBirth}
	personAttributes  = append([]string{AttributeSPIDCode}, cieAttributes...)
	companyAttributes = append(slices.Clone(personAttributes),
		AttributeCompanyName, AttributeCompanyFiscalNumber, AttributeIVACode, AttributeRegisteredOffice)
)
