package fiscal

import (
	"fmt"
	"strings"
	"unicode/utf8"
)

// A Company is a valid fiscal code of a company: 11 digits, or the Person code of a
// sole trader. A partita IVA also has 11 digits (presidential decree 633 of 1972,
// article 35).
type Company string

// ParseCompany parses a company's codice fiscale or partita IVA, with or without the
// prefix IT, TINIT- or VATIT-, or the codice fiscale of a sole trader. The error wraps
// one of this package's errors.
func ParseCompany(s string) (Company, error) {
	s = Clean(s)
	for _, prefix := range []string{"TINIT-", "VATIT-"} {
		if rest, found := strings.CutPrefix(s, prefix); found {
			s = rest
			break
		}
	}
	if len(s) == len("IT")+digits {
		s = strings.TrimPrefix(s, "IT")
	}
	c, err := parseCompany(s)
	if err != nil {
		return "", fmt.Errorf("fiscal code of a company: %w", err)
	}
	return c, nil
}

// Person returns the code as a person's code if it belongs to a sole trader. A code of
// 11 digits does not.
func (c Company) Person() (p Person, ok bool) {
	return Person(c), len(c) == len(shape)
}

func parseCompany(s string) (Company, error) {
	switch utf8.RuneCountInString(s) {
	case 0:
		return "", ErrEmpty
	case len(shape):
		p, err := parsePerson(s)
		return Company(p), err
	case digits:
		if err := checkNumber(s); err != nil {
			return "", err
		}
		return Company(s), nil
	}
	return "", ErrLength
}
