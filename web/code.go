package web

import (
	"encoding/json"
	"errors"
	"net/http"

	"stella/templates"
	"stella/workflow"
)

// away tells the errors of a visitor who is nowhere, or elsewhere by now.
func away(err error) bool {
	for _, known := range []error{errNoSession, errSessionEnded, errUnsettled, workflow.ErrElsewhere, workflow.ErrNotEligible} {
		if errors.Is(err, known) {
			return true
		}
	}
	return false
}

// codeStatus tells the code page's script where the newest code stands.
func (s *Server) codeStatus(w http.ResponseWriter, r *http.Request) error {
	answer := struct {
		Status      string `json:"status"`
		SecondsLeft int    `json:"seconds_left"`
		ResendIn    int    `json:"resend_in"`
	}{Status: "elsewhere"} // the page is not the state's any more: load it again
	v, err := s.watch(r)
	switch {
	case err == nil && v.c.Stage(v.visitor) == workflow.CodeEntry:
		var p templates.Page
		fillCode(s, v, &p)
		data := p.Data.(templates.Code)
		answer.Status, answer.SecondsLeft, answer.ResendIn = string(data.Status), data.SecondsLeft, data.ResendIn
	case err != nil && !away(err):
		return err
	}
	w.Header().Set("Content-Type", "application/json")
	return json.NewEncoder(w).Encode(answer)
}
