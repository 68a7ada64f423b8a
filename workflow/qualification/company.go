package qualification

import (
	"errors"
	"strings"
	"unicode/utf8"

	"golang.org/x/text/unicode/norm"

	"stella/workflow"
	"stella/workflow/fiscal"
)

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
