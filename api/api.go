// Package api is the provider's side, over HTTP: webmails ask whether to show
// the banner or the star, and hand their users over; registries say which
// mailboxes there are; operators decide; auditors read.
//
//   - api.go: the routes
//   - operation.go: who may call what
//   - once.go: calls that may be repeated
//   - problem.go: the one table from errors to statuses
//   - document.go, examples.go: the OpenAPI document
//   - cursor.go, etag.go: places in lists, versions of what is answered
//   - status.go, statuses.go: what a webmail may know of a mailbox, or of many
//   - mailboxes.go, records.go, bulk.go: the provider's register
//   - handoffs.go: how a webmail's user comes to Stella
//   - qualifications.go, timeline.go, decisions.go, invitations.go: what
//     operators and auditors see and do
//   - events.go: what happened
//
// The bodies are the types of package client. The OpenAPI document is made from
// this code, served at /api/v1/openapi.json and kept in openapi.json. Every
// error is a problem document (RFC 9457).
package api

import (
	"log/slog"
	"net/http"
	"net/netip"
	"runtime/debug"
	"time"

	"github.com/danielgtaylor/huma/v2/adapters/humago"

	"stella/request"
	"stella/workflow"
)

// Server answers the programs of a provider. All fields are needed.
type Server struct {
	Procedure *workflow.Procedure
	PublicURL string
	Away      func(error) bool // whether an error is that of a database which cannot be reached
	Log       *slog.Logger
	Requests  *request.Log
	Address   func(*http.Request) netip.Addr // where a request came from
}

// Handler returns the routes, all under /api/.
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
	return s.observe(mux)
}

// observe gives each call an id and logs it by its route, and answers one that
// panics like any other failure. Of the status, which is asked at every login of
// a webmail, it logs only what did not go well: whoever counts has the metrics.
func (s *Server) observe(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, asked *http.Request) {
		r, answer := request.Identify(asked), request.NewAnswer(w)
		began := time.Now()
		defer func() {
			if p := recover(); p != nil {
				s.Log.ErrorContext(r.Context(), "an API call panicked", "request", request.ID(r.Context()), "route", r.Pattern,
					"panic", p, "stack", string(debug.Stack()))
				writeProblem(answer, refusal(http.StatusInternalServerError, failed))
			}
			asked.Pattern = r.Pattern // for who counts requests
			if r.Pattern == statusRoute && answer.Status < http.StatusBadRequest {
				return
			}
			s.Requests.Served(r, s.Address(r), answer.Status, time.Since(began))
		}()
		next.ServeHTTP(answer, r)
	})
}
