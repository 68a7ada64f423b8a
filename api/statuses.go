package api

import (
	"context"
	"net/http"
	"strings"

	"github.com/danielgtaylor/huma/v2"

	"stella/workflow"
)

type statusesInput struct {
	Body struct {
		Addresses []string `json:"addresses" minItems:"1" maxItems:"1000" doc:"the mailboxes asked for; one named twice is answered twice" example:"[\"anna.neri@pec.example\",\"nobody@pec.example\"]"`
	}
}

type statusesOutput struct {
	Body struct {
		Mailboxes []Mailbox `json:"mailboxes" nullable:"false" doc:"those that are known to the client, in the order asked for"`
		Unknown   []string  `json:"unknown" nullable:"false" doc:"the others, as they were written"`
	}
}

func (s *Server) statusesOperation() operation[statusesInput, statusesOutput] {
	return operation[statusesInput, statusesOutput]{
		Operation: huma.Operation{OperationID: "list-statuses", Method: http.MethodPost, Path: "/api/v1/mailboxes/statuses",
			Summary:      "Ask for many mailboxes at once",
			Description:  "Changes nothing: it is a POST for the length of the question.",
			MaxBodyBytes: 512 << 10,
			Errors:       []int{http.StatusRequestEntityTooLarge, http.StatusUnprocessableEntity}},
		scopes: workflow.Scopes,
		do:     s.statuses}
}

func (s *Server) statuses(ctx context.Context, client workflow.Client, in *statusesInput) (*statusesOutput, error) {
	found, err := s.Procedure.Standings(ctx, client, in.Body.Addresses)
	if err != nil {
		return nil, err
	}
	out := &statusesOutput{}
	out.Body.Mailboxes, out.Body.Unknown = []Mailbox{}, []string{}
	for _, a := range in.Body.Addresses {
		if standing := found[a]; standing != nil {
			out.Body.Mailboxes = append(out.Body.Mailboxes, describe(strings.ToLower(strings.TrimSpace(a)), standing))
		} else {
			out.Body.Unknown = append(out.Body.Unknown, a)
		}
	}
	return out, nil
}
