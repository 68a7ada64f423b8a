package web

import (
	"errors"
	"net/http"
	"strconv"
	"time"

	"stella/templates"
	"stella/workflow"
)

// setRetryAfter sets the Retry-After header (RFC 9110) to the end of a limit, at least
// one second. It does nothing for an error that is not of a limit.
func (s *Server) setRetryAfter(w http.ResponseWriter, err error) {
	var limit *workflow.LimitError
	if errors.As(err, &limit) {
		w.Header().Set("Retry-After", strconv.Itoa(max(1, seconds(limit.Until.Sub(s.Now())))))
	}
}

// limitFault returns the error message for a limit. It belongs to no field, since
// the input is correct.
func limitFault(e *workflow.LimitError, now time.Time) templates.FieldError {
	message := "error_limit"
	switch e.Limit {
	case "codes_per_address", "invitations_per_address":
		message = "error_" + e.Limit
	}
	return templates.FieldError{Message: message, Args: map[string]any{"Until": formatTime(e.Until, now)}}
}
