package web

import (
	"slices"
	"sync"
	"testing"

	"stella/web/webtest"
	"stella/workflow"
	"stella/workflow/qualification"
)

const movedOn = "La procedura nel frattempo è andata avanti: ecco dove sei."

func TestStaleTab(t *testing.T) {
	t.Parallel()
	b := at(t, anna, qualification.HolderChoice)
	stale := b.form("Conferma", "ruolo", "no")
	empty := stale.Without("ruolo")
	b.proceed(anna, qualification.HolderChoice, qualification.ContactData)
	b.unchanged(func() {
		b.post(stale).at("Dati di Contatto").showsNotice(movedOn)
		// An error in a stale form is not shown.
		b.post(empty).at("Dati di Contatto").showsNotice(movedOn)
	})
	if want := []string{"303 /"}; !slices.Equal(b.Trail(), want) {
		t.Errorf("the redirects are %v", b.Trail())
	}
}

const changed = "I dati sono stati aggiornati in un'altra finestra. Controllali di nuovo."

// If another window saved different data, a notice says so.
func TestDataInTwoWindows(t *testing.T) {
	t.Parallel()
	b := at(t, anna, qualification.ContactData)
	same, different, phone := b.window(), b.window(), b.window()
	b.press("Conferma", "email", "anna@mail.example").at("Controlla i dati")
	b.unchanged(func() {
		same.press("Conferma", "email", " anna@MAIL.example ").at("Controlla i dati").showsNotice("")
		different.press("Conferma", "email", "altra@mail.example").at("Controlla i dati", "anna@mail.example").showsNotice(changed)
		phone.press("Conferma", "email", "anna@mail.example", "cellulare", "347 123 4567").at("Controlla i dati").showsNotice(changed)
	})
	summary := b.window()
	b.click("Modifica l'e-mail")
	edit, again := b.window(), b.window()
	b.press("Conferma", "email", "altra@mail.example").at("Controlla i dati", "altra@mail.example")
	b.unchanged(func() {
		summary.press("SALVA E PROCEDI").at("Controlla i dati", "altra@mail.example").showsNotice(changed)
		edit.press("Conferma", "email", "terza@mail.example").at("Controlla i dati", "altra@mail.example").showsNotice(changed)
		again.press("Conferma", "email", "altra@mail.example").at("Controlla i dati", "altra@mail.example").showsNotice("")
	})
	twice := b.window()
	b.press("SALVA E PROCEDI").at("Ora identificati")
	b.unchanged(func() { twice.press("SALVA E PROCEDI").at("Ora identificati").showsNotice("") })
	b.proceed(anna, qualification.Identification, qualification.Identified).click("Modifica dove arriverà il codice OTP")
	edit = b.window()
	b.press("Conferma", "email", "anna@mail.example").at("Identificazione riuscita", "anna@mail.example")
	b.unchanged(func() {
		edit.press("Conferma", "email", "terza@mail.example").at("Identificazione riuscita", "anna@mail.example").showsNotice(changed)
	})
}

// The same for a different choice.
func TestChoiceInTwoWindows(t *testing.T) {
	t.Parallel()
	b := at(t, anna, qualification.HolderChoice)
	other := b.window()
	twice := b.window()
	b.press("Conferma", "ruolo", "si").at("Cosa occorre")
	b.unchanged(func() {
		other.press("Conferma", "ruolo", "no").at("Cosa occorre").showsNotice(movedOn)
		twice.press("Conferma", "ruolo", "si").at("Cosa occorre").showsNotice("")
	})
}

func TestFormIsSentAgain(t *testing.T) {
	t.Parallel()
	b := at(t, anna, qualification.ContactData)
	form := b.form("Conferma", "email", "anna@mail.example")
	b.post(form).at("Controlla i dati")
	b.unchanged(func() { b.post(form).at("Controlla i dati").showsNotice("") })
	if want := []string{"303 /"}; !slices.Equal(b.Trail(), want) {
		t.Errorf("the redirects are %v", b.Trail())
	}
	// Some steps later, the form is stale.
	b.proceed(anna, qualification.Summary, qualification.Identification)
	b.unchanged(func() { b.post(form).at("Ora identificati").showsNotice(movedOn) })
}

