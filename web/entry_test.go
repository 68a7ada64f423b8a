package web

import (
	"net/http"
	"strings"
	"testing"
	"time"

	"stella/workflow"
)

const whichMailbox = "Vuoi passare a un'altra casella?"

// A browser that is inside the procedure of a mailbox is asked before it leaves
// it for another's, whichever way it comes.
func TestAnotherMailboxIsAskedFor(t *testing.T) {
	t.Parallel()
	ways := map[string]func(b *browser){
		"the webmail's click": func(b *browser) { b.handOver(sara) },
		"the webmail's link":  func(b *browser) { b.get("/start/" + b.handOff(sara)).press("Continua") },
		"an invitation": func(b *browser) {
			if delegate := b.enter(sara); text(delegate.Find("h1")) == "Conferma identità" {
				delegate.press("Conferma", "ruolo", "no").press("Invia l'invito", "email", sara.email)
			}
			b.get(b.invitationLink()).press("PROCEDI")
		},
	}
	for name, come := range ways {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			b := at(t, anna, workflow.Identified)
			b.record(sara)
			next := b.get("/").form("PROCEDI")
			come(b)
			b.unchanged(func() {
				b.at(whichMailbox, "hai aperto la procedura della casella "+anna.mailbox, "apri quella della casella "+sara.mailbox)
				// Until that is answered nothing else can be done, in whichever tab.
				b.post(next).at(whichMailbox)
				for _, path := range []string{"/identificazione", "/identita/contatti", "/spid/return"} {
					if b.get(path); b.status == http.StatusOK && text(b.Find("h1")) != whichMailbox {
						t.Errorf("%s shows %s", path, b.text())
					}
				}
			})
			// The login of the first is not lost.
			b.get("/").press("Torna alla casella " + anna.mailbox).at("Identificazione riuscita").tells("")
			b.unchanged(func() { b.get("/").at("Identificazione riuscita") })

			come(b)
			former := b.cookies()
			b.at(whichMailbox).press("Continua")
			if got := text(b.Find("header .mailbox")); got != "Casella: "+sara.mailbox {
				t.Errorf("the page is of %q", got)
			}
			b.unchanged(func() { b.post(next).tells("La procedura nel frattempo è andata avanti: ecco dove sei.") })
			old := b.world.browser()
			for _, c := range former {
				if c.Name == "stella-known" {
					old.hold(&http.Cookie{Name: "stella", Value: c.Value})
				}
			}
			old.get("/").at(sessionClosed, "La procedura è stata aperta di nuovo in questo browser")
		})
	}
}

// Whoever is inside no other procedure is asked nothing.
func TestNothingIsAskedFor(t *testing.T) {
	t.Parallel()
	b := at(t, anna, workflow.Summary)
	b.record(sara)
	b.handOver(anna).at("Controlla i dati") // the same mailbox again
	b.clock.Advance(workflow.SessionIdle)
	b.handOver(sara).at("Conferma identità") // the session has ended
	b.press("Esci e riprendi più tardi").handOver(anna).at("Controlla i dati")
	b.recordAs(anna, workflow.Cancelled)
	b.handOver(sara).at("Conferma identità") // there is nothing to go back to
	b.recordAs(anna, workflow.Active)

	b = at(t, anna, workflow.CodeEntry)
	b.record(sara)
	b.press("Conferma", "codice", b.sendCode()).at("Identificazione avvenuta con successo")
	b.handOver(sara).at("Conferma identità") // there is nothing left to do
}

// Entering anew ends the session that the browser had, which nobody can use any
// more, and no other browser's.
func TestEnteringAnewEndsTheFormerSession(t *testing.T) {
	t.Parallel()
	b := at(t, anna, workflow.Summary)
	other := b.enter(anna).at("Controlla i dati")
	former := b.cookies()[0]
	b.handOver(anna).at("Controlla i dati")
	thief := b.world.browser()
	thief.hold(former)
	thief.gone(sessionClosed, "La procedura è stata aperta di nuovo in questo browser")
	other.get("/").at("Controlla i dati")
	if n := b.query(`select count(*)::text from sessions where ended = '' and expires_at > $1`, b.clock.Now()); n != "2" {
		t.Errorf("%s sessions last", n)
	}
}

// The buttons of the question do nothing for who was not asked.
func TestAnAnswerToNoQuestion(t *testing.T) {
	t.Parallel()
	b := at(t, anna, workflow.Summary)
	for _, path := range []string{"/casella/nuova", "/casella/precedente"} {
		b.unchanged(func() {
			b.load(b.request(http.MethodPost, path, nil)).at("Controlla i dati")
			b.world.browser().post(filled{b.world.url + path, nil})
		})
	}
	b.clock.Advance(time.Minute)
	b.get("/").at("Controlla i dati")
}

// The answer is about the mailbox that the page names: if the browser has come for
// a third one meanwhile, it is asked again.
func TestAnAnswerIsAboutTheMailboxNamed(t *testing.T) {
	t.Parallel()
	b := at(t, anna, workflow.Summary)
	b.record(sara)
	b.record(bianchi)
	b.handOver(sara).at(whichMailbox, "apri quella della casella "+sara.mailbox)
	answer := b.form("Continua")
	b.handOver(bianchi).at(whichMailbox, "apri quella della casella "+bianchi.mailbox)
	b.post(answer).at(whichMailbox, "apri quella della casella "+bianchi.mailbox)
	b.press("Torna alla casella " + anna.mailbox).at("Controlla i dati")
}

// While the question is open, the script of another open page is answered about
// that page's session.
func TestAPageIsToldOfItsOwnSession(t *testing.T) {
	t.Parallel()
	b := at(t, anna, workflow.Summary)
	b.record(sara)
	b.get("/")
	b.clock.Advance(25 * time.Minute)
	b.handOver(sara).at(whichMailbox)
	if _, body := b.send(b.request(http.MethodGet, sessionPath, nil)); strings.TrimSpace(body) != `{"seconds":300,"keeps":false}` {
		t.Errorf("the page is told %s", body)
	}
	if _, body := b.send(b.request(http.MethodPost, sessionPath, nil)); strings.TrimSpace(body) != `{"seconds":1800,"keeps":false}` {
		t.Errorf("staying is answered %s", body)
	}
}

// A form that comes after its session has ended is kept, although the browser has
// come for another mailbox meanwhile.
func TestAFormIsKeptWhileTheQuestionWaits(t *testing.T) {
	t.Parallel()
	b := at(t, anna, workflow.ContactData)
	b.record(sara)
	form := b.get("/").form("Conferma", "email", "anna@nuova.example")
	b.clock.Advance(20 * time.Minute)
	b.handOver(sara).at(whichMailbox)
	b.clock.Advance(20 * time.Minute)
	b.unchanged(func() {
		b.post(form).answered(http.StatusForbidden, sessionExpired, "Quello che hai scritto non è perso")
	})
	b.handOver(anna).at("Dati di Contatto").holds("email", "anna@nuova.example")
}
