package web

import (
	"slices"
	"testing"
	"time"

	"stella/workflow"
	"stella/workflow/qualification"
)

func TestPersonIsQualified(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.record(anna)
	b := w.enter(anna)
	b.at("Conferma identità")
	if want := []string{"303 /"}; !slices.Equal(b.Trail(), want) {
		t.Errorf("the redirects after the hand-off are %v", b.Trail())
	}
	b.press("Conferma", "ruolo", "si").at("Cosa occorre", "un account SPID già attivo")
	b.press("PROCEDI").at("Intestatario della casella PEC")
	b.press("Conferma", "intestatario", "privato").at("Dati di Contatto").hasValue("email", "anna.neri@mail.example")
	b.press("Conferma", "cellulare", "3471234567")
	b.at("Controlla i dati", "Privato Cittadino", "anna.neri@mail.example", "+393471234567")
	b.press("SALVA E PROCEDI").at("Ora identificati", "l'intestatario della casella anna.neri@pec.example")
	b.click("Inizia l'identificazione").at("Scegli il gestore della tua identità SPID")
	b.click("Entra con SPID").at("Scegli il gestore della tua identità SPID")
	b.click("Prosegui con Identità di prova").at("Con quale identità vuoi accedere?")
	w.stateIs(anna, qualification.AtProvider)
	b.press("Accedi come Anna Neri").press("Autorizza").press("Continua")
	if want := []string{"303 /spid/return", "303 /"}; !slices.Equal(b.Trail(), want) {
		t.Errorf("the redirects after the login are %v", b.Trail())
	}
	b.at("Identificazione riuscita", "Anna Neri", "termina con 501T", "SPID, livello 2, con Identità di prova",
		"anna.neri@pec.example", "Il codice OTP arriverà a anna.neri@mail.example")
	b.press("PROCEDI").at("Informativa contrattuale")
	b.press("COMPLETA LA RICHIESTA DI IDENTIFICAZIONE")
	b.at("Inserisci il codice", "Stiamo inviando un codice OTP a anna.neri@mail.example")
	b.press("Conferma", "codice", w.sendCode())
	b.at("Identificazione avvenuta con successo", "La casella anna.neri@pec.example è ora qualificata")
	if got := b.link("Torna alla webmail"); got != returnURL {
		t.Errorf("the link to the webmail is %s", got)
	}
	w.stateIs(anna, qualification.Qualified)
	if got := w.query(`select ordinary from mailboxes where star is not null`); got != "anna.neri@mail.example" {
		t.Errorf("the ordinary address is %s", got)
	}
	w.enter(anna).at("Identificazione avvenuta con successo")
}

func TestCompanyIsQualified(t *testing.T) {
	t.Parallel()
	b := at(t, bianchi, qualification.HolderKind)
	b.press("Conferma", "intestatario", "impresa").at("Dati della persona / impresa")
	b.press("Conferma", "ragione_sociale", "  Officine   Bianchi ", "codice_fiscale_impresa", "098 765 43217").at("Dati di Contatto")
	b.press("Conferma").at("Controlla i dati", "Impresa / Società", "Officine Bianchi", "09876543217",
		"amministrazione@bianchi.example", "non indicato")
	b.press("SALVA E PROCEDI").at("Ora identificati", "un legale rappresentante dell'impresa per la casella officine.bianchi@pec.example")
	b.proceed(bianchi, qualification.Identification, qualification.Qualified).at("Identificazione avvenuta con successo")
}

