// Package floor is a program that does for a qualification only the work that every implementation needs:
// the same requests with pages of the same size, which were recorded, one RSA signature
// and two RSA verifications, one commit with a small row for each step, and the same
// mails over TLS, each with a row and its outcome. What another program needs beyond that
// is its own work.
//
//   - floor.go: the server
//   - recording.go: the recorded pages and mails
//   - rows.go: the database
//   - saml.go: the RSA operations
//   - mail.go: sends mails
package floor

import (
	"bytes"
	"cmp"
	"context"
	"encoding/json"
	"fmt"
	"log"
	"net/http"
	"strconv"
	"strings"

	"github.com/jackc/pgx/v5/pgxpool"
)

// Config is what the floor needs.
type Config struct {
	Site      string // its URL
	Database  string // URL of its database, which has the tables of Schema
	Relay     string // address of the mail relay
	CAFile    string // with which the relay is verified
	KeyFile   string // RSA key that signs requests to the identity provider
	Recording string // file
}

// A server answers with recorded pages. A cookie says how far a holder is.
type server struct {
	site      string
	recording Recording
	rows      rows
	mailer    *mailer
	requester requester
	verifier  verifier
}

// New returns the handler of the floor.
func New(ctx context.Context, c Config) (http.Handler, error) {
	recording, err := readRecording(c.Recording)
	if err != nil {
		return nil, err
	}
	pool, err := pgxpool.New(ctx, c.Database)
	if err != nil {
		return nil, err
	}
	s := &server{site: c.Site, recording: recording, rows: rows{pool}}
	if s.mailer, err = newMailer(c.Relay, c.CAFile); err != nil {
		return nil, err
	}
	s.mailer.done = s.rows.mailDone
	for _, e := range recording {
		if to := e.Header.Get("Location"); isRequest(to) {
			if s.requester, err = newRequester(to, c.KeyFile); err != nil {
				return nil, err
			}
		}
	}
	mux := http.NewServeMux()
	mux.HandleFunc("GET /readyz", func(http.ResponseWriter, *http.Request) {})
	mux.HandleFunc("POST /api/v1/handoffs", s.handOff)
	mux.HandleFunc("GET /api/v1/mailboxes/{address}", s.status)
	mux.HandleFunc("/", s.page)
	return mux, nil
}

func (s *server) handOff(w http.ResponseWriter, r *http.Request) {
	visit, err := s.rows.begin(r.Context())
	if err != nil {
		fail(w, err)
		return
	}
	w.Header().Set("Content-Type", "application/json")
	json.NewEncoder(w).Encode(map[string]any{"start_url": s.site + "/start/" + strconv.FormatInt(visit, 10), "expires_in": 60})
}

func (s *server) status(w http.ResponseWriter, r *http.Request) {
	status, err := s.rows.status(r.Context(), r.PathValue("address"))
	if err != nil {
		fail(w, err)
		return
	}
	w.Header().Set("Content-Type", "application/json")
	json.NewEncoder(w).Encode(status)
}

func fail(w http.ResponseWriter, err error) {
	log.Print(err)
	http.Error(w, err.Error(), http.StatusInternalServerError)
}

// cookie is the name of the cookie that contains the place of a holder.
const cookie = "floor"

// A place is how far a holder is: the number of the visit, that of the next exchange, and
// the address that the holder has typed.
type place struct {
	visit    int64
	position int
	email    string
}

func (p place) String() string { return fmt.Sprintf("%d.%d.%s", p.visit, p.position, p.email) }

func parsePlace(text string) (p place, err error) {
	parts := strings.SplitN(text, ".", 3)
	if len(parts) < 3 {
		return p, fmt.Errorf("%q is no place", text)
	}
	p.email = parts[2]
	if p.visit, err = strconv.ParseInt(parts[0], 10, 64); err == nil {
		p.position, err = strconv.Atoi(parts[1])
	}
	return p, err
}

// placeOf returns the place of a request. A form of the provider comes without cookies.
func placeOf(r *http.Request) (place, error) {
	if visit, ok := strings.CutPrefix(r.URL.Path, "/start/"); ok {
		return parsePlace(visit + ".0.")
	}
	if relayed := r.PostFormValue("RelayState"); relayed != "" {
		return parsePlace(relayed)
	}
	c, err := r.Cookie(cookie)
	if err != nil {
		return place{}, err
	}
	return parsePlace(c.Value)
}

// page answers as the recording does.
func (s *server) page(w http.ResponseWriter, r *http.Request) {
	at, err := placeOf(r)
	if err == nil && (at.position >= len(s.recording) || s.recording[at.position].Method != r.Method) {
		err = fmt.Errorf("%s %s is not the request of exchange %d", r.Method, r.URL.Path, at.position)
	}
	if err != nil {
		fail(w, err)
		return
	}
	e := s.recording[at.position]
	next := place{at.visit, at.position + 1, cmp.Or(r.PostFormValue("email"), at.email)}
	for name, values := range e.Header {
		w.Header()[name] = values
	}
	if err := s.work(w, r, e, at, next); err != nil {
		fail(w, err)
		return
	}
	http.SetCookie(w, &http.Cookie{Name: cookie, Value: next.String(), Path: "/"})
	w.WriteHeader(e.Status)
	w.Write(e.Body)
}

// work does the necessary work of an exchange.
func (s *server) work(w http.ResponseWriter, r *http.Request, e Exchange, at, next place) error {
	if isRequest(e.Header.Get("Location")) {
		to, err := s.requester.location(next.String())
		if err != nil {
			return err
		}
		w.Header().Set("Location", to)
	}
	if response := r.PostFormValue("SAMLResponse"); response != "" {
		if err := s.verifier.verify(response); err != nil {
			return err
		}
	}
	if code := r.PostFormValue("codice"); code != "" {
		is, err := s.rows.isCode(r.Context(), at.visit, code)
		if err != nil {
			return err
		}
		if !is {
			return fmt.Errorf("the code %s was not sent to visit %d", code, at.visit)
		}
	}
	if !e.isStep() {
		return nil
	}
	mails, err := outgoingMails(e, at)
	if err != nil {
		return err
	}
	if err := s.rows.step(r.Context(), at.visit, at.position, mails); err != nil {
		return err
	}
	for _, m := range mails {
		go s.mailer.send(context.WithoutCancel(r.Context()), m.id, m.to, m.message)
	}
	return nil
}

// outgoingMails returns the mails of an exchange, with a new code, to the address that
// the holder has typed.
func outgoingMails(e Exchange, at place) (all []outgoing, err error) {
	for _, m := range e.Mails {
		one := outgoing{to: at.email, message: m.Message}
		if m.Code != "" {
			if one.code, err = newCode(); err != nil {
				return nil, err
			}
			one.message = bytes.ReplaceAll(m.Message, []byte(m.Code), []byte(one.code))
		}
		all = append(all, one)
	}
	return all, nil
}
