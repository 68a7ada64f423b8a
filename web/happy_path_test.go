package web

import (
	"testing"

	"stella/workflow/qualification"
)

// happyPath has the steps of a holder who makes no mistakes, and the state that each
// step leads to.
var happyPath = []struct {
	state qualification.State
	step  func(*browser, holder)
}{
	{qualification.HolderChoice, func(*browser, holder) {}},
	{qualification.Introduction, func(b *browser, _ holder) { b.press("Conferma", "ruolo", "si") }},
	{qualification.HolderKind, func(b *browser, _ holder) { b.press("PROCEDI") }},
	{qualification.CompanyData, func(b *browser, h holder) {
		if h.company != "" {
			b.press("Conferma", "intestatario", "impresa")
		}
	}},
	{qualification.ContactData, func(b *browser, h holder) {
		if h.company != "" {
			b.press("Conferma", "codice_fiscale_impresa", h.company)
		} else {
			b.press("Conferma", "intestatario", "privato")
		}
	}},
	{qualification.Summary, func(b *browser, h holder) { b.press("Conferma", "email", h.email) }},
	{qualification.Identification, func(b *browser, _ holder) { b.press("SALVA E PROCEDI") }},
	{qualification.AtProvider, func(b *browser, _ holder) {
		b.click("Inizia l'identificazione").click("Entra con SPID").click("Prosegui con Identità di prova")
	}},
	{qualification.Identified, func(b *browser, h holder) {
		b.press("Accedi come " + h.person).press("Autorizza").press("Continua")
	}},
	{qualification.Contract, func(b *browser, _ holder) { b.press("PROCEDI") }},
	{qualification.CodeEntry, func(b *browser, _ holder) { b.press("COMPLETA LA RICHIESTA DI IDENTIFICAZIONE") }},
	{qualification.Qualified, func(b *browser, _ holder) { b.press("Conferma", "codice", b.sendCode()) }},
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
