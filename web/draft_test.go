package web

import (
	"net/http"
	"testing"

	"stella/workflow"
	"stella/workflow/qualification"
)

const draftKept = "Quello che hai scritto non è perso"

// The input of a form that is sent after the session ended is kept for the same
// browser and the same mailbox.
func TestDraftIsKept(t *testing.T) {
	t.Parallel()
	b := at(t, anna, qualification.ContactData)
	late := b.form("Conferma", "email", "nuova@mail.example", "cellulare", "+393471234567")
	b.clock.Advance(workflow.SessionIdle + workflow.SessionTouch)
	b.unchanged(func() { b.post(late).answered(http.StatusForbidden, sessionExpired, wasIdle, draftKept) })
	b.enter(anna).at("Dati di Contatto").hasValue("email", anna.email) // another browser does not show it
	b.handOver(anna).at("Dati di Contatto").hasValue("email", "nuova@mail.example").hasValue("cellulare", "+393471234567")
	b.press("Conferma").at("Controlla i dati", "nuova@mail.example")
	b.press("Indietro").at("Dati di Contatto").hasValue("email", "nuova@mail.example")
	if n := b.query(`select count(draft)::text from sessions`); n != "0" {
		t.Errorf("%s drafts are left", n)
	}
}

// A code is never kept.
func TestCodeIsNotKeptAsDraft(t *testing.T) {
	t.Parallel()
	b := at(t, anna, qualification.CodeEntry)
	late := b.form("Conferma", "codice", b.sendCode())
	b.clock.Advance(workflow.SessionIdle + workflow.SessionTouch)
	b.post(late).answered(http.StatusForbidden, sessionExpired, wasIdle)
	if n := b.query(`select count(draft)::text from sessions`); n != "0" {
		t.Errorf("%s drafts are kept", n)
	}
}
