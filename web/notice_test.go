package web

import (
	"net/http"
	"testing"

	"stella/workflow"
)

func TestANoticeIsShownOnce(t *testing.T) {
	t.Parallel()
	b := at(t, anna, workflow.Summary)
	b.click("Modifica l'e-mail").press("Conferma", "cellulare", "3471234567").at("Controlla i dati").tells("Abbiamo salvato le modifiche.")
	if b.page.url.RawQuery != "" {
		t.Errorf("the notice is part of the address: %s", b.page.url)
	}
	b.get("/").at("Controlla i dati").tells("")
	b.press("Esci e riprendi più tardi").tells("Sei uscito dalla procedura. Per riprendere torna alla webmail e seleziona Conferma identità.")
	b.get("/").tells("")
}

// A notice that waits is not shown on a page where it is not true.
func TestANoticeFitsItsPage(t *testing.T) {
	t.Parallel()
	b := at(t, anna, workflow.Introduction)
	for notice := range notices {
		if notice == "moved_on" {
			continue
		}
		b.hold(&http.Cookie{Name: "stella-notice", Value: notice})
		b.get("/").at("Cosa occorre").tells("")
		b.get("/").tells("")
	}
}

// That a code was sent is said only once it was.
func TestACodeUnderWayIsNotCalledSent(t *testing.T) {
	t.Parallel()
	b := at(t, anna, workflow.CodeEntry)
	b.clock.Advance(b.server.Procedure.Limits.Every)
	form := b.form("Invia di nuovo")
	b.post(form).at("Inserisci il codice", "Stiamo inviando un codice OTP a anna.neri@mail.example.").tells("")
	b.sendCode()
	b.hold(&http.Cookie{Name: "stella-notice", Value: "code_sent"})
	b.get("/").at("Inserisci il codice", "Abbiamo inviato un codice OTP").tells("Ti abbiamo inviato un nuovo codice.")
}

// An invited holder has no webmail to go back to.
func TestAnInvitedHolderLeaves(t *testing.T) {
	t.Parallel()
	_, guest, _ := invited(t, bianchi, luca)
	guest.press("PROCEDI").at("Intestatario della casella PEC")
	guest.press("Esci e riprendi più tardi").tells("Sei uscito dalla procedura. Per riprendere apri di nuovo il link dell'invito.")
}
