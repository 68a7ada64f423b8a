package spid

// A Scheme is one of the two national identities that speak this dialect of
// SAML. They differ in their metadata, in what they attest, and in what they
// are strict about.
type Scheme int

// SPID is the zero Scheme. CIE is the electronic identity card, whose identity
// provider is the Ministry of the Interior's (italia/cie-eid-saml-docs).
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
