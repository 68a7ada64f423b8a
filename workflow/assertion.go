package workflow

import (
	"errors"
	"fmt"
	"strings"
	"time"

	"stella/workflow/fiscal"
)

// Assertion is the identity that an identity provider asserts.
type Assertion struct {
	AssertionID     string    `json:"id"`
	Provider        string    `json:"provider"`
	ProviderName    string    `json:"provider_name"`
	Level           string    `json:"level"` // reached, which may be higher than requested
	Name            string    `json:"name"`
	FamilyName      string    `json:"family_name"`
	FiscalNumber    string    `json:"fiscal_number"` // a valid fiscal.Person in a stored assertion
	DateOfBirth     string    `json:"date_of_birth,omitempty"`
	PersonCode      string    `json:"person_code,omitempty"` // the provider's own ID of the person, SPID's spidCode; CIE has none
	AuthenticatedAt time.Time `json:"authenticated_at"`

	// The company of a professional identity, as the provider asserts it. It proves
	// that the person belongs to the company, but not that they may represent it. No
	// decision depends on it (AgID, determination 318/2019, article 1).
	CompanyName         string `json:"company_name,omitempty"`
	CompanyFiscalNumber string `json:"company_fiscal_number,omitempty"`
	CompanyVATNumber    string `json:"company_vat_number,omitempty"`
}

// ErrNoPerson is returned for an assertion whose fiscal number is not a valid codice
// fiscale. Such a person cannot be compared with a record.
var ErrNoPerson = errors.New("the fiscal number is not a person's")

// normalized returns the assertion with its codes as they are stored in records: in
// capitals, without blanks and without the prefixes TINIT- and VATIT- of SPID. The
// codes of the company are not validated, because no decision depends on them.
func (a Assertion) normalized() (Assertion, error) {
	person, err := fiscal.ParsePerson(a.FiscalNumber)
	if err != nil {
		return a, fmt.Errorf("%w: %w", ErrNoPerson, err)
	}
	a.FiscalNumber = string(person)
	a.CompanyFiscalNumber = strings.TrimPrefix(fiscal.Clean(a.CompanyFiscalNumber), "TINIT-")
	a.CompanyVATNumber = strings.TrimPrefix(fiscal.Clean(a.CompanyVATNumber), "VATIT-")
	return a, nil
}

// FullName returns first name and family name.
func (a Assertion) FullName() string { return a.Name + " " + a.FamilyName }
