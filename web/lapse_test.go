package web

import (
	"testing"
	"time"

	"stella/workflow"
)

// lapses checks that a browser cannot go on from a login that is not its own,
// or too old.
func (b *browser) lapses(f filled) {
	b.Helper()
	b.unchanged(func() {
		b.get("/").at("Ora identificati", lapsed)
		b.get("/identita/contatti").at("Ora identificati")
		b.get("/codice/contatti").at("Ora identificati")
		b.told("elsewhere", 0, 0)
	})
	declared := b.query(`select count(*)::text from declarations`)
	codes, mails := b.query(`select count(*)::text from codes`), b.query(`select count(*)::text from mails`)
	b.post(f).at("Ora identificati").tells("Per sicurezza ripeti l'identificazione. I dati inseriti sono salvati.")
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
	forms []func(b *browser) filled
}{
	{workflow.Identified, []func(b *browser) filled{
		func(b *browser) filled { return b.form("PROCEDI") },
		func(b *browser) filled { return b.form("Non sono io / casella sbagliata") },
		func(b *browser) filled {
			return b.click("Modifica dove arriverà il codice OTP").form("Conferma", "email", "ladro@mail.example")
		},
	}},
	{workflow.Contract, []func(b *browser) filled{
		func(b *browser) filled { return b.form("COMPLETA LA RICHIESTA DI IDENTIFICAZIONE") },
	}},
	{workflow.CodeEntry, []func(b *browser) filled{
		func(b *browser) filled { return b.form("Conferma", "codice", b.sendCode()) },
		func(b *browser) filled { return b.form("Invia di nuovo") },
		func(b *browser) filled {
			return b.click("Modifica i contatti").form("Conferma", "email", "ladro@mail.example")
		},
	}},
}

// atEachForm has do send each of those forms once somebody has logged in for it.
func atEachForm(t *testing.T, do func(b *browser, f filled)) {
	t.Helper()
	for _, place := range holding {
		t.Run(string(place.state), func(t *testing.T) {
			t.Parallel()
			b := at(t, anna, workflow.Identification)
			for _, form := range place.forms {
				b.goOn(anna, workflow.Identification, place.state)
				do(b, form(b))
			}
		})
	}
}

func TestAnotherBrowserCannotFinish(t *testing.T) {
	t.Parallel()
	atEachForm(t, func(b *browser, f filled) {
		b.clock.Advance(5 * time.Minute) // as many codes may be sent
		b.enter(anna).lapses(f)
		// The first sees the same now.
		b.get("/").at("Ora identificati")
	})
}

func TestOldLoginCannotFinish(t *testing.T) {
	t.Parallel()
	atEachForm(t, func(b *browser, f filled) {
		b.clock.Advance(16 * time.Minute)
		if b.get("/"); text(b.Find("h1")) == "Ora identificati" {
			b.Error("the login is lost too early")
		}
		b.clock.Advance(15 * time.Minute)
		b.lapses(f)
	})
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
