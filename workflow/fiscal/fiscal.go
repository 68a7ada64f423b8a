// Package fiscal parses Italian fiscal codes.
//
//	person.go   the codice fiscale of a person: 16 characters, or the 11 digits
//	            of a provisional one
//	company.go  the code of a company: 11 digits like its partita IVA, or the
//	            person's code of a sole trader
//	contains.go a code inside a text
//
// The Agenzia delle Entrate assigns a provisional code (decree of 23 December 1976,
// article 10) to persons who cannot have one of 16 characters yet, such as asylum
// seekers and newborns. It has the form of a company's code. So 11 digits mean a person
// only in a field for persons: ParsePerson accepts them, and Company.Person returns
// false for them. A person keeps the provisional code until a code of 16 characters
// replaces it. The new code does not show which one it replaced: see MayBeSame.
//
// Two persons with the same data get codes that differ by letters for digits (omocodia);
// MayBeSame reports such pairs too.
//
// Parsed codes are normalized: two codes are equal if == reports so. A well-formed code
// is not necessarily assigned to anyone.
package fiscal

import (
	"errors"
	"strings"
	"unicode"
)

// The errors of the parsers. They do not contain the code, which is personal data,
// because errors are logged.
var (
	ErrEmpty     = errors.New("empty")
	ErrLength    = errors.New("wrong number of characters")
	ErrCharacter = errors.New("a character in the wrong place")
	ErrCheck     = errors.New("the check character does not fit the others")
)

// Clean removes blanks and invisible characters, also between characters, and converts
// ASCII letters to capitals. The parsers call it.
func Clean(s string) string {
	return strings.Map(func(r rune) rune {
		switch {
		case unicode.IsSpace(r), unicode.Is(unicode.Cf, r):
			return -1
		case 'a' <= r && r <= 'z':
			return r - 'a' + 'A'
		}
		return r // not unicode.ToUpper, which converts the Turkish ı to I
	}, s)
}

// digits is the length of a company's code, and of a person's provisional code.
const digits = 11

// checkNumber checks a code of 11 digits. The last one is the check digit of ISO/IEC
// 7812-1 (Luhn).
func checkNumber(s string) error {
	sum := 0
	for i, c := range s {
		if c < '0' || c > '9' {
			return ErrCharacter
		}
		n := int(c - '0')
		if i%2 == 1 { // the second place
			n *= 2
			n = n/10 + n%10
		}
		sum += n
	}
	if s == "00000000000" { // has a valid check digit, but is often used to fill in forms
		return ErrCharacter
	}
	if sum%10 != 0 {
		return ErrCheck
	}
	return nil
}
