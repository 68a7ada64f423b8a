// Package contact parses e-mail addresses and phone numbers as people type them.
//
//   - address.go: e-mail addresses, and how they are displayed
//   - certified.go: which domains are known to have certified mailboxes only
//   - phone.go: numbers of mobile phones
//
// It contains no texts for holders: the page that shows an error chooses its message.
package contact

import (
	"errors"
	"fmt"
	"net/mail"
	"strings"
	"unicode"
	"unicode/utf8"

	"golang.org/x/net/idna"
)

// Maximum lengths of an address in octets (RFC 5321, section 4.5.3.1).
const (
	maxLocal   = 64
	maxAddress = 254
)

// ErrAddress is returned for a string that is not an acceptable e-mail address.
// ErrAccent and ErrSign wrap it with a more specific reason.
var (
	ErrAddress = errors.New("not an e-mail address")
	ErrAccent  = fmt.Errorf("%w: letters with accents are not accepted before the @", ErrAddress)
	ErrSign    = fmt.Errorf("%w: only letters, digits and . _ - + ' & = are accepted before the @, "+
		"and no hyphen at the beginning", ErrAddress)
)

// ParseAddress parses an e-mail address as people type it. It trims blanks and
// invisible characters, replaces the apostrophes that phones type with ', and converts
// the domain to lower case and ASCII.
//
// The part before the @ may contain letters, digits and . _ - + ' & = only. The other
// characters that RFC 5322 allows have a meaning for mail servers or shells: % and !
// route through other hosts, / and | name files and programs, and a hyphen at the
// beginning is an option. Accented letters need SMTPUTF8, which few relays support. The
// domain must contain a dot and must not be an IP address.
func ParseAddress(typed string) (string, error) {
	typed = strings.TrimFunc(typed, isInvisible)
	local, domain, ok := strings.Cut(typed, "@")
	// The ASCII form of a domain has at least as many characters. Punycode conversion
	// takes quadratic time, so the length is checked first.
	if !ok || utf8.RuneCountInString(typed) > maxAddress || strings.Contains(domain, "@") || strings.ContainsFunc(local, unicode.IsSpace) {
		return "", ErrAddress
	}
	local = apostrophes.Replace(local)
	if err := checkLocal(local); err != nil {
		return "", err
	}
	domain, err := hostnames.ToASCII(domain)
	if err != nil || !strings.Contains(domain, ".") || endsInNumber(domain) {
		return "", ErrAddress
	}
	address := local + "@" + domain
	parsed, err := mail.ParseAddress(address)
	if err != nil || parsed.Name != "" || parsed.Address != address || len(local) > maxLocal || len(address) > maxAddress {
		return "", ErrAddress
	}
	return address, nil
}

// isInvisible reports whether r is a blank or an invisible character, as often found
// around copied text.
func isInvisible(r rune) bool { return unicode.IsSpace(r) || unicode.Is(unicode.Cf, r) }

// IsBlank reports whether a text has only blanks and invisible characters.
func IsBlank(text string) bool { return strings.TrimFunc(text, isInvisible) == "" }

var apostrophes = strings.NewReplacer("\u2019", "'", "\u2018", "'", "\u02bc", "'")

// checkLocal checks the characters before the @.
func checkLocal(local string) error {
	for _, r := range local {
		switch {
		case 'a' <= r && r <= 'z', 'A' <= r && r <= 'Z', '0' <= r && r <= '9', strings.ContainsRune("._-+'&=", r):
		case r > unicode.MaxASCII && (unicode.IsLetter(r) || unicode.IsMark(r)):
			return ErrAccent
		default:
			return ErrSign
		}
	}
	if strings.HasPrefix(local, "-") {
		return ErrSign
	}
	return nil
}

// endsInNumber reports whether a host would be parsed as an IPv4 address: its last
// label is a decimal or hexadecimal number (URL standard, "ends in a number"). No
// top-level domain is a number.
func endsInNumber(host string) bool {
	last := host[strings.LastIndex(host, ".")+1:]
	if rest, hex := strings.CutPrefix(last, "0x"); hex {
		return strings.Trim(rest, "0123456789abcdef") == ""
	}
	return strings.Trim(last, "0123456789") == "" // also true for a dot at the end
}

var hostnames = idna.New(idna.MapForLookup(), idna.StrictDomainName(true), idna.BidiRule(), idna.VerifyDNSLength(true))

// ParseMailbox parses the address of a certified mailbox into its stored form, in lower
// case. It returns "" and an error if the address is not valid.
func ParseMailbox(address string) (string, error) {
	return ParseAddress(strings.ToLower(address))
}

// Readable returns an e-mail address with its domain in Unicode, for display. Addresses
// are stored and used in ASCII, as ParseAddress returns them.
func Readable(address string) string {
	local, domain, ok := strings.Cut(address, "@")
	if !ok {
		return address
	}
	readable, err := idna.Display.ToUnicode(domain)
	if err != nil { // a domain that cannot be shown safely stays in ASCII
		return address
	}
	return local + "@" + readable
}

// MaskAddress hides all but the first letter of the address, the first letter of its
// domain and the top-level domain. The length of the result does not depend on the
// hidden parts.
func MaskAddress(address string) string {
	local, domain, ok := strings.Cut(Readable(address), "@")
	if !ok || local == "" || domain == "" {
		return "•••"
	}
	top := domain[strings.LastIndex(domain, ".")+1:]
	return string([]rune(local)[:1]) + "•••@" + string([]rune(domain)[:1]) + "•••." + top
}
