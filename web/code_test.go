package web

import (
	"encoding/json"
	"net/http"
	"strings"
	"testing"
	"time"

	"stella/workflow"
	"stella/workflow/qualification"
)

// codeStatusIs checks the code's status that the page's script gets.
func (b *browser) codeStatusIs(status string, left, resend int) {
	b.Helper()
	response, body := b.send(b.request(http.MethodGet, "/codice/stato", nil))
	var got struct {
		Status      string
		SecondsLeft int `json:"seconds_left"`
		ResendIn    int `json:"resend_in"`
	}
	b.must(json.Unmarshal([]byte(body), &got))
	if got.Status != status || got.SecondsLeft != left || got.ResendIn != resend || response.StatusCode != http.StatusOK {
		b.Errorf("the script gets %d %s, want %s, %d left, %d to wait", response.StatusCode, body, status, left, resend)
	}
	clock := b.get("/").Find("#clock")
	if got := clock.AttrOr("data-status", ""); status != "elsewhere" && got != status {
		b.Errorf("the page has the status %s, want %s", got, status)
	}
}

func TestCodeStatuses(t *testing.T) {
	t.Parallel()
	const heading = "Inserisci il codice"
	b := at(t, anna, qualification.CodeEntry)
	b.at(heading, "Stiamo inviando un codice OTP a anna.neri@mail.example.", "Il mittente è staff@posta.example.")
	b.codeStatusIs("sending", 0, 20)
	b.clock.Advance(2500 * time.Millisecond)
	b.codeStatusIs("sending", 0, 18) // rounded up
	code := b.sendCode()
	b.codeStatusIs("sent", 60, 18)
	b.at(heading, "Abbiamo inviato un codice OTP a anna.neri@mail.example. Vale 60 secondi.",
		"Tra un invio e l'altro passano almeno 20 secondi.")
	b.clock.Advance(time.Millisecond)
	b.codeStatusIs("sent", 60, 18)
	b.unchanged(func() {
		b.press("Invia di nuovo").hasError("resend", "Puoi chiedere un altro codice tra 18 secondi")
		b.clock.Advance(16500 * time.Millisecond)
		b.press("Invia di nuovo").hasError("resend", "Puoi chiedere un altro codice tra un secondo")
	})
	b.clock.Advance(time.Second)
	b.codeStatusIs("sent", 43, 0)
	b.clock.Advance(42499*time.Millisecond - time.Nanosecond)
	b.codeStatusIs("sent", 1, 0)
	b.clock.Advance(time.Nanosecond)
	b.codeStatusIs("expired", 0, 0)
	b.at(heading, "Il codice è scaduto. Seleziona Invia di nuovo per riceverne un altro.",
		"Lo invieremo a anna.neri@mail.example.")
	b.unchanged(func() {
		b.press("Conferma", "codice", code).hasError("codice", "Il codice è scaduto. Seleziona Invia di nuovo per riceverne un altro")
	})
	b.press("Invia di nuovo").at(heading, "Stiamo inviando").showsNotice("")
	b.codeStatusIs("sending", 0, 20)
	// White space in the code is ignored, since users group digits.
	code = b.sendCode()
	b.press("Conferma", "codice", " "+code[:3]+" "+code[3:]+"\t").at("Identificazione avvenuta con successo")
	b.codeStatusIs("elsewhere", 0, 0)
}

func TestCodeExpiresAlthoughTheRelayHasNotAnswered(t *testing.T) {
	t.Parallel()
	b := at(t, anna, qualification.CodeEntry)
	b.startMail(b.newestMail(workflow.MailCode))
	b.codeStatusIs("sending", 0, 20) // the relay has not accepted the mail yet
	b.clock.Advance(60 * time.Second)
	b.codeStatusIs("expired", 0, 0)
}

func TestFiveCodesInAQuarterOfAnHour(t *testing.T) {
	t.Parallel()
	b := at(t, anna, qualification.CodeEntry)
	for range 4 {
		b.clock.Advance(20 * time.Second)
		b.press("Invia di nuovo").at("Inserisci il codice").showsNotice("")
	}
	b.clock.Advance(20 * time.Second)
	b.unchanged(func() {
		b.press("Invia di nuovo").hasError("resend", "Hai chiesto troppi codici. Riprova tra 14 minuti")
	})
	b.codeStatusIs("sending", 0, 800)
	b.at("Inserisci il codice", "Hai chiesto troppi codici. Puoi chiederne un altro tra 14 minuti.")
	b.clock.Advance(800 * time.Second)
	b.press("Invia di nuovo").at("Inserisci il codice", "Stiamo inviando")
}

func TestPauseAfterFiveWrongCodes(t *testing.T) {
	t.Parallel()
	b := at(t, anna, qualification.CodeEntry)
	code := b.sendCode()
	for range 5 {
		b.press("Conferma", "codice", wrongCode(code))
	}
	over := b.after(15 * time.Minute)
	b.answered(http.StatusUnprocessableEntity, "Procedura in pausa", "la procedura è in pausa fino alle "+over,
		"Potrai chiedere un altro codice dalle "+over+".", "non devi ricominciare")
	b.codeStatusIs("paused", 0, 20)
	b.clock.Advance(15*time.Minute - time.Second)
	b.codeStatusIs("paused", 0, 0)
	b.clock.Advance(time.Second)
	b.codeStatusIs("spent", 0, 0)
	b.press("Invia di nuovo")
	b.codeStatusIs("sending", 0, 20)
	b.press("Conferma", "codice", wrongCode(b.sendCode())).hasError("codice", "Il codice non è corretto. Hai ancora 4 tentativi")
}

