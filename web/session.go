package web

import (
	"context"
	"errors"
	"net/http"

	"stella/templates"
	"stella/workflow"
)

// A browser has two cookies of ours. sessionCookie carries the secret of the
// session that it was given last, and knownCookie that of the session which its
// user was last shown. They differ after an entry, until / has been opened: the
// form of another site brings no Lax cookies, so that an entry cannot see which
// session it replaces.
const (
	sessionCookie = "stella"
	knownCookie   = "stella-known"
)

// cookieName is the name of a cookie of ours. Over https it is bound to the
// host; a plain public URL is accepted for loopback only, where it cannot be.
func cookieName(secure bool, name string) string {
	if secure {
		return "__Host-" + name
	}
	return name
}

func (s *Server) secure() bool { return s.PublicURL.Scheme == "https" }

// cookie makes a cookie of ours: out of reach of scripts, and sent with links
// but not with other sites' forms. With a maxAge of zero it lasts as long as the
// browser, with a negative one it is deleted.
func (s *Server) cookie(name, value string, maxAge int) *http.Cookie {
	return &http.Cookie{Name: cookieName(s.secure(), name), Value: value, Path: "/", MaxAge: maxAge,
		HttpOnly: true, Secure: s.secure(), SameSite: http.SameSiteLaxMode}
}

// cookieOf is what a cookie of ours holds; empty if there is none.
func (s *Server) cookieOf(r *http.Request, name string) string {
	c, err := r.Cookie(cookieName(s.secure(), name))
	if err != nil {
		return ""
	}
	return c.Value
}

// visit is a request of somebody with a procedure.
type visit struct {
	visitor workflow.Visitor
	session session
	c       *workflow.Case
	locale  string
}

// session is a workflow.Session with the secret that its browser holds.
type session struct {
	workflow.Session
	secret string
}

var (
	errNoSession    = errors.New("no session")
	errSessionEnded = errors.New("the session ended")
	errUnsettled    = errors.New("an entry that / has not seen yet")
)

// An endedError is errSessionEnded with the session, which is zero if nothing is
// known of it any more.
type endedError struct {
	session workflow.Session
	kept    bool // its draft was
}

func (e *endedError) Error() string {
	return errSessionEnded.Error() + ": " + string(e.session.Ended)
}
func (e *endedError) Unwrap() error { return errSessionEnded }

// visitor reads who the request's session belongs to.
func (s *Server) visitor(r *http.Request) (workflow.Visitor, session, error) {
	if s.unsettled(r) {
		return workflow.Visitor{}, session{}, s.waiting(r)
	}
	return s.newest(r)
}

// waiting returns errUnsettled, or an endedError if the session of the open page has
// ended: then the input is kept as a draft, which / would otherwise lose.
func (s *Server) waiting(r *http.Request) error {
	shown, err := s.Procedure.Session(r.Context(), workflow.Digest(s.cookieOf(r, knownCookie)))
	switch {
	case errors.Is(err, workflow.ErrUnknown), err == nil && shown.Ended == "":
		return errUnsettled
	case err != nil:
		return err
	}
	return &endedError{session: shown}
}

func (s *Server) unsettled(r *http.Request) bool {
	known := s.cookieOf(r, knownCookie)
	return known != "" && known != s.cookieOf(r, sessionCookie)
}

// newest is visitor for an entry that / has not seen yet, too.
func (s *Server) newest(r *http.Request) (workflow.Visitor, session, error) {
	return s.visitorOf(r, s.Procedure.UseSession)
}

