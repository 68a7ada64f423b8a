package web

import (
	"bytes"
	"context"
	"errors"
	"net/http"

	"stella/middleware"
	"stella/templates"
	"stella/workflow"
	"stella/workflow/qualification"
)

var (
	errNotFound    = errors.New("no such page")
	errMethod      = errors.New("no such method")
	errMalformed   = errors.New("a form or query that cannot be read")
	errCrossOrigin = errors.New("a form from another site")
	errPrefetch    = errors.New("a prefetch of a link that acts")
	errForged      = errors.New("a link that is not this session's")
	errLogout      = errors.New("a logout request of an unknown identity provider")
	errUnavailable = errors.New("the database is unavailable")
	errClientGone  = errors.New("the browser left before the answer")
)

// fault is how a request is answered that ends in an error.
type fault struct {
	err    error
	status int
	page   string
	data   any
	// reason is why the request was refused, for the log and the metric of refused
	// requests; empty if it was not refused.
	reason string
}

// faults lists the errors of requests. The user reads the text of the page; the log has
// the error. The first row that matches applies. An error that matches no row is an
// internal error.
var faults = []fault{
	{errNotFound, http.StatusNotFound, "fault", templates.Fault{Kind: "not_found"}, ""},
	{errMethod, http.StatusMethodNotAllowed, "fault", templates.Fault{Kind: "method"}, ""},
	{errMalformed, http.StatusBadRequest, "fault", templates.Fault{Kind: "forbidden"}, ""},
	{errCrossOrigin, http.StatusForbidden, "fault", templates.Fault{Kind: "forbidden"}, "cross_origin"},
	{errLogout, http.StatusForbidden, "fault", templates.Fault{Kind: "logout"}, ""}, // logout.go logs why
	{errPrefetch, http.StatusForbidden, "login_failed", templates.LoginFailed{Code: "prefetch", Known: true}, "prefetch"},
	{errForged, http.StatusForbidden, "login_failed", templates.LoginFailed{Code: "elsewhere", Known: true}, "foreign_link"},
	{errNoSession, http.StatusForbidden, "session_ended", templates.SessionEnded{}, "no_session"},
	{errSessionEnded, http.StatusForbidden, "session_ended", templates.SessionEnded{}, "session_ended"},
	{qualification.ErrNotOwner, http.StatusForbidden, "session_ended", templates.SessionEnded{}, "elsewhere"},
	{workflow.ErrNotEligible, http.StatusConflict, "not_eligible", nil, ""},
	{errUnavailable, http.StatusServiceUnavailable, "fault", templates.Fault{Kind: "unavailable"}, ""},
	{errClientGone, http.StatusServiceUnavailable, "fault", templates.Fault{Kind: "unavailable"}, ""},
}

// faultOf returns the row of an error.
func (s *Server) faultOf(err error) fault {
	var tooLarge *http.MaxBytesError
	var limit *workflow.LimitError
	switch {
	case errors.As(err, &tooLarge):
		return fault{err, http.StatusRequestEntityTooLarge, "fault", templates.Fault{Kind: "too_large"}, ""}
	case errors.As(err, &limit):
		return fault{err, http.StatusTooManyRequests, "fault",
			templates.Fault{Kind: "too_many", Until: formatTime(limit.Until, s.Now())}, limit.Limit}
	}
	for _, f := range faults {
		if errors.Is(err, f.err) {
			return f
		}
	}
	return fault{err, http.StatusInternalServerError, "fault", templates.Fault{Kind: "internal"}, ""}
}

// retryAfter is the Retry-After header in seconds while the database is
// unavailable. PostgreSQL restarts, or a standby is promoted, in about that time.
const retryAfter = "5"

// fault writes the page for an error, and logs internal errors. An outage of the
// database is logged once by cmd/stella; here each failed request is a warning.
func (s *Server) fault(w http.ResponseWriter, r *http.Request, err error) {
	switch {
	case errors.Is(r.Context().Err(), context.Canceled):
		err = errClientGone
	case s.IsUnavailable(err):
		s.Log.WarnContext(r.Context(), "a request met no database", "request", requestID(r), "route", r.Pattern, "error", err)
		err = errUnavailable
	}
	f := s.faultOf(err)
	if f.reason != "" {
		middleware.Refuse(r.Context(), f.reason, refusalDetail(err))
	}
	s.setRetryAfter(w, err)
	var withdrawn *qualification.InvitationError
	switch {
	case errors.Is(err, errSwitchPending): // / asks which mailbox is meant
		s.redirectHome(w, r, "")
		return
	case errors.As(err, &withdrawn):
		s.invitationEnded(w, r, withdrawn)
		return
	case errors.Is(err, errSessionEnded):
		s.sessionEnded(w, r, http.StatusForbidden, err)
		return
	}
	switch f.status {
	case http.StatusServiceUnavailable:
		w.Header().Set("Retry-After", retryAfter)
	case http.StatusInternalServerError:
		s.Log.ErrorContext(r.Context(), "a request failed", "request", requestID(r), "route", r.Pattern, "error", err)
	}
	switch d := f.data.(type) {
	case templates.Fault:
		d.Reference = requestID(r)
		f.data = d
	case templates.LoginFailed:
		d.Reference = requestID(r)
		f.data = d
	}
	var v workflow.Visitor
	if f.status != http.StatusServiceUnavailable && !s.switchPending(r) {
		v, _, _ = s.newestVisitor(r) // only for the language: the page is shown without a session too
	}
	s.write(w, r, f.status, f.page, templates.Page{Locale: s.locale(r, v), Data: f.data})
}

// refusalDetail returns the error to log with a refusal, or nil if the reason says
// everything.
func refusalDetail(err error) error {
	if errors.Is(err, errCrossOrigin) && err != errCrossOrigin {
		return err
	}
	return nil
}

// write renders a page and sends it. It renders the whole page first, so that an
// error in a template can still be answered with status 500.
func (s *Server) write(w http.ResponseWriter, r *http.Request, status int, name string, p templates.Page) {
	p.Path = languagePath(r)
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
