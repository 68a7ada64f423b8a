package web

import (
	"crypto/rand"
	"errors"
	"net/http"

	"stella/templates"
	"stella/workflow"
)

// showStart is for a webmail that could only give a link: a page with one
// button, since a link may be opened by machines.
func (s *Server) showStart(w http.ResponseWriter, r *http.Request) error {
	open, err := s.Procedure.HandOffOpen(r.Context(), r.PathValue("token"))
	if err != nil {
		return err
	}
	if !open {
		s.startEnded(w, r)
		return nil
	}
	s.write(w, r, http.StatusOK, "start", templates.Page{Locale: s.locale(r, workflow.Visitor{}), Data: templates.Start{Action: r.URL.Path}})
	return nil
}

// start lets the user of a hand-off in.
func (s *Server) start(w http.ResponseWriter, r *http.Request) error {
	id := newSessionID()
	v, err := s.Procedure.Start(r.Context(), r.PathValue("token"), workflow.Digest(id), s.ClientAddress(r), requestID(r))
	if errors.Is(err, workflow.ErrUnknown) {
		s.startEnded(w, r)
		return nil
	}
	if err != nil {
		return err
	}
	session, err := s.admit(w, r, v, id)
	if err != nil {
		return err
	}
	held, err := s.Procedure.HandOffHeld(r.Context(), r.PathValue("token"), workflow.Digest(id))
	if err != nil {
		return err
	}
	if !held { // used twice at once: one of the two was not the user
		w.Header().Del("Set-Cookie")
		if err := s.dismiss(w, r, session); err != nil {
			return err
		}
		s.startEnded(w, r)
		return nil
	}
	s.redirectHome(w, r, "")
	return nil
}

func (s *Server) startEnded(w http.ResponseWriter, r *http.Request) {
	s.write(w, r, http.StatusGone, "start_ended",
		templates.Page{Locale: s.locale(r, workflow.Visitor{}), Data: templates.Ended{Why: "expired"}})
}

// newSessionID makes the secret of a session, of 256 bits.
func newSessionID() string { return rand.Text() + rand.Text() }
