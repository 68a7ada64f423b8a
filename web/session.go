package web

import (
	"errors"
	"net/http"

	"stella/templates"
	"stella/workflow"
	"stella/workflow/qualification"
)

// A browser has two cookies with a session's secret: sessionCookie has that of the
// newest session, and knownCookie that of the session whose pages the user last
// saw. They differ from the start of a session until / is opened. A form of
// another site is sent without Lax cookies, so the handler that starts a session
// does not know which session it replaces.
const (
	sessionCookie = "stella"
	knownCookie   = "stella-known"
)

// cookieName returns the full name of a cookie. With https it has the prefix
// __Host-, which binds the cookie to the host. The prefix needs https; the
// configuration allows http for loopback addresses only.
func cookieName(secure bool, name string) string {
	if secure {
		return "__Host-" + name
	}
	return name
}

func (s *Server) secure() bool { return s.PublicURL.Scheme == "https" }

// cookie returns a cookie that scripts cannot read, and that is sent with links but
// not with forms of other sites. maxAge is in seconds: with 0 the cookie lasts
// until the browser is closed, with -1 the browser deletes it.
func (s *Server) cookie(name, value string, maxAge int) *http.Cookie {
	return &http.Cookie{
		Name:     cookieName(s.secure(), name),
		Value:    value,
		Path:     "/",
		MaxAge:   maxAge,
		HttpOnly: true,
		Secure:   s.secure(),
		SameSite: http.SameSiteLaxMode,
	}
}

// cookieOf returns the value of a cookie, or an empty string if there is none.
func (s *Server) cookieOf(r *http.Request, name string) string {
	c, err := r.Cookie(cookieName(s.secure(), name))
	if err != nil {
		return ""
	}
	return c.Value
}

// visit is a request from a visitor with a case.
type visit struct {
	visitor workflow.Visitor
	session session
	c       *qualification.Case
	locale  string
}

// session is a workflow.Session with its secret, which only the cookie contains.
type session struct {
	workflow.Session
	secret string
}

var (
	errNoSession     = errors.New("no session")
	errSessionEnded  = errors.New("the session ended")
	errSwitchPending = errors.New("the browser has a new session and has not opened / yet")
)

// endedError is errSessionEnded with the session, which is zero if it is no longer
// in the database.
type endedError struct {
	session workflow.Session
	kept    bool // the input of the form was stored as a draft
}

func (e *endedError) Error() string {
	return errSessionEnded.Error() + ": " + string(e.session.Ended)
}
func (e *endedError) Unwrap() error { return errSessionEnded }

// visitor returns the visitor of a form. The step reads the session, in its own
// transaction, and prolongs it; its error is an endedError if the session is not valid. If
// the browser has a new session and has not opened / yet, visitor returns errSwitchPending
// or an endedError, as pendingError explains.
func (s *Server) visitor(r *http.Request) (workflow.Visitor, error) {
	if s.switchPending(r) {
		return workflow.Visitor{}, s.pendingError(r)
	}
	secret := s.cookieOf(r, sessionCookie)
	if secret == "" {
		return workflow.Visitor{}, errNoSession
	}
	return workflow.Visitor{
		Session: workflow.Digest(secret), Address: clientAddress(r), Request: requestID(r),
		Resolve:  func(now workflow.Session) (workflow.Visitor, error) { return s.visitorOf(r, now, nil) },
		Replaces: sameFields(r.URL.Path),
	}, nil
}

// pendingError returns errSwitchPending, or an endedError if the session of the
// open page has ended: then the input is kept as a draft, which / would otherwise
// lose.
func (s *Server) pendingError(r *http.Request) error {
	shown, err := s.Sessions.Find(r.Context(), workflow.Digest(s.cookieOf(r, knownCookie)))
	switch {
	case errors.Is(err, workflow.ErrUnknown), err == nil && shown.Ended == "":
		return errSwitchPending
	case err != nil:
		return err
	}
	return &endedError{session: shown}
}

func (s *Server) switchPending(r *http.Request) bool {
	known := s.cookieOf(r, knownCookie)
	return known != "" && known != s.cookieOf(r, sessionCookie)
}

// newestVisitor is like visitor, but accepts a new session before / was opened.
func (s *Server) newestVisitor(r *http.Request) (workflow.Visitor, session, error) {
	now := session{secret: s.cookieOf(r, sessionCookie)}
	if now.secret == "" {
		return workflow.Visitor{}, now, errNoSession
	}
	var err error
	now.Session, err = s.Sessions.Use(r.Context(), workflow.Digest(now.secret))
	v, err := s.visitorOf(r, now.Session, err)
	return v, now, err
}

