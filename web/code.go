package web

import (
	"encoding/json"
	"errors"
	"net/http"

	"stella/templates"
	"stella/workflow"
	"stella/workflow/qualification"
)

// hasNoCase reports whether err means that the visitor has no session, or that the
// session no longer gives access to a case.
func hasNoCase(err error) bool {
	for _, known := range []error{errNoSession, errSessionEnded, errSwitchPending, qualification.ErrNotOwner, workflow.ErrNotEligible} {
		if errors.Is(err, known) {
			return true
		}
	}
	return false
}

// codeStatus returns the status of the newest code as JSON, for the script of the
// code page.
func (s *Server) codeStatus(w http.ResponseWriter, r *http.Request) error {
	answer := struct {
		Status      string `json:"status"`
		SecondsLeft int    `json:"seconds_left"`
		ResendIn    int    `json:"resend_in"`
	}{Status: "elsewhere"} // the case has left this state: the script reloads the page
	v, err := s.peek(r)
	switch {
	case err == nil && v.c.Stage(v.visitor) == qualification.CodeEntry:
		var p templates.Page
		fillCode(s, v, &p)
		data := p.Data.(templates.Code)
		answer.Status, answer.SecondsLeft, answer.ResendIn = string(data.Status), data.SecondsLeft, data.ResendIn
	case err != nil && !hasNoCase(err):
		return err
	}
	w.Header().Set("Content-Type", "application/json")
	return json.NewEncoder(w).Encode(answer)
}
