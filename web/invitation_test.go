package web

import (
	"context"
	"net/http"
	"strings"
	"testing"
	"time"

	"stella/web/webtest"
	"stella/workflow"
	"stella/workflow/qualification"
)

const luca = "luca.bianchi@mail.example"

func TestInvitedHolderIsQualified(t *testing.T) {
	t.Parallel()
	delegate, guest, link := invited(t, bianchi, luca)
	delegate.at("Invito in partenza", "Stiamo inviando l'invito a luca.bianchi@mail.example.")
	delegate.endMail(workflow.MailInvitation, delegate.store.MailAccepted)
	delegate.get("/").at("Invito inviato", "Abbiamo inviato l'invito a luca.bianchi@mail.example.",
		"Il link vale fino al "+delegate.date(7*24*time.Hour)+".")
	guest.at("Ti chiedono di confermare l'identità", "Casella officine.bianchi@pec.example", "Gestore Posta Esempio",
		"Intestatario O•••• B•••• S••••",
		"Se ti identifichi e completi la procedura, la casella risulterà intestata a te, o all'impresa che rappresenti.")
	guest.stateIs(bianchi, qualification.Invited)

	guest.press("PROCEDI").at("Intestatario della casella PEC").showsNotice("")
	if guest.Find(`form[action="/indietro"]`).Length() != 0 {
		t.Error("the invited holder can go back to the delegate's steps")
	}
	delegate.get("/").at("Invito accettato", "L'invito inviato a l•••@m•••.example è stato accettato.")
	guest.press("Conferma", "intestatario", "impresa").press("Conferma", "codice_fiscale_impresa", bianchi.company)
	guest.at("Dati di Contatto").hasValue("email", luca)

	// The link continues the procedure, on another day and in another browser.
	guest.clock.Advance(8 * 24 * 3600e9)
	guest.get("/").at("La sessione è scaduta")
	again := guest.world.browser().get(link)
	again.at("Riprendi la procedura", "Hai già accettato l'invito per la casella officine.bianchi@pec.example.")
	again.unchanged(func() { again.press("PROCEDI").at("Dati di Contatto") })
	delegate.handOver(bianchi)

	again.press("Conferma", "email", luca, "cellulare", "3471234567").at("Controlla i dati")
	again.proceed(bianchi, qualification.Summary, qualification.CodeEntry)
	delegate.get("/").at("Invito accettato")
	again.press("Conferma", "codice", again.sendCode())
	again.stateIs(bianchi, qualification.Qualified)
	again.at("Identificazione avvenuta con successo", "Puoi chiudere questa pagina.")
	delegate.get("/").at("Identificazione avvenuta con successo")
	again.world.browser().get(link).answered(http.StatusGone,
		"Questo invito non è più valido", "Questo invito è già stato usato e la procedura è finita.")
}

// A program that scans mails may open the link and press the button. The holder can
// still use the link.
func TestInvitationAcceptedByAScanner(t *testing.T) {
	t.Parallel()
	_, scanner, link := invited(t, bianchi, luca)
	scanner.press("PROCEDI").at("Intestatario della casella PEC")
	holder := scanner.world.browser().get(link).at("Riprendi la procedura")
	holder.press("PROCEDI").at("Intestatario della casella PEC")
	holder.proceed(bianchi, qualification.HolderKind, qualification.CodeEntry)
	holder.press("Conferma", "codice", holder.sendCode()).at("Identificazione avvenuta con successo")
	holder.stateIs(bianchi, qualification.Qualified)
}

func TestDelegateCannotActForTheInvitedHolder(t *testing.T) {
	t.Parallel()
	delegate, guest, _ := invited(t, bianchi, luca)
	guest.press("PROCEDI").press("Conferma", "intestatario", "impresa")
	form := guest.form("Conferma", "codice_fiscale_impresa", bianchi.company)
	delegate.get("/")
	delegate.unchanged(func() {
		delegate.post(form).at("Invito accettato").showsNotice(movedOn)
		for _, path := range []string{"/identificazione", "/identificazione/spid", "/riepilogo/contatti", "/codice/contatti"} {
			delegate.get(path).at("Invito accettato")
		}
		invite := form.With("email", "altro@mail.example")
		invite.Action = "/invito"
		delegate.post(invite).at("Invito accettato").showsNotice(movedOn)
	})
	delegate.enter(bianchi).at("Invito accettato")
}

