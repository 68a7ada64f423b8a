package api

import (
	"context"
	"encoding/json"
	"net/http"
	"time"

	"github.com/danielgtaylor/huma/v2"

	"stella/client"
	"stella/workflow"
)

type statusInput struct {
	IfNoneMatch string `header:"If-None-Match" doc:"the ETag of the previous response" example:"\"hR2Fm3aUbnzT\""`
	Address     string `path:"address" doc:"the mailbox" example:"anna.neri@pec.example"`
}

type statusOutput struct {
	ETag         string `header:"ETag" doc:"the version of this response" example:"\"hR2Fm3aUbnzT\""`
	CacheControl string `header:"Cache-Control" doc:"the response may be stored, and must be revalidated before each use" example:"private, no-cache"`
	Body         client.Mailbox
}

const (
	statusPath  = "/api/v1/mailboxes/{address}"
	statusRoute = "GET " + statusPath
)

// registerStatus adds the operation that webmails call at every login of a user. The
// document describes it like the others, but a plain net/http handler serves it,
// because that is faster: it checks the token and reads the mailbox in one query.
func (s *Server) registerStatus(routes huma.API, mux *http.ServeMux) {
	huma.Register(unmounted{routes}, withCommonParts(huma.Operation{OperationID: "get-mailbox", Method: http.MethodGet, Path: statusPath,
		Tags: []string{"Mailboxes"}, Summary: "Ask whether to show the banner or the star",
		Description: "Call this at every login of the webmail, with If-None-Match. For clients with one of the scopes " +
			"`registry`, `operator` and `auditor` the response contains the record too, and its ETag is valid for If-Match.",
		SkipValidateParams: true, // huma would validate them before the token is checked
		Errors:             []int{http.StatusNotModified, http.StatusNotFound}}, workflow.Scopes),
		func(context.Context, *statusInput) (*statusOutput, error) { panic("answered by status") })
	mux.HandleFunc(statusRoute, func(w http.ResponseWriter, r *http.Request) {
		if err := s.status(w, r); err != nil {
			writeProblem(w, s.fault(r.Context(), err))
		}
	})
}

// unmounted is a huma.API that adds operations to the document but registers no
// handlers.
type unmounted struct{ huma.API }

func (unmounted) Adapter() huma.Adapter { return discard{} }

type discard struct{ huma.Adapter }

func (discard) Handle(*huma.Operation, func(huma.Context)) {}

func (s *Server) status(w http.ResponseWriter, r *http.Request) error {
	token := bearer(r.Header.Get("Authorization"))
	if token == "" {
		return noToken(r.Context())
	}
	standing, record, err := s.Provider.Summary(r.Context(), token, r.PathValue("address"))
	if err != nil {
		return err
	}
	m := describe(standing)
	if record != nil {
		m.Record = describeRecord(record)
	}
	text, err := json.Marshal(m)
	if err != nil {
		return err
	}
	etag := statusTag(text, record)
	w.Header().Set("ETag", etag)
	w.Header().Set("Cache-Control", "private, no-cache")
	if matchesTag(r.Header.Get("If-None-Match"), etag) {
		w.WriteHeader(http.StatusNotModified)
		return nil
	}
	w.Header().Set("Content-Type", "application/json")
	w.Write(append(text, '\n'))
	return nil
}

// describe returns the parts of a mailbox's state that a webmail may know.
func describe(s *workflow.Summary) client.Mailbox {
	state, show := s.PublicState()
	m := client.Mailbox{Address: s.Address, State: client.State(state), Show: client.Show(show)}
	switch state {
	case workflow.PublicNone, workflow.PublicNotEligible:
		return m
	case workflow.PublicQualified:
		m.Level = s.Level
	}
	since := s.Since.UTC().Truncate(time.Second)
	m.Since = &since
	return m
}
