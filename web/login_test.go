package web

import (
	"net/http"
	"net/url"
	"strings"
	"testing"

	"stella/workflow/qualification"
)

const (
	failed    = "Identificazione non riuscita"
	elsewhere = "Questa identificazione è scaduta o è stata aperta in un'altra finestra."
	technical = "C'è stato un problema tecnico nel collegamento con SPID. Non dipende da te: riprova tra qualche minuto. " +
		"Se succede di nuovo, contatta l'assistenza e indica il riferimento."
	lapsed = "L'identificazione di prima non vale più, perché è passato troppo tempo, " +
		"perché sei uscito o rientrato nella procedura, o perché era stata fatta in un altro browser. " +
		"I dati inseriti sono salvati: ripeti solo l'accesso."
	unfinished = "L'accesso di prima non è stato completato in tempo, o è stato iniziato in un altro browser. " +
		"I dati inseriti sono salvati: ripeti solo l'accesso."
)

// refused checks that the page says that the login failed, and why.
func (b *browser) refused(sentence string) *browser {
	b.Helper()
	return b.answered(http.StatusForbidden, failed, sentence)
}

func TestLoginIsCancelledAndRepeated(t *testing.T) {
	t.Parallel()
	b := at(t, anna, qualification.AtProvider).press("Annulla").press("Continua")
	b.answered(http.StatusForbidden, notDone, "Hai annullato l'accesso.")
	if strings.Contains(b.Content(), "Scegli un altro metodo") {
		t.Error("another method is offered, but there is only one")
	}
	b.click("Riprova").click("Prosegui con Identità di prova").press("Accedi come Anna Neri").press("Non autorizzo").press("Continua")
	b.answered(http.StatusForbidden, notDone, "Non hai autorizzato l'invio dei dati.")
	b.click("Riprova").click("Prosegui con Identità di prova")
	b.press("Accedi come Anna Neri").press("Autorizza").press("Continua").at("Identificazione riuscita")
}

func TestReturnWithoutAnAnswer(t *testing.T) {
	t.Parallel()
	b := at(t, anna, qualification.AtProvider)
	b.get("/").at("Accesso in corso con Identità di prova",
		"Hai iniziato l'accesso con Identità di prova, ma non è ancora finito.")
	b.click("Scegli un altro gestore").at("Scegli il gestore della tua identità SPID").get("/")
	b.click("Ricomincia l'accesso").press("Accedi come Anna Neri").press("Autorizza").press("Continua").at("Identificazione riuscita")
	// In a state without a login its pages redirect to /.
	for _, path := range []string{"/identificazione", "/identificazione/spid"} {
		b.unchanged(func() { b.get(path).at("Identificazione riuscita") })
	}
}

func TestLoginPages(t *testing.T) {
	t.Parallel()
	b := at(t, anna, qualification.Identification)
	link, err := url.Parse(b.get("/identificazione/spid").link("Prosegui con Identità di prova"))
	b.must(err)
	value := func(idp, token string) string {
		return "/identificazione/avvia?" + url.Values{"idp": {idp}, "t": {token}}.Encode()
	}
	ours := link.Query().Get("t")
	b.unchanged(func() {
		for _, forged := range []string{"", "x", ours + "x", ours[1:]} {
			b.get(value(b.idp.EntityID(), forged)).refused(elsewhere)
		}
		for _, gone := range []string{"https://idp.example", ""} { // not in the registry
			b.get(value(gone, ours)).refused("In questo momento l'accesso con questo gestore non è disponibile. Scegline un altro.")
		}
		// The link of another session for the same mailbox.
		other := b.enter(anna)
		other.get(link.String()).refused(elsewhere)
		b.world.browser().get(link.String()).answered(http.StatusForbidden, "La sessione è scaduta")
		for _, header := range []string{"Sec-Purpose", "Purpose", "X-Moz", "X-Purpose"} {
			r := b.request(http.MethodGet, link.String(), nil)
			r.Header.Set(header, "prefetch;prerender")
			b.load(r).refused("Il browser ha aperto questa pagina in anticipo, senza un tuo clic: " +
				"per sicurezza non abbiamo fatto nulla. Riprova.")
		}
	})
	before := b.snapshot()
	stale := link.String()
	b.get("/identificazione/spid").click("Prosegui con Identità di prova").at("Con quale identità vuoi accedere?")
	if b.snapshot() == before {
		t.Error("a login was not recorded")
	}
	b.press("Accedi come Anna Neri").press("Autorizza").press("Continua")
	b.unchanged(func() { b.get(stale).at("Identificazione riuscita").showsNotice(movedOn) })
}