func TestInvitationIsWithdrawnAfterItsAcceptance(t *testing.T) {
	t.Parallel()
	delegate, guest, link := invited(t, bianchi, luca)
	guest.press("PROCEDI").proceed(bianchi, qualification.HolderKind, qualification.CodeEntry)
	form := guest.form("Conferma", "codice", guest.sendCode())
	withdraw := delegate.get("/").form("Annulla l'invito") // the holder's steps do not make this form stale
	guest.click("Modifica i contatti").press("Conferma", "email", luca, "cellulare", "3471234567")
	delegate.post(withdraw).at("Conferma identità").showsNotice("L'invito è stato annullato.")
	delegate.stateIs(bianchi, qualification.HolderChoice)
	// Every page of the invited holder says so.
	const ended, withdrawn = "Questo invito non è più valido", "Questo invito è stato annullato."
	delegate.unchanged(func() {
		guest.post(form).answered(http.StatusGone, ended, withdrawn)
		for _, path := range []string{"/", "/identificazione", "/codice/contatti"} {
			guest.get(path).answered(http.StatusGone, ended, withdrawn)
		}
	})
	guest.get(link).answered(http.StatusGone, "Questo invito non è più valido", "Questo invito è stato annullato.")

	// The delegate does not see the data that the holder entered.
	delegate.press("Conferma", "ruolo", "si").press("PROCEDI").at("Intestatario della casella PEC").hasValue("intestatario", "")
	delegate.press("Conferma", "intestatario", "impresa").hasValue("codice_fiscale_impresa", "")
	delegate.press("Conferma", "codice_fiscale_impresa", bianchi.company).hasValue("email", bianchi.email).hasValue("cellulare", "")
}

func TestInvitationIsWithdrawnDuringTheLogin(t *testing.T) {
	t.Parallel()
	delegate, guest, _ := invited(t, bianchi, luca)
	guest.press("PROCEDI").proceed(bianchi, qualification.HolderKind, qualification.Identification)
	answer := guest.answer(guest.ask(), "Luca Bianchi")
	delegate.get("/").press("Annulla l'invito").at("Conferma identità")
	delegate.unchanged(func() {
		guest.deliver(answer).answered(http.StatusGone, "Questo invito non è più valido", "Questo invito è stato annullato.")
	})
	if delegate.storedAnswers() != "0" {
		t.Error("the response is stored")
	}
}

func TestInvitedHolderIsRejected(t *testing.T) {
	t.Parallel()
	delegate, guest, link := invited(t, bianchi, luca)
	guest.press("PROCEDI").proceed(bianchi, qualification.HolderKind, qualification.AtProvider)
	guest.press("Accedi come Sara Verdi").press("Autorizza").press("Continua")
	guest.stateIs(bianchi, qualification.Rejected)
	if guest.mails(workflow.MailRejected, bianchi.email) != 1 {
		t.Error("no mail about the rejection was sent")
	}
	if got := guest.query(`select details ->> 'invited' from mails where kind = 'rejected'`); got != "true" {
		t.Errorf("the mail's detail invited is %q, want true", got)
	}
	delegate.get("/").at("Richiesta dell'intestatario non riuscita", "La richiesta di l•••@m•••.example non è andata a buon fine.")
	if strings.Contains(delegate.Body, "Sara") {
		t.Error("the delegate sees the name of the person who logged in")
	}
	guest.world.browser().get(link).press("PROCEDI").
		at("La tua richiesta di qualifica della PEC Esempio non è andata a buon fine: riprova")
	delegate.press("Annulla l'invito").at("Conferma identità")
}

