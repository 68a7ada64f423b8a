package web

import (
	"errors"

	"stella/workflow"
	"stella/workflow/qualification"
)

// refusals maps errors to the reason that the log and the metric of refused
// requests use.
var refusals = []struct {
	err    error
	reason string
}{
	{errCrossOrigin, "cross_origin"},
	{errPrefetch, "prefetch"},
	{errForged, "foreign_link"},
	{errNoSession, "no_session"},
	{errSessionEnded, "session_ended"},
	{qualification.ErrNotOwner, "elsewhere"},
}

// refusalDetail returns the error to log with a refusal, or nil if the reason says
// everything.
func refusalDetail(err error) error {
	if errors.Is(err, errCrossOrigin) && err != errCrossOrigin {
		return err
	}
	return nil
}

// refusalOf returns the reason for an error, or an empty string if the error does
// not mean that a request was refused.
func refusalOf(err error) string {
	var limit *workflow.LimitError
	if errors.As(err, &limit) {
		return limit.Limit
	}
	for _, r := range refusals {
		if errors.Is(err, r.err) {
			return r.reason
		}
	}
	return ""
}
