package workflow

import (
	"errors"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/nyaruka/phonenumbers"
	"golang.org/x/text/unicode/norm"

	"stella/workflow/fiscal"
)

// InputError tells what is wrong with what was entered. Nothing was changed.
type InputError struct{ Faults []Fault }

// Fault is one thing wrong with one field.
type Fault struct {
	Field string    // "role", "email", "kind", "company_name", "company_code", "phone", "return_url"
	Code  string    // "email_malformed", …
	Until time.Time // from when on it is right; zero where time mends nothing

	Recorded bool // the ordinary address on record is taken before then
}

func (e *InputError) Error() string {
	codes := make([]string, len(e.Faults))
	for i, f := range e.Faults {
		codes[i] = f.Code
	}
	return "wrong input: " + strings.Join(codes, ", ")
}

func wrong(field, code string) *InputError {
	return &InputError{Faults: []Fault{{Field: field, Code: code}}}
}

// wrongUntil is wrong now, and right from a time on.
func wrongUntil(field, code string, until time.Time) *InputError {
	return &InputError{Faults: []Fault{{Field: field, Code: code, Until: until}}}
}

// faults joins what is wrong with several fields; nil when nothing is.
func faults(errs ...error) error {
	all := &InputError{}
	for _, err := range errs {
		var input *InputError
		if errors.As(err, &input) {
			all.Faults = append(all.Faults, input.Faults...)
		}
	}
	if len(all.Faults) == 0 {
		return nil
	}
	return all
}

// parsePhone reads the number of a mobile telephone, Italian if it has no prefix,
// and writes it as E.164. None is no fault. In some countries no number says
// whether it is a mobile one.
func parsePhone(typed string) (string, error) {
	if typed = strings.TrimFunc(typed, unseen); typed == "" {
		return "", nil
	}
	number, err := phonenumbers.Parse(typed, "IT")
	if err != nil || !phonenumbers.IsValidNumber(number) {
		return "", wrong("phone", "phone_malformed")
	}
	switch phonenumbers.GetNumberType(number) {
	case phonenumbers.MOBILE, phonenumbers.FIXED_LINE_OR_MOBILE:
	default:
		return "", wrong("phone", "phone_not_mobile")
	}
	return phonenumbers.Format(number, phonenumbers.E164), nil
}

// maxCompanyName is how long a company's name may be that is typed, in characters.
const maxCompanyName = 200

// parseCompany reads a company's name, which may be left out, and its fiscal
// code: eleven digits, or a person's sixteen characters for a sole trader.
func parseCompany(name, code string) (string, string, error) {
	name = norm.NFC.String(strings.Join(strings.Fields(name), " "))
	var bad error
	switch n := utf8.RuneCountInString(name); {
	case n == 1:
		bad = wrong("company_name", "company_name_short")
	case n > maxCompanyName:
		bad = wrong("company_name", "company_name_long")
	}
	parsed, err := parseCompanyCode(code)
	return name, parsed, faults(bad, err)
}

func parseCompanyCode(typed string) (string, error) {
	code, err := fiscal.ParseCompany(typed)
	switch {
	case errors.Is(err, fiscal.ErrEmpty):
		return "", wrong("company_code", "company_code_missing")
	case errors.Is(err, fiscal.ErrLength):
		return "", wrong("company_code", "company_code_length")
	case err != nil:
		return "", wrong("company_code", "company_code_check")
	}
	return string(code), nil
}
