package fiscal

import (
	"fmt"
	"strings"
	"unicode/utf8"
)

// A Person is a valid codice fiscale of a person in capitals, as defined by the decree
// of the Ministry of Finance of 23 December 1976, number 13813, or a provisional code
// of 11 digits (article 10).
type Person string

// ParsePerson parses a codice fiscale of 16 characters or a provisional one, as people
// type it, or with the prefix TINIT- as in SPID assertions. The error wraps one of this
// package's errors.
func ParsePerson(s string) (Person, error) {
	p, err := parsePerson(strings.TrimPrefix(Clean(s), "TINIT-"))
	if err != nil {
		return "", fmt.Errorf("codice fiscale of a person: %w", err)
	}
	return p, nil
}

func parsePerson(s string) (Person, error) {
	switch utf8.RuneCountInString(s) {
	case 0:
		return "", ErrEmpty
	case digits:
		if err := checkNumber(s); err != nil {
			return "", err
		}
		return Person(s), nil
	case len(shape):
	default:
		return "", ErrLength
	}
	for i := range len(shape) {
		if strings.IndexByte(classes[shape[i]], s[i]) < 0 {
			return "", ErrCharacter
		}
	}
	plain := withoutOmocodia(s)
	day := int(plain[9]-'0')*10 + int(plain[10]-'0')
	if day > 40 { // of a woman
		day -= 40
	}
	if day < 1 || day > 31 { // the length of the month is not checked
		return "", ErrCharacter
	}
	if check(s) != s[15] {
		return "", ErrCheck
	}
	return Person(s), nil
}

// shape is the class of each character: surname and name, year, month, day, place,
// check character.
const shape = "aaaaaa" + "00" + "m" + "00" + "a000" + "a"

// omocodia contains the letters that replace the digits 0 to 9, from the right, if two
// persons would otherwise have the same code.
const omocodia = "LMNPQRSTUV"

var classes = map[byte]string{
	'a': "ABCDEFGHIJKLMNOPQRSTUVWXYZ",
	'0': "0123456789" + omocodia,
	'm': "ABCDEHLMPRST", // January to December
}

// oddValues contains the letters in the order of their values in the first, third, …,
// fifteenth place. A digit there has the value of the letter of the same rank: 0 of A,
// 1 of B.
const oddValues = "BAKPLCQDREVOSFTGUHMINJWZYX"

// check returns the last character of s, computed from the 15 before it. In even
// places, the value of a letter is its rank and the value of a digit is the digit.
func check(s string) byte {
	sum := 0
	for i := range 15 {
		rank := s[i] - 'A'
		if s[i] <= '9' {
			rank = s[i] - '0'
		}
		if i%2 == 0 { // the first place
			sum += strings.IndexByte(oddValues, 'A'+rank)
		} else {
			sum += int(rank)
		}
	}
	return 'A' + byte(sum%26)
}

// MayBeSame reports whether two different codes may belong to one person, who was
// assigned a new code. This cannot be decided from the codes: codes that differ only by
// omocodia, with letters for some digits, may also belong to two persons with the same
// data, and a provisional code contains no data of its person.
func MayBeSame(a, b Person) bool {
	if min(len(a), len(b)) == digits && max(len(a), len(b)) == len(shape) {
		return true
	}
	return a != b && withoutOmocodia(string(a)) == withoutOmocodia(string(b))
}

// withoutOmocodia returns s with digits instead of omocodia letters, and without its
// check character, which depends on them.
func withoutOmocodia(s string) string {
	plain := []byte(s)
	for i := range plain {
		if i < len(shape) && shape[i] == '0' {
			if d := strings.IndexByte(omocodia, plain[i]); d >= 0 {
				plain[i] = '0' + byte(d)
			}
		}
	}
	return string(plain[:min(len(plain), 15)])
}
