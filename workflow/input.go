package workflow

import (
	"errors"
	"strings"
	"time"

	"github.com/nyaruka/phonenumbers"
)

// InputError lists the invalid fields of an input. Nothing was changed.
type InputError struct{ Faults []Fault }

// Fault is an error in one field.
type Fault struct {
	Field string    // "role", "email", "kind", "company_name", "company_code", "phone", "return_url"
	Code  string    // "email_malformed", …
	Until time.Time // when the input becomes valid; zero if it never does

	Recorded bool // until then, the ordinary address on record is accepted
}

func (e *InputError) Error() string {
	codes := make([]string, len(e.Faults))
	for i, f := range e.Faults {
		codes[i] = f.Code
	}
	return "wrong input: " + strings.Join(codes, ", ")
}

// WrongInput returns an InputError for one field.
func WrongInput(field, code string) *InputError {
	return &InputError{Faults: []Fault{{Field: field, Code: code}}}
}

// WrongInputUntil returns an InputError for an input that becomes valid at a time.
func WrongInputUntil(field, code string, until time.Time) *InputError {
	return &InputError{Faults: []Fault{{Field: field, Code: code, Until: until}}}
}

// JoinFaults joins the InputErrors of several fields. It returns nil if there are none.
func JoinFaults(errs ...error) error {
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

// ParsePhone parses the number of a mobile phone and returns it as E.164. A number
// without an international prefix is Italian. An empty string is valid. In some
// countries mobile numbers cannot be recognized; their numbers are all accepted.
func ParsePhone(typed string) (string, error) {
	if typed = strings.TrimFunc(typed, isInvisible); typed == "" {
		return "", nil
	}
	number, err := phonenumbers.Parse(typed, "IT")
	if err != nil || !phonenumbers.IsValidNumber(number) {
		return "", WrongInput("phone", "phone_malformed")
	}
	switch phonenumbers.GetNumberType(number) {
	case phonenumbers.MOBILE, phonenumbers.FIXED_LINE_OR_MOBILE:
	default:
		return "", WrongInput("phone", "phone_not_mobile")
	}
	return phonenumbers.Format(number, phonenumbers.E164), nil
}