func TestDoubleClick(t *testing.T) {
	t.Parallel()
	b := at(t, anna, qualification.Contract)
	form := b.form("COMPLETA LA RICHIESTA DI IDENTIFICAZIONE")
	steps := b.query(`select count(*)::text from steps`)
	clicks := []*browser{b.window(), b.window(), b.window()}
	var done sync.WaitGroup
	for _, c := range clicks {
		done.Go(func() { c.post(form) })
	}
	done.Wait()
	for _, c := range clicks {
		c.at("Inserisci il codice", "Stiamo inviando").showsNotice("")
	}
	if got := b.query(`select (count(*) - 2)::text from steps`); got != steps { // the acknowledgement and the code
		t.Errorf("there were %s steps, and now there are %s and 2 more", steps, got)
	}
	if b.mails(workflow.MailCode, anna.email) != 1 {
		t.Error("more than one code was sent")
	}
}

func TestTwoTabs(t *testing.T) {
	t.Parallel()
	b := at(t, bianchi, qualification.HolderKind)
	other := b.window()
	b.press("Conferma", "intestatario", "impresa").press("Conferma", "codice_fiscale_impresa", bianchi.company)
	b.unchanged(func() { other.press("Conferma", "intestatario", "impresa").at("Dati di Contatto").showsNotice(movedOn) })
	other.press("Conferma").at("Controlla i dati")
	b.unchanged(func() {
		b.press("Conferma", "email", "altra@bianchi.example").at("Controlla i dati", bianchi.email).showsNotice(changed)
	})
	// One tab has an edit page open, and the other one has continued.
	b.click("Modifica l'e-mail")
	other.press("SALVA E PROCEDI")
	b.unchanged(func() { b.press("Conferma", "email", "altra@bianchi.example").at("Ora identificati") })
}

func TestFormWithoutAState(t *testing.T) {
	t.Parallel()
	b := at(t, anna, qualification.ContactData)
	form := b.form("Conferma")
	b.unchanged(func() {
		for _, f := range []webtest.Form{
			form.Without("id"), form.Without("version"), form.Without("id", "version"),
			form.With("id", "x"), form.With("version", "1e1"),
			form.With("version", "99999999999999999999"), form.With("version", "999"), form.With("version", "-1"),
			form.With("id", "00000000-0000-0000-0000-000000000000"),
		} {
			b.post(f).at("Dati di Contatto").showsNotice(movedOn)
		}
	})
	b.post(form).at("Controlla i dati")
}

func TestFormOfAnotherQualification(t *testing.T) {
	t.Parallel()
	b := at(t, anna, qualification.ContactData)
	b.record(sara)
	other := b.enter(sara).proceed(sara, qualification.HolderChoice, qualification.ContactData)
	form := other.form("Conferma", "email", "ladro@mail.example")
	b.unchanged(func() { b.post(form).at("Dati di Contatto").showsNotice(movedOn).hasValue("email", anna.email) })
}

// A form of another state has no effect.
func TestFormOfAnotherState(t *testing.T) {
	t.Parallel()
	b := at(t, anna, qualification.Summary)
	now := b.form("SALVA E PROCEDI")
	b.unchanged(func() {
		for path := range forms {
			switch path {
			case "/riepilogo", "/riepilogo/contatti", "/riepilogo/intestatario", "/indietro": // the forms of this state
				continue
			case "/identita/contatti", "/codice/contatti": // the same event as /riepilogo/contatti
				continue
			}
			f := webtest.Form{Action: path, Values: now.With("ruolo", "si").With("email", "x@mail.example").With("intestatario", "privato").
				With("codice", "123456").With("codice_fiscale_impresa", bianchi.company).Values}
			f.Values.Set("sha256", b.procedure.Documents["it"].SHA256)
			if b.post(f); b.Status != 200 || b.Heading() != "Controlla i dati" {
				t.Errorf("%s leads to %d %s", path, b.Status, b.Content())
			}
			b.showsNotice(movedOn)
		}
	})
}

func TestGetChangesNothing(t *testing.T) {
	t.Parallel()
	b := at(t, anna, qualification.Summary)
	b.unchanged(func() {
		for path := range forms {
			b.get(path)
			if b.Status != 200 {
				t.Errorf("%s returns %d", path, b.Status)
			}
		}
		for _, path := range []string{"/", "/identificazione", "/identificazione/spid", "/codice/stato", "/spid/metadata"} {
			b.get(path)
		}
	})
	b.get("/").at("Controlla i dati")
}

func TestContractChanges(t *testing.T) {
	t.Parallel()
	b := at(t, anna, qualification.Contract)
	form := b.form("COMPLETA LA RICHIESTA DI IDENTIFICAZIONE").With("sha256", "0000")
	b.unchanged(func() {
		b.post(form).at("Informativa contrattuale").showsNotice("L'Informativa contrattuale è cambiata nel frattempo: ecco quella nuova.")
	})
	b.proceed(anna, qualification.Contract, qualification.CodeEntry)
}
