package web

import (
	"errors"

	"stella/workflow"
)

// refusals are the words by which the log and a metric name what was refused.
var refusals = []struct {
	err    error
	reason string
}{
	{errCrossOrigin, "cross_origin"},
	{errPrefetch, "prefetch"},
	{errForged, "foreign_link"},
	{errNoSession, "no_session"},
	{errSessionEnded, "session_ended"},
	{workflow.ErrElsewhere, "elsewhere"},
}

// detail is what the log says of a refusal besides its word; nil if it says no more.
func detail(err error) error {
	if errors.Is(err, errCrossOrigin) && err != errCrossOrigin {
		return err
	}
	return nil
}

// refusalOf is the word for an error, or empty if nobody is refused by it.
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
