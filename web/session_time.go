package web

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"net/http"

	"stella/workflow"
)

// sessionPath is the endpoint for the script that warns before the session ends
// (WCAG 2.2.1).
const sessionPath = "/sessione"

// sessionStatus is the JSON response for the script of a page.
type sessionStatus struct {
	Seconds int  `json:"seconds"` // 0 if the session has ended
	Keeps   bool `json:"keeps"`   // a form that is sent now is kept as a draft
}

// sessionLeft returns the seconds that are left of the session. It does not
// prolong the session.
func (s *Server) sessionLeft(w http.ResponseWriter, r *http.Request) error {
	return s.writeSession(w, r, s.Sessions.Find)
}

// prolongSession prolongs the session, up to its absolute limit, and returns the
// seconds that are left.
func (s *Server) prolongSession(w http.ResponseWriter, r *http.Request) error {
	return s.writeSession(w, r, s.Sessions.Use)
}

// writeSession writes the status of the session of the page that asks, even if the
// browser has a newer session and has not opened / yet.
func (s *Server) writeSession(w http.ResponseWriter, r *http.Request,
	find func(context.Context, []byte) (workflow.Session, error)) error {
	var answer sessionStatus
	if secret := cmp.Or(s.cookieOf(r, knownCookie), s.cookieOf(r, sessionCookie)); secret != "" {
		shown, err := find(r.Context(), workflow.Digest(secret))
		switch {
		case errors.Is(err, workflow.ErrUnknown):
		case err != nil:
			return err
		case shown.Ended == "":
			answer.Seconds = seconds(shown.ExpiresAt.Sub(s.Now()))
		default:
			answer.Keeps = shown.KeepsDraft()
		}
	}
	w.Header().Set("Content-Type", "application/json")
	return json.NewEncoder(w).Encode(answer)
}
