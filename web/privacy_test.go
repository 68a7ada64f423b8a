package web

import (
	"strings"
	"testing"

	"stella/workflow"
)

// silent checks that a page, as it came, holds none of these.
func (b *browser) silent(words ...string) {
	b.Helper()
	for _, w := range words {
		if strings.Contains(strings.ToLower(b.body), strings.ToLower(w)) {
			b.Errorf("%s tells %q", b.page.url.Path, w)
		}
	}
}

// Before the match a user of the webmail sees of the record only the ordinary
// address.
func TestRecordIsNotTold(t *testing.T) {
	t.Parallel()
	for _, h := range []holder{anna, bianchi} {
		secrets := []string{h.record.FiscalCode, "Bianchi S.r.l.", "Luca", "BNCLCU75C12F205G", "Anna Neri"}
		b := at(t, h, workflow.HolderChoice)
		for i := 1; walk[i-1].state != workflow.AtProvider; i++ {
			walk[i].step(b, h)
			if walk[i].state == workflow.ContactData && h.company != "" {
				b.holds("email", h.email)
			}
			if h.company != "" && i >= 5 { // what was typed may be read again
				secrets = secrets[1:]
			}
			if b.page.url.Hostname() == "127.0.0.1" {
				b.silent(secrets...)
			}
		}
		b.get("/").silent(secrets...)
	}
}

// Who has only the link is told masks.
func TestInvitedSeesMasks(t *testing.T) {
	t.Parallel()
	record := []string{"Officine Bianchi", "09876543217", "BNCLCU75C12F205G", "Luca", "amministrazione"}
	_, guest, link := invited(t, bianchi, "chiunque@mail.example")
	guest.silent(append(record, "chiunque@")...)
	guest.press("PROCEDI").silent(record...)
	guest.press("Conferma", "intestatario", "impresa").silent(record...)
	guest.press("Conferma", "codice_fiscale_impresa", bianchi.company).holds("email", "chiunque@mail.example")
	record = append(record[:1], record[2:]...)
	guest.silent(record...)
	guest.press("Conferma").at("Controlla i dati").silent(record...)
	guest.press("SALVA E PROCEDI").silent(record...)
	guest.world.browser().get(link).silent(append(record, "chiunque@")...)
}

// What the invited holder types is not the delegate's to see, at any state.
func TestDelegateSeesNothing(t *testing.T) {
	t.Parallel()
	const typed = "personale@holder.example"
	h := bianchi
	h.email = typed
	delegate, guest, _ := invited(t, h, luca)
	guest.press("PROCEDI")
	began := false
	for _, w := range walk {
		if began {
			w.step(guest, h)
			guest.wants(h, w.state)
			for _, path := range []string{"/", "/riepilogo/contatti", "/riepilogo/intestatario", "/identita/contatti", "/codice/contatti", "/identificazione/spid"} {
				delegate.get(path).silent(typed, "holder.example", "3471234567", "BNCLCU75C12F205G", "205G", "09876543217", "Luca", "Officine Bianchi", luca)
			}
		}
		began = began || w.state == workflow.HolderKind
	}
	delegate.at("Identificazione avvenuta con successo")
}

// Whoever typed an address reads it in full, or could not see a slip in it. Nobody
// else does: the session that logged in has the page of the code, and a delegate
// of an accepted invitation a mask.
func TestAnAddressIsReadInFullByWhoTypedIt(t *testing.T) {
	t.Parallel()
	slip := anna
	slip.email = "anna.neri@gmial.example"
	b := at(t, slip, workflow.CodeEntry)
	b.at("Inserisci il codice", slip.email).silent("NRENNA80A41H501T", "Neri Anna", "Anna Neri")
	id := b.newestMail(workflow.MailCode)
	_, err := b.store.StartMail(t.Context(), id, b.clock.Now())
	b.must(err)
	b.must(b.store.MailRefused(t.Context(), id, "550 no such user", b.clock.Now()))
	b.get("/").at("Inserisci il codice", "Non riusciamo a scrivere a "+slip.email+". Controlla l'indirizzo.")
	b.enter(slip).at("Ora identificati").silent(slip.email)

	delegate, guest, _ := invited(t, bianchi, "luca.bianchi@gmial.example")
	delegate.at("Invito in partenza", "luca.bianchi@gmial.example")
	guest.press("PROCEDI")
	delegate.get("/").at("Invito accettato", "l•••@g•••.example").silent("gmial")
}

// The log of every test is read (see checkLog); here, that it is one to read.
func TestLog(t *testing.T) {
	t.Parallel()
	delegate, guest, _ := invited(t, anna, "anna@mail.example")
	guest.press("PROCEDI").goOn(anna, workflow.HolderKind, workflow.Identification)
	request := guest.ask()
	guest.deliver(guest.answer(request, "Sara Verdi").with("RelayState", "x"))
	guest.get("/identificazione/avvia?idp=x&t=forged")
	log := delegate.log.String()
	for _, line := range []string{
		`route="POST /start/{token}" method=POST status=303`,
		`route="GET /invito/{token}" method=GET status=200`,
		`route="POST /invito/{token}" method=POST status=303`,
		`route="GET /identificazione/avvia" method=GET status=302`,
		`level=WARN msg=refused`, `route="POST /spid/acs" method=POST status=403`,
		`reason=answer address=127.0.0.1`,
		`RelayState is not the one sent`,
	} {
		if !strings.Contains(log, line) {
			t.Errorf("the log does not hold %s: %s", line, log)
		}
	}
	for _, secret := range []string{"forged", request.RelayState, "idp="} {
		if strings.Contains(log, secret) {
			t.Errorf("the log holds %q: %s", secret, log)
		}
	}
}
