package spid

import (
	"fmt"
	"slices"
)

// Level is the strength of an authentication (SPID technical rules,
// "Single Sign-On": AuthnContextClassRef).
type Level int

// The levels of SPID: a password, a second factor, a certificate.
const (
	SpidL1 Level = 1 + iota
	SpidL2
	SpidL3
)

const levelPrefix = "https://www.spid.gov.it/SpidL"

// String returns the name of the level, such as SpidL2.
func (l Level) String() string { return fmt.Sprintf("SpidL%d", int(l)) }

// URI returns the URI of the level for AuthnContextClassRef.
func (l Level) URI() string { return fmt.Sprintf("%s%d", levelPrefix, int(l)) }

// LevelNamed parses the name of a level, such as SpidL2. It is the inverse of
// [Level.String].
func LevelNamed(name string) (Level, error) {
	for l := SpidL1; l <= SpidL3; l++ {
		if name == l.String() {
			return l, nil
		}
	}
	return 0, fmt.Errorf("spid: no level %q", name)
}

func parseLevel(uri string) (Level, bool) {
	for l := SpidL1; l <= SpidL3; l++ {
		if uri == l.URI() {
			return l, true
		}
	}
	return 0, false
}

// satisfies reports whether an authentication at level l is accepted for a
// request for the level asked. A level higher than the requested one is always
// accepted, for every comparison (SPID technical rules, "AuthnRequest", N.B. on
// RequestedAuthnContext).
func (l Level) satisfies(asked Level, comparison string) bool {
	switch {
	case l > asked:
		return true
	case l == asked:
		return comparison != "better"
	default:
		return comparison == "maximum"
	}
}

// CheckLevel returns an error if a request cannot combine this level with this
// comparison: exact, minimum, better or maximum (SPID technical rules,
// "AuthnRequest"). CIE supports only exact and minimum, and exact only with
// SpidL3 (italia/cie-eid-saml-docs, "Protocolli di comunicazione").
func (s Scheme) CheckLevel(l Level, comparison string) error {
	comparisons := []string{"exact", "minimum", "better", "maximum"}
	if s == CIE {
		comparisons = comparisons[:2]
	}
	switch {
	case l < SpidL1 || l > SpidL3:
		return fmt.Errorf("%s is not a level", l)
	case !slices.Contains(comparisons, comparison):
		return fmt.Errorf("%q is not a comparison of %s, which has %q", comparison, s, comparisons)
	case comparison == "better" && l == SpidL3:
		return fmt.Errorf("no level is better than %s", l)
	case s == CIE && comparison == "exact" && l != SpidL3:
		return fmt.Errorf("CIE accepts %s only with the comparison minimum", l)
	}
	return nil
}
