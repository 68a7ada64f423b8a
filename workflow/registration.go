package workflow

import (
	"errors"
	"fmt"
	"strings"
	"unicode"
	"unicode/utf8"

	"golang.org/x/text/unicode/norm"

	"stella/workflow/contact"
	"stella/workflow/fiscal"
)

// Registration is a provider's record for a mailbox.
type Registration struct {
	Address string
	Record  Record // its Status is the status of the mailbox
}

// RecordError lists everything that is wrong with a registration. Nothing was changed.
type RecordError struct{ Faults []RecordFault }

// RecordFault is an error in one field.
type RecordFault struct {
	// Field is its name in the API and in files: "address", "kind", "name",
	// "fiscal_code", "vat_number", "representatives", "email" or "status".
	Field  string
	Reason string // a sentence that does not contain the value
}

func (e *RecordError) Error() string {
	all := make([]string, len(e.Faults))
	for i, f := range e.Faults {
		all[i] = f.Field + ": " + f.Reason
	}
	return strings.Join(all, "; ")
}

func (e *RecordError) add(field, reason string) {
	e.Faults = append(e.Faults, RecordFault{field, reason})
}

// The maximum size of a record.
const (
	maxName            = 500 // characters
	maxRepresentatives = 500
)

// ValidRegistration is a valid registration, with addresses, codes and names in their stored
// form.
type ValidRegistration struct{ r Registration }

// Registration returns the registration in its stored form.
func (c ValidRegistration) Registration() Registration { return c.r }

// Address returns the address of the mailbox.
func (c ValidRegistration) Address() string { return c.r.Address }

// Check validates and normalizes a registration. It returns a RecordError for values
// that could never match.
func (r Registration) Check() (ValidRegistration, error) {
	e := &RecordError{}
	var err error
	if r.Address, err = contact.ParseMailbox(r.Address); err != nil {
		e.add("address", contact.ErrAddress.Error())
	}
	r.Record.check(e)
	if len(e.Faults) > 0 {
		return ValidRegistration{}, e
	}
	return ValidRegistration{r}, nil
}

func (r *Record) check(e *RecordError) {
	var err error
	switch r.Status {
	case Active, MailboxExpired, Cancelled, MailboxRevoked:
	default:
		e.add("status", "want active, expired, cancelled or revoked")
	}
	if r.Name, err = parseName(r.Name); err != nil {
		e.add("name", err.Error())
	}
	if r.Email != "" {
		if r.Email, err = contact.ParseAddress(r.Email); err != nil {
			e.add("email", contact.ErrAddress.Error())
		}
	}
	switch r.Kind {
	case KindUnknown:
		if r.FiscalCode != "" || r.VATNumber != "" || len(r.Representatives) > 0 {
			e.add("kind", "there are a code or representatives, but no kind")
		}
	case KindPerson:
		r.checkPerson(e)
	case KindCompany:
		r.checkCompany(e)
	default:
		e.add("kind", "want person, company or nothing")
	}
}

func (r *Record) checkPerson(e *RecordError) {
	if r.VATNumber != "" {
		e.add("vat_number", "a person has none")
	}
	if len(r.Representatives) > 0 {
		e.add("representatives", "a person has none")
	}
	if r.FiscalCode != "" {
		code, err := fiscal.ParsePerson(r.FiscalCode)
		if err != nil {
			e.add("fiscal_code", err.Error())
		}
		r.FiscalCode = string(code)
	}
}

func (r *Record) checkCompany(e *RecordError) {
	if r.FiscalCode != "" {
		code, err := fiscal.ParseCompany(r.FiscalCode)
		if err != nil {
			e.add("fiscal_code", err.Error())
		}
		r.FiscalCode = string(code)
	}
	if r.VATNumber != "" {
		vat, err := fiscal.ParseCompany(r.VATNumber)
		if _, person := vat.Person(); err == nil && person {
			err = errors.New("that is a person's fiscal code")
		}
		if err != nil {
			e.add("vat_number", err.Error())
		}
		r.VATNumber = string(vat)
	}
	if len(r.Representatives) > maxRepresentatives {
		e.add("representatives", fmt.Sprintf("more than %d", maxRepresentatives))
		return
	}
	all := make([]Representative, len(r.Representatives)) // a copy, because the slice belongs to the caller
	for i, p := range r.Representatives {
		var err error
		if all[i], err = parseRepresentative(p); err != nil {
			e.add("representatives", fmt.Sprintf("number %d: %v", i+1, err))
		}
	}
	r.Representatives = all
}

func parseRepresentative(p Representative) (Representative, error) {
	code, err := fiscal.ParsePerson(p.FiscalCode)
	if errors.Is(err, fiscal.ErrLength) && fiscal.Contains(p.FiscalCode) {
		err = errSeveral
	}
	if err != nil {
		return p, err
	}
	name, err := parseName(p.Name)
	switch {
	case errors.Is(err, errCode):
		err = errSeveral
	case err == nil && strings.Contains(name, ";"): // the separator of representatives in a file
		err = errors.New("the name has a semicolon")
	}
	return Representative{FiscalCode: string(code), Name: name}, err
}

// Errors for a name that contains a fiscal code. In a representative's name it usually
// belongs to another representative. Guessing where one ends would mean guessing who
// may act for the company, so it is refused.
var (
	errCode    = errors.New("it has a fiscal code in it")
	errSeveral = errors.New("there is more than a code and a name: " +
		"several representatives are separated by a semicolon (;) in a file, and are several in a list")
)

// parseName normalizes a name: single blanks, and Unicode's composed form (NFC).
func parseName(s string) (string, error) {
	s = norm.NFC.String(strings.Join(strings.Fields(s), " "))
	switch {
	case s == `\N`, strings.EqualFold(s, "null"):
		return s, fmt.Errorf("%s is what databases write for an empty value: leave it empty", s)
	case fiscal.Contains(s):
		return s, errCode
	case !utf8.ValidString(s):
		return s, errors.New("it is not UTF-8 text")
	case utf8.RuneCountInString(s) > maxName:
		return s, fmt.Errorf("longer than %d characters", maxName)
	case strings.ContainsFunc(s, unicode.IsControl):
		return s, errors.New("it has a control character")
	}
	return s, nil
}
