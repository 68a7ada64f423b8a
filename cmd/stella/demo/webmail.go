package demo

import (
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"slices"

	"stella/client"
)

// Webmail is a webmail without passwords. Its users open one of the sample mailboxes
// with a button. Like a real webmail it asks Stella at every visit whether to show the
// banner or the star, and hands its users over to Stella.
type Webmail struct {
	Stella   string // Stella's URL
	Token    string // the webmail's token for Stella's API
	URL      string // the webmail's URL, to which users return
	InboxURL string // URL of the inbox
	Inbox    *Inbox // each mailbox shows its mails from here

	// Approve is the shell command with which an operator approves the case of a
	// mailbox. The mailbox's address must be appended.
	Approve string
}

// webmailCookie is the name of the cookie with the open mailbox. The demo's servers have
// the same host and therefore share their cookies: Stella must not use this name.
const webmailCookie = "demo-webmail"

// Handler returns the handler of the webmail's pages. It panics if w.Stella is not a URL.
func (w *Webmail) Handler() http.Handler {
	stella, err := url.Parse(w.Stella)
	if err != nil {
		panic(err)
	}
	mux := http.NewServeMux()
	mux.HandleFunc("GET /{$}", w.home)
	mux.HandleFunc("POST /entra", w.enter)
	mux.HandleFunc("POST /esci", w.leave)
	mux.HandleFunc("POST /conferma", w.confirm)
	mux.HandleFunc("GET /style.css", writeStyle)
	// Stella's pages link to these pages of the provider.
	for _, path := range []string{"/privacy", "/accessibilita"} {
		mux.HandleFunc("GET "+path, w.about)
	}
	// The confirmation form redirects to Stella. Browsers allow that only to the origins
	// listed here.
	return protected(mux, "'self' "+stella.Scheme+"://"+stella.Host)
}

// about is a placeholder for the provider's own pages.
func (w *Webmail) about(rw http.ResponseWriter, _ *http.Request) {
	writePage(rw, http.StatusOK, "about", webmailPage{Webmail: w})
}

// A webmailPage is the data of webmail.html.
type webmailPage struct {
	*Webmail
	Samples  []sample  // all mailboxes, if none is open
	Sample   sample    // the open mailbox
	Received []message // the mails that Stella sent to it
	Messages []fakeMail
	Status   client.Mailbox
	Raw      string // Status as JSON
	State    string // a description of the state, if banner and star do not show it
	Problem  string // the error of a call of Stella
}

func (w *Webmail) home(rw http.ResponseWriter, r *http.Request) {
	s, ok := entered(r)
	if !ok {
		writePage(rw, http.StatusOK, "mailboxes", webmailPage{Webmail: w, Samples: samples()})
		return
	}
	w.show(rw, r, s, nil)
}

// show answers with the page of a mailbox. problem is the error of a previous call of
// Stella, or nil.
func (w *Webmail) show(rw http.ResponseWriter, r *http.Request, s sample, problem error) {
	page := webmailPage{Webmail: w, Sample: s, Received: w.Inbox.newest(s.Address), Messages: fakeMails(s)}
	m, raw, err := w.mailbox(r.Context(), s.Address)
	if err == nil {
		page.Status, page.Raw, page.State = *m, raw, stateTexts[m.State]
	} else if problem == nil {
		problem = err
	}
	status := http.StatusOK
	if problem != nil {
		page.Problem, status = describe(problem)
	}
	writePage(rw, status, "mailbox", page)
}

func (w *Webmail) enter(rw http.ResponseWriter, r *http.Request) {
	s, ok := byAddress(r.PostFormValue("mailbox"))
	if !ok {
		http.Error(rw, "Non è una casella di prova.", http.StatusNotFound)
		return
	}
	http.SetCookie(rw, &http.Cookie{
		Name: webmailCookie, Value: s.Address, Path: "/", HttpOnly: true, SameSite: http.SameSiteLaxMode,
	})
	http.Redirect(rw, r, "/", http.StatusSeeOther)
}

func (w *Webmail) leave(rw http.ResponseWriter, r *http.Request) {
	http.SetCookie(rw, &http.Cookie{Name: webmailCookie, Path: "/", MaxAge: -1})
	http.Redirect(rw, r, "/", http.StatusSeeOther)
}

// confirm hands the user over to Stella. Status 307 keeps the method POST, so that Stella
// starts the procedure without another click. The browser also sends the form's fields to
// Stella, so the form has none.
func (w *Webmail) confirm(rw http.ResponseWriter, r *http.Request) {
	s, ok := entered(r)
	if !ok {
		http.Redirect(rw, r, "/", http.StatusSeeOther)
		return
	}
	user := slices.IndexFunc(samples(), func(o sample) bool { return o.Address == s.Address })
	start, err := w.stella().HandOff(r.Context(), client.HandOff{
		Mailbox: s.Address, ReturnURL: w.URL, Locale: "it", User: fmt.Sprintf("utente-%d", user+1),
	})
	if err != nil {
		w.show(rw, r, s, err)
		return
	}
	http.Redirect(rw, r, start.StartURL, http.StatusTemporaryRedirect)
}

// entered returns the mailbox that the user has opened.
func entered(r *http.Request) (sample, bool) {
	c, err := r.Cookie(webmailCookie)
	if err != nil {
		return sample{}, false
	}
	return byAddress(c.Value)
}

func byAddress(address string) (sample, bool) {
	for _, s := range samples() {
		if s.Address == address {
			return s, true
		}
	}
	return sample{}, false
}

// stateTexts are the descriptions of the states that banner and star do not show.
var stateTexts = map[client.State]string{
	"in_progress":  "L’identificazione è cominciata: riprende da dove era rimasta.",
	"invited":      "L’intestatario è stato invitato a identificarsi.",
	"under_review": "La richiesta è in verifica presso il gestore: non c’è altro da fare.",
	"rejected":     "L’ultima identificazione non è riuscita: si può riprovare.",
	"revoked":      "La qualifica della casella è stata revocata.",
	"not_eligible": "Questa casella non può essere qualificata.",
}

// describe returns the message for an error of the API, and the status of the answer.
func describe(err error) (sentence string, status int) {
	var refused *client.Problem
	if !errors.As(err, &refused) {
		return "Il servizio di identificazione non risponde. Riprova tra poco. (" + err.Error() + ")", http.StatusBadGateway
	}
	switch refused.Status {
	case http.StatusConflict:
		return "Questa casella non può essere qualificata", http.StatusConflict
	case http.StatusNotFound:
		return "Il servizio di identificazione non conosce questa casella.", http.StatusNotFound
	}
	return "Il servizio di identificazione ha rifiutato la richiesta. (" + err.Error() + ")", http.StatusBadGateway
}

// A fakeMail is a mail that every mailbox shows as an example.
type fakeMail struct{ From, Subject, When string }

func fakeMails(s sample) []fakeMail {
	l := []fakeMail{
		{"Gestore PEC", "Novità per la tua casella: la PEC diventa europea", "oggi"},
		{"posta-certificata@pec.example", "CONSEGNA: Richiesta di certificato", "ieri"},
		{"Comune di Esempio", "POSTA CERTIFICATA: Avviso di avvenuta protocollazione", "lunedì"},
	}
	if s.Company != "" {
		l[2] = fakeMail{"Camera di commercio di Esempio", "POSTA CERTIFICATA: Deposito del bilancio", "lunedì"}
	}
	return l
}
