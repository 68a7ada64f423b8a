package workflow

import (
	"context"
	"errors"
	"fmt"
	"net/mail"
	"strings"
	"unicode"
	"unicode/utf8"

	"golang.org/x/net/idna"
)

// How long an address may be (RFC 5321, section 4.5.3.1), in octets.
const (
	maxLocal   = 64
	maxAddress = 254
)

// ErrAddress is returned for what is no e-mail address that can be written to.
// ErrAddressAccent and ErrAddressSign say more, and wrap it.
var (
	ErrAddress       = errors.New("not an e-mail address")
	ErrAddressAccent = fmt.Errorf("%w: letters with accents are not accepted before the @", ErrAddress)
	ErrAddressSign   = fmt.Errorf("%w: only letters, digits and . _ - + ' & = are accepted before the @, and no hyphen at the beginning", ErrAddress)
)

// ParseAddress reads an e-mail address as people type it: blanks and invisible
// characters around it are dropped, the apostrophes that telephones type become
// ', the domain is made lower case and ASCII.
//
// Before the @ stand letters, digits and the signs above. What else RFC 5322
// allows there means something to a mail server or a shell on the way: % and !
// are routes through other hosts, / and | files and programs, a hyphen at the
// beginning an option. Accented letters need SMTPUTF8, which few relays have.
// The domain is a name with a dot, and no IP address.
func ParseAddress(typed string) (string, error) {
	typed = strings.TrimFunc(typed, unseen)
	local, domain, ok := strings.Cut(typed, "@")
	// In ASCII a domain has as many characters or more. Punycode takes time that
	// grows with the square of their number, so they are counted before it.
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

// unseen reports a blank or an invisible character, such as those that come along
// with a copied text.
func unseen(r rune) bool { return unicode.IsSpace(r) || unicode.Is(unicode.Cf, r) }

var apostrophes = strings.NewReplacer("\u2019", "'", "\u2018", "'", "\u02bc", "'")

// checkLocal checks the signs of a part before the @.
func checkLocal(local string) error {
	for _, r := range local {
		switch {
		case 'a' <= r && r <= 'z', 'A' <= r && r <= 'Z', '0' <= r && r <= '9', strings.ContainsRune("._-+'&=", r):
		case r > unicode.MaxASCII && (unicode.IsLetter(r) || unicode.IsMark(r)):
			return ErrAddressAccent
		default:
			return ErrAddressSign
		}
	}
	if strings.HasPrefix(local, "-") {
		return ErrAddressSign
	}
	return nil
}

// endsInNumber reports whether a host is read as an IPv4 address: its last
// label is a number, decimal or hexadecimal (URL standard, "ends in a number").
// No top-level domain is one.
func endsInNumber(host string) bool {
	last := host[strings.LastIndex(host, ".")+1:]
	if rest, hex := strings.CutPrefix(last, "0x"); hex {
		return strings.Trim(rest, "0123456789abcdef") == ""
	}
	return strings.Trim(last, "0123456789") == "" // also a dot at the end
}

var hostnames = idna.New(idna.MapForLookup(), idna.StrictDomainName(true), idna.BidiRule(), idna.VerifyDNSLength(true))

// parseMailbox reads the address of a certified mailbox, as it is kept; it
// returns "" for what is none.
func parseMailbox(address string) (string, error) {
	return ParseAddress(strings.ToLower(address))
}

// A typedAddress is an ordinary address that someone typed.
type typedAddress struct {
	address   string
	wrong     error // an InputError
	certified bool
}

// ordinary reads an address where an ordinary one is meant. It asks the register,
// and so comes before a step.
func (p *Procedure) ordinary(ctx context.Context, typed string) (t typedAddress, err error) {
	if strings.TrimFunc(typed, unseen) == "" {
		t.wrong = wrong("email", "email_missing")
		return t, nil
	}
	t.address, err = ParseAddress(typed)
	switch {
	case errors.Is(err, ErrAddressAccent):
		t.wrong = wrong("email", "email_accent")
	case errors.Is(err, ErrAddressSign):
		t.wrong = wrong("email", "email_sign")
	case err != nil:
		t.wrong = wrong("email", "email_malformed")
	}
	if err != nil {
		return t, nil
	}
	_, domain, _ := strings.Cut(t.address, "@")
	if t.certified = certified(domain); !t.certified {
		t.certified, err = p.Store.IsCertified(ctx, domain)
	}
	return t, err
}

// of judges the address for one mailbox: it must be neither the mailbox itself
// nor another certified one, which may refuse ordinary mail.
func (t typedAddress) of(m Mailbox) error {
	switch {
	case t.wrong != nil:
		return t.wrong
	case strings.EqualFold(t.address, m.Address):
		return wrong("email", "email_is_mailbox")
	case t.certified:
		return wrong("email", "email_is_pec")
	}
	return nil
}
