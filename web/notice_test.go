package web

import (
	"net/http"
	"testing"

	"stella/workflow/qualification"
)

func TestNoticeIsShownOnce(t *testing.T) {
	t.Parallel()
	b := at(t, anna, qualification.Summary)
	b.click("Modifica l'e-mail").press("Conferma", "cellulare", "3471234567")
	b.at("Controlla i dati").showsNotice("Abbiamo salvato le modifiche.")
	if b.URL.RawQuery != "" {
		t.Errorf("the notice is part of the URL: %s", b.URL)
	}
	b.get("/").at("Controlla i dati").showsNotice("")
	b.press("Esci e riprendi più tardi")
	b.showsNotice("Sei uscito dalla procedura. Per riprendere torna alla webmail e seleziona Conferma identità.")
	b.get("/").showsNotice("")
}

// A notice is discarded on a page for which it is not true.
func TestNoticeMustBeTrue(t *testing.T) {
	t.Parallel()
	b := at(t, anna, qualification.Introduction)
	for notice := range notices {
		if notice == "moved_on" {
			continue
		}
		b.SetCookie(&http.Cookie{Name: "stella-notice", Value: notice})
		b.get("/").at("Cosa occorre").showsNotice("")
		b.get("/").showsNotice("")
	}
}

// The notice that a code was sent is shown only after the relay accepted the mail.
func TestNoticeOfASentCode(t *testing.T) {
	t.Parallel()
	b := at(t, anna, qualification.CodeEntry)
	b.clock.Advance(b.server.Procedure.Limits.Every)
	form := b.form("Invia di nuovo")
	b.post(form).at("Inserisci il codice", "Stiamo inviando un codice OTP a anna.neri@mail.example.").showsNotice("")
	b.sendCode()
	b.SetCookie(&http.Cookie{Name: "stella-notice", Value: "code_sent"})
	b.get("/").at("Inserisci il codice", "Abbiamo inviato un codice OTP").showsNotice("Ti abbiamo inviato un nuovo codice.")
}

// The notice for an invited holder does not mention the webmail.
func TestInvitedHolderLeaves(t *testing.T) {
	t.Parallel()
	_, guest, _ := invited(t, bianchi, luca)
	guest.press("PROCEDI").at("Intestatario della casella PEC")
	guest.press("Esci e riprendi più tardi")
	guest.showsNotice("Sei uscito dalla procedura. Per riprendere apri di nuovo il link dell'invito.")
}
