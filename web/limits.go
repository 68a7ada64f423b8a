package web

import (
	"net/http"
	"strconv"
	"time"

	"stella/templates"
	"stella/workflow"
)

// setRetryAfter tells a program when it may be tried again (RFC 9110, "Retry-After").
func (s *Server) setRetryAfter(w http.ResponseWriter, e *workflow.LimitError) {
	w.Header().Set("Retry-After", strconv.Itoa(max(1, seconds(e.Until.Sub(s.Now())))))
}

// limitFault tells a person. It is no fault of a field: nothing that was typed
// is wrong.
func limitFault(e *workflow.LimitError, now time.Time) templates.FieldError {
	message := "error_limit"
	switch e.Limit {
	case "codes_per_address", "invitations_per_address":
		message = "error_" + e.Limit
	}
	return templates.FieldError{Message: message, Args: map[string]any{"Until": moment(e.Until, now)}}
}