// visitorOf is newest with a way to find the session, which may prolong it.
func (s *Server) visitorOf(r *http.Request, find func(context.Context, []byte) (workflow.Session, error)) (workflow.Visitor, session, error) {
	now := session{secret: s.cookieOf(r, sessionCookie)}
	if now.secret == "" {
		return workflow.Visitor{}, now, errNoSession
	}
	var err error
	now.Session, err = find(r.Context(), workflow.Digest(now.secret))
	if errors.Is(err, workflow.ErrUnknown) {
		return workflow.Visitor{}, now, &endedError{}
	}
	if err != nil {
		return workflow.Visitor{}, now, err
	}
	if now.Ended != "" {
		return workflow.Visitor{}, now, &endedError{session: now.Session}
	}
	v := now.Visitor
	v.Locale = s.locale(r, v)
	v.Session, v.Address, v.Request = now.ID, s.ClientAddress(r), requestID(r)
	return v, now, nil
}

// visit reads the visitor and the case as it stands.
func (s *Server) visit(r *http.Request) (*visit, error) {
	v, now, err := s.visitor(r)
	if err != nil {
		return nil, err
	}
	return s.visitOf(r, v, now)
}

// watch is visit for the polling requests of a page's script, which do not prolong
// the session.
func (s *Server) watch(r *http.Request) (*visit, error) {
	if s.unsettled(r) {
		return nil, errUnsettled
	}
	v, now, err := s.visitorOf(r, s.Procedure.Session)
	if err != nil {
		return nil, err
	}
	return s.visitOf(r, v, now)
}

func (s *Server) visitOf(r *http.Request, v workflow.Visitor, now session) (*visit, error) {
	c, err := s.Procedure.View(r.Context(), v)
	if err != nil {
		return nil, err
	}
	if c.Mailbox.Status != workflow.Active {
		return nil, workflow.ErrNotEligible
	}
	return &visit{visitor: v, session: now, c: c, locale: v.Locale}, nil
}

// open opens a browser session for a visitor, under the secret given.
func (s *Server) open(w http.ResponseWriter, r *http.Request, v workflow.Visitor, secret string) error {
	v.Session = workflow.Digest(secret)
	if err := s.Procedure.OpenSession(r.Context(), v); err != nil {
		return err
	}
	http.SetCookie(w, s.cookie(sessionCookie, secret, 0))
	return nil
}

// endSession ends the sessions of the browser that asks, and returns the notice
// that says how to come back.
func (s *Server) endSession(w http.ResponseWriter, r *http.Request) (notice string, err error) {
	notice = "left"
	for _, name := range []string{sessionCookie, knownCookie} {
		secret := s.cookieOf(r, name)
		if secret == "" {
			continue
		}
		http.SetCookie(w, s.cookie(name, "", -1))
		id := workflow.Digest(secret)
		former, err := s.Procedure.Session(r.Context(), id)
		if errors.Is(err, workflow.ErrUnknown) {
			continue
		}
		if err != nil {
			return "", err
		}
		if name == sessionCookie && former.Visitor.Invited() {
			notice = "left_invited"
		}
		if err := s.Procedure.EndSession(r.Context(), id, workflow.SessionLeft); err != nil {
			return "", err
		}
	}
	return notice, nil
}

// leave ends the session; what was entered is kept.
func (s *Server) leave(w http.ResponseWriter, r *http.Request) error {
	v, err := s.watch(r)
	if err != nil && !away(err) {
		return err
	}
	finished := err == nil && v.c.Stage(v.visitor).Settled()
	notice, err := s.endSession(w, r)
	if err != nil {
		return err
	}
	if finished {
		notice = "left_finished"
	}
	s.redirectHome(w, r, notice)
	return nil
}

// sessionEnded shows why a session ended, and how to come back.
func (s *Server) sessionEnded(w http.ResponseWriter, r *http.Request, status int, err error) {
	var ended *endedError
	data, visitor := templates.SessionEnded{}, workflow.Visitor{}
	if errors.As(err, &ended) && ended.session.Ended != "" {
		visitor = ended.session.Visitor
		data = templates.SessionEnded{Why: string(ended.session.Ended), Invited: visitor.Invited(), Webmail: !visitor.Invited(), Kept: ended.kept}
	}
	s.write(w, r, status, "session_ended", templates.Page{Locale: s.locale(r, visitor), Data: data})
}
