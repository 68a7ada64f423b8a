package api

import (
	"context"
	"net/http"

	"github.com/danielgtaylor/huma/v2"

	"stella/client"
	"stella/workflow"
)

type statusesInput struct{ Body client.Addresses }

type statusesOutput struct{ Body client.Statuses }

func (s *Server) statusesOperation() operation[statusesInput, statusesOutput] {
	return operation[statusesInput, statusesOutput]{
		Operation: huma.Operation{OperationID: "list-statuses", Method: http.MethodPost, Path: "/api/v1/mailboxes/statuses",
			Tags: []string{"Mailboxes"}, Summary: "Read the status of many mailboxes",
			Description:  "The call changes nothing. It is a POST because the list of addresses is long. The response contains no records.",
			MaxBodyBytes: 512 << 10,
			Errors:       bodyErrors},
		scopes: workflow.Scopes,
		do:     s.statuses}
}

func (s *Server) statuses(ctx context.Context, c workflow.Client, in *statusesInput) (*statusesOutput, error) {
	found, err := s.Provider.Summaries(ctx, c, in.Body.Addresses)
	if err != nil {
		return nil, err
	}
	out := &statusesOutput{client.Statuses{Mailboxes: []client.Mailbox{}, Unknown: []string{}}}
	for _, a := range in.Body.Addresses {
		if standing := found[a]; standing != nil {
			out.Body.Mailboxes = append(out.Body.Mailboxes, describe(standing))
		} else {
			out.Body.Unknown = append(out.Body.Unknown, a)
		}
	}
	return out, nil
}
