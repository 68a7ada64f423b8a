package qualification

import (
	"context"
	"errors"
	"strings"
	"unicode/utf8"

	"golang.org/x/text/unicode/norm"

	"stella/workflow"
	"stella/workflow/contact"
	"stella/workflow/fiscal"
)

// A typedAddress is an ordinary e-mail address that a user typed.
type typedAddress struct {
	address   string
	wrong     error // an InputError; nil if the address is valid
	certified bool
}

// parseOrdinary parses the ordinary address of a holder and checks whether its domain
// is certified. It queries the database, so it must run before the step's transaction.
func (p *Procedure) parseOrdinary(ctx context.Context, typed string) (t typedAddress, err error) {
	if contact.IsBlank(typed) {
		t.wrong = workflow.WrongInput("email", "email_missing")
		return t, nil
	}
	t.address, err = contact.ParseAddress(typed)
	switch {
	case errors.Is(err, contact.ErrAccent):
		t.wrong = workflow.WrongInput("email", "email_accent")
	case errors.Is(err, contact.ErrSign):
		t.wrong = workflow.WrongInput("email", "email_sign")
	case err != nil:
		t.wrong = workflow.WrongInput("email", "email_malformed")
	}
	if err != nil {
		return t, nil
	}
	_, domain, _ := strings.Cut(t.address, "@")
	if t.certified = contact.IsCertified(domain); !t.certified {
		t.certified, err = p.Cases.Store.IsCertified(ctx, domain)
	}
	return t, err
}

// validFor returns an InputError if the address cannot be used for a mailbox: it is not
// valid, is the mailbox itself, or is another certified mailbox, which may refuse
// ordinary mail.
func (t typedAddress) validFor(m workflow.Mailbox) error {
	switch {
	case t.wrong != nil:
		return t.wrong
	case strings.EqualFold(t.address, m.Address):
		return workflow.WrongInput("email", "email_is_mailbox")
	case t.certified:
		return workflow.WrongInput("email", "email_is_pec")
	}
	return nil
}

// parsePhone parses the number of a mobile phone, which is optional.
func parsePhone(typed string) (string, error) {
	number, err := contact.ParsePhone(typed)
	switch {
	case errors.Is(err, contact.ErrNotMobile):
		return "", workflow.WrongInput("phone", "phone_not_mobile")
	case err != nil:
		return "", workflow.WrongInput("phone", "phone_malformed")
	}
	return number, nil
}

// maxCompanyName is the maximum length of a company name that a user types, in
// characters.
const maxCompanyName = 200

// parseCompany parses a company's name, which is optional, and its fiscal code: 11
// digits, or the 16 characters of a person's code for a sole trader.
func parseCompany(name, code string) (string, string, error) {
	name = norm.NFC.String(strings.Join(strings.Fields(name), " "))
	var bad error
	switch n := utf8.RuneCountInString(name); {
	case n == 1:
		bad = workflow.WrongInput("company_name", "company_name_short")
	case n > maxCompanyName:
		bad = workflow.WrongInput("company_name", "company_name_long")
	}
	parsed, err := parseCompanyCode(code)
	return name, parsed, workflow.JoinFaults(bad, err)
}

func parseCompanyCode(typed string) (string, error) {
	code, err := fiscal.ParseCompany(typed)
	switch {
	case errors.Is(err, fiscal.ErrEmpty):
		return "", workflow.WrongInput("company_code", "company_code_missing")
	case errors.Is(err, fiscal.ErrLength):
		return "", workflow.WrongInput("company_code", "company_code_length")
	case err != nil:
		return "", workflow.WrongInput("company_code", "company_code_check")
	}
	return string(code), nil
}
