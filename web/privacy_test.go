package web

import (
	"strings"
	"testing"

	"stella/workflow"
	"stella/workflow/qualification"
)

// omits checks that the page contains none of these words.
func (b *browser) omits(words ...string) {
	b.Helper()
	for _, w := range words {
		if strings.Contains(strings.ToLower(b.Body), strings.ToLower(w)) {
			b.Errorf("%s contains %q", b.URL.Path, w)
		}
	}
}

// Before the login, the pages show only the ordinary e-mail address from the record.
func TestRecordIsNotShown(t *testing.T) {
	t.Parallel()
	for _, h := range []holder{anna, bianchi} {
		secrets := []string{h.record.FiscalCode, "Bianchi S.r.l.", "Luca", "BNCLCU75C12F205G", "Anna Neri"}
		b := at(t, h, qualification.HolderChoice)
		for i := 1; happyPath[i-1].state != qualification.AtProvider; i++ {
			happyPath[i].step(b, h)
			if happyPath[i].state == qualification.ContactData && h.company != "" {
				b.hasValue("email", h.email)
			}
			if h.company != "" && i >= 5 { // the user has typed the company's code
				secrets = secrets[1:]
			}
			if b.URL.Hostname() == "127.0.0.1" {
				b.omits(secrets...)
			}
		}
		b.get("/").omits(secrets...)
	}
}

// The invited person sees the record only masked.
func TestInvitedPersonSeesMaskedData(t *testing.T) {
	t.Parallel()
	record := []string{"Officine Bianchi", "09876543217", "BNCLCU75C12F205G", "Luca", "amministrazione"}
	_, guest, link := invited(t, bianchi, "chiunque@mail.example")
	guest.omits(append(record, "chiunque@")...)
	guest.press("PROCEDI").omits(record...)
	guest.press("Conferma", "intestatario", "impresa").omits(record...)
	guest.press("Conferma", "codice_fiscale_impresa", bianchi.company).hasValue("email", "chiunque@mail.example")
	record = append(record[:1], record[2:]...)
	guest.omits(record...)
	guest.press("Conferma").at("Controlla i dati").omits(record...)
	guest.press("SALVA E PROCEDI").omits(record...)
	guest.world.browser().get(link).omits(append(record, "chiunque@")...)
}

// The delegate never sees the data that the invited holder enters.
func TestDelegateSeesNoData(t *testing.T) {
	t.Parallel()
	const typed = "personale@holder.example"
	h := bianchi
	h.email = typed
	delegate, guest, _ := invited(t, h, luca)
	guest.press("PROCEDI")
	began := false
	for _, w := range happyPath {
		if began {
			w.step(guest, h)
			guest.stateIs(h, w.state)
			for _, path := range []string{
				"/", "/riepilogo/contatti", "/riepilogo/intestatario", "/identita/contatti", "/codice/contatti", "/identificazione/spid",
			} {
				delegate.get(path).omits(typed, "holder.example", "3471234567", "BNCLCU75C12F205G", "205G", "09876543217",
					"Luca", "Officine Bianchi", luca)
			}
		}
		began = began || w.state == qualification.HolderKind
	}
	delegate.at("Identificazione avvenuta con successo")
}

// The user who typed an address sees all of it, to notice a typing error. Other
// sessions do not see it: the code page needs the session of the login, and after
// the acceptance the delegate sees the invitation's address masked.
func TestAddressIsShownInFullToTheUserWhoTypedIt(t *testing.T) {
	t.Parallel()
	mistyped := anna
	mistyped.email = "anna.neri@gmial.example"
	b := at(t, mistyped, qualification.CodeEntry)
	b.at("Inserisci il codice", mistyped.email).omits("NRENNA80A41H501T", "Neri Anna", "Anna Neri")
	id := b.newestMail(workflow.MailCode)
	b.must(b.store.MailRefused(t.Context(), b.startMail(id).Attempt(), "550 no such user", b.clock.Now()))
	b.get("/").at("Inserisci il codice", "Non riusciamo a scrivere a "+mistyped.email+". Controlla l'indirizzo.")
	b.enter(mistyped).at("Ora identificati").omits(mistyped.email)

	delegate, guest, _ := invited(t, bianchi, "luca.bianchi@gmial.example")
	delegate.at("Invito in partenza", "luca.bianchi@gmial.example")
	guest.press("PROCEDI")
	delegate.get("/").at("Invito accettato", "l•••@g•••.example").omits("gmial")
}

// checkLog checks the log of every test for personal data. TestLog checks that the
// log has the entries that it should have.
func TestLog(t *testing.T) {
	t.Parallel()
	delegate, guest, _ := invited(t, anna, "anna@mail.example")
	guest.press("PROCEDI").proceed(anna, qualification.HolderKind, qualification.Identification)
	request := guest.ask()
	guest.deliver(guest.answer(request, "Sara Verdi").With("RelayState", "x"))
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
			t.Errorf("the log lacks %s: %s", line, log)
		}
	}
	for _, secret := range []string{"forged", request.RelayState, "idp="} {
		if strings.Contains(log, secret) {
			t.Errorf("the log contains %q: %s", secret, log)
		}
	}
}
