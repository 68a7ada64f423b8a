package web

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"net/http"

	"stella/workflow"
)

// sessionPath answers the script that warns of the end of a session (WCAG 2.2.1).
const sessionPath = "/sessione"

// sessionAnswer is the JSON answer to the script of a page.
type sessionAnswer struct {
	Seconds int  `json:"seconds"` // 0 if the session has ended
	Keeps   bool `json:"keeps"`   // a form that is sent now is kept as a draft
}

// sessionLeft says how many seconds are left of the session. It does not prolong
// the session, which other windows of the browser may have done.
func (s *Server) sessionLeft(w http.ResponseWriter, r *http.Request) error {
	return s.answerSession(w, r, s.Procedure.Session)
}

// stay prolongs the session, within its absolute limit, and returns how many
// seconds are left.
func (s *Server) stay(w http.ResponseWriter, r *http.Request) error {
	return s.answerSession(w, r, s.Procedure.UseSession)
}

// answerSession answers about the session of the page that asks, even if the
// browser has a newer session that / has not opened yet.
func (s *Server) answerSession(w http.ResponseWriter, r *http.Request, find func(context.Context, []byte) (workflow.Session, error)) error {
	var answer sessionAnswer
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
