package web

import (
	"slices"
	"testing"
	"time"

	"stella/workflow"
)

func TestPersonIsQualified(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.record(anna)
	b := w.enter(anna)
	b.at("Conferma identità")
	if want := []string{"303 /"}; !slices.Equal(b.trail, want) {
		t.Errorf("the way in is %v", b.trail)
	}
	b.press("Conferma", "ruolo", "si").at("Cosa occorre", "un account SPID già attivo")
	b.press("PROCEDI").at("Intestatario della casella PEC")
	b.press("Conferma", "intestatario", "privato").at("Dati di Contatto").holds("email", "anna.neri@mail.example")
	b.press("Conferma", "cellulare", "3471234567").at("Controlla i dati", "Privato Cittadino", "anna.neri@mail.example", "+393471234567")
	b.press("SALVA E PROCEDI").at("Ora identificati", "l'intestatario della casella anna.neri@pec.example")
	b.click("Inizia l'identificazione").at("Scegli il gestore della tua identità SPID")
	b.click("Entra con SPID").at("Scegli il gestore della tua identità SPID")
	b.click("Prosegui con Identità di prova").at("Con quale identità vuoi accedere?")
	w.wants(anna, workflow.AtProvider)
	b.press("Accedi come Anna Neri").press("Autorizza").press("Continua")
	if want := []string{"303 /spid/return", "303 /"}; !slices.Equal(b.trail, want) {
		t.Errorf("the way back is %v", b.trail)
	}
	b.at("Identificazione riuscita", "Anna Neri", "termina con 501T", "SPID, livello 2, con Identità di prova",
		"anna.neri@pec.example", "Il codice OTP arriverà a anna.neri@mail.example")
	b.press("PROCEDI").at("Informativa contrattuale")
	b.press("COMPLETA LA RICHIESTA DI IDENTIFICAZIONE").at("Inserisci il codice", "Stiamo inviando un codice OTP a anna.neri@mail.example")
	b.press("Conferma", "codice", w.sendCode()).at("Identificazione avvenuta con successo", "La casella anna.neri@pec.example è ora qualificata")
	if got := b.link("Torna alla webmail"); got != returnURL {
		t.Errorf("the way to the webmail is %s", got)
	}
	w.wants(anna, workflow.Qualified)
	if got := w.query(`select ordinary from mailboxes where star is not null`); got != "anna.neri@mail.example" {
		t.Errorf("the ordinary address is %s", got)
	}
	w.enter(anna).at("Identificazione avvenuta con successo")
}

func TestCompanyIsQualified(t *testing.T) {
	t.Parallel()
	b := at(t, bianchi, workflow.HolderKind)
	b.press("Conferma", "intestatario", "impresa").at("Dati della persona / impresa")
	b.press("Conferma", "ragione_sociale", "  Officine   Bianchi ", "codice_fiscale_impresa", "098 765 43217").at("Dati di Contatto")
	b.press("Conferma").at("Controlla i dati", "Impresa / Società", "Officine Bianchi", "09876543217", "amministrazione@bianchi.example", "non indicato")
	b.press("SALVA E PROCEDI").at("Ora identificati", "un legale rappresentante dell'impresa per la casella officine.bianchi@pec.example")
	b.goOn(bianchi, workflow.Identification, workflow.Qualified).at("Identificazione avvenuta con successo")
}

