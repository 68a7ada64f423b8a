package main

import (
	"errors"
	"fmt"
	"reflect"
	"slices"
	"strings"
)

// markedError names a variable whose value came with its quotes, or with blanks
// around it, as docker's --env-file leaves them. It does not repeat the value.
type markedError struct{ variable, what string }

func (e *markedError) Error() string {
	return fmt.Sprintf("%s: %s, which would be part of the value: take them away", e.variable, e.what)
}

// marked returns such values among the variables of a command.
func marked(command any) problems { return markedIn(reflect.ValueOf(command)) }

func markedIn(v reflect.Value) (wrong problems) {
	for i := range v.NumField() {
		field, value := v.Type().Field(i), v.Field(i)
		var values []string
		switch {
		case value.Kind() == reflect.Struct:
			wrong = append(wrong, markedIn(value)...)
		case value.Kind() == reflect.String:
			values = []string{value.String()}
		case value.Type() == reflect.TypeFor[[]string]():
			values = []string{strings.Join(value.Interface().([]string), ",")}
		}
		for _, text := range values {
			variable := field.Tag.Get("env")
			if what := marksOf(text); what != "" && variable != "" && !wrong.marked(variable) {
				wrong = append(wrong, &markedError{variable, what})
			}
		}
	}
	return wrong
}

func marksOf(value string) string {
	bare := strings.TrimSpace(value)
	switch {
	case len(bare) > 1 && strings.ContainsRune(`"'`, rune(bare[0])) && bare[0] == bare[len(bare)-1]:
		return fmt.Sprintf("begins and ends with the quote %c", bare[0])
	case bare != value:
		return "begins or ends with a blank"
	}
	return ""
}

// marked reports whether a variable is among the problems for its quotes: what
// else is wrong with its value comes from them.
func (p problems) marked(variable string) bool {
	return slices.ContainsFunc(p, func(err error) bool {
		var m *markedError
		return errors.As(err, &m) && m.variable == variable
	})
}
