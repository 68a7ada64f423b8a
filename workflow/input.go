package workflow

import (
	"errors"
	"net/mail"
	"slices"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/nyaruka/phonenumbers"
	"golang.org/x/net/idna"

	"stella/workflow/fiscal"
)

// InputError tells what is wrong with what was entered. Nothing was changed.
type InputError struct{ Faults []Fault }

// Fault is one thing wrong with one field.
type Fault struct {
	Field string    // "role", "email", "kind", "company_name", "company_code", "phone", "return_url"
	Code  string    // "email_malformed", …
	Until time.Time // from when on it is right; zero where time mends nothing
}

func (e *InputError) Error() string {
	codes := make([]string, len(e.Faults))
	for i, f := range e.Faults {
		codes[i] = f.Code
	}
	return "wrong input: " + strings.Join(codes, ", ")
}

func wrong(field, code string) *InputError {
	return &InputError{Faults: []Fault{{Field: field, Code: code}}}
}

// wrongUntil is wrong now, and right from a time on.
func wrongUntil(field, code string, until time.Time) *InputError {
	return &InputError{Faults: []Fault{{Field: field, Code: code, Until: until}}}
}

// faults joins what is wrong with several fields; nil when nothing is.
func faults(errs ...error) error {
	all := &InputError{}
	for _, err := range errs {
		var input *InputError
		if errors.As(err, &input) {
			all.Faults = append(all.Faults, input.Faults...)
		}
	}
	if len(all.Faults) == 0 {
		return nil
	}
	return all
}

// ErrAddress is returned for what is no e-mail address that can be written to.
var ErrAddress = errors.New("not an e-mail address")

// ParseAddress reads an e-mail address as people type it: surrounding blanks
// are dropped, the domain is made lower case. Quoted local parts, names and
// address literals are refused, as are domains without a dot (RFC 5321 limits:
// 64 octets before the @, 254 in all).
func ParseAddress(typed string) (string, error) {
	typed = strings.TrimSpace(typed)
	local, domain, ok := strings.Cut(typed, "@")
	if !ok || len(typed) > 254 || len(local) > 64 || strings.ContainsAny(typed, "\"\\ \t\r\n<>(),;:[]") {
		return "", ErrAddress
	}
	for _, r := range local { // SMTPUTF8 is no relay's promise
		if r > '~' || r < '!' {
			return "", ErrAddress
		}
	}
	parsed, err := mail.ParseAddress(typed)
	if err != nil || parsed.Name != "" || parsed.Address != typed {
		return "", ErrAddress
	}
	ascii, err := hostnames.ToASCII(domain)
	if err != nil || !strings.Contains(ascii, ".") || strings.HasSuffix(ascii, ".") {
		return "", ErrAddress
	}
	return local + "@" + ascii, nil
}

// parseMailbox reads the address of a certified mailbox, as it is kept; it
// returns "" for what is none.
func parseMailbox(address string) (string, error) {
	return ParseAddress(strings.ToLower(address))
}

var hostnames = idna.New(idna.MapForLookup(), idna.StrictDomainName(true), idna.BidiRule(), idna.VerifyDNSLength(true))

// ordinaryAddress reads the address of an ordinary mailbox: neither the
// mailbox itself, nor a certified one, which may refuse ordinary mail.
func (m Mailbox) ordinaryAddress(typed string) (string, error) {
	if strings.TrimSpace(typed) == "" {
		return "", wrong("email", "email_missing")
	}
	address, err := ParseAddress(typed)
	if err != nil {
		return "", wrong("email", "email_malformed")
	}
	if strings.EqualFold(address, m.Address) {
		return "", wrong("email", "email_is_mailbox")
	}
	_, domain, _ := strings.Cut(address, "@")
	_, own, _ := strings.Cut(m.Address, "@")
	if domain == own || slices.Contains(strings.Split(domain, "."), "pec") {
		return "", wrong("email", "email_is_pec")
	}
	return address, nil
}

// parsePhone reads a telephone number, Italian where it has no prefix, and
// writes it as E.164. None is no fault.
func parsePhone(typed string) (string, error) {
	if strings.TrimSpace(typed) == "" {
		return "", nil
	}
	number, err := phonenumbers.Parse(typed, "IT")
	if err != nil || !phonenumbers.IsValidNumber(number) {
		return "", wrong("phone", "phone_malformed")
	}
	return phonenumbers.Format(number, phonenumbers.E164), nil
}

// parseCompany reads a company's name, which may be left out, and its fiscal
// code: eleven digits, or a person's sixteen characters for a sole trader.
func parseCompany(name, code string) (string, string, error) {
	name = strings.Join(strings.Fields(name), " ")
	var bad error
	switch n := utf8.RuneCountInString(name); {
	case n == 1:
		bad = wrong("company_name", "company_name_short")
	case n > 200:
		bad = wrong("company_name", "company_name_long")
	}
	parsed, err := parseCompanyCode(code)
	return name, parsed, faults(bad, err)
}

func parseCompanyCode(typed string) (string, error) {
	code, err := fiscal.ParseCompany(typed)
	switch {
	case errors.Is(err, fiscal.ErrEmpty):
		return "", wrong("company_code", "company_code_missing")
	case errors.Is(err, fiscal.ErrLength):
		return "", wrong("company_code", "company_code_length")
	case err != nil:
		return "", wrong("company_code", "company_code_check")
	}
	return string(code), nil
}
