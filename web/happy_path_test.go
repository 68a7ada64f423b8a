package web

import (
	"context"
	"testing"

	"stella/web/webtest"
	"stella/workflow/qualification"
)

// happyPath has the states of a holder who makes no mistakes, and the number of pages
// that lead to each from the one before.
var happyPath = []milestone{
	{qualification.HolderChoice, 0},
	{qualification.Introduction, 1},
	{qualification.HolderKind, 1},
	{qualification.CompanyData, 1}, // for companies
	{qualification.ContactData, 1},
	{qualification.Summary, 1},
	{qualification.Identification, 1},
	{qualification.AtProvider, 2}, // the beginning and the choice of the provider
	{qualification.Identified, 3}, // the person, the consent and the return
	{qualification.Contract, 1},
	{qualification.CodeEntry, 1},
	{qualification.Qualified, 1},
}

type milestone struct {
	state qualification.State
	pages int
}

// step leads to the state from the one before.
func (m milestone) step(b *browser, h holder) {
	b.Helper()
	if m.state == qualification.CompanyData && h.company == "" {
		return
	}
	entered := webtest.Holder{Person: h.person, Company: h.company, Email: h.email,
		Code: func(context.Context) (string, error) { return b.sendCode(), nil }}
	for range m.pages {
		b.must(b.Advance(b.Context(), entered))
	}
}

// proceed takes the steps of happyPath from one state to another.
func (b *browser) proceed(h holder, from, to qualification.State) *browser {
	b.Helper()
	walking := false
	for _, w := range happyPath {
		if walking {
			w.step(b, h)
		}
		walking = walking || w.state == from
		if w.state == to {
			break
		}
	}
	if got := b.state(h); got != to {
		b.Fatalf("the steps lead to %s instead of %s: %s", got, to, b.Content())
	}
	return b
}

// at creates a world, and returns a browser in which a holder has reached a state.
func at(t *testing.T, h holder, to qualification.State, configure ...func(*world)) *browser {
	t.Helper()
	w := newWorld(t, configure...)
	w.record(h)
	return w.enter(h).proceed(h, qualification.HolderChoice, to)
}

// invited creates a world in which a delegate has invited a holder. guest is the
// holder's browser, with the page of the link.
func invited(t *testing.T, h holder, email string) (delegate, guest *browser, link string) {
	t.Helper()
	w := newWorld(t)
	w.record(h)
	delegate = w.enter(h).press("Conferma", "ruolo", "no").press("Invia l'invito", "email", email)
	link = w.invitationLink()
	return delegate, w.browser().get(link), link
}
