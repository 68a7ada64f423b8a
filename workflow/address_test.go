package workflow_test

import (
	"errors"
	"strings"
	"testing"
	"time"

	"stella/workflow"
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
		if got, err := workflow.ParseAddress(typed); got != want || err != nil {
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
		{"-oQ/x@mail.example", workflow.ErrAddressSign}, // a sendmail option
		{"-anna@mail.example", workflow.ErrAddressSign},
		{"a%b@mail.example", workflow.ErrAddressSign}, // routes
		{"a!b@mail.example", workflow.ErrAddressSign},
		{"@relay.example:anna@mail.example", workflow.ErrAddress},
		{"a@b@mail.example", workflow.ErrAddress},
		{"/etc/passwd@mail.example", workflow.ErrAddressSign}, // a file
		{"|sh@mail.example", workflow.ErrAddressSign},         // a program
		{":include:x@mail.example", workflow.ErrAddressSign},
		{"a`id`@mail.example", workflow.ErrAddressSign}, // a shell
		{"a$x@mail.example", workflow.ErrAddressSign},
		{"a{b,c}@mail.example", workflow.ErrAddressSign},
		{"a*@mail.example", workflow.ErrAddressSign},
		{"a#b@mail.example", workflow.ErrAddressSign},
		{`"anna neri"@mail.example`, workflow.ErrAddress},
		{`"anna"@mail.example`, workflow.ErrAddressSign},
		{"anna(capo)@mail.example", workflow.ErrAddressSign},
		{"Anna <anna@mail.example>", workflow.ErrAddress},
		{"mailto:anna@mail.example", workflow.ErrAddressSign},
		{"anna\u200b.neri@mail.example", workflow.ErrAddressSign},
		{"anna@mail.example\r\nBcc: x@mail.example", workflow.ErrAddress},
		{"josé@münchen.example", workflow.ErrAddressAccent},
		{"jose\u0301@mail.example", workflow.ErrAddressAccent},
		{"άννα@mail.example", workflow.ErrAddressAccent},
		{"anna😀@mail.example", workflow.ErrAddressSign},
		{"", workflow.ErrAddress},
		{"anna", workflow.ErrAddress},
		{"anna@", workflow.ErrAddress},
		{"@mail.example", workflow.ErrAddress},
		{".anna@mail.example", workflow.ErrAddress},
		{"anna.@mail.example", workflow.ErrAddress},
		{"an..na@mail.example", workflow.ErrAddress},
		{"anna@mail", workflow.ErrAddress},
		{"anna@mail.example.", workflow.ErrAddress},
		{"anna@-mail.example", workflow.ErrAddress},
		{"anna@mail_x.example", workflow.ErrAddress},
		{"anna@mail.exam ple", workflow.ErrAddress},
		{"anna@1.2.3.4", workflow.ErrAddress},
		{"anna@127.0.0.1", workflow.ErrAddress},
		{"anna@127.1", workflow.ErrAddress},
		{"anna@0x7f.0x0.0x0.0x1", workflow.ErrAddress},
		{"anna@１２７.０.０.１", workflow.ErrAddress},
		{"anna@[127.0.0.1]", workflow.ErrAddress},
		{"anna@[IPv6:::1]", workflow.ErrAddress},
		{strings.Repeat("a", 65) + "@mail.example", workflow.ErrAddress},
		{"anna@" + strings.Repeat("a.", 130) + "example", workflow.ErrAddress},
	} {
		got, err := workflow.ParseAddress(c.typed)
		if got != "" || !errors.Is(err, workflow.ErrAddress) || !errors.Is(err, c.why) {
			t.Errorf("ParseAddress(%q) = %q, %v; want error %v", c.typed, got, err, c.why)
		} else if c.why == workflow.ErrAddress && err != c.why {
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
	if _, err := workflow.ParseAddress("a@" + domain.String() + ".it"); !errors.Is(err, workflow.ErrAddress) {
		t.Errorf("error %v, want %v", err, workflow.ErrAddress)
	}
	if took := time.Since(began); took > 5*time.Second {
		t.Errorf("parsing took %v", took)
	}
}
