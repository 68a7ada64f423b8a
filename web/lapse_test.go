package web

import (
	"testing"
	"time"

	"stella/workflow"
)

// lapses checks that a browser cannot go on from a login that is not its own,
// or too old.
func (b *browser) lapses(forms ...filled) {
	b.Helper()
	b.unchanged(func() {
		b.get("/").at("Ora identificati", lapsed)
		b.get("/identita/contatti").at("Ora identificati")
		b.get("/codice/contatti").at("Ora identificati")
		b.told("elsewhere", 0, 0)
	})
	declared := b.query(`select count(*)::text from declarations`)
	codes, mails := b.query(`select count(*)::text from codes`), b.query(`select count(*)::text from mails`)
	b.post(forms[0]).at("Ora identificati").tells("Per sicurezza ripeti l'identificazione. I dati inseriti sono salvati.")
	b.wants(anna, workflow.Identification)
	if got := b.query(`select event from steps order by version desc limit 1`); got != string(workflow.IdentityLapsed) {
		b.Errorf("the step is %s", got)
	}
	if b.query(`select count(*)::text from declarations`) != declared || b.query(`select count(*)::text from codes`) != codes ||
		b.query(`select count(*)::text from mails`) != mails {
		b.Error("more was done")
	}
	b.press("Indietro").at("Controlla i dati", anna.email).press("SALVA E PROCEDI")
}

// The places where a login must hold, and the forms there.
var holding = []struct {
	state workflow.State
	forms func(b *browser) []filled
}{
	{workflow.Identified, func(b *browser) []filled {
		return []filled{b.form("PROCEDI"), b.form("Non sono io / casella sbagliata"),
			b.click("Modifica dove arriverà il codice OTP").form("Conferma", "email", "ladro@mail.example")}
	}},
	{workflow.Contract, func(b *browser) []filled {
		return []filled{b.form("COMPLETA LA RICHIESTA DI IDENTIFICAZIONE")}
	}},
	{workflow.CodeEntry, func(b *browser) []filled {
		return []filled{b.form("Conferma", "codice", b.sendCode()), b.form("Invia di nuovo"),
			b.click("Modifica i contatti").form("Conferma", "email", "ladro@mail.example")}
	}},
}

func TestAnotherBrowserCannotFinish(t *testing.T) {
	t.Parallel()
	for _, place := range holding {
		t.Run(string(place.state), func(t *testing.T) {
			t.Parallel()
			b := at(t, anna, workflow.Identification)
			for i := range 3 {
				b.goOn(anna, workflow.Identification, place.state)
				forms := place.forms(b)
				if i >= len(forms) {
					break
				}
				b.clock.Advance(5 * time.Minute) // as many codes may be sent
				other := b.enter(anna)
				other.lapses(forms[i])
				// The first sees the same now.
				b.get("/").at("Ora identificati")
			}
		})
	}
}

func TestOldLoginCannotFinish(t *testing.T) {
	t.Parallel()
	for _, place := range holding {
		t.Run(string(place.state), func(t *testing.T) {
			t.Parallel()
			b := at(t, anna, workflow.Identification)
			for i := range 3 {
				b.goOn(anna, workflow.Identification, place.state)
				forms := place.forms(b)
				if i >= len(forms) {
					break
				}
				b.clock.Advance(16 * time.Minute)
				if b.get("/"); text(b.Find("h1")) == "Ora identificati" {
					t.Error("the login is lost too early")
				}
				b.clock.Advance(15 * time.Minute)
				b.lapses(forms[i])
			}
		})
	}
}

// A new login can begin at once from there.
func TestLapsedLoginIsRepeated(t *testing.T) {
	t.Parallel()
	b := at(t, anna, workflow.CodeEntry)
	other := b.enter(anna).at("Ora identificati", lapsed)
	other.click("Inizia l'identificazione").click("Entra con SPID").click("Prosegui con Identità di prova")
	other.press("Accedi come Anna Neri").press("Autorizza").press("Continua").at("Identificazione riuscita")
	b.get("/").at("Ora identificati", lapsed)
	other.clock.Advance(20 * time.Second)
	other.get("/").goOn(anna, workflow.Identified, workflow.Qualified).at("Identificazione avvenuta con successo")

	b = at(t, anna, workflow.Identified)
	other = b.enter(anna).at("Ora identificati", lapsed)
	other.press("Indietro").at("Controlla i dati", anna.email)
}
