package web

import (
	"encoding/hex"
	"errors"
	"net/http"

	"stella/templates"
	"stella/workflow"
	"stella/workflow/contact"
)

// switchSession switches the browser to its newest session and ends the previous
// one. It returns the new session, to which a draft of the previous one may have
// passed. If the user must be asked first, it switches nothing and returns the
// mailbox whose procedure the browser would leave.
func (s *Server) switchSession(w http.ResponseWriter, r *http.Request, now session) (session, *workflow.Mailbox, error) {
	known := s.cookieOf(r, knownCookie)
	if known == now.secret {
		return now, nil, nil
	}
	previous, err := workflow.Session{}, workflow.ErrUnknown
	if known != "" {
		previous, err = s.Sessions.Find(r.Context(), workflow.Digest(known))
	}
	switch {
	case errors.Is(err, workflow.ErrUnknown):
	case err != nil:
		return now, nil, err
	default:
		mailbox, inside, err := s.Procedure.InOtherProcedure(r.Context(), previous, now.Session)
		if inside || err != nil {
			return now, &mailbox, err
		}
		if now.Session, err = s.Sessions.Replace(r.Context(), previous, now.Session); err != nil {
			return now, nil, err
		}
	}
	http.SetCookie(w, s.cookie(knownCookie, now.secret, 0))
	return now, nil, nil
}

// askWhichMailbox asks whether to leave the procedure of the current mailbox for that
// of the newest session.
func (s *Server) askWhichMailbox(w http.ResponseWriter, r *http.Request, v *visit, current *workflow.Mailbox) {
	s.write(w, r, http.StatusOK, "which_mailbox", templates.Page{Locale: v.locale, Data: templates.WhichMailbox{
		Former:  contact.Readable(current.Address),
		Next:    contact.Readable(v.c.Mailbox.Address),
		Session: shortID(v.visitor.Session),
	}})
}

// switchMailbox leaves the current procedure for the one of the newest session.
func (s *Server) switchMailbox(w http.ResponseWriter, r *http.Request) error {
	_, now, err := s.newestVisitor(r)
	if err != nil {
		return err
	}
	if err := readForm(r); err != nil {
		return err
	}
	known := s.cookieOf(r, knownCookie)
	if known == now.secret || r.PostForm.Get("sessione") != shortID(now.ID) { // the question was about another session
		s.redirectHome(w, r, "")
		return nil
	}
	previous, err := s.Sessions.Find(r.Context(), workflow.Digest(known))
	if err == nil {
		_, err = s.Sessions.Replace(r.Context(), previous, now.Session)
	}
	if err != nil && !errors.Is(err, workflow.ErrUnknown) {
		return err
	}
	http.SetCookie(w, s.cookie(knownCookie, now.secret, 0))
	s.redirectHome(w, r, "")
	return nil
}

// keepMailbox ends the newest session and returns to the procedure that the
// browser was in.
func (s *Server) keepMailbox(w http.ResponseWriter, r *http.Request) error {
	known, given := s.cookieOf(r, knownCookie), s.cookieOf(r, sessionCookie)
	if known != "" && known != given {
		if err := s.Sessions.End(r.Context(), workflow.Digest(given), workflow.SessionLeft); err != nil {
			return err
		}
		http.SetCookie(w, s.cookie(sessionCookie, known, 0))
	}
	s.redirectHome(w, r, "")
	return nil
}

// shortID returns the start of a session's ID, in hexadecimal. A form uses it to
// name a session of the same browser.
func shortID(id []byte) string { return hex.EncodeToString(id[:min(8, len(id))]) }
