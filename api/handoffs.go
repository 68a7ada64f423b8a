package api

import (
	"context"
	"net/http"
	"time"

	"github.com/danielgtaylor/huma/v2"

	"stella/client"
	"stella/workflow"
)

type handOffInput struct{ Body client.HandOff }

type handOffOutput struct{ Body client.Start }

func (s *Server) handOffOperation() operation[handOffInput, handOffOutput] {
	return operation[handOffInput, handOffOutput]{
		Operation: huma.Operation{OperationID: "create-handoff", Method: http.MethodPost, Path: "/api/v1/handoffs",
			Tags: []string{"Hand-offs"}, Summary: "Hand a user over",
			Description: "The button Conferma identità is a form without fields. Answer it with a 307 redirect to the returned URL. " +
				"List the origin of that URL in the form-action of the page's Content-Security-Policy.",
			DefaultStatus: http.StatusCreated,
			MaxBodyBytes:  16 << 10,
			Errors:        append([]int{http.StatusNotFound, http.StatusConflict}, bodyErrors...)},
		scopes: []workflow.Scope{workflow.ScopeWebmail},
		do:     s.handOff}
}

// handOff does not accept an Idempotency-Key: a second hand-off does no harm, and
// the response, which lets a user in, must not be stored.
func (s *Server) handOff(ctx context.Context, c workflow.Client, in *handOffInput) (*handOffOutput, error) {
	b := in.Body
	secret, err := s.Provider.HandOff(ctx, c, b.Mailbox, b.ReturnURL, b.Locale, b.User)
	if err != nil {
		return nil, err
	}
	return &handOffOutput{client.Start{
		StartURL:  s.PublicURL + "/start/" + secret,
		ExpiresIn: int(workflow.HandOffLife / time.Second),
	}}, nil
}
