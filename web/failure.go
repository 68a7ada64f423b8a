package web

import (
	"net/http"
	"strings"

	"stella/spid"
	"stella/templates"
	"stella/workflow"
)

// failureCode returns the code of an anomaly if the user can solve it, and
// "technical" for any other: those are errors in our request (SPID technical
// rules, "Messaggi di errore").
func failureCode(code string) string {
	switch code {
	case "nr19", "nr20", "nr21", "nr22", "nr23", "nr25", "nr30":
		return code
	}
	return "technical"
}

// failureOf returns the data of the page for a login that failed.
func failureOf(f *Federation, l workflow.Login, code string) templates.LoginFailed {
	return templates.LoginFailed{Code: code, CIE: f.Scheme == spid.CIE, Level: strings.TrimPrefix(l.Level, "SpidL"),
		Trial: l.ID != "" && l.IsTest()}
}

// showFailure shows a failed login to a visitor with a procedure.
func (s *Server) showFailure(w http.ResponseWriter, r *http.Request, f *Federation, code string) error {
	v, err := s.visit(r)
	if err != nil {
		return err
	}
	var l workflow.Login
	if v.c.Qualification.Login != nil {
		l = *v.c.Qualification.Login
	}
	d := failureOf(f, l, code)
	d.Known, d.Purpose = true, s.loginOptions(f, v.c).Purpose
	s.loginFailed(w, r, s.basePage(v), d)
	return nil
}

// loginFailed shows the page of a failed login. The status is 403, because the
// official tester checks it (italia/spid-sp-test).
func (s *Server) loginFailed(w http.ResponseWriter, r *http.Request, p templates.Page, d templates.LoginFailed) {
	d.Reference = requestID(r)
	p.Data = d
	switch {
	case !d.Known: // without a procedure the page shows no step
		p.Opener = "welcome"
	case p.Mailbox != "":
		p.BackTo = "/"
	}
	s.write(w, r, http.StatusForbidden, "login_failed", p)
}
