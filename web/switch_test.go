package web

import (
	"net/http"
	"strings"
	"testing"
	"time"

	"stella/web/webtest"
	"stella/workflow"
	"stella/workflow/qualification"
)

const whichMailbox = "Vuoi passare a un'altra casella?"

// If the browser is in the procedure of a mailbox, the user is asked before it
// switches to another mailbox, however the new session started.
func TestSwitchOfMailboxIsAskedFor(t *testing.T) {
	t.Parallel()
	ways := map[string]func(b *browser){
		"the webmail's click": func(b *browser) { b.handOver(sara) },
		"the webmail's link":  func(b *browser) { b.get("/start/" + b.handOff(sara)).press("Continua") },
		"an invitation": func(b *browser) {
			if delegate := b.enter(sara); delegate.Heading() == "Conferma identità" {
				delegate.press("Conferma", "ruolo", "no").press("Invia l'invito", "email", sara.email)
			}
			b.get(b.invitationLink()).press("PROCEDI")
		},
	}
	for name, come := range ways {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			b := at(t, anna, qualification.Identified)
			b.record(sara)
			next := b.get("/").form("PROCEDI")
			come(b)
			b.unchanged(func() {
				b.at(whichMailbox, "hai aperto la procedura della casella "+anna.mailbox, "apri quella della casella "+sara.mailbox)
				// Until the user answers, every form of every tab leads to the question.
				b.post(next).at(whichMailbox)
				for _, path := range []string{"/identificazione", "/identita/contatti", "/spid/return"} {
					if b.get(path); b.Status == http.StatusOK && b.Heading() != whichMailbox {
						t.Errorf("%s shows another page: %s", path, b.Content())
					}
				}
			})
			// The login for the first mailbox is still valid.
			b.get("/").press("Torna alla casella " + anna.mailbox).at("Identificazione riuscita").showsNotice("")
			b.unchanged(func() { b.get("/").at("Identificazione riuscita") })

			come(b)
			previous := b.Cookies()
			b.at(whichMailbox).press("Continua")
			if got := webtest.Text(b.Find("header .mailbox")); got != "Casella: "+sara.mailbox {
				t.Errorf("the page shows the mailbox %q", got)
			}
			b.unchanged(func() { b.post(next).showsNotice("La procedura nel frattempo è andata avanti: ecco dove sei.") })
			old := b.world.browser()
			for _, c := range previous {
				if c.Name == "stella-known" {
					old.SetCookie(&http.Cookie{Name: "stella", Value: c.Value})
				}
			}
			old.get("/").at(sessionClosed, "La procedura è stata aperta di nuovo in questo browser")
		})
	}
}

// If the browser is in no other procedure, nothing is asked.
func TestNoQuestionWithoutAnotherProcedure(t *testing.T) {
	t.Parallel()
	b := at(t, anna, qualification.Summary)
	b.record(sara)
	b.handOver(anna).at("Controlla i dati") // the same mailbox again
	b.clock.Advance(workflow.SessionIdle + workflow.SessionTouch)
	b.handOver(sara).at("Conferma identità") // the session has ended
	b.press("Esci e riprendi più tardi").handOver(anna).at("Controlla i dati")
	b.recordAs(anna, workflow.Cancelled)
	b.handOver(sara).at("Conferma identità") // the mailbox of the other procedure is cancelled
	b.recordAs(anna, workflow.Active)

	b = at(t, anna, qualification.CodeEntry)
	b.record(sara)
	b.press("Conferma", "codice", b.sendCode()).at("Identificazione avvenuta con successo")
	b.handOver(sara).at("Conferma identità") // the other procedure is finished
}

// A new session ends the browser's previous session, whose cookie is no longer
// valid, but not the sessions of other browsers.
func TestNewSessionEndsThePreviousOne(t *testing.T) {
	t.Parallel()
	b := at(t, anna, qualification.Summary)
	other := b.enter(anna).at("Controlla i dati")
	previous := b.Cookies()[0]
	b.handOver(anna).at("Controlla i dati")
	thief := b.world.browser()
	thief.SetCookie(previous)
	thief.sessionOver(sessionClosed, "La procedura è stata aperta di nuovo in questo browser")
	other.get("/").at("Controlla i dati")
	if n := b.query(`select count(*)::text from sessions where ended = '' and expires_at > $1`, b.clock.Now()); n != "2" {
		t.Errorf("%s sessions are active, want 2", n)
	}
}

// The forms of the question have no effect if nothing was asked.
func TestAnswerWithoutAQuestion(t *testing.T) {
	t.Parallel()
	b := at(t, anna, qualification.Summary)
	for _, path := range []string{"/casella/nuova", "/casella/precedente"} {
		b.unchanged(func() {
			b.load(b.request(http.MethodPost, path, nil)).at("Controlla i dati")
			b.world.browser().post(webtest.Form{Action: b.world.url + path})
		})
	}
	b.clock.Advance(time.Minute)
	b.get("/").at("Controlla i dati")
}

// The answer applies to the mailbox that the page names. If the browser has since
// started a session for a third mailbox, the user is asked again.
func TestAnswerIsAboutTheMailboxOnThePage(t *testing.T) {
	t.Parallel()
	b := at(t, anna, qualification.Summary)
	b.record(sara)
	b.record(bianchi)
	b.handOver(sara).at(whichMailbox, "apri quella della casella "+sara.mailbox)
	answer := b.form("Continua")
	b.handOver(bianchi).at(whichMailbox, "apri quella della casella "+bianchi.mailbox)
	b.post(answer).at(whichMailbox, "apri quella della casella "+bianchi.mailbox)
	b.press("Torna alla casella " + anna.mailbox).at("Controlla i dati")
}

// While the question is open, the script of another open page gets the status of
// that page's session.
func TestSessionStatusIsOfTheOpenPage(t *testing.T) {
	t.Parallel()
	b := at(t, anna, qualification.Summary)
	b.record(sara)
	b.get("/")
	b.clock.Advance(25 * time.Minute)
	b.handOver(sara).at(whichMailbox)
	if _, body := b.send(b.request(http.MethodGet, sessionPath, nil)); strings.TrimSpace(body) != `{"seconds":360,"keeps":false}` {
		t.Errorf("the status of the session is %s", body)
	}
	if _, body := b.send(b.request(http.MethodPost, sessionPath, nil)); strings.TrimSpace(body) != `{"seconds":1860,"keeps":false}` {
		t.Errorf("prolonging the session returns %s", body)
	}
}

// The input of a form that is sent after its session ended is kept, even if the
// browser has started a session for another mailbox.
func TestDraftIsKeptWhileTheQuestionIsOpen(t *testing.T) {
	t.Parallel()
	b := at(t, anna, qualification.ContactData)
	b.record(sara)
	form := b.get("/").form("Conferma", "email", "anna@nuova.example")
	b.clock.Advance(20 * time.Minute)
	b.handOver(sara).at(whichMailbox)
	b.clock.Advance(20 * time.Minute)
	b.unchanged(func() {
		b.post(form).answered(http.StatusForbidden, sessionExpired, "Quello che hai scritto non è perso")
	})
	b.handOver(anna).at("Dati di Contatto").hasValue("email", "anna@nuova.example")
}
