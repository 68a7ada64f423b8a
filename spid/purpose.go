package spid

import (
	"fmt"
	"slices"

	"github.com/beevik/etree"
)

// purposes are the types of identity one may ask for: P is one for professional
// use, PF such a one of a natural person and PG of a legal person, LP one of
// the legal person itself or PG, and PX any of these (Avviso 18).
var purposes = []string{"P", "PF", "PG", "LP", "PX"}

// CheckPurpose checks a value of [Ask.Purpose]. The empty one is good.
func CheckPurpose(purpose string) error {
	if purpose != "" && !slices.Contains(purposes, purpose) {
		return fmt.Errorf("%q is no purpose: SPID has %q", purpose, purposes)
	}
	return nil
}

// addPurpose puts the extension of Avviso 18 into a request.
func addPurpose(request *etree.Element, purpose string) {
	add(add(request, "samlp:Extensions", ""), "spid:Purpose", purpose, "xmlns:spid", nsSPID)
}
