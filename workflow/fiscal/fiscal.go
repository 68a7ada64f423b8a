// Package fiscal reads Italian fiscal codes.
//
//	person.go   the codice fiscale of a person: 16 characters, or the 11 digits
//	            of a provisional one
//	company.go  that of a company, 11 digits like its partita IVA, or for a
//	            sole trader the person's
//
// The Agenzia delle Entrate gives a provisional code (decree of 23 December
// 1976, article 10) to who cannot have one of 16 characters yet, such as asylum
// seekers and newborns. It has the form of a company's code, so that 11 digits
// mean a person only where a person is meant: ParsePerson reads them, and
// Company.Person reports none. A person keeps it until a code of 16 characters
// replaces it, and no code says which one it replaced: see MayBeSame.
//
// What it returns is normal: two codes are equal if == says so. That a code is
// well formed does not mean that it was given to anybody.
package fiscal

import (
	"errors"
	"strings"
	"unicode"
)

// Why a text is no code. Errors name no code: these are personal data, and
// errors end in logs.
var (
	ErrEmpty     = errors.New("empty")
	ErrLength    = errors.New("wrong number of characters")
	ErrCharacter = errors.New("a character that cannot stand where it does")
	ErrCheck     = errors.New("the check character does not fit the others")
)

// Clean removes blanks and invisible characters, also inside, and makes ASCII
// letters capital. The parsers do it on their own.
func Clean(s string) string {
	return strings.Map(func(r rune) rune {
		switch {
		case unicode.IsSpace(r), unicode.Is(unicode.Cf, r):
			return -1
		case 'a' <= r && r <= 'z':
			return r - 'a' + 'A'
		}
		return r // not ToUpper, which makes an I of the Turkish ı
	}, s)
}

// digits is the length of a company's code, and of a person's provisional one.
const digits = 11

// checkNumber checks a code of 11 digits, whose last one is the check digit of
// ISO/IEC 7812-1 (Luhn).
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
	if s == "00000000000" { // fits, but is what forms are filled with
		return ErrCharacter
	}
	if sum%10 != 0 {
		return ErrCheck
	}
	return nil
}
