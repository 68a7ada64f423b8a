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
	IfNoneMatch string `header:"If-None-Match" doc:"the ETag of the answer before" example:"\"hR2Fm3aUbnzT\""`
	Address     string `path:"address" doc:"the mailbox" example:"anna.neri@pec.example"`
}

type statusOutput struct {
	ETag         string `header:"ETag" doc:"the version of this answer" example:"\"hR2Fm3aUbnzT\""`
	CacheControl string `header:"Cache-Control" doc:"it may be kept, and is to be asked for again" example:"private, no-cache"`
	Body         client.Mailbox
}

const (
	statusPath  = "/api/v1/mailboxes/{address}"
	statusRoute = "GET " + statusPath
)

// registerStatus adds the operation that webmails call at every login of their
// users. It is described like the others, and is a handler of net/http, which
// takes less: it looks at token and mailbox in one query.
func (s *Server) registerStatus(routes huma.API, mux *http.ServeMux) {
	huma.Register(unmounted{routes}, described(huma.Operation{OperationID: "get-mailbox", Method: http.MethodGet, Path: statusPath,
		Tags: []string{"Mailboxes"}, Summary: "Ask whether to show the banner or the star",
		Description: "Meant to be asked at every login of the webmail, with If-None-Match. Clients with one of the scopes " +
			"`registry`, `operator` and `auditor` are shown the record too, and its ETag is good for If-Match.",
		SkipValidateParams: true, // before the token is looked at
		Errors:             []int{http.StatusNotModified, http.StatusNotFound}}, workflow.Scopes),
		func(context.Context, *statusInput) (*statusOutput, error) { panic("answered by status") })
	mux.HandleFunc(statusRoute, func(w http.ResponseWriter, r *http.Request) {
		if err := s.status(w, r); err != nil {
			writeProblem(w, s.fault(r.Context(), err))
		}
	})
}

// unmounted is an API that describes an operation and does not answer it.
type unmounted struct{ huma.API }

func (unmounted) Adapter() huma.Adapter { return nowhere{} }

type nowhere struct{ huma.Adapter }

func (nowhere) Handle(*huma.Operation, func(huma.Context)) {}

func (s *Server) status(w http.ResponseWriter, r *http.Request) error {
	token := bearer(r.Header.Get("Authorization"))
	if token == "" {
		return noToken(r.Context())
	}
	standing, record, err := s.Procedure.Standing(r.Context(), token, r.PathValue("address"))
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
	if known(r.Header.Get("If-None-Match"), etag) {
		w.WriteHeader(http.StatusNotModified)
		return nil
	}
	w.Header().Set("Content-Type", "application/json")
	w.Write(append(text, '\n'))
	return nil
}

// describe tells a webmail what it needs, and no more.
func describe(s *workflow.Standing) client.Mailbox {
	state, show := s.Outward()
	m := client.Mailbox{Address: s.Address, State: client.State(state), Show: client.Show(show)}
	switch state {
	case workflow.OutwardNone, workflow.OutwardNotEligible:
		return m
	case workflow.OutwardQualified:
		m.Level = s.Level
	}
	since := s.Since.UTC().Truncate(time.Second)
	m.Since = &since
	return m
}