func TestDataAreCorrected(t *testing.T) {
	t.Parallel()
	b := at(t, bianchi, qualification.Summary)
	b.click("Modifica l'intestatario").at("Modifica l'intestatario")
	b.hasValue("intestatario", "impresa").hasValue("codice_fiscale_impresa", "09876543217")
	b.press("Conferma", "ragione_sociale", "Officine Bianchi S.r.l.")
	b.at("Controlla i dati", "Officine Bianchi S.r.l.").showsNotice("Abbiamo salvato le modifiche.")
	b.click("Modifica l'e-mail").at("Modifica i contatti").hasValue("email", "amministrazione@bianchi.example")
	b.press("Conferma", "email", "nuova@bianchi.example", "cellulare", "+44 7911 123456")
	b.at("Controlla i dati", "nuova@bianchi.example", "+447911123456")
	mailed := func(times int) {
		t.Helper()
		for _, to := range []string{"amministrazione@bianchi.example", "officine.bianchi@pec.example"} {
			if got := b.mails(workflow.MailContactsChanged, to); got != times {
				t.Errorf("%d mails about the new address were sent to %s, want %d", got, to, times)
			}
		}
	}
	b.click("Modifica il cellulare").click("Torna indietro senza modificare").at("Controlla i dati")
	mailed(0) // the data are not confirmed yet
	b.press("SALVA E PROCEDI").at("Ora identificati")
	mailed(1)
	b.proceed(bianchi, qualification.Identification, qualification.Identified).at("Identificazione riuscita", "arriverà a nuova@bianchi.example")
	b.click("Modifica dove arriverà il codice OTP").at("Modifica i contatti").press("Conferma", "email", "altra@bianchi.example")
	b.at("Identificazione riuscita", "arriverà a altra@bianchi.example")
	mailed(2)
	b.stateIs(bianchi, qualification.Identified)
	// Each edit page can be opened in its state only.
	for _, path := range []string{"/riepilogo/intestatario", "/riepilogo/contatti", "/codice/contatti"} {
		if b.get(path).at("Identificazione riuscita").showsNotice(""); b.URL.Path != "/" {
			t.Errorf("%s shows another page", path)
		}
	}
	b.proceed(bianchi, qualification.Identified, qualification.CodeEntry).at("Inserisci il codice", "altra@bianchi.example")
}

func TestStepsBack(t *testing.T) {
	t.Parallel()
	b := at(t, bianchi, qualification.Identification)
	for _, heading := range []string{
		"Controlla i dati", "Dati di Contatto", "Intestatario della casella PEC", "Cosa occorre", "Conferma identità",
	} {
		b.press("Indietro").at(heading).showsNotice("")
	}
	if b.Find(`form[action="/indietro"]`).Length() != 0 {
		t.Error("the first page has the button Indietro")
	}
	b.press("Conferma", "ruolo", "si").press("PROCEDI").at("Intestatario della casella PEC").hasValue("intestatario", "impresa")
	b.press("Conferma").at("Dati della persona / impresa").hasValue("codice_fiscale_impresa", "09876543217")
	b.press("Indietro").at("Intestatario della casella PEC")
}

func TestWrongPersonIsRejectedAndMayTryAgain(t *testing.T) {
	t.Parallel()
	wrong := sara
	wrong.person = "Anna Neri"
	b := at(t, sara, qualification.AtProvider)
	b.press("Accedi come Anna Neri").press("Autorizza").press("Continua")
	const rejected = "La tua richiesta di qualifica della PEC Esempio non è andata a buon fine: riprova"
	b.at(rejected,
		"I dati della persona identificata non corrispondono all'intestatario della casella, né a un suo legale rappresentante.",
		"800 000 000")
	b.stateIs(sara, qualification.Rejected)
	if b.mails(workflow.MailRejected, "sara.verdi@mail.example") != 1 {
		t.Error("no mail about the rejection was sent")
	}
	b.press("Ripeti l'identificazione con un'altra identità").at("Ora identificati")
	b.proceed(wrong, qualification.Identification, qualification.AtProvider)
	b.press("Accedi come Anna Neri").press("Autorizza").press("Continua").at(rejected)
	b.press("Riprova").at("Intestatario della casella PEC").hasValue("intestatario", "privato")
	b.proceed(sara, qualification.HolderKind, qualification.Qualified).at("Identificazione avvenuta con successo")
}