func TestInvitationLinkEnds(t *testing.T) {
	t.Parallel()
	const ended, declined = "Questo invito non è più valido", "Hai rifiutato l'invito"
	delegate, guest, first := invited(t, bianchi, luca)
	dead := func(link string, status int, title, sentence string) {
		t.Helper()
		b := delegate.world.browser().get("/")
		b.unchanged(func() {
			b.get(link).answered(status, title, sentence)
			b.post(webtest.Form{Action: link}).answered(status, title, sentence)
			b.post(webtest.Form{Action: link + "/rifiuta"}).answered(status, title, sentence)
			b.get("/").at("Qualifica la tua casella PEC Esempio")
		})
	}
	dead("/invito/"+strings.Repeat("A", 43), http.StatusNotFound, ended, "Non riconosciamo questo invito.")
	dead("/invito/x", http.StatusNotFound, ended, "Non riconosciamo questo invito.")

	delegate.press("Invia di nuovo").at("Invito in partenza")
	second := delegate.invitationLink()
	dead(first, http.StatusGone, ended, "È stato inviato un altro invito al posto di questo")
	guest.unchanged(func() { guest.press("PROCEDI").answered(http.StatusGone, ended) })

	delegate.press("Invia l'invito", "email", "presidente@bianchi.example").at("Invito in partenza", "presidente@bianchi.example")
	dead(second, http.StatusGone, ended, "È stato inviato un altro invito al posto di questo")
	third := delegate.invitationLink()

	guest.get(third).press("Non riconosco questa casella").answered(http.StatusGone, declined)
	dead(third, http.StatusGone, declined, "Hai segnalato che non riconosci la casella")
	if delegate.mails(workflow.MailInvitationDeclined, bianchi.mailbox) != 1 {
		t.Error("no mail about the refusal was sent to the mailbox")
	}
	delegate.get("/").at("Conferma identità").press("Conferma", "ruolo", "no").press("Invia l'invito", "email", luca)
	fourth := delegate.invitationLink()
	delegate.press("Annulla l'invito").at("Conferma identità").showsNotice("L'invito è stato annullato.")
	dead(fourth, http.StatusGone, ended, "Questo invito è stato annullato.")

	delegate.press("Conferma", "ruolo", "no").press("Invia l'invito", "email", luca)
	fifth := delegate.invitationLink()
	delegate.clock.Advance(qualification.InvitationLife)
	dead(fifth, http.StatusGone, ended, "Questo invito è scaduto.")
	delegate.handOver(bianchi).at("Invito scaduto", "è scaduto senza risposta").press("Invia di nuovo").at("Invito in partenza")
}

func TestInvitationOpenedByOthers(t *testing.T) {
	t.Parallel()
	_, guest, link := invited(t, bianchi, luca)
	guest.unchanged(func() {
		for range 3 {
			guest.world.browser().get(link).at("Ti chiedono di confermare l'identità")
		}
	})
	decline := guest.form("Non riconosco questa casella")
	guest.press("PROCEDI").at("Intestatario della casella PEC")
	// An accepted invitation cannot be declined.
	guest.unchanged(func() { guest.world.browser().get("/").post(decline).at("Riprendi la procedura") })
	// Two browsers with the link share the procedure.
	guest.press("Conferma", "intestatario", "impresa")
	guest.unchanged(func() { guest.world.browser().get(link).press("PROCEDI").at("Dati della persona / impresa") })
	guest.get("/").at("Dati della persona / impresa")
	guest.recordAs(bianchi, workflow.Cancelled)
	guest.unchanged(func() { guest.get(link).answered(http.StatusConflict, "Questa casella non può essere qualificata") })
}

// If the invited person declined, the page says so to every visitor from the webmail
// until another person is invited.
func TestDeclinedInvitationIsShown(t *testing.T) {
	t.Parallel()
	const declined = "La persona invitata, luca.bianchi@mail.example, non riconosce la casella"
	delegate, guest, _ := invited(t, bianchi, luca)
	guest.press("Non riconosco questa casella")
	delegate.get("/").at("Conferma identità", declined).showsNotice("")
	delegate.enter(bianchi).at("Conferma identità", declined)
	delegate.get("/").press("Conferma", "ruolo", "no").press("Indietro").at("Conferma identità", declined)
	delegate.press("Conferma", "ruolo", "no").press("Invia l'invito", "email", "presidente@bianchi.example")
	delegate.press("Annulla l'invito").at("Conferma identità")
	if strings.Contains(delegate.Content(), "non riconosce") {
		t.Error("the page shows that an older invitation was declined")
	}
}

func TestInvitationPages(t *testing.T) {
	t.Parallel()
	delegate, guest, _ := invited(t, bianchi, luca)
	if got := delegate.link("Torna alla webmail"); got != returnURL {
		t.Errorf("the link to the webmail is %s", got)
	}
	delegate.at("Invito in partenza", "Il link inviato prima smetterà di funzionare.")
	guest.at("Ti chiedono di confermare l'identità", "Cosa occorre", "un account SPID già attivo", "una casella di posta ordinaria")
}

