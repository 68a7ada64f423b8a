package workflow

import (
	"errors"
	"strings"
	"time"
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
