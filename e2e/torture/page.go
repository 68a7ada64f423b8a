package main

import (
	"strings"

	"stella/web/webtest"
)

// A page with a form that only one state has is recognised by the form's action,
// other pages by their heading.
var byForm = []struct{ action, state string }{
	{"/scelta", "holder_choice"},
	{"/introduzione", "introduction"},
	{"/invito/annulla", "invited"},
	{"/invito", "holder_invitation"},
	{"/intestatario", "holder_kind"},
	{"/impresa", "company_data"},
	{"/contatti", "contact_data"},
	{"/riepilogo", "summary"},
	{"/identita", "identified"},
	{"/informativa", "contract"},
	{"/codice/invia", "code"},
	{"/riprova", "rejected"},
}

var byHeading = []struct{ heading, kind string }{
	{"Ora identificati", "identification"},
	{"Accesso in corso con", "at_provider"},
	{"Richiesta in verifica", "under_review"},
	{"Identificazione avvenuta con successo", "qualified"},
	{"La qualifica della casella è stata revocata", "revoked"},
	{"La richiesta è scaduta", "expired"},
	{"Ti chiedono di confermare l'identità", "invitation"},
	{"Riprendi la procedura", "invitation"},
	{"Questo invito non è più valido", "invitation_ended"},
	{"Hai rifiutato l'invito", "invitation_ended"},
	{"Identificazione non", "login_failed"},
	{"Scegli come identificarti", "methods"},
	{"Scegli il gestore della tua identità SPID", "providers"},
	{"Con quale identità vuoi accedere?", "idp_login"},
	{"Dati che saranno inviati", "idp_consent"},
	{"Ritorno al servizio", "idp_return"},
	{"Modifica ", "edit"},
	{"La sessione è scaduta", "outside"},
	{"La sessione è terminata", "outside"},
	{"Qualifica la tua casella", "outside"},
	{"Questo collegamento non è più valido", "outside"},
	{"Richiesta non accettata", "outside"},
	{"Troppe richieste", "too_many"},
}

// kindOf returns the kind of a page: the state of the procedure, or a name for other
// pages.
func kindOf(p webtest.Page) string {
	for _, f := range byForm {
		if p.Find(`main form[action="`+f.action+`"]`).Length() > 0 {
			return f.state
		}
	}
	heading := p.Heading()
	for _, h := range byHeading {
		if strings.HasPrefix(heading, h.heading) {
			return h.kind
		}
	}
	return "other"
}

// stateShown returns the state that a page of some kind shows, and whether it is a page of a
// procedure. The state is "" if the page does not show it: the procedure is another
// person's, the login is not valid in this browser, or the page is an intermediate
// one.
func stateShown(p webtest.Page, kind string) (state string, ok bool) {
	switch kind {
	case "invited":
		return "", true // the delegate sees this page in every state of the holder
	case "identification":
		if p.Find("p.weigh").Length() > 0 {
			return "", true
		}
	case "invitation", "edit":
		return "", true
	case "invitation_ended", "login_failed", "methods", "providers",
		"idp_login", "idp_consent", "idp_return", "outside", "too_many", "other":
		return "", false
	}
	return kind, true
}

// formError returns the first error message about the form, or "".
func (b *browser) formError() string {
	return webtest.Text(b.Find("#summary li").First())
}