// The holder comes from the webmail, after a delegate invited another person.
func TestHolderTakesTheProcedureBack(t *testing.T) {
	t.Parallel()
	delegate, guest, link := invited(t, bianchi, luca)
	holder := delegate.enter(bianchi).at("Invito in partenza")
	take := holder.form("Sono io l'intestatario: procedo qui")
	holder.post(take).at("Cosa occorre").showsNotice("")
	holder.unchanged(func() { holder.post(take).at("Cosa occorre").showsNotice("") }) // a double click
	holder.stateIs(bianchi, qualification.Introduction)
	guest.get(link).answered(http.StatusGone, "Questo invito non è più valido", "Questo invito è stato annullato.")
	holder.proceed(bianchi, qualification.Introduction, qualification.Qualified)
}

// After the acceptance the case belongs to the invited holder. The delegate can
// withdraw the invitation, but not take the case over.
func TestAcceptedInvitationIsNotTakenBack(t *testing.T) {
	t.Parallel()
	delegate, guest, _ := invited(t, bianchi, luca)
	take := delegate.form("Sono io l'intestatario: procedo qui")
	guest.press("PROCEDI")
	delegate.unchanged(func() { delegate.post(take).at("Invito accettato").showsNotice(movedOn) })
	if delegate.get("/").at("Invito accettato").Find(`form[action="/invito/intestatario"]`).Length() != 0 {
		t.Error("the page has a form that would be refused")
	}
}

func TestDelegateChangesTheRole(t *testing.T) {
	t.Parallel()
	b := at(t, anna, qualification.HolderChoice).press("Conferma", "ruolo", "no").at("Invita l'intestatario")
	b.press("Indietro").at("Conferma identità").proceed(anna, qualification.HolderChoice, qualification.Introduction)
}

// The page shows the status of the invitation's mail, and asks for another address
// if the mail could not be delivered.
func TestInvitationIsNotDelivered(t *testing.T) {
	t.Parallel()
	delegate, _, _ := invited(t, bianchi, "luca.bianchi@mial.example")
	delegate.at("Invito in partenza", "Stiamo inviando l'invito a luca.bianchi@mial.example.",
		"continuiamo a provare per tre giorni").showsNotice("")
	delegate.mailStatusIs("waiting")
	if delegate.Find(`script[src^="/static/invited."]`).Length() != 1 {
		t.Error("the page lacks the script that polls the status")
	}

	delegate.endMail(workflow.MailInvitation, delegate.store.MailRefused)
	delegate.mailStatusIs("refused")
	delegate.get("/").at("Invito non consegnato", "Il messaggio per luca.bianchi@mial.example non può essere consegnato",
		"invia l'invito a un altro indirizzo")
	if delegate.Find("details[open]").Length() != 1 || delegate.Find(`details button:not(.second)`).Length() != 1 ||
		delegate.Find(`form[action="/invito"]`).Length() != 1 {
		t.Errorf("the form for another address is not the main one of the page: %s", delegate.Content())
	}

	delegate.press("Invia l'invito", "email", luca).at("Invito in partenza", luca)
	delegate.endMail(workflow.MailInvitation, func(ctx context.Context, a workflow.MailAttempt, _ string, at time.Time) error {
		return delegate.store.MailDropped(ctx, a, at)
	})
	delegate.get("/").at("Invito non consegnato", "Non siamo riusciti a consegnare il messaggio per luca.bianchi@mail.example",
		"abbiamo smesso di provare")
	delegate.press("Invia di nuovo").at("Invito in partenza")
	delegate.endMail(workflow.MailInvitation, delegate.store.MailAccepted)
	delegate.mailStatusIs("accepted")
	delegate.get("/").at("Invito inviato")
}

// Only the delegate who invited gets the status of the mail.
func TestMailStatusIsForTheDelegateOnly(t *testing.T) {
	t.Parallel()
	_, guest, _ := invited(t, bianchi, luca)
	guest.mailStatusIs("")
	guest.press("PROCEDI").mailStatusIs("")
}

// endMail records the result of the newest mail of a kind.
func (w *world) endMail(k workflow.MailKind, record func(context.Context, workflow.MailAttempt, string, time.Time) error) {
	w.Helper()
	w.must(record(w.Context(), w.startMail(w.newestMail(k)).Attempt(), "reply", w.clock.Now()))
}

// mailStatusIs checks the status that the page's script gets.
func (b *browser) mailStatusIs(outcome string) {
	b.Helper()
	_, body := b.send(b.request(http.MethodGet, "/invito/stato", nil))
	if want := `{"mail":"` + outcome + `"}`; strings.TrimSpace(body) != want {
		b.Errorf("the script gets %s, want %s", body, want)
	}
}
