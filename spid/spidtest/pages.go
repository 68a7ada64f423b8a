package spidtest

import (
	"crypto/rand"
	"embed"
	"errors"
	"html/template"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/beevik/etree"
)

//go:embed pages
var files embed.FS

var pages = template.Must(template.ParseFS(files, "pages/*.html"))

// page is the data of the templates.
type page struct {
	Provider string
	Service  string // name of the service provider
	Login    string // random ID of the login in progress
	People   []Person
	Person   int // index of the chosen person
	Sent     []sent
	ACSURL   string
	Response string
	Relay    string
	Message  string
}

type sent struct{ Label, Value string }

func (p *Provider) routes() *http.ServeMux {
	mux := http.NewServeMux()
	mux.HandleFunc("GET /{$}", p.home)
	mux.HandleFunc("GET /metadata", func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "application/samlmetadata+xml; charset=utf-8")
		w.Write(p.Metadata())
	})
	mux.HandleFunc("GET "+p.path(p.redirectURL()), func(w http.ResponseWriter, r *http.Request) {
		req, err := p.receive(r.URL.RawQuery)
		p.begin(w, req, err)
	})
	mux.HandleFunc("POST "+p.path(p.postURL()), func(w http.ResponseWriter, r *http.Request) {
		r.Body = http.MaxBytesReader(w, r.Body, 2*maxRequest)
		if err := r.ParseForm(); err != nil {
			p.refuse(w, &refusal{4, "il modulo non si legge"})
			return
		}
		req, err := p.receiveForm(r.PostForm)
		p.begin(w, req, err)
	})
	mux.HandleFunc("GET /exit", p.logout)
	mux.HandleFunc("GET "+p.path(p.loggedOutURL()), p.loggedOut)
	mux.HandleFunc("POST /login", p.login)
	mux.HandleFunc("POST /consent", p.consent)
	for _, name := range []string{"style.css", "post.js"} {
		mux.HandleFunc("GET /"+name, func(w http.ResponseWriter, r *http.Request) {
			http.ServeFileFS(w, r, files, "pages/"+name)
		})
	}
	return mux
}

func (p *Provider) home(w http.ResponseWriter, _ *http.Request) {
	p.show(w, http.StatusOK, "home.html", page{}, "'none'")
}

// path returns the path of one of the provider's URLs.
func (p *Provider) path(url string) string { return strings.TrimPrefix(url, p.config.BaseURL) }

// begin shows the choice of persons, or the error in the request.
func (p *Provider) begin(w http.ResponseWriter, req *request, err error) {
	var refused *refusal
	var faulty *fault
	switch {
	case errors.As(err, &refused):
		p.refuse(w, refused)
	case errors.As(err, &faulty):
		p.post(w, req, p.failure(req, faulty))
	default:
		id := p.logins.add(&login{request: req, started: p.now()})
		p.show(w, http.StatusOK, "login.html", page{Service: req.service, Login: id, People: p.config.People}, "'self'")
	}
}

// login handles the choice of a person and shows the data to be sent.
func (p *Provider) login(w http.ResponseWriter, r *http.Request) {
	l, id := p.current(w, r)
	if l == nil {
		return
	}
	if r.PostFormValue("cancel") != "" {
		p.post(w, l.request, p.failure(l.request, loginFailed("nr25")))
		return
	}
	i, ok := p.person(r)
	if !ok {
		p.fail(w, http.StatusBadRequest, "Non è stata scelta un'identità.")
		return
	}
	if !l.request.admits(p.config.People[i]) {
		p.post(w, l.request, p.failure(l.request, loginFailed("nr30")))
		return
	}
	data := page{Service: l.request.service, Login: id, Person: i}
	for _, name := range l.request.attributes {
		if label, value := p.config.People[i].attribute(name); value != "" {
			data.Sent = append(data.Sent, sent{label, value})
		}
	}
	p.show(w, http.StatusOK, "consent.html", data, "'self'")
}

