package demo

import (
	"encoding/json"
	"net/http"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/emersion/go-smtp"
)

// keep is how many mails an Inbox remembers.
const keep = 500

// An Inbox is a mail relay that delivers nowhere: whatever it takes can be
// read in the browser.
type Inbox struct {
	server *smtp.Server
	addr   string
	ca     []byte

	mu       sync.Mutex
	last     int       // the newest mail's ID
	messages []message // oldest first
}

// StartInbox starts a relay on a loopback port of its own choice. It accepts
// mail until Close.
func StartInbox() (*Inbox, error) {
	i := new(Inbox)
	if err := i.listen(); err != nil {
		return nil, err
	}
	return i, nil
}

// Addr is where the relay takes mail, as host:port.
func (i *Inbox) Addr() string { return i.addr }

// CA is the PEM of the authority behind the relay's certificate, which is
// valid for localhost and the loopback addresses.
func (i *Inbox) CA() []byte { return i.ca }

// Close stops taking mail.
func (i *Inbox) Close() error { return i.server.Close() }

func (i *Inbox) add(m message) {
	i.mu.Lock()
	defer i.mu.Unlock()
	i.last++
	m.ID = i.last
	m.Received = time.Now().UTC()
	i.messages = append(i.messages, m)
	if len(i.messages) > keep {
		i.messages = i.messages[len(i.messages)-keep:]
	}
}

// newest returns the mails to an address, or all without one, newest first.
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

// Handler serves the pages of the inbox.
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
		// The page shows the HTML part in a frame.
		policy := w.Header().Get("Content-Security-Policy")
		w.Header().Set("Content-Security-Policy", policy+"; frame-src 'self'")
		writePage(w, http.StatusOK, "message", m)
		return
	}
	writePage(w, http.StatusNotFound, "no-message", nil)
}

// html serves a mail's own HTML. It brings its own styles and may lead
// anywhere, but runs nothing and loads nothing.
func (i *Inbox) html(w http.ResponseWriter, r *http.Request) {
	m, ok := i.byID(r)
	if !ok || m.HTML == "" {
		writePage(w, http.StatusNotFound, "no-message", nil)
		return
	}
	w.Header().Set("Content-Security-Policy", foreign)
	w.Header().Set("Content-Type", "text/html; charset=utf-8")
	w.Write([]byte(m.HTML))
}

// foreign is the policy of what came with a mail: it may be shown in our own
// frame.
const foreign = "default-src 'none'; style-src 'unsafe-inline'; img-src data:; " +
	"base-uri 'none'; frame-ancestors 'self'; form-action 'none'; " +
	"sandbox allow-top-navigation allow-popups allow-popups-to-escape-sandbox"

// file serves a file that came with a mail.
func (i *Inbox) file(w http.ResponseWriter, r *http.Request) {
	m, _ := i.byID(r)
	for _, f := range m.Files {
		if f.Name == r.PathValue("name") {
			w.Header().Set("Content-Security-Policy", foreign)
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
