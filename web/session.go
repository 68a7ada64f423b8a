package web

import (
	"encoding/json"
	"errors"
	"fmt"
	"net/http"

	"github.com/gorilla/sessions"

	"stella/workflow"
)

// sessionCookie carries the secret of a browser's session.
const sessionCookie = "stella"

// cookieName is the name of a cookie of ours. Over https it is bound to the
// host; a plain public URL is accepted for loopback only, where it cannot be.
func cookieName(secure bool, name string) string {
	if secure {
		return "__Host-" + name
	}
	return name
}

// CookieOptions are those of every cookie of ours: for the session of the
// browser, out of reach of scripts, and sent with links but not with other
// sites' forms.
func CookieOptions(secure bool) sessions.Options {
	return sessions.Options{Path: "/", HttpOnly: true, Secure: secure, SameSite: http.SameSiteLaxMode}
}

func (s *Server) secure() bool { return s.PublicURL.Scheme == "https" }

// visit is a request of somebody with a procedure.
type visit struct {
	visitor workflow.Visitor
	session *sessions.Session
	c       *workflow.Case
	locale  string
}

var (
	errNoSession    = errors.New("no session")
	errSessionEnded = errors.New("the session ended")
)

// visitor reads who the request's session belongs to.
func (s *Server) visitor(r *http.Request) (workflow.Visitor, *sessions.Session, error) {
	name := cookieName(s.secure(), sessionCookie)
	session, err := s.Sessions.Get(r, name)
	if err != nil {
		return workflow.Visitor{}, nil, err
	}
	var v workflow.Visitor
	if session.IsNew {
		if _, err := r.Cookie(name); err == nil {
			return v, session, errSessionEnded
		}
		return v, session, errNoSession
	}
	text, _ := session.Values["visitor"].(string)
	if err := json.Unmarshal([]byte(text), &v); err != nil {
		return v, nil, fmt.Errorf("reading a session: %w", err)
	}
	v.Locale = s.locale(r, v)
	v.Session, v.Address, v.Request = workflow.Digest(session.ID), s.ClientAddress(r), requestID(r)
	return v, session, nil
}

// visit reads the visitor and the case as it stands.
func (s *Server) visit(r *http.Request) (*visit, error) {
	visitor, session, err := s.visitor(r)
	if err != nil {
		return nil, err
	}
	c, err := s.Procedure.View(r.Context(), visitor)
	if errors.Is(err, workflow.ErrElsewhere) {
		return nil, errSessionEnded
	}
	if err != nil {
		return nil, err
	}
	if c.Mailbox.Status != workflow.Active {
		return nil, workflow.ErrNotEligible
	}
	return &visit{visitor: visitor, session: session, c: c, locale: visitor.Locale}, nil
}

// admit opens a browser session for a visitor, under the secret given.
func (s *Server) admit(w http.ResponseWriter, r *http.Request, v workflow.Visitor, id string) (*sessions.Session, error) {
	session := sessions.NewSession(s.Sessions, cookieName(s.secure(), sessionCookie))
	options := CookieOptions(s.secure())
	session.ID, session.Options = id, &options
	text, err := json.Marshal(v)
	if err != nil {
		return nil, fmt.Errorf("writing a session: %w", err)
	}
	session.Values["visitor"] = string(text)
	return session, session.Save(r, w)
}

// dismiss ends a session and its cookie.
func (s *Server) dismiss(w http.ResponseWriter, r *http.Request, session *sessions.Session) error {
	options := CookieOptions(s.secure())
	options.MaxAge = -1
	session.Options = &options
	return session.Save(r, w)
}

// endSession ends the session of the browser that asks, if it has one.
func (s *Server) endSession(w http.ResponseWriter, r *http.Request) error {
	_, session, err := s.visitor(r)
	if err != nil && !errors.Is(err, errNoSession) && !errors.Is(err, errSessionEnded) {
		return err
	}
	return s.dismiss(w, r, session)
}

// leave ends the session; what was entered is kept.
func (s *Server) leave(w http.ResponseWriter, r *http.Request) error {
	if err := s.endSession(w, r); err != nil {
		return err
	}
	s.redirectHome(w, r, "left")
	return nil
}
