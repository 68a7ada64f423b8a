package web

import (
	"testing"
	"time"

	"stella/web/webtest"
	"stella/workflow/qualification"
)

// lapses checks that the browser cannot send a form whose login was made in another
// session or has expired, and that the step goes back to identification.
func (b *browser) lapses(f webtest.Form) {
	b.Helper()
	b.unchanged(func() {
		b.get("/").at("Ora identificati", lapsed)
		b.get("/identita/contatti").at("Ora identificati")
		b.get("/codice/contatti").at("Ora identificati")
		b.codeStatusIs("elsewhere", 0, 0)
	})
	declared := b.query(`select count(*)::text from declarations`)
	codes, mails := b.query(`select count(*)::text from codes`), b.query(`select count(*)::text from mails`)
	b.post(f).at("Ora identificati").showsNotice("Per sicurezza ripeti l'identificazione. I dati inseriti sono salvati.")
	b.stateIs(anna, qualification.Identification)
	if got := b.query(`select event from steps order by version desc limit 1`); got != string(qualification.IdentityLapsed) {
		b.Errorf("the step is %s", got)
	}
	if b.query(`select count(*)::text from declarations`) != declared || b.query(`select count(*)::text from codes`) != codes ||
		b.query(`select count(*)::text from mails`) != mails {
		b.Error("the form had other effects")
	}
	b.press("Indietro").at("Controlla i dati", anna.email).press("SALVA E PROCEDI")
}

// loginStates lists the states that need a valid login, and their forms.
var loginStates = []struct {
	state qualification.State
	forms []func(b *browser) webtest.Form
}{
	{qualification.Identified, []func(b *browser) webtest.Form{
		func(b *browser) webtest.Form { return b.form("PROCEDI") },
		func(b *browser) webtest.Form { return b.form("Non sono io / casella sbagliata") },
		func(b *browser) webtest.Form {
			return b.click("Modifica dove arriverà il codice OTP").form("Conferma", "email", "ladro@mail.example")
		},
	}},
	{qualification.Contract, []func(b *browser) webtest.Form{
		func(b *browser) webtest.Form { return b.form("COMPLETA LA RICHIESTA DI IDENTIFICAZIONE") },
	}},
	{qualification.CodeEntry, []func(b *browser) webtest.Form{
		func(b *browser) webtest.Form { return b.form("Conferma", "codice", b.sendCode()) },
		func(b *browser) webtest.Form { return b.form("Invia di nuovo") },
		func(b *browser) webtest.Form {
			return b.click("Modifica i contatti").form("Conferma", "email", "ladro@mail.example")
		},
	}},
}

// atEachForm calls do with each of those forms, after a login.
func atEachForm(t *testing.T, do func(b *browser, f webtest.Form)) {
	t.Helper()
	for _, place := range loginStates {
		t.Run(string(place.state), func(t *testing.T) {
			t.Parallel()
			b := at(t, anna, qualification.Identification)
			for _, form := range place.forms {
				b.proceed(anna, qualification.Identification, place.state)
				do(b, form(b))
			}
		})
	}
}

func TestAnotherBrowserCannotFinish(t *testing.T) {
	t.Parallel()
	atEachForm(t, func(b *browser, f webtest.Form) {
		b.clock.Advance(5 * time.Minute) // so that the limit of codes is not reached
		b.enter(anna).lapses(f)
		// The first browser is at identification too.
		b.get("/").at("Ora identificati")
	})
}

func TestExpiredLoginCannotFinish(t *testing.T) {
	t.Parallel()
	atEachForm(t, func(b *browser, f webtest.Form) {
		b.clock.Advance(16 * time.Minute)
		if b.get("/"); b.Heading() == "Ora identificati" {
			b.Error("the login expired too early")
		}
		b.clock.Advance(15 * time.Minute)
		b.lapses(f)
	})
}

// After that a new login can start at once.
func TestLapsedLoginIsRepeated(t *testing.T) {
	t.Parallel()
	b := at(t, anna, qualification.CodeEntry)
	other := b.enter(anna).at("Ora identificati", lapsed)
	other.click("Inizia l'identificazione").click("Entra con SPID").click("Prosegui con Identità di prova")
	other.press("Accedi come Anna Neri").press("Autorizza").press("Continua").at("Identificazione riuscita")
	b.get("/").at("Ora identificati", lapsed)
	other.clock.Advance(20 * time.Second)
	other.get("/").proceed(anna, qualification.Identified, qualification.Qualified).at("Identificazione avvenuta con successo")

	b = at(t, anna, qualification.Identified)
	other = b.enter(anna).at("Ora identificati", lapsed)
	other.press("Indietro").at("Controlla i dati", anna.email)
}