// consent handles the consent and sends the answer.
func (p *Provider) consent(w http.ResponseWriter, r *http.Request) {
	l, _ := p.current(w, r)
	if l == nil {
		return
	}
	i, ok := p.person(r)
	if r.PostFormValue("consent") != "yes" || !ok {
		p.post(w, l.request, p.failure(l.request, loginFailed("nr22")))
		return
	}
	p.post(w, l.request, p.success(l.request, p.config.People[i]))
}

// person returns the index of the person chosen in a form.
func (p *Provider) person(r *http.Request) (i int, ok bool) {
	i, err := strconv.Atoi(r.PostFormValue("person"))
	return i, err == nil && i >= 0 && i < len(p.config.People)
}

// current returns the login of a form. If there is none, it shows an error page
// and returns nil.
func (p *Provider) current(w http.ResponseWriter, r *http.Request) (*login, string) {
	r.Body = http.MaxBytesReader(w, r.Body, 64<<10)
	id := r.PostFormValue("login")
	l := p.logins.get(id, p.now())
	if l == nil {
		p.fail(w, http.StatusBadRequest, "L'accesso è scaduto. Torna al servizio e ricomincia.")
	}
	return l, id
}

// post shows the page that posts a response to the service, automatically if
// scripts are enabled.
func (p *Provider) post(w http.ResponseWriter, req *request, response *etree.Element) {
	encoded, err := p.finish(response, nil)
	if err != nil {
		p.fail(w, http.StatusInternalServerError, "La risposta non si è potuta firmare.")
		return
	}
	acs, err := url.Parse(req.acsURL)
	if err != nil {
		p.fail(w, http.StatusInternalServerError, "L'indirizzo del servizio non è valido.")
		return
	}
	data := page{Service: req.service, ACSURL: req.acsURL, Response: encoded, Relay: req.relayState}
	p.show(w, http.StatusOK, "post.html", data, acs.Scheme+"://"+acs.Host)
}

func (p *Provider) refuse(w http.ResponseWriter, r *refusal) {
	p.fail(w, http.StatusForbidden, r.Error())
}

func (p *Provider) fail(w http.ResponseWriter, status int, message string) {
	p.show(w, status, "error.html", page{Message: message}, "'none'")
}

func (p *Provider) show(w http.ResponseWriter, status int, name string, data page, formAction string) {
	data.Provider = p.config.Name
	h := w.Header()
	h.Set("Content-Type", "text/html; charset=utf-8")
	h.Set("Cache-Control", "no-store")
	h.Set("Referrer-Policy", "same-origin")
	h.Set("X-Content-Type-Options", "nosniff")
	h.Set("Content-Security-Policy", "default-src 'none'; style-src 'self'; script-src 'self'; img-src data:; "+
		"base-uri 'none'; frame-ancestors 'none'; form-action "+formAction)
	w.WriteHeader(status)
	// The status is already sent, so an error can only be a lost connection.
	_ = pages.ExecuteTemplate(w, name, data)
}

// A login is in progress from the request until it expires. The answer does not
// end it, so that going back or clicking twice does no harm: the service, not
// the provider, accepts only one answer.
type login struct {
	request *request
	started time.Time
}

const loginLifetime = 15 * time.Minute

// logins contains the logins in progress by ID.
type logins struct {
	mu   sync.Mutex
	byID map[string]*login
}

func (s *logins) add(l *login) (id string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.byID == nil {
		s.byID = map[string]*login{}
	}
	for id, old := range s.byID {
		if l.started.Sub(old.started) > loginLifetime {
			delete(s.byID, id)
		}
	}
	id = rand.Text()
	s.byID[id] = l
	return id
}

func (s *logins) get(id string, now time.Time) *login {
	s.mu.Lock()
	defer s.mu.Unlock()
	l := s.byID[id]
	if l == nil || now.Sub(l.started) > loginLifetime {
		return nil
	}
	return l
}