func TestDataAreCorrected(t *testing.T) {
	t.Parallel()
	b := at(t, bianchi, workflow.Summary)
	b.click("Modifica l'intestatario").at("Modifica l'intestatario").holds("intestatario", "impresa").holds("codice_fiscale_impresa", "09876543217")
	b.press("Conferma", "ragione_sociale", "Officine Bianchi S.r.l.").at("Controlla i dati", "Officine Bianchi S.r.l.").tells("Abbiamo salvato le modifiche.")
	b.click("Modifica l'e-mail").at("Modifica i contatti").holds("email", "amministrazione@bianchi.example")
	b.press("Conferma", "email", "nuova@bianchi.example", "cellulare", "+44 7911 123456").at("Controlla i dati", "nuova@bianchi.example", "+447911123456")
	told := func(times int) {
		t.Helper()
		for _, to := range []string{"amministrazione@bianchi.example", "officine.bianchi@pec.example"} {
			if got := b.mails(workflow.MailContactsChanged, to); got != times {
				t.Errorf("%s is told of the other address %d times, want %d", to, got, times)
			}
		}
	}
	b.click("Modifica il cellulare").click("Torna indietro senza modificare").at("Controlla i dati")
	told(0) // not saved yet
	b.press("SALVA E PROCEDI").at("Ora identificati")
	told(1)
	b.goOn(bianchi, workflow.Identification, workflow.Identified).at("Identificazione riuscita", "arriverà a nuova@bianchi.example")
	b.click("Modifica dove arriverà il codice OTP").at("Modifica i contatti").press("Conferma", "email", "altra@bianchi.example")
	b.at("Identificazione riuscita", "arriverà a altra@bianchi.example")
	told(2)
	b.wants(bianchi, workflow.Identified)
	// The pages of changes are for their states only.
	for _, path := range []string{"/riepilogo/intestatario", "/riepilogo/contatti", "/codice/contatti"} {
		if b.get(path).at("Identificazione riuscita").tells(""); b.page.url.Path != "/" {
			t.Errorf("%s shows another page", path)
		}
	}
	b.goOn(bianchi, workflow.Identified, workflow.CodeEntry).at("Inserisci il codice", "altra@bianchi.example")
}

func TestStepsBack(t *testing.T) {
	t.Parallel()
	b := at(t, bianchi, workflow.Identification)
	for _, heading := range []string{"Controlla i dati", "Dati di Contatto", "Intestatario della casella PEC", "Cosa occorre", "Conferma identità"} {
		b.press("Indietro").at(heading).tells("")
	}
	if b.Find(`form[action="/indietro"]`).Length() != 0 {
		t.Error("there is a way back from the beginning")
	}
	b.press("Conferma", "ruolo", "si").press("PROCEDI").at("Intestatario della casella PEC").holds("intestatario", "impresa")
	b.press("Conferma").at("Dati della persona / impresa").holds("codice_fiscale_impresa", "09876543217")
	b.press("Indietro").at("Intestatario della casella PEC")
}

func TestWrongPersonIsRejectedAndMayTryAgain(t *testing.T) {
	t.Parallel()
	wrong := sara
	wrong.person = "Anna Neri"
	b := at(t, sara, workflow.AtProvider)
	b.press("Accedi come Anna Neri").press("Autorizza").press("Continua")
	const rejected = "La tua richiesta di qualifica della PEC Esempio non è andata a buon fine: riprova"
	b.at(rejected, "I dati della persona identificata non corrispondono all'intestatario della casella, né a un suo legale rappresentante.", "800 000 000")
	b.wants(sara, workflow.Rejected)
	if b.mails(workflow.MailRejected, "sara.verdi@mail.example") != 1 {
		t.Error("the holder is not told")
	}
	b.press("Ripeti l'identificazione con un'altra identità").at("Ora identificati")
	b.goOn(wrong, workflow.Identification, workflow.AtProvider).press("Accedi come Anna Neri").press("Autorizza").press("Continua").at(rejected)
	b.press("Riprova").at("Intestatario della casella PEC").holds("intestatario", "privato")
	b.goOn(sara, workflow.HolderKind, workflow.Qualified).at("Identificazione avvenuta con successo")
}