func TestRelayRefusesTheAddress(t *testing.T) {
	t.Parallel()
	b := at(t, anna, qualification.CodeEntry)
	m := b.startMail(b.newestMail(workflow.MailCode))
	b.must(b.store.MailRefused(t.Context(), m.Attempt(), "550 no such user", b.clock.Now()))
	b.codeStatusIs("refused", 0, 20)
	b.at("Inserisci il codice", "Non riusciamo a scrivere a anna.neri@mail.example. Controlla l'indirizzo.")
	b.clock.Advance(20 * time.Second)
	b.click("Modifica i contatti").at("Modifica i contatti", "Se cambi l'indirizzo e-mail ti inviamo subito un nuovo codice OTP")
	b.hasValue("email", anna.email).press("Conferma", "email", "anna@altro.example")
	b.at("Inserisci il codice", "Stiamo inviando un codice OTP a anna@altro.example.").showsNotice("Abbiamo salvato le modifiche.")
	if b.mails(workflow.MailCode, "anna@altro.example") != 1 || b.mails(workflow.MailContactsChanged, anna.mailbox) != 1 {
		t.Error("no code is sent to the new address, or no mail about the change to the mailbox")
	}
	b.press("Conferma", "codice", b.sendCode()).at("Identificazione avvenuta con successo")
}

// A change of the address invalidates the code that was sent to the previous
// address, and sends another code at once, since it is the first to that address.
func TestContactsChangeOnTheCodePage(t *testing.T) {
	t.Parallel()
	b := at(t, anna, qualification.CodeEntry)
	code := b.sendCode()
	b.click("Modifica i contatti").press("Conferma", "cellulare", "3471234567").at("Inserisci il codice", "Vale 60 secondi")
	b.click("Modifica i contatti").press("Conferma", "email", "anna@altro.example")
	b.at("Inserisci il codice", "Stiamo inviando un codice OTP a anna@altro.example").showsNotice("Abbiamo salvato le modifiche.")
	b.codeStatusIs("sending", 0, 20)
	b.unchanged(func() {
		b.press("Conferma", "codice", code)
		b.hasError("codice", "Questo codice è stato sostituito da uno più recente. Usa l'ultimo che hai ricevuto")
	})
	b.press("Conferma", "codice", b.sendCode()).at("Identificazione avvenuta con successo")
}

// If too many codes were sent, the page for the contacts shows the time from which
// another code can be sent.
func TestContactsChangeAfterTooManyCodes(t *testing.T) {
	t.Parallel()
	b := at(t, anna, qualification.CodeEntry)
	for range 4 {
		b.clock.Advance(20 * time.Second)
		b.get("/").press("Invia di nuovo").at("Inserisci il codice")
	}
	b.click("Modifica i contatti").at("Modifica i contatti",
		"Potrai chiederne uno per il nuovo indirizzo dalle "+b.after(820*time.Second)+".")
	b.press("Conferma", "email", "anna@altro.example")
	b.at("Inserisci il codice", "Al momento non c'è un codice valido.", "Lo invieremo a anna@altro.example",
		"Puoi chiederne un altro tra 14 minuti.")
	if b.mails(workflow.MailCode, "anna@altro.example") != 0 {
		t.Error("a sixth code was sent within a quarter of an hour")
	}
}

func TestCodeIsDropped(t *testing.T) {
	t.Parallel()
	const sentence = "Non siamo riusciti a inviare in tempo il codice a anna.neri@mail.example."
	b := at(t, anna, qualification.CodeEntry)
	b.must(b.store.MailDropped(t.Context(), b.startMail(b.newestMail(workflow.MailCode)).Attempt(), b.clock.Now()))
	b.codeStatusIs("dropped", 0, 20)
	b.at("Inserisci il codice", sentence)
	b.clock.Advance(20 * time.Second)
	b.press("Invia di nuovo")
	b.codeStatusIs("sending", 0, 20)
	// The same if the sender of mails does not start it in time.
	b.clock.Advance(workflow.CodeMailLifetime + time.Second)
	b.codeStatusIs("dropped", 0, 0)
	b.at("Inserisci il codice", sentence)
}

func TestCodeStatusIsForTheOwnerOnly(t *testing.T) {
	t.Parallel()
	b := at(t, anna, qualification.CodeEntry)
	b.sendCode()
	b.enter(anna).codeStatusIs("elsewhere", 0, 0)
	b.world.browser().codeStatusIs("elsewhere", 0, 0)
	if strings.Contains(b.get("/codice/stato").Body, "@") {
		t.Error("the status contains the address")
	}
}

// If the login expires before the pause ends, the user must log in again, and the
// page says so.
func TestLoginExpiresDuringAPause(t *testing.T) {
	t.Parallel()
	b := at(t, anna, qualification.CodeEntry)
	b.clock.Advance(20 * time.Minute)
	b.press("Invia di nuovo")
	code := b.sendCode()
	for range 5 {
		b.press("Conferma", "codice", wrongCode(code))
	}
	b.answered(http.StatusUnprocessableEntity, "Procedura in pausa",
		"Per allora la tua identificazione non varrà più: ripeterai l'accesso")
	if strings.Contains(b.Content(), "non devi ricominciare") {
		t.Error("the page still says that the user need not start again")
	}
	b.clock.Advance(15 * time.Minute)
	b.get("/").at("Ora identificati", lapsed)
}
