package config

import (
	"errors"
	"fmt"
	"reflect"
	"slices"
	"strings"
)

// quotedError reports a variable whose value is in quotes or has blanks around it.
// Docker's --env-file keeps such quotes and blanks. The message does not repeat the value.
type quotedError struct{ variable, what string }

func (e *quotedError) Error() string {
	return fmt.Sprintf("%s: %s, which would be part of the value: remove them", e.variable, e.what)
}

// QuotedValues returns a quotedError for each such variable of a command.
func QuotedValues(command any) Problems { return quotedIn(reflect.ValueOf(command)) }

func quotedIn(v reflect.Value) (wrong Problems) {
	for i := range v.NumField() {
		field, value := v.Type().Field(i), v.Field(i)
		var values []string
		switch {
		case value.Kind() == reflect.Struct:
			wrong = append(wrong, quotedIn(value)...)
		case value.Kind() == reflect.String:
			values = []string{value.String()}
		case value.Type() == reflect.TypeFor[[]string]():
			values = []string{strings.Join(value.Interface().([]string), ",")}
		}
		for _, text := range values {
			variable := field.Tag.Get("env")
			if what := quotesOf(text); what != "" && variable != "" && !wrong.quoted(variable) {
				wrong = append(wrong, &quotedError{variable, what})
			}
		}
	}
	return wrong
}

func quotesOf(value string) string {
	bare := strings.TrimSpace(value)
	switch {
	case len(bare) > 1 && strings.ContainsRune(`"'`, rune(bare[0])) && bare[0] == bare[len(bare)-1]:
		return fmt.Sprintf("begins and ends with the quote %c", bare[0])
	case bare != value:
		return "begins or ends with blanks"
	}
	return ""
}

// quoted reports whether the problems contain a quotedError of a variable. Other errors
// of this variable are then caused by the quotes.
func (p Problems) quoted(variable string) bool {
	return slices.ContainsFunc(p, func(err error) bool {
		var m *quotedError
		return errors.As(err, &m) && m.variable == variable
	})
}
