package spid

import (
	"fmt"
	"slices"

	"github.com/beevik/etree"
)

// purposes are the types of identity that a login can request: P is a
// professional identity, PF a professional identity of a natural person, PG a
// professional identity of a legal person, LP an identity of the legal person
// itself or PG, and PX any of these (Avviso 18).
var purposes = []string{"P", "PF", "PG", "LP", "PX"}

// CheckPurpose returns an error if purpose is not a valid value of
// [LoginOptions.Purpose]. The empty string is valid.
func CheckPurpose(purpose string) error {
	if purpose != "" && !slices.Contains(purposes, purpose) {
		return fmt.Errorf("%q is not a purpose: SPID has %q", purpose, purposes)
	}
	return nil
}

// addPurpose adds the extension of Avviso 18 to a request.
func addPurpose(request *etree.Element, purpose string) {
	add(add(request, "samlp:Extensions", ""), "spid:Purpose", purpose, "xmlns:spid", nsSPID)
}
