package demo

import (
	"encoding/json"
	"net/http"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/emersion/go-smtp"

	"stella/mail/mailtest"
)

// maxMessages is the maximum number of mails that an Inbox keeps.
const maxMessages = 500

// An Inbox is a mail relay that delivers no mail. It shows all mails that it accepts in
// the browser.
type Inbox struct {
	server *smtp.Server
	addr   string
	ca     []byte

	mu       sync.Mutex
	last     int       // ID of the newest mail
	messages []message // oldest first
}

// A message is a mail for one recipient.
type message struct {
	To string `json:"to"` // recipient of the envelope
	mailtest.Message
	Received time.Time `json:"received_at"`
	ID       int       `json:"-"`
}

// StartInbox starts a relay on a free loopback port. It accepts mail until Close.
func StartInbox() (*Inbox, error) {
	i := new(Inbox)
	if err := i.listen(); err != nil {
		return nil, err
	}
	return i, nil
}

// Addr returns the address of the SMTP server, as host:port.
func (i *Inbox) Addr() string { return i.addr }

// CA returns the PEM of the authority of the relay's certificate. The certificate is
// valid for localhost and the loopback addresses.
func (i *Inbox) CA() []byte { return i.ca }

// Close stops the SMTP server.
func (i *Inbox) Close() error { return i.server.Close() }

func (i *Inbox) add(m message) {
	i.mu.Lock()
	defer i.mu.Unlock()
	i.last++
	m.ID = i.last
	m.Received = time.Now().UTC()
	i.messages = append(i.messages, m)
	if len(i.messages) > maxMessages {
		i.messages = i.messages[len(i.messages)-maxMessages:]
	}
}

// newest returns the mails to an address, or all mails if it is empty, the newest first.
func (i *Inbox) newest(to string) []message {
	i.mu.Lock()
	defer i.mu.Unlock()
	found := []message{}
	for n := len(i.messages) - 1; n >= 0; n-- {
		if m := i.messages[n]; to == "" || strings.EqualFold(m.To, to) {
			found = append(found, m)
		}
	}
	return found
}

// Handler returns the handler of the inbox's pages.
func (i *Inbox) Handler() http.Handler {
	mux := http.NewServeMux()
	mux.HandleFunc("GET /{$}", i.list)
	mux.HandleFunc("GET /messages.json", i.json)
	mux.HandleFunc("GET /messages/{id}", i.read)
	mux.HandleFunc("GET /messages/{id}/html", i.html)
	mux.HandleFunc("GET /messages/{id}/files/{name}", i.file)
	mux.HandleFunc("GET /style.css", writeStyle)
	return protected(mux, "'none'")
}

func (i *Inbox) list(w http.ResponseWriter, r *http.Request) {
	writePage(w, http.StatusOK, "inbox", i.newest(r.FormValue("to")))
}

func (i *Inbox) json(w http.ResponseWriter, r *http.Request) {
	w.Header().Set("Content-Type", "application/json")
	json.NewEncoder(w).Encode(i.newest(r.FormValue("to")))
}

func (i *Inbox) read(w http.ResponseWriter, r *http.Request) {
	if m, ok := i.byID(r); ok {
		// The page shows the HTML part in an iframe.
		policy := w.Header().Get("Content-Security-Policy")
		w.Header().Set("Content-Security-Policy", policy+"; frame-src 'self'")
		writePage(w, http.StatusOK, "message", m)
		return
	}
	writePage(w, http.StatusNotFound, "no-message", nil)
}

// html serves the HTML part of a mail. It may contain styles and links, but cannot run
// scripts or load resources.
func (i *Inbox) html(w http.ResponseWriter, r *http.Request) {
	m, ok := i.byID(r)
	if !ok || m.HTML == "" {
		writePage(w, http.StatusNotFound, "no-message", nil)
		return
	}
	w.Header().Set("Content-Security-Policy", mailPolicy)
	w.Header().Set("Content-Type", "text/html; charset=utf-8")
	w.Write([]byte(m.HTML))
}

// mailPolicy is the Content-Security-Policy of the parts of a mail. Our pages may show
// them in an iframe.
const mailPolicy = "default-src 'none'; style-src 'unsafe-inline'; img-src data:; " +
	"base-uri 'none'; frame-ancestors 'self'; form-action 'none'; " +
	"sandbox allow-top-navigation allow-popups allow-popups-to-escape-sandbox"

// file serves an attachment of a mail.
func (i *Inbox) file(w http.ResponseWriter, r *http.Request) {
	m, _ := i.byID(r)
	for _, f := range m.Files {
		if f.Name == r.PathValue("name") {
			w.Header().Set("Content-Security-Policy", mailPolicy)
			w.Header().Set("Content-Type", f.Type)
			w.Write(f.Content)
			return
		}
	}
	writePage(w, http.StatusNotFound, "no-message", nil)
}

func (i *Inbox) byID(r *http.Request) (message, bool) {
	id, err := strconv.Atoi(r.PathValue("id"))
	if err != nil {
		return message{}, false
	}
	for _, m := range i.newest("") {
		if m.ID == id {
			return m, true
		}
	}
	return message{}, false
}
