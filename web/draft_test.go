package web

import (
	"net/http"
	"testing"

	"stella/workflow"
)

const kept = "Quello che hai scritto non è perso"

// What is typed into a form survives the end of its session, in the same browser
// and for the same mailbox.
func TestWhatWasTypedSurvivesTheSession(t *testing.T) {
	t.Parallel()
	b := at(t, anna, workflow.ContactData)
	late := b.form("Conferma", "email", "nuova@mail.example", "cellulare", "+393471234567")
	b.clock.Advance(workflow.SessionIdle)
	b.unchanged(func() { b.post(late).answered(http.StatusForbidden, sessionExpired, wasIdle, kept) })
	b.enter(anna).at("Dati di Contatto").holds("email", anna.email) // another browser has none of it
	b.handOver(anna).at("Dati di Contatto").holds("email", "nuova@mail.example").holds("cellulare", "+393471234567")
	b.press("Conferma").at("Controlla i dati", "nuova@mail.example")
	b.press("Indietro").at("Dati di Contatto").holds("email", "nuova@mail.example")
	if n := b.query(`select count(draft)::text from sessions`); n != "0" {
		t.Errorf("%s drafts are left", n)
	}
}

// A code is never kept.
func TestACodeIsNotKept(t *testing.T) {
	t.Parallel()
	b := at(t, anna, workflow.CodeEntry)
	late := b.form("Conferma", "codice", b.sendCode())
	b.clock.Advance(workflow.SessionIdle)
	b.post(late).answered(http.StatusForbidden, sessionExpired, wasIdle)
	if n := b.query(`select count(draft)::text from sessions`); n != "0" {
		t.Errorf("%s drafts are kept", n)
	}
}
