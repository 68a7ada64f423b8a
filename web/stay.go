package web

import (
	"encoding/json"
	"net/http"

	"stella/workflow"
)

// sessionPath answers the script that warns of the end of a session (WCAG 2.2.1).
const sessionPath = "/sessione"

// sessionAnswer is what the script is told.
type sessionAnswer struct {
	Seconds int  `json:"seconds"` // 0 if the session has ended
	Keeps   bool `json:"keeps"`   // a form that is sent now is kept as a draft
}

// sessionLeft says how many seconds are left of the session. It does not prolong
// the session, which other windows of the browser may have done.
func (s *Server) sessionLeft(w http.ResponseWriter, r *http.Request) error {
	var answer sessionAnswer
	if secret := s.cookieOf(r, sessionCookie); secret != "" {
		now, err := s.Procedure.Session(r.Context(), workflow.Digest(secret))
		switch {
		case err == nil && now.Ended == "":
			answer.Seconds = seconds(now.ExpiresAt.Sub(s.Now()))
		case err == nil:
			answer.Keeps = now.KeepsDraft()
		case err != nil && err != workflow.ErrUnknown:
			return err
		}
	}
	w.Header().Set("Content-Type", "application/json")
	return json.NewEncoder(w).Encode(answer)
}

// stay prolongs the session of a visitor who is still there, as far as its
// absolute life allows, and says how many seconds are left of it.
func (s *Server) stay(w http.ResponseWriter, r *http.Request) error {
	_, now, err := s.visitor(r)
	if err != nil {
		return err
	}
	answer := sessionAnswer{Seconds: seconds(now.ExpiresAt.Sub(s.Now()))}
	w.Header().Set("Content-Type", "application/json")
	return json.NewEncoder(w).Encode(answer)
}