// The wrong person is typically an accountant or a secretary, who can then invite
// the holder.
func TestWrongPersonInvitesTheHolder(t *testing.T) {
	t.Parallel()
	b := at(t, sara, qualification.AtProvider)
	b.press("Accedi come Anna Neri").press("Autorizza").press("Continua")
	b.press("Invita l'intestatario").at("Invita l'intestatario", "riceverà un link personale")
	b.stateIs(sara, qualification.HolderInvitation)
	b.press("Invia l'invito", "email", "sara.verdi@mail.example").at("Invito in partenza")
	guest := b.browser().get(b.invitationLink()).press("PROCEDI").at("Intestatario della casella PEC")
	wrong := sara
	wrong.person, wrong.email = "Anna Neri", "sara.verdi@mail.example"
	guest.proceed(wrong, qualification.HolderKind, qualification.AtProvider)
	guest.press("Accedi come Anna Neri").press("Autorizza").press("Continua")
	if guest.Find(`form[action="/riprova/invito"]`).Length() != 0 {
		t.Error("the invited person can invite")
	}
	invite := guest.form("Riprova")
	invite.Action = "/riprova/invito"
	guest.unchanged(func() { guest.post(invite).showsNotice("La procedura nel frattempo è andata avanti: ecco dove sei.") })
	guest.press("Ripeti l'identificazione con un'altra identità")
	guest.proceed(sara, qualification.Identification, qualification.Qualified)
}

func TestAnotherCompanyIsRejected(t *testing.T) {
	t.Parallel()
	b := at(t, bianchi, qualification.CompanyData)
	b.press("Conferma", "codice_fiscale_impresa", "02468135799")
	b.at("La tua richiesta di qualifica della PEC Esempio non è andata a buon fine: riprova",
		"I dati dell'impresa che hai inserito non corrispondono all'intestatario della casella.")
	if b.Find(`form[action="/riprova/identita"]`).Length() != 0 {
		t.Error("another identity is offered, which does not help")
	}
	b.stateIs(bianchi, qualification.Rejected)
	again := b.form("Riprova")
	again.Action = "/riprova/identita"
	b.unchanged(func() { b.post(again).showsNotice("La procedura nel frattempo è andata avanti: ecco dove sei.") })
	b.press("Riprova").at("Intestatario della casella PEC")
}

func TestUnprovenIsReviewed(t *testing.T) {
	t.Parallel()
	for _, h := range []holder{cooperativa, unrecorded} {
		b := at(t, h, qualification.CodeEntry)
		b.press("Conferma", "codice", b.sendCode())
		b.at("Richiesta in verifica", "Pratica "+b.query(`select max(number)::text from qualifications`),
			"la verifica una persona di Posta Esempio", "800 000 000")
		b.stateIs(h, qualification.UnderReview)
		w := b.world
		if h.mailbox == unrecorded.mailbox {
			w.must(w.cases.Refuse(t.Context(), "operatore", h.mailbox, 0, "Il documento non è leggibile"))
			b.get("/").at("La tua richiesta di qualifica della PEC Esempio non è andata a buon fine: riprova",
				"Dopo la verifica non abbiamo potuto accogliere la richiesta.", "Il documento non è leggibile")
			continue
		}
		w.must(w.cases.Approve(t.Context(), "operatore", h.mailbox, 0, "visura camerale"))
		b.get("/").at("Identificazione avvenuta con successo")
		w.must(w.cases.Revoke(t.Context(), "operatore", h.mailbox, 0, "richiesta del titolare"))
		b.get("/").at("La qualifica della casella è stata revocata")
		w.enter(h).at("Conferma identità")
	}
}

func TestIdentityIsDisowned(t *testing.T) {
	t.Parallel()
	b := at(t, anna, qualification.Identified)
	b.press("Non sono io / casella sbagliata").at("Ora identificati")
	b.stateIs(anna, qualification.Identification)
	b.proceed(anna, qualification.Identification, qualification.Qualified)
}

func TestExpiredCaseStartsAgain(t *testing.T) {
	t.Parallel()
	b := at(t, anna, qualification.Summary)
	b.clock.Advance(qualification.UnfinishedLife + time.Second)
	if n, err := b.cases.ExpireStale(t.Context()); n != 1 || err != nil {
		t.Fatal(n, err)
	}
	b.get("/").at("La sessione è scaduta")
	b.handOver(anna).at("Conferma identità")
	b.proceed(anna, qualification.HolderChoice, qualification.ContactData)
}
