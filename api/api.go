// Package api is the provider's side, over HTTP: webmails ask whether to show
// the banner or the star, and hand their users over.
//
//   - api.go: the routes, and the one table from errors to statuses
//   - operation.go: who may call what; calls that may be repeated
//   - mailboxes.go: what a webmail may know of a mailbox
//   - handoffs.go: how its user comes to Stella
//
// The OpenAPI document is made from this code and served at
// /api/v1/openapi.json. Every error is a problem document (RFC 9457).
package api

import (
	"context"
	"encoding/json"
	"errors"
	"log/slog"
	"math"
	"net/http"
	"runtime/debug"
	"strconv"
	"time"

	"github.com/danielgtaylor/huma/v2"
	"github.com/danielgtaylor/huma/v2/adapters/humago"

	"stella/workflow"
)

// Server answers webmails. All fields are needed.
type Server struct {
	Procedure *workflow.Procedure
	PublicURL string
	Version   string
	Away      func(error) bool // whether an error is that of a database which cannot be reached
	Log       *slog.Logger
}

// Handler returns the routes, all under /api/.
func (s *Server) Handler() http.Handler {
	mux := http.NewServeMux()
	config := huma.DefaultConfig("Stella", s.Version)
	config.OpenAPIPath, config.DocsPath, config.SchemasPath = "/api/v1/openapi", "", ""
	config.CreateHooks = nil // no links to schemas in answers
	config.Servers = []*huma.Server{{URL: s.PublicURL}}
	config.Components.SecuritySchemes = map[string]*huma.SecurityScheme{"client": {Type: "http", Scheme: "bearer",
		Description: "The token that `stella client add` printed for this webmail."}}
	config.Security = []map[string][]string{{"client": {}}}
	routes := humago.New(mux, config)
	routes.UseMiddleware(s.observe)
	huma.Register(routes, s.mailboxOperation(), s.mailbox)
	register(s, routes, s.handOffOperation())
	register(s, routes, s.statusesOperation())
	mux.HandleFunc("/", notFound)
	return mux
}

// observe logs each call, and answers one that panics like any other failure.
func (s *Server) observe(c huma.Context, next func(huma.Context)) {
	began := time.Now()
	defer func() {
		if p := recover(); p != nil {
			s.Log.ErrorContext(c.Context(), "an API call panicked", "operation", c.Operation().OperationID, "panic", p, "stack", string(debug.Stack()))
			c.SetHeader("Content-Type", "application/problem+json")
			c.SetStatus(http.StatusInternalServerError)
			writeProblem(c.BodyWriter(), http.StatusInternalServerError, failed)
		}
		s.Log.InfoContext(c.Context(), "served", "operation", c.Operation().OperationID, "status", c.Status(), "duration", time.Since(began))
	}()
	next(c)
}

const failed = "something failed here; nothing was lost, and the call may be repeated"

// fault is how an error is answered. What is ours to mend is logged here, and
// told to nobody else.
func (s *Server) fault(ctx context.Context, err error) error {
	var answered huma.StatusError
	var input *workflow.InputError
	var limit *workflow.LimitError
	switch {
	case errors.As(err, &answered): // by the operation itself
		return err
	case errors.Is(err, workflow.ErrUnauthorized):
		return huma.ErrorWithHeaders(huma.Error401Unauthorized("the token is not known"), http.Header{"WWW-Authenticate": {"Bearer"}})
	case errors.Is(err, workflow.ErrForbidden):
		return huma.Error403Forbidden("this client has not the scope that the operation needs")
	case errors.Is(err, workflow.ErrCallDiffers):
		return huma.Error422UnprocessableEntity("this Idempotency-Key was used for another request")
	case errors.Is(err, workflow.ErrCallPending):
		return huma.Error409Conflict("the call with this Idempotency-Key is being done: try again")
	case errors.Is(err, workflow.ErrUnknown):
		return huma.Error404NotFound("the mailbox is not known to this client")
	case errors.Is(err, workflow.ErrNotEligible):
		return huma.Error409Conflict("the mailbox is not active, and cannot be qualified")
	case errors.As(err, &limit):
		wait := max(1, math.Ceil(limit.Until.Sub(s.Procedure.Now()).Seconds()))
		return huma.ErrorWithHeaders(huma.Error429TooManyRequests("too many calls, or too many hand-offs of one mailbox: try again after Retry-After seconds"),
			http.Header{"Retry-After": {strconv.Itoa(int(wait))}})
	case errors.As(err, &input):
		return huma.Error422UnprocessableEntity("return_url is not one of this client's")
	}
	if s.Away(err) {
		s.Log.WarnContext(ctx, "an API call found no database", "error", err)
		return huma.ErrorWithHeaders(huma.Error503ServiceUnavailable("the database cannot be reached; nothing was lost: try again"),
			http.Header{"Retry-After": {"5"}})
	}
	s.Log.ErrorContext(ctx, "an API call failed", "error", err)
	return huma.Error500InternalServerError(failed)
}

func notFound(w http.ResponseWriter, _ *http.Request) {
	w.Header().Set("Content-Type", "application/problem+json")
	w.WriteHeader(http.StatusNotFound)
	writeProblem(w, http.StatusNotFound, "there is nothing at this path")
}

func writeProblem(w interface{ Write([]byte) (int, error) }, status int, detail string) {
	json.NewEncoder(w).Encode(huma.ErrorModel{Title: http.StatusText(status), Status: status, Detail: detail})
}
