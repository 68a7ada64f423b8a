package api

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"math"
	"net/http"
	"strconv"
	"time"

	"github.com/danielgtaylor/huma/v2"
	"github.com/danielgtaylor/huma/v2/adapters/humago"

	"stella/client"
	"stella/middleware"
	"stella/workflow"
	"stella/workflow/qualification"
)

// problem is the response body of every error (RFC 9457).
type problem struct{ client.Problem }

// GetStatus implements [huma.StatusError].
func (p *problem) GetStatus() int { return p.Status }

// ContentType implements [huma.ContentTypeFilter].
func (*problem) ContentType(string) string { return "application/problem+json" }

// Errors of huma are problem documents too, and do not repeat the values that were
// sent. The names of JSON fields are case-sensitive.
func init() {
	huma.NewError = refusal
	huma.ValidateStrictCasing = true
}

// refusal returns a problem. faults are the errors in single places of the request.
func refusal(status int, detail string, faults ...error) huma.StatusError {
	p := &problem{client.Problem{Type: "about:blank", Title: http.StatusText(status), Status: status, Detail: detail}}
	for _, f := range faults {
		at := client.Fault{Message: f.Error()}
		var placed huma.ErrorDetailer
		if errors.As(f, &placed) {
			at.Location, at.Message = placed.ErrorDetail().Location, placed.ErrorDetail().Message
		}
		p.Errors = append(p.Errors, at)
	}
	return p
}

// refusalAfter returns a problem with Retry-After, in full seconds, at least 1.
func refusalAfter(wait time.Duration, status int, detail string) error {
	seconds := max(1, math.Ceil(wait.Seconds()))
	return huma.ErrorWithHeaders(refusal(status, detail), http.Header{"Retry-After": {strconv.Itoa(int(seconds))}})
}

const failed = "something failed here; nothing was lost, and the call may be repeated"

// problems lists the errors of operations that have one answer. reason is that of a
// refused call, for the log and the metric; empty if it was not refused.
var problems = []struct {
	err    error
	answer error
	reason string
}{
	{workflow.ErrUnauthorized, unauthorized("the token is not known"), "unknown_token"},
	{workflow.ErrForbidden, refusal(http.StatusForbidden, "this client does not have a scope that the operation needs"), "scope"},
	{workflow.ErrCallDiffers, refusal(http.StatusUnprocessableEntity, "this Idempotency-Key was used for another request"), ""},
	{workflow.ErrCallPending,
		refusalAfter(time.Second, http.StatusConflict, "the call with this Idempotency-Key is in progress: try again"), ""},
	{workflow.ErrUnknown, unknown("mailbox"), ""},
	{workflow.ErrNotEligible, refusal(http.StatusConflict, "the mailbox is not active, and cannot be qualified"), ""},
}

// problemOf returns the problem for an error that says more than its kind, or nil.
func (s *Server) problemOf(err error) (reason string, problem error) {
	var answered huma.StatusError
	var input *workflow.InputError
	var record *workflow.RecordError
	var limit *workflow.LimitError
	var undecided *qualification.DecisionError
	switch {
	case errors.As(err, &answered): // the operation has already made a problem
		return "", err
	case errors.As(err, &undecided):
		return "", refusal(http.StatusConflict, undecided.Error())
	case errors.As(err, &limit):
		return limit.Limit, refusalAfter(limit.Until.Sub(s.Provider.Now()), http.StatusTooManyRequests,
			"too many calls, or too many hand-offs of one mailbox: try again after Retry-After seconds")
	case errors.As(err, &record):
		return "", refusal(http.StatusUnprocessableEntity, "the record is wrong", recordFaults("body.", record)...)
	case errors.As(err, &input): // the return URL of a hand-off: huma validates the rest
		return "", refusal(http.StatusUnprocessableEntity, "validation failed",
			&huma.ErrorDetail{Location: "body.return_url", Message: "it is not one of this client's, to the letter"})
	}
	for _, p := range problems {
		if errors.Is(err, p.err) {
			return p.reason, p.answer
		}
	}
	return "", nil
}

// fault returns the problem for an error of an operation. Internal errors are logged
// here, and the problem does not contain them.
func (s *Server) fault(ctx context.Context, err error) error {
	reason, problem := s.problemOf(err)
	if reason != "" {
		middleware.Refuse(ctx, reason, nil)
	}
	if problem != nil {
		return problem
	}
	if s.IsUnavailable(err) {
		s.Log.WarnContext(ctx, "an API call found no database", "request", middleware.ID(ctx), "error", err)
		return refusalAfter(5*time.Second, http.StatusServiceUnavailable, "the database cannot be reached; nothing was lost: try again")
	}
	s.Log.ErrorContext(ctx, "an API call failed", "request", middleware.ID(ctx), "error", err)
	return refusal(http.StatusInternalServerError, failed)
}

// unknown returns status 404. It is the same for a thing that does not exist and for
// one that is outside the client's domains, so that clients cannot distinguish them.
func unknown(what string) error {
	return refusal(http.StatusNotFound, "the "+what+" is not known to this client")
}

func unauthorized(detail string) error {
	return huma.ErrorWithHeaders(refusal(http.StatusUnauthorized, detail), http.Header{"WWW-Authenticate": {"Bearer"}})
}

// recordFaults returns the invalid fields of a record. prefix is the place of the
// record in the body.
func recordFaults(prefix string, e *workflow.RecordError) []error {
	faults := make([]error, len(e.Faults))
	for i, f := range e.Faults {
		faults[i] = &huma.ErrorDetail{Location: prefix + f.Field, Message: f.Reason}
	}
	return faults
}

// writeProblem writes an error that fault, refusal or refusalAfter returned, outside
// huma.
func writeProblem(w http.ResponseWriter, err error) {
	var headers huma.HeadersError
	if errors.As(err, &headers) {
		for name, values := range headers.GetHeaders() {
			for _, v := range values {
				w.Header().Add(name, v)
			}
		}
	}
	var p *problem
	if !errors.As(err, &p) {
		panic(fmt.Sprintf("%v is no problem", err))
	}
	w.Header().Set("Content-Type", p.ContentType(""))
	w.WriteHeader(p.Status)
	json.NewEncoder(w).Encode(p)
}

// refuse writes an error in a middleware, before the operation is called.
func refuse(c huma.Context, err error) {
	_, w := humago.Unwrap(c)
	writeProblem(w, err)
}

func notFound(w http.ResponseWriter, _ *http.Request) {
	writeProblem(w, refusal(http.StatusNotFound, "there is nothing at this path"))
}
