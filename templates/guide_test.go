package templates

import (
	"testing"

	"github.com/PuerkitoBio/goquery"
)

// TestGuide checks that the pages have the labels and sentences that the public
// guide of the procedure shows.
func TestGuide(t *testing.T) {
	t.Parallel()
	guide := []struct{ page, selector, text string }{
		{"holder_choice", `label[for=ruolo]`, "Sono il legale rappresentante o l'intestatario della casella"},
		{"holder_choice", `label[for=ruolo-no]`, "Non sono il legale rappresentante o l'intestatario della casella"},
		{"holder_choice", `form[action="/scelta"] button`, "Conferma"},
		{"introduction", "h1", "Cosa occorre"},
		{"introduction", `form[action="/introduzione"] button`, "PROCEDI"},
		{"holder_invitation", `form[action="/invito"] button`, "Invia l'invito"},
		{"invited", `form[action="/invito/annulla"] button`, "Annulla l'invito"},
		{"invited", `form[action="/invito/intestatario"] button`, "Sono io l'intestatario: procedo qui"},
		{"invited-rejected", "h1", "Richiesta dell'intestatario non riuscita"},
		{"invitation", "form:not([action]) button", "PROCEDI"},
		{"invitation", `form[action="/invito/abc/rifiuta"] button`, "Non riconosco questa casella"},
		{"holder_kind", "h1", "Intestatario della casella PEC"},
		{"holder_kind", `label[for=intestatario]`, "Impresa / Società"},
		{"holder_kind", `label[for=intestatario-privato]`, "Privato Cittadino"},
		{"holder_kind", `form[action="/intestatario"] button`, "Conferma"},
		{"company_data", "h1", "Dati della persona / impresa"},
		{"company_data", `label[for=ragione_sociale]`, "Ragione sociale"},
		{"company_data", `label[for=codice_fiscale_impresa]`, "Codice fiscale impresa (*)"},
		{"company_data", `form[action="/impresa"] button`, "Conferma"},
		{"contact_data", "h1", "Dati di Contatto"},
		{"contact_data", `label[for=email]`, "E-mail (*)"},
		{"contact_data", `label[for=cellulare]`, "Cellulare"},
		{"contact_data", `form[action="/contatti"] button`, "Conferma"},
		{"summary", `form[action="/riepilogo"] button`, "SALVA E PROCEDI"},
		{"identification", `a[href="/identificazione"]`, "Inizia l'identificazione"},
		{"methods", `a[href="/identificazione/spid"]`, "Entra con SPID"},
		{"providers-entry", `a[href="#gestori"]`, "Entra con SPID"},
		{"providers-entry", "#gestori li:first-child a", "Prosegui con Identità di prova"},
		{"providers", ".providers li:first-child a", "Prosegui con Identità di prova"},
		{"identified", `form[action="/identita"] button`, "PROCEDI"},
		{"identified", `form[action="/identita/altra"] button`, "Non sono io / casella sbagliata"},
		{"contract", "h1", "Informativa contrattuale"},
		{"contract", ".lead", `Prendere visione dell'"Informativa contrattuale" prima di completare la richiesta di identificazione.`},
		{"contract", `form[action="/informativa"] button`, "COMPLETA LA RICHIESTA DI IDENTIFICAZIONE"},
		{"code-sent", `label[for=codice]`, "Codice OTP (*)"},
		{"code-sent", `form[action="/codice"] button`, "Conferma"},
		{"code-sent", `form[action="/codice/invia"] button`, "Invia di nuovo"},
		{"rejected-holder", "h1", "La tua richiesta di qualifica della PEC Esempio non è andata a buon fine: riprova"},
		{"rejected-holder", `form[action="/riprova"] button`, "Riprova"},
		{"rejected-holder", `form[action="/riprova/identita"] button`, "Ripeti l'identificazione con un'altra identità"},
		{"rejected-holder", `form[action="/riprova/invito"] button`, "Invita l'intestatario"},
		{"qualified", "h1", "Identificazione avvenuta con successo"},
		{"start", `form[action="/start/abc"] button`, "Continua"},
	}
	all := newTemplates(t)
	pages := map[string]*goquery.Document{}
	for _, s := range samples("it") {
		_, pages[s.name()] = render(t, all, s)
	}
	for _, g := range guide {
		if got := text(pages[g.page].Find(g.selector)); got != g.text {
			t.Errorf("%s: %s says %q, want %q", g.page, g.selector, got, g.text)
		}
	}
}
