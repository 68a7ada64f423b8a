package workflow_test

import (
	"errors"
	"strings"
	"testing"
	"time"

	"stella/store/storetest"
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

// A certified mailbox may refuse ordinary mail, and with it the code.
func TestContactAddressMustNotBeCertified(t *testing.T) {
	x := begin(t, storetest.AnnasRecord)
	other := workflow.Client{Name: "other", Domains: []string{"altrove.example"}, Scopes: []workflow.Scope{workflow.ScopeRegistry}}
	x.Must(x.AddClient(x.Context(), other, workflow.Digest("another token"), x.Clock.Now()))
	_, err := x.Cases.Record(x.Context(), "tests", "soci@gestore.example", workflow.Active, workflow.Record{})
	x.Must(err)
	_, err = x.Cases.Record(x.Context(), "tests", "soci@passato.example", workflow.Active, workflow.Record{})
	x.Must(err)
	x.Must(x.Cases.Delete(x.Context(), "tests", "soci@passato.example"))
	x.To(workflow.ContactData)
	for address, code := range map[string]string{
		strings.ToUpper(x.Address):  "email_is_mailbox",
		"altra@" + storetest.Domain: "email_is_pec",
		"x@altrove.example":         "email_is_pec", // the domain of a client
		"x@Gestore.Example":         "email_is_pec", // the domain of another mailbox in the register
		"soci@gestore.example":      "email_is_pec",
		"soci@passato.example":      "email_is_pec", // the domain of a deleted mailbox
		"x@arubapec.it":             "email_is_pec",
		"x@legalmail.it":            "email_is_pec",
		"x@studio.legalmail.it":     "email_is_pec",
		"x@pecprivato.it":           "email_is_pec",
		"x@postecert.it":            "email_is_pec",
		"x@pec-mail.it":             "email_is_pec",
		"x@pec.it":                  "email_is_pec",
		"x@pec.aruba.it":            "email_is_pec",
		"x@postacert.toscana.it":    "email_is_pec",
	} {
		err := x.Procedure.EnterContacts(x.Context(), x.Visitor, x.Form(), address, "")
		if err == nil || !strings.HasSuffix(err.Error(), " "+code) {
			t.Errorf("%s: %v, want %s", address, err, code)
		}
	}
	for _, address := range []string{"x@spec.it", "x@pecora.example", "x@aruba.it", "x@mylegalmail.it", "x@gestore.example.net",
		"x@posta.gestore.example", "pec@mail.example"} {
		if err := x.Procedure.EnterContacts(x.Context(), x.Visitor, x.Form(), address, ""); err != nil {
			t.Errorf("%s: %v", address, err)
			continue
		}
		x.Must(x.Procedure.StepBack(x.Context(), x.Visitor, x.Form()))
	}
}

func TestCertifiedAddressCannotBeInvited(t *testing.T) {
	x := begin(t, storetest.AnnasRecord).To(workflow.HolderInvitation)
	for _, address := range []string{"x@legalmail.it", "altra@" + storetest.Domain, x.Address} {
		var input *workflow.InputError
		if err := x.Procedure.Invite(x.Context(), x.Visitor, x.Form(), address); !errors.As(err, &input) {
			t.Errorf("%s: %v", address, err)
		}
	}
	x.Must(x.Procedure.Invite(x.Context(), x.Visitor, x.Form(), "x@spec.it"))
	x.Must(x.Procedure.Invite(x.Context(), x.Visitor, x.Form(), "")) // repeated to the same address
}

// An address that would be refused is not suggested.
func TestCertifiedAddressOnRecordIsNotSuggested(t *testing.T) {
	w := newWorld(t)
	for email, want := range map[string]string{
		"anna.neri@mail.example": "anna.neri@mail.example",
		"the mailbox":            "",
		"altra@pec.example":      "",
		"x@arubapec.it":          "",
	} {
		r := storetest.AnnasRecord
		x := w.Record(t, r)
		if r.Email = email; email == "the mailbox" {
			r.Email = x.Address
		}
		_, err := x.Cases.Record(x.Context(), "tests", x.Address, workflow.Active, r)
		x.Must(err)
		x.To(workflow.ContactData)
		if got := x.Case().SuggestedEmail(x.Visitor); got != want {
			t.Errorf("with %s on record: suggested %q, want %q", email, got, want)
		}
	}
}

func TestPhoneMustBeMobile(t *testing.T) {
	x := reach(t, workflow.ContactData)
	for typed, want := range map[string]string{
		"347 123 4567":                 "+393471234567",
		"+39 347 123 4567":             "+393471234567",
		"0039 347 1234567":             "+393471234567",
		"\u202a+39 347 123 4567\u202c": "+393471234567",
		"+44 7911 123456":              "+447911123456",
		"+1 212 555 2368":              "+12125552368", // this country's numbers do not show their type
		"":                             "",
		"06 1234567":                   "phone_not_mobile",
		"+39 06 1234567":               "phone_not_mobile",
		"800 123456":                   "phone_not_mobile",
		"+391234567890":                "phone_malformed",
		"12":                           "phone_malformed",
	} {
		err := x.Procedure.EnterContacts(x.Context(), x.Visitor, x.Form(), "anna.neri@mail.example", typed)
		if err != nil {
			if !strings.HasSuffix(err.Error(), " "+want) {
				t.Errorf("%q: %v, want %s", typed, err, want)
			}
			continue
		}
		if got := x.Case().Qualification.Declaration.Phone; got != want {
			t.Errorf("%q: stored %q, want %s", typed, got, want)
		}
		x.Must(x.Procedure.StepBack(x.Context(), x.Visitor, x.Form()))
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
