package contact

import (
	"errors"
	"strings"

	"github.com/nyaruka/phonenumbers"
)

// ErrPhone is returned for a string that is not a phone number, and ErrNotMobile for a
// number that is not of a mobile phone.
var (
	ErrPhone     = errors.New("not a phone number")
	ErrNotMobile = errors.New("not the number of a mobile phone")
)

// ParsePhone parses the number of a mobile phone and returns it as E.164. A number
// without an international prefix is Italian. An empty string is valid. In some
// countries mobile numbers cannot be recognized; their numbers are all accepted.
func ParsePhone(typed string) (string, error) {
	if typed = strings.TrimFunc(typed, isInvisible); typed == "" {
		return "", nil
	}
	number, err := phonenumbers.Parse(typed, "IT")
	if err != nil || !phonenumbers.IsValidNumber(number) {
		return "", ErrPhone
	}
	switch phonenumbers.GetNumberType(number) {
	case phonenumbers.MOBILE, phonenumbers.FIXED_LINE_OR_MOBILE:
	default:
		return "", ErrNotMobile
	}
	return phonenumbers.Format(number, phonenumbers.E164), nil
}
