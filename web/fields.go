package web

import (
	"errors"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"

	"github.com/google/uuid"

	"stella/templates"
	"stella/workflow"
	"stella/workflow/qualification"
)

// readForm parses the form of a request. It removes control characters other than
// white space, and invalid UTF-8: they are not typed, and PostgreSQL refuses some.
func readForm(r *http.Request) error {
	err := r.ParseForm()
	var tooLarge *http.MaxBytesError
	if err != nil && !errors.As(err, &tooLarge) {
		return errMalformed
	}
	for _, values := range r.PostForm {
		for i := range values {
			values[i] = strings.Map(typeable, values[i])
		}
	}
	return err
}

func typeable(r rune) rune {
	if r == utf8.RuneError || unicode.IsControl(r) && !unicode.IsSpace(r) {
		return -1
	}
	return r
}

// formOf reads the qualification and the version that a form was rendered for. It
// returns the zero value, which matches no case, if they are missing or malformed.
func formOf(in url.Values) qualification.Form {
	id, err := uuid.Parse(in.Get("id"))
	if err != nil {
		return qualification.Form{}
	}
	version, err := strconv.Atoi(in.Get("version"))
	if err != nil {
		return qualification.Form{}
	}
	return qualification.Form{Qualification: id, Version: version}
}

func kindOf(value string) workflow.Kind {
	switch value {
	case "impresa":
		return workflow.KindCompany
	case "privato":
		return workflow.KindPerson
	}
	return workflow.KindUnknown
}

func kindValue(k workflow.Kind) string {
	switch k {
	case workflow.KindCompany:
		return "impresa"
	case workflow.KindPerson:
		return "privato"
	}
	return ""
}

// inputs maps the field names of package workflow to the names of the HTML inputs.
var inputs = map[string]string{
	"role":         "ruolo",
	"email":        "email",
	"kind":         "intestatario",
	"company_name": "ragione_sociale",
	"company_code": "codice_fiscale_impresa",
	"phone":        "cellulare",
}

func fieldErrors(e *workflow.InputError, now time.Time) []templates.FieldError {
	errs := make([]templates.FieldError, len(e.Faults))
	for i, f := range e.Faults {
		errs[i] = templates.FieldError{Field: inputs[f.Field], Message: "error_" + f.Code}
		if !f.Until.IsZero() {
			errs[i].Args = map[string]any{"Until": formatTime(f.Until, now), "Recorded": f.Recorded}
		}
	}
	return errs
}

func codeFault(e *qualification.CodeError, now time.Time) templates.FieldError {
	f := templates.FieldError{Field: "codice", Message: "error_" + e.Code,
		Args: map[string]any{"Left": e.Left, "Until": formatTime(e.Until, now)}}
	if e.Code == "resend_wait" { // the error belongs to the button, not to the input
		wait := templates.Code{ResendIn: seconds(e.Until.Sub(now))}
		f.Field, f.Args["Seconds"] = "resend", wait.ResendIn
		if minutes := wait.ResendMinutes(); minutes > 0 {
			f.Message, f.Args["Minutes"] = "error_resend_limit", minutes
		}
	}
	return f
}
