package web

import (
	"net/http"
	"net/netip"
	"net/url"
	"testing"
	"time"

	"stella/workflow"
	"stella/workflow/qualification"
)

// exhaust uses up a limit that has been counted before. It is fully available again
// after span.
func (w *world) exhaust(limit string, span time.Duration) {
	w.Helper()
	done, err := w.store.Pool().Exec(w.Context(), `update limits set arrival = $2 where name = $1`, limit, w.clock.Now().Add(span))
	w.must(err)
	if done.RowsAffected() == 0 {
		w.Fatalf("nothing was counted for %s", limit)
	}
}

// limited checks that a limit was exceeded: the page and the Retry-After header.
func (b *browser) limited(heading, sentence, seconds string) *browser {
	b.Helper()
	b.answered(http.StatusTooManyRequests, heading, sentence)
	if got := b.Header.Get("Retry-After"); got != seconds {
		b.Errorf("Retry-After: %q, want %s", got, seconds)
	}
	return b
}

// behindProxy makes the requests come through a proxy, with an X-Forwarded-For header.
func behindProxy(w *world) {
	w.stack.Proxies = []netip.Prefix{netip.MustParsePrefix("127.0.0.0/8")}
	w.from = "192.0.2.7"
}

func TestTooManyCodesToAnAddress(t *testing.T) {
	t.Parallel()
	b := at(t, anna, qualification.CodeEntry)
	b.clock.Advance(20 * time.Second)
	b.exhaust("codes_per_address", time.Hour)
	sentence := "A questo indirizzo e-mail sono stati inviati troppi codici. Riprova dopo le " + b.after(180*time.Second)
	b.unchanged(func() { b.press("Invia di nuovo").limited("Inserisci il codice", sentence, "180") })
	b.clock.Advance(3 * time.Minute)
	b.press("Invia di nuovo").at("Inserisci il codice", "Stiamo inviando")
}

func TestTooManyInvitationsToAnAddress(t *testing.T) {
	t.Parallel()
	b := at(t, bianchi, qualification.HolderChoice)
	b.press("Conferma", "ruolo", "no").press("Invia l'invito", "email", "luca@mail.example").at("Invito in partenza")
	b.exhaust("invitations_per_address", 24*time.Hour)
	b.unchanged(func() {
		b.press("Invia di nuovo").limited("Invito in partenza",
			"A questo indirizzo e-mail sono stati inviati troppi inviti. Riprova dopo le "+b.after(8640*time.Second), "8640")
	})
}

// The page still has the input.
func TestTooManyInvitationsFromANetwork(t *testing.T) {
	t.Parallel()
	b := at(t, bianchi, qualification.HolderChoice, behindProxy)
	b.press("Conferma", "ruolo", "no").press("Invia l'invito", "email", "luca@mail.example").at("Invito in partenza")
	b.press("Annulla l'invito")
	b.press("Conferma", "ruolo", "no").at("Invita l'intestatario")
	b.exhaust("invitations_per_network", time.Hour)
	b.unchanged(func() {
		b.press("Invia l'invito", "email", "luca.bianchi@mail.example").
			limited("Invita l'intestatario",
				"Sono arrivate troppe richieste in poco tempo. Riprova dopo le "+b.after(18*time.Second), "18").
			hasValue("email", "luca.bianchi@mail.example")
	})
	b.Address = "192.0.2.8"
	b.press("Invia l'invito", "email", "luca.bianchi@mail.example").at("Invito in partenza")
}

func TestTooManyLoginsAndStartsFromANetwork(t *testing.T) {
	t.Parallel()
	b := at(t, anna, qualification.AtProvider, behindProxy, collaudo)
	const heading = "Troppe richieste"
	sentence := "Riprova dopo le " + b.after(2*time.Second) + ": quello che hai inserito è salvato."
	b.exhaust("logins_per_network", 15*time.Minute)
	b.unchanged(func() {
		restart := b.get("/").link("Ricomincia l'accesso")
		b.get(restart).limited(heading, sentence, "2")
		b.get(b.trial()).limited(heading, sentence, "2")
	})
	secret := b.handOff(anna)
	b.exhaust("starts_per_network", 15*time.Minute)
	fresh := b.world.browser()
	fresh.start(secret).limited(heading, sentence, "2")
	b.clock.Advance(2 * time.Second)
	fresh.start(secret) // the refused attempt did not use the link up
	if fresh.Status != http.StatusOK {
		t.Errorf("after the time in Retry-After: %d %s", fresh.Status, fresh.Content())
	}
}

// SAML responses and logout requests need no authentication. A message over the
// limit is not read, so the same message is accepted later.
func TestTooManyAnswersAndLogoutsFromANetwork(t *testing.T) {
	t.Parallel()
	b := at(t, anna, qualification.Identification, behindProxy)
	const heading = "Troppe richieste"
	sentence := "Riprova dopo le " + b.after(2*time.Second)
	answer := b.answer(b.ask(), "Anna Neri")
	garbage := func() *browser {
		return b.load(b.request(http.MethodPost, "/spid/acs", url.Values{"SAMLResponse": {"x"}}))
	}
	garbage()
	b.exhaust("answers_per_network", 15*time.Minute)
	b.unchanged(func() {
		b.deliver(answer).limited(heading, sentence, "2")
		garbage().limited(heading, sentence, "2")
	})
	b.Address = "192.0.2.8"
	b.deliver(answer).at("Identificazione riuscita")

	query := b.idp.logoutURL(t)
	b.get("/spid/logout?SAMLRequest=x")
	b.exhaust("logouts_per_network", 15*time.Minute)
	b.unchanged(func() { b.get(query).limited(heading, sentence, "2") })
	b.get("/").at("Identificazione riuscita")
}

func TestTimeOfALimitIsRoundedUp(t *testing.T) {
	now := time.Date(2026, 11, 21, 11, 0, 30, 0, time.UTC)
	for until, want := range map[time.Time]string{
		now:                                    "12:01",
		now.Add(30 * time.Second):              "12:01",
		now.Add(30*time.Second + 1):            "12:02",
		now.Add(12*time.Hour - 30*time.Second): "00:00 (22/11/2026)",
	} {
		f := limitFault(&workflow.LimitError{Limit: "codes_per_network", Until: until}, now)
		if f.Message != "error_limit" || f.Args["Until"] != want {
			t.Errorf("%s: %+v, want %s", until, f, want)
		}
	}
}
