package spid

// A Scheme is one of the two national identity schemes that use this SAML
// profile. They differ in their metadata, in the attributes that they assert,
// and in some rules.
type Scheme int

// SPID is the zero Scheme. CIE is the electronic identity card. Its only
// identity provider is run by the Ministry of the Interior
// (italia/cie-eid-saml-docs).
const (
	SPID Scheme = iota
	CIE
)

// String returns SPID or CIE.
func (s Scheme) String() string {
	if s == CIE {
		return "CIE"
	}
	return "SPID"
}
