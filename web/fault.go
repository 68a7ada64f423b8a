package web

import (
	"bytes"
	"context"
	"errors"
	"net/http"

	"stella/request"
	"stella/templates"
	"stella/workflow"
)

var (
	errNotFound    = errors.New("no such page")
	errMethod      = errors.New("no such method")
	errMalformed   = errors.New("a form or query that cannot be read")
	errCrossOrigin = errors.New("a form of another site")
	errPrefetch    = errors.New("a prefetch of a link that acts")
	errForged      = errors.New("a link that is not this session's")
	errLogout      = errors.New("a logout that no provider of ours asks for")
	errAway        = errors.New("the database is away")
	errLeft        = errors.New("the browser left before the answer")
)

// faults is the one place that says how an error is answered. What people read
// is the page's; what the log reads is the error. The first row that matches
// holds; an error that matches no row is an internal error.
var faults = []struct {
	err    error
	status int
	page   string
	data   any
}{
	{errNotFound, http.StatusNotFound, "fault", templates.Fault{Kind: "not_found"}},
	{errMethod, http.StatusMethodNotAllowed, "fault", templates.Fault{Kind: "method"}},
	{errMalformed, http.StatusBadRequest, "fault", templates.Fault{Kind: "forbidden"}},
	{errCrossOrigin, http.StatusForbidden, "fault", templates.Fault{Kind: "forbidden"}},
	{errLogout, http.StatusForbidden, "fault", templates.Fault{Kind: "logout"}},
	{errPrefetch, http.StatusForbidden, "login_failed", templates.LoginFailed{Code: "prefetch", Known: true}},
	{errForged, http.StatusForbidden, "login_failed", templates.LoginFailed{Code: "elsewhere", Known: true}},
	{errNoSession, http.StatusForbidden, "session_ended", templates.SessionEnded{}},
	{errSessionEnded, http.StatusForbidden, "session_ended", templates.SessionEnded{}},
	{workflow.ErrElsewhere, http.StatusForbidden, "session_ended", templates.SessionEnded{}},
	{workflow.ErrNotEligible, http.StatusConflict, "not_eligible", nil},
	{errAway, http.StatusServiceUnavailable, "fault", templates.Fault{Kind: "unavailable"}},
	{errLeft, http.StatusServiceUnavailable, "fault", templates.Fault{Kind: "unavailable"}},
}

// retryAfter is after how many seconds a request may be repeated that met no
// database: PostgreSQL restarts, and a standby takes over, in about that time.
const retryAfter = "5"

// fault answers an error with its page, and logs internal errors. That the
// database is away is told elsewhere, once; here it is only said why a page failed.
func (s *Server) fault(w http.ResponseWriter, r *http.Request, err error) {
	switch {
	case errors.Is(r.Context().Err(), context.Canceled):
		err = errLeft
	case s.Away(err):
		s.Log.WarnContext(r.Context(), "a request met no database", "request", requestID(r), "route", r.Pattern, "error", err)
		err = errAway
	}
	status, page, data := http.StatusInternalServerError, "fault", any(templates.Fault{Kind: "internal"})
	var tooLarge *http.MaxBytesError
	if errors.As(err, &tooLarge) {
		status, data = http.StatusRequestEntityTooLarge, templates.Fault{Kind: "too_large"}
	}
	var limit *workflow.LimitError
	if errors.As(err, &limit) {
		s.setRetryAfter(w, limit)
		status, data = http.StatusTooManyRequests, templates.Fault{Kind: "too_many", Until: moment(limit.Until, s.Now())}
	}
	for _, f := range faults {
		if errors.Is(err, f.err) {
			status, page, data = f.status, f.page, f.data
			break
		}
	}
	if reason := refusalOf(err); reason != "" {
		request.Refuse(r.Context(), reason, detail(err))
	}
	var withdrawn *workflow.InvitationError
	switch {
	case errors.Is(err, errUnsettled): // / asks which mailbox is meant
		s.redirectHome(w, r, "")
		return
	case errors.As(err, &withdrawn):
		s.invitationEnded(w, r, withdrawn)
		return
	case errors.Is(err, errSessionEnded):
		s.sessionEnded(w, r, http.StatusForbidden, err)
		return
	}
	switch status {
	case http.StatusServiceUnavailable:
		w.Header().Set("Retry-After", retryAfter)
	case http.StatusInternalServerError:
		s.Log.ErrorContext(r.Context(), "a request failed", "request", requestID(r), "route", r.Pattern, "error", err)
	}
	switch d := data.(type) {
	case templates.Fault:
		d.Reference = requestID(r)
		data = d
	case templates.LoginFailed:
		d.Reference = requestID(r)
		data = d
	}
	var v workflow.Visitor
	if status != http.StatusServiceUnavailable {
		v, _, _ = s.visitor(r) // for the language: a page in no session is shown too
	}
	s.write(w, r, status, page, templates.Page{Locale: s.locale(r, v), Data: data})
}

// write renders a page as a whole before anything of it is sent.
func (s *Server) write(w http.ResponseWriter, r *http.Request, status int, name string, p templates.Page) {
	p.Path = reopened(r)
	var body bytes.Buffer
	if err := s.Templates.Page(&body, name, p); err != nil {
		s.Log.ErrorContext(r.Context(), "rendering a page", "request", requestID(r), "page", name, "error", err)
		http.Error(w, http.StatusText(http.StatusInternalServerError), http.StatusInternalServerError)
		return
	}
	w.Header().Set("Content-Type", "text/html; charset=utf-8")
	w.Header().Set("Content-Language", p.Locale)
	w.Header().Set("Vary", "Accept-Language, Cookie")
	w.WriteHeader(status)
	w.Write(body.Bytes())
}
