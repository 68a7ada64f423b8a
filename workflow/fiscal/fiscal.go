// Package fiscal reads Italian fiscal codes.
//
//	person.go   the codice fiscale of a person, 16 characters
//	company.go  that of a company, 11 digits like its partita IVA, or for a
//	            sole trader the person's
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

// Clean removes blanks, also inside, and makes ASCII letters capital. The
// parsers do it on their own.
func Clean(s string) string {
	return strings.Map(func(r rune) rune {
		switch {
		case unicode.IsSpace(r):
			return -1
		case 'a' <= r && r <= 'z':
			return r - 'a' + 'A'
		}
		return r // not ToUpper, which makes an I of the Turkish ı
	}, s)
}