// The typical wrong person is an accountant or a secretary: the page leads to the
// invitation of the holder, and the attempt that failed is left behind.
func TestWrongPersonInvitesTheHolder(t *testing.T) {
	t.Parallel()
	b := at(t, sara, workflow.AtProvider)
	b.press("Accedi come Anna Neri").press("Autorizza").press("Continua")
	b.press("Invita l'intestatario").at("Invita l'intestatario", "riceverà un link personale")
	b.wants(sara, workflow.HolderInvitation)
	b.press("Invia l'invito", "email", "sara.verdi@mail.example").at("Invito in partenza")
	guest := b.browser().get(b.invitationLink()).press("PROCEDI").at("Intestatario della casella PEC")
	wrong := sara
	wrong.person, wrong.email = "Anna Neri", "sara.verdi@mail.example"
	guest.goOn(wrong, workflow.HolderKind, workflow.AtProvider).press("Accedi come Anna Neri").press("Autorizza").press("Continua")
	if guest.Find(`form[action="/riprova/invito"]`).Length() != 0 {
		t.Error("the person invited is offered to invite")
	}
	pass := guest.form("Riprova")
	pass.action = "/riprova/invito"
	guest.unchanged(func() { guest.post(pass).tells("La procedura nel frattempo è andata avanti: ecco dove sei.") })
	guest.press("Ripeti l'identificazione con un'altra identità")
	guest.goOn(sara, workflow.Identification, workflow.Qualified)
}

func TestAnotherCompanyIsRejected(t *testing.T) {
	t.Parallel()
	b := at(t, bianchi, workflow.CompanyData)
	b.press("Conferma", "codice_fiscale_impresa", "02468135799")
	b.at("La tua richiesta di qualifica della PEC Esempio non è andata a buon fine: riprova",
		"I dati dell'impresa che hai inserito non corrispondono all'intestatario della casella.")
	if b.Find(`form[action="/riprova/identita"]`).Length() != 0 {
		t.Error("another identity is offered, which mends nothing")
	}
	b.wants(bianchi, workflow.Rejected)
	again := b.form("Riprova")
	again.action = "/riprova/identita"
	b.unchanged(func() { b.post(again).tells("La procedura nel frattempo è andata avanti: ecco dove sei.") })
	b.press("Riprova").at("Intestatario della casella PEC")
}

func TestUnprovenIsReviewed(t *testing.T) {
	t.Parallel()
	for _, h := range []holder{cooperativa, nobody} {
		b := at(t, h, workflow.CodeEntry)
		b.press("Conferma", "codice", b.sendCode())
		b.at("Richiesta in verifica", "Pratica "+b.query(`select max(number)::text from qualifications`), "la verifica una persona di Posta Esempio", "800 000 000")
		b.wants(h, workflow.UnderReview)
		w := b.world
		if h.mailbox == nobody.mailbox {
			w.must(w.procedure.Refuse(t.Context(), "operatore", h.mailbox, 0, "Il documento non è leggibile"))
			b.get("/").at("La tua richiesta di qualifica della PEC Esempio non è andata a buon fine: riprova",
				"Dopo la verifica non abbiamo potuto accogliere la richiesta.", "Il documento non è leggibile")
			continue
		}
		w.must(w.procedure.Approve(t.Context(), "operatore", h.mailbox, 0, "visura camerale"))
		b.get("/").at("Identificazione avvenuta con successo")
		w.must(w.procedure.Revoke(t.Context(), "operatore", h.mailbox, 0, "richiesta del titolare"))
		b.get("/").at("La qualifica della casella è stata revocata")
		w.enter(h).at("Conferma identità")
	}
}

func TestIdentityIsDisowned(t *testing.T) {
	t.Parallel()
	b := at(t, anna, workflow.Identified)
	b.press("Non sono io / casella sbagliata").at("Ora identificati")
	b.wants(anna, workflow.Identification)
	b.goOn(anna, workflow.Identification, workflow.Qualified)
}

func TestExpiredBeginsAgain(t *testing.T) {
	t.Parallel()
	b := at(t, anna, workflow.Summary)
	b.clock.Advance(workflow.UnfinishedLife + time.Second)
	if n, err := b.procedure.ExpireStale(t.Context()); n != 1 || err != nil {
		t.Fatal(n, err)
	}
	b.get("/").at("La sessione è scaduta")
	b.handOver(anna).at("Conferma identità")
	b.goOn(anna, workflow.HolderChoice, workflow.ContactData)
}
