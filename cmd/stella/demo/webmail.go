package demo

import (
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"slices"

	"stella/client"
)

// Webmail is a webmail without passwords, whose users enter any of the
// sample mailboxes by a button. Like a real one it asks Stella at every visit
// whether to show the banner or the star, and hands its users over.
type Webmail struct {
	Stella   string // where Stella answers
	Token    string // our token for its API
	URL      string // where we answer, which is where users return to
	InboxURL string // where the mails can be read
	Inbox    *Inbox // the mails, of which each mailbox shows its own

	// Approve is the command, for a shell, with which an operator approves the
	// case of a mailbox whose address follows it.
	Approve string
}

// webmailCookie holds the mailbox one has entered. The demo's servers share
// the host, and so the cookies: its name must not be one of Stella's.
const webmailCookie = "demo-webmail"

// Handler serves the webmail. It panics when Stella is not a URL.
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
	// Stella's pages link to these of every provider.
	for _, path := range []string{"/privacy", "/accessibilita"} {
		mux.HandleFunc("GET "+path, w.about)
	}
	// The click that confirms is carried over to Stella by a redirect, which
	// a browser allows only to the origins named here.
	return protected(mux, "'self' "+stella.Scheme+"://"+stella.Host)
}

// about stands for the provider's own pages, which a demo has none of.
func (w *Webmail) about(rw http.ResponseWriter, _ *http.Request) {
	writePage(rw, http.StatusOK, "about", webmailPage{Webmail: w})
}

// A webmailPage is what webmail.html shows.
type webmailPage struct {
	*Webmail
	Samples  []sample  // without a mailbox: all to choose from
	Sample   sample    // the mailbox one is in
	Received []message // what Stella sent to it
	Messages []letter
	Standing client.Mailbox
	Raw      string // the standing as Stella answered it
	State    string // the standing in words, where banner and star do not tell
	Problem  string // what went wrong with Stella
}

func (w *Webmail) home(rw http.ResponseWriter, r *http.Request) {
	s, ok := entered(r)
	if !ok {
		writePage(rw, http.StatusOK, "mailboxes", webmailPage{Webmail: w, Samples: samples()})
		return
	}
	w.show(rw, r, s, nil)
}

// show answers with the page of a mailbox. problem is what went wrong before,
// if anything did.
func (w *Webmail) show(rw http.ResponseWriter, r *http.Request, s sample, problem error) {
	page := webmailPage{Webmail: w, Sample: s, Received: w.Inbox.newest(s.Address), Messages: letters(s)}
	m, raw, err := w.mailbox(r.Context(), s.Address)
	if err == nil {
		page.Standing, page.Raw, page.State = *m, raw, stateWords[m.State]
	} else if problem == nil {
		problem = err
	}
	status := http.StatusOK
	if problem != nil {
		page.Problem, status = explain(problem)
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

// confirm hands the user over. 307 keeps the click a POST, so that Stella
// begins at once; its form therefore holds nothing.
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

// entered returns the mailbox the visitor is in.
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

// stateWords says what neither banner nor star says.
var stateWords = map[client.State]string{
	"in_progress":  "L’identificazione è cominciata: riprende da dove era rimasta.",
	"invited":      "L’intestatario è stato invitato a identificarsi.",
	"under_review": "La richiesta è in verifica presso il gestore: non c’è altro da fare.",
	"rejected":     "L’ultima identificazione non è riuscita: si può riprovare.",
	"revoked":      "La qualifica della casella è stata revocata.",
	"not_eligible": "Questa casella non può essere qualificata.",
}

// explain turns an error of the API into a sentence and the status to answer
// with.
func explain(err error) (sentence string, status int) {
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

// A letter is one of the mails the toy pretends to hold.
type letter struct{ From, Subject, When string }

func letters(s sample) []letter {
	l := []letter{
		{"Gestore PEC", "Novità per la tua casella: la PEC diventa europea", "oggi"},
		{"posta-certificata@pec.example", "CONSEGNA: Richiesta di certificato", "ieri"},
		{"Comune di Esempio", "POSTA CERTIFICATA: Avviso di avvenuta protocollazione", "lunedì"},
	}
	if s.Company != "" {
		l[2] = letter{"Camera di commercio di Esempio", "POSTA CERTIFICATA: Deposito del bilancio", "lunedì"}
	}
	return l
}
