package contact_test

import (
	"errors"
	"strings"
	"testing"
	"time"

	"stella/workflow/contact"
)

func TestParseAddress(t *testing.T) {
	t.Parallel()
	for typed, want := range map[string]string{
		"anna.neri@mail.example":                  "anna.neri@mail.example",
		" Anna.Neri+pec@Mail.Example\u00a0":       "Anna.Neri+pec@mail.example",
		"\u200banna@mail.example\ufeff":           "anna@mail.example",
		"\u202aanna@mail.example\u202c":           "anna@mail.example",
		"O’Brien@mail.example":                    "O'Brien@mail.example",
		"d‘angelo@mail.example":                   "d'angelo@mail.example",
		"d\u02bcangelo@mail.example":              "d'angelo@mail.example",
		"rossi_&-figli=2@mail.example":            "rossi_&-figli=2@mail.example",
		"_anna@mail.example":                      "_anna@mail.example",
		"anna@münchen.example":                    "anna@xn--mnchen-3ya.example",
		"anna@4.mail.example":                     "anna@4.mail.example",
		"anna@1e100.example":                      "anna@1e100.example",
		strings.Repeat("a", 64) + "@mail.example": strings.Repeat("a", 64) + "@mail.example",
	} {
		if got, err := contact.ParseAddress(typed); got != want || err != nil {
			t.Errorf("ParseAddress(%q) = %q, %v; want %q", typed, got, err, want)
		}
	}
}

// Addresses that a mail server or a program on the way would not treat as a mailbox,
// and addresses that relays do not accept.
func TestParseAddressRefuses(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		typed string
		why   error
	}{
		{"-oQ/x@mail.example", contact.ErrSign}, // a sendmail option
		{"-anna@mail.example", contact.ErrSign},
		{"a%b@mail.example", contact.ErrSign}, // routes
		{"a!b@mail.example", contact.ErrSign},
		{"@relay.example:anna@mail.example", contact.ErrAddress},
		{"a@b@mail.example", contact.ErrAddress},
		{"/etc/passwd@mail.example", contact.ErrSign}, // a file
		{"|sh@mail.example", contact.ErrSign},         // a program
		{":include:x@mail.example", contact.ErrSign},
		{"a`id`@mail.example", contact.ErrSign}, // a shell
		{"a$x@mail.example", contact.ErrSign},
		{"a{b,c}@mail.example", contact.ErrSign},
		{"a*@mail.example", contact.ErrSign},
		{"a#b@mail.example", contact.ErrSign},
		{`"anna neri"@mail.example`, contact.ErrAddress},
		{`"anna"@mail.example`, contact.ErrSign},
		{"anna(capo)@mail.example", contact.ErrSign},
		{"Anna <anna@mail.example>", contact.ErrAddress},
		{"mailto:anna@mail.example", contact.ErrSign},
		{"anna\u200b.neri@mail.example", contact.ErrSign},
		{"anna@mail.example\r\nBcc: x@mail.example", contact.ErrAddress},
		{"josé@münchen.example", contact.ErrAccent},
		{"jose\u0301@mail.example", contact.ErrAccent},
		{"άννα@mail.example", contact.ErrAccent},
		{"anna😀@mail.example", contact.ErrSign},
		{"", contact.ErrAddress},
		{"anna", contact.ErrAddress},
		{"anna@", contact.ErrAddress},
		{"@mail.example", contact.ErrAddress},
		{".anna@mail.example", contact.ErrAddress},
		{"anna.@mail.example", contact.ErrAddress},
		{"an..na@mail.example", contact.ErrAddress},
		{"anna@mail", contact.ErrAddress},
		{"anna@mail.example.", contact.ErrAddress},
		{"anna@-mail.example", contact.ErrAddress},
		{"anna@mail_x.example", contact.ErrAddress},
		{"anna@mail.exam ple", contact.ErrAddress},
		{"anna@1.2.3.4", contact.ErrAddress},
		{"anna@127.0.0.1", contact.ErrAddress},
		{"anna@127.1", contact.ErrAddress},
		{"anna@0x7f.0x0.0x0.0x1", contact.ErrAddress},
		{"anna@１２７.０.０.１", contact.ErrAddress},
		{"anna@[127.0.0.1]", contact.ErrAddress},
		{"anna@[IPv6:::1]", contact.ErrAddress},
		{strings.Repeat("a", 65) + "@mail.example", contact.ErrAddress},
		{"anna@" + strings.Repeat("a.", 130) + "example", contact.ErrAddress},
	} {
		got, err := contact.ParseAddress(c.typed)
		if got != "" || !errors.Is(err, contact.ErrAddress) || !errors.Is(err, c.why) {
			t.Errorf("ParseAddress(%q) = %q, %v; want error %v", c.typed, got, err, c.why)
		} else if c.why == contact.ErrAddress && err != c.why {
			t.Errorf("ParseAddress(%q): error %v, want %v", c.typed, err, c.why)
		}
	}
}

// Punycode conversion takes quadratic time, a minute for this address: the length is
// checked first.
func TestLongAddressIsRefusedQuickly(t *testing.T) {
	t.Parallel()
	var domain strings.Builder
	for r := rune(0x20000); r < 0x2a6d0; r++ {
		domain.WriteRune(r)
	}
	began := time.Now()
	if _, err := contact.ParseAddress("a@" + domain.String() + ".it"); !errors.Is(err, contact.ErrAddress) {
		t.Errorf("error %v, want %v", err, contact.ErrAddress)
	}
	if took := time.Since(began); took > 5*time.Second {
		t.Errorf("parsing took %v", took)
	}
}