// visitorOf returns the visitor of a session that was read, or an endedError. err is the
// error of reading it.
func (s *Server) visitorOf(r *http.Request, now workflow.Session, err error) (workflow.Visitor, error) {
	switch {
	case errors.Is(err, workflow.ErrUnknown), err == nil && now.ID == nil:
		return workflow.Visitor{}, &endedError{}
	case err != nil:
		return workflow.Visitor{}, err
	case now.Ended != "":
		return workflow.Visitor{}, &endedError{session: now}
	}
	v := now.Visitor
	v.Locale = s.locale(r, v)
	v.Session, v.Address, v.Request = now.ID, clientAddress(r), requestID(r)
	return v, nil
}

// visit returns the visitor of a request with the current case, and prolongs the session.
// Its errors are those of visitor, and of mayView.
func (s *Server) visit(r *http.Request) (*visit, error) {
	if s.switchPending(r) {
		return nil, s.pendingError(r)
	}
	v, err := s.newestVisit(r, true)
	if err != nil {
		return nil, err
	}
	return v, s.mayView(r, v)
}

// peek is visit for the polling requests of a page's script, which do not prolong
// the session.
func (s *Server) peek(r *http.Request) (*visit, error) {
	if s.switchPending(r) {
		return nil, errSwitchPending
	}
	v, err := s.newestVisit(r, false)
	if err != nil {
		return nil, err
	}
	return v, s.mayView(r, v)
}

// newestVisit reads the newest session of the browser with its case, in one round trip to
// the database. Before the page is shown, mayView must be called.
func (s *Server) newestVisit(r *http.Request, use bool) (*visit, error) {
	v := &visit{session: session{secret: s.cookieOf(r, sessionCookie)}}
	if v.session.secret == "" {
		return nil, errNoSession
	}
	var err error
	v.session.Session, v.c, err = s.Procedure.Visit(r.Context(), workflow.Digest(v.session.secret), use)
	v.visitor, err = s.visitorOf(r, v.session.Session, err)
	v.locale = v.visitor.Locale
	return v, err
}

// mayView returns an error if the visitor may not see the case, or if the mailbox is not
// active.
func (s *Server) mayView(r *http.Request, v *visit) error {
	if err := s.Procedure.MayView(r.Context(), v.visitor, v.c); err != nil {
		return err
	}
	if v.c.Mailbox.Status != workflow.Active {
		return workflow.ErrNotEligible
	}
	return nil
}

// startSession creates the session of a visitor and sets its cookie.
func (s *Server) startSession(w http.ResponseWriter, r *http.Request, v workflow.Visitor, secret string) error {
	v.Session = workflow.Digest(secret)
	if err := s.Sessions.Open(r.Context(), v); err != nil {
		return err
	}
	http.SetCookie(w, s.cookie(sessionCookie, secret, 0))
	return nil
}

// endSession ends the sessions of the browser. It returns the notice that explains
// how to continue later.
func (s *Server) endSession(w http.ResponseWriter, r *http.Request) (notice string, err error) {
	notice = "left"
	for _, name := range []string{sessionCookie, knownCookie} {
		secret := s.cookieOf(r, name)
		if secret == "" {
			continue
		}
		http.SetCookie(w, s.cookie(name, "", -1))
		id := workflow.Digest(secret)
		session, err := s.Sessions.Find(r.Context(), id)
		if errors.Is(err, workflow.ErrUnknown) {
			continue
		}
		if err != nil {
			return "", err
		}
		if name == sessionCookie && session.Visitor.Invited() {
			notice = "left_invited"
		}
		if err := s.Sessions.End(r.Context(), id, workflow.SessionLeft); err != nil {
			return "", err
		}
	}
	return notice, nil
}

// leave ends the session. The stored data are kept.
func (s *Server) leave(w http.ResponseWriter, r *http.Request) error {
	v, err := s.peek(r)
	if err != nil && !hasNoCase(err) {
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

// sessionEnded shows why a session ended, and how to continue.
func (s *Server) sessionEnded(w http.ResponseWriter, r *http.Request, status int, err error) {
	var ended *endedError
	data, visitor := templates.SessionEnded{}, workflow.Visitor{}
	if errors.As(err, &ended) && ended.session.Ended != "" {
		visitor = ended.session.Visitor
		data = templates.SessionEnded{
			Why:     string(ended.session.Ended),
			Invited: visitor.Invited(),
			Webmail: !visitor.Invited(),
			Kept:    ended.kept,
		}
	}
	s.write(w, r, status, "session_ended", templates.Page{Locale: s.locale(r, visitor), Data: data})
}
