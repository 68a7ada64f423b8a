// Package api is the HTTP API for the programs of a PEC provider. Webmails request
// what to show for a mailbox, and hand their users over. Registries write the
// records of the mailboxes. Operators decide cases. Auditors read them.
//
//   - api.go: the routes; start with [Server.Handler]
//   - operation.go: authentication, scopes, and checks of every request
//   - idempotency.go: calls with an Idempotency-Key
//   - problem.go: the mapping from errors to problem documents
//   - document.go, examples.go: the OpenAPI document
//   - cursor.go, etag.go: pages of lists, ETags and conditions
//   - status.go, statuses.go: the status of one mailbox, or of many
//   - mailboxes.go, records.go, bulk.go: mailboxes and their records
//   - handoffs.go: the hand-off of a webmail's user
//   - qualifications.go, timeline.go, decisions.go, invitations.go: cases and
//     invitations, for operators and auditors
//   - events.go: the feed of events
//
// The request and response bodies are the types of package client. The OpenAPI
// document is generated from this code and served at /api/v1/openapi.json;
// openapi.json is a copy of it. Every error is a problem document (RFC 9457).
package api

import (
	"log/slog"
	"net/http"

	"github.com/danielgtaylor/huma/v2/adapters/humago"

	"stella/middleware"
	"stella/workflow"
	"stella/workflow/qualification"
)

// Server serves the API. All fields are required.
type Server struct {
	Provider      *workflow.Provider
	Cases         *qualification.Cases
	PublicURL     string
	IsUnavailable func(error) bool // reports whether an error means that the database is unavailable
	Log           *slog.Logger
}

// Handler returns the handler of all paths under /api/, for a [middleware.Stack].
func (s *Server) Handler() http.Handler {
	mux := http.NewServeMux()
	routes := humago.New(mux, config())
	s.registerStatus(routes, mux)
	register(s, routes, s.statusesOperation())
	register(s, routes, s.mailboxesOperation())
	register(s, routes, s.putRecordOperation())
	register(s, routes, s.patchRecordOperation(routes.OpenAPI().Components.Schemas))
	register(s, routes, s.deleteMailboxOperation())
	register(s, routes, s.putRecordsOperation())
	register(s, routes, s.handOffOperation())
	register(s, routes, s.qualificationsOperation())
	register(s, routes, s.caseOperation())
	register(s, routes, s.timelineOperation())
	register(s, routes, s.approveOperation())
	register(s, routes, s.refuseOperation())
	register(s, routes, s.revokeOperation())
	register(s, routes, s.invitationsOperation())
	register(s, routes, s.withdrawalOperation())
	register(s, routes, s.eventsOperation())
	mux.Handle("GET /api/v1/openapi.json", document(routes.OpenAPI()))
	mux.HandleFunc("/", notFound)
	return middleware.Recover(s.Log, panicked, mux)
}

// Quiet reports whether the log omits a call. Webmails request the status of a mailbox at
// every login: these calls are logged only if they fail, and the metrics count all.
func Quiet(r *http.Request, status int) bool {
	return r.Pattern == statusRoute && status < http.StatusBadRequest
}

func panicked(w http.ResponseWriter, _ *http.Request) {
	writeProblem(w, refusal(http.StatusInternalServerError, failed))
}
