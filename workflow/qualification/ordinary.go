package qualification

import (
	"context"
	"errors"
	"strings"

	"stella/workflow"
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
	if workflow.IsBlank(typed) {
		t.wrong = workflow.WrongInput("email", "email_missing")
		return t, nil
	}
	t.address, err = workflow.ParseAddress(typed)
	switch {
	case errors.Is(err, workflow.ErrAddressAccent):
		t.wrong = workflow.WrongInput("email", "email_accent")
	case errors.Is(err, workflow.ErrAddressSign):
		t.wrong = workflow.WrongInput("email", "email_sign")
	case err != nil:
		t.wrong = workflow.WrongInput("email", "email_malformed")
	}
	if err != nil {
		return t, nil
	}
	_, domain, _ := strings.Cut(t.address, "@")
	if t.certified = workflow.IsCertified(domain); !t.certified {
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
