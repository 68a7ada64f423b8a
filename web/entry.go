package web

import (
	"encoding/hex"
	"errors"
	"net/http"

	"stella/templates"
	"stella/workflow"
)

// settle switches the browser to its newest session and ends the previous one. It
// returns the mailbox of the procedure that the browser would leave, if the user
// is to be asked first, and the session with what it took over.
func (s *Server) settle(w http.ResponseWriter, r *http.Request, now session) (session, *workflow.Mailbox, error) {
	known := s.cookieOf(r, knownCookie)
	if known == now.secret {
		return now, nil, nil
	}
	former, err := s.Procedure.Session(r.Context(), workflow.Digest(known))
	switch {
	case errors.Is(err, workflow.ErrUnknown):
	case err != nil:
		return now, nil, err
	default:
		mailbox, inside, err := s.Procedure.Occupied(r.Context(), former, now.Session)
		if inside || err != nil {
			return now, &mailbox, err
		}
		if now.Session, err = s.Procedure.ReplaceSession(r.Context(), former, now.Session); err != nil {
			return now, nil, err
		}
	}
	http.SetCookie(w, s.cookie(knownCookie, now.secret, 0))
	return now, nil, nil
}

// askWhich asks whether to leave the procedure of a mailbox for another's.
func (s *Server) askWhich(w http.ResponseWriter, r *http.Request, v *visit, former *workflow.Mailbox) {
	s.write(w, r, http.StatusOK, "which_mailbox", templates.Page{Locale: v.locale,
		Data: templates.WhichMailbox{Former: workflow.Readable(former.Address), Next: workflow.Readable(v.c.Mailbox.Address), Session: shortID(v.visitor.Session)}})
}

// goToNext leaves the former procedure for the one that the browser was given.
func (s *Server) goToNext(w http.ResponseWriter, r *http.Request) error {
	_, now, err := s.newest(r)
	if err != nil {
		return err
	}
	if err := readForm(r); err != nil {
		return err
	}
	known := s.cookieOf(r, knownCookie)
	if known == now.secret || r.PostForm.Get("sessione") != shortID(now.ID) { // / asks about the newest one
		s.redirectHome(w, r, "")
		return nil
	}
	former, err := s.Procedure.Session(r.Context(), workflow.Digest(known))
	if err == nil {
		_, err = s.Procedure.ReplaceSession(r.Context(), former, now.Session)
	}
	if err != nil && !errors.Is(err, workflow.ErrUnknown) {
		return err
	}
	http.SetCookie(w, s.cookie(knownCookie, now.secret, 0))
	s.redirectHome(w, r, "")
	return nil
}

// stayInFormer ends the session that the browser was given, and leads back to
// the procedure that it was in.
func (s *Server) stayInFormer(w http.ResponseWriter, r *http.Request) error {
	known, given := s.cookieOf(r, knownCookie), s.cookieOf(r, sessionCookie)
	if known != "" && known != given {
		if err := s.Procedure.EndSession(r.Context(), workflow.Digest(given), workflow.SessionLeft); err != nil {
			return err
		}
		http.SetCookie(w, s.cookie(sessionCookie, known, 0))
	}
	s.redirectHome(w, r, "")
	return nil
}

// shortID identifies a session to its own browser.
func shortID(id []byte) string { return hex.EncodeToString(id[:min(8, len(id))]) }
