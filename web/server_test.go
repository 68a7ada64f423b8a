package web

import (
	"net/http"
	"testing"

	"stella/workflow/qualification"
)

func TestFormsOfOtherSitesAreRefused(t *testing.T) {
	t.Parallel()
	b := at(t, anna, qualification.Summary)
	form := b.form("SALVA E PROCEDI")
	b.IgnoresSameSite = true // test without the protection by SameSite
	send := func(headers ...string) *browser {
		r := b.request(http.MethodPost, form.Action, form.Values)
		r.Header.Del("Origin")
		r.Header.Del("Sec-Fetch-Site")
		for i := 0; i < len(headers); i += 2 {
			r.Header.Set(headers[i], headers[i+1])
		}
		return b.load(r)
	}
	b.unchanged(func() {
		for _, headers := range [][]string{
			{"Sec-Fetch-Site", "cross-site", "Origin", "https://evil.example"},
			{"Sec-Fetch-Site", "same-site", "Origin", "https://altro.posta.example"},
			{"Sec-Fetch-Site", "cross-site"},
			{"Origin", "https://evil.example"},
			{"Origin", "null"},
		} {
			send(headers...).answered(http.StatusForbidden, "Richiesta non accettata", "Torna alla tua procedura e riprova.")
		}
	})
	// Old browsers send neither header.
	send().at("Ora identificati")
	form = b.get("/").form("Indietro")
	send("Origin", b.world.url).at("Controlla i dati")
}

func TestBrowserWithoutOriginHeaders(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.record(anna)
	b := w.browser()
	b.NoOrigin = true
	b.handOver(anna).proceed(anna, qualification.HolderChoice, qualification.Qualified).at("Identificazione avvenuta con successo")
}
