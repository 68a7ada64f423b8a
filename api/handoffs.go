package api

import (
	"context"
	"net/http"
	"time"

	"github.com/danielgtaylor/huma/v2"

	"stella/workflow"
)

type handOffInput struct {
	Body struct {
		Mailbox   string `json:"mailbox" maxLength:"254" doc:"the mailbox whose user clicked" example:"anna.neri@pec.example"`
		ReturnURL string `json:"return_url" maxLength:"2048" doc:"where the user returns to; one of the client's, to the letter"`
		Locale    string `json:"locale,omitempty" maxLength:"35" pattern:"^[A-Za-z0-9-]*$" doc:"the language of the webmail's pages" example:"it"`
		User      string `json:"user,omitempty" maxLength:"200" pattern:"^[^\\x00-\\x1f\\x7f]*$" doc:"the webmail's own opaque reference to its user, for the log; no personal data"`
	}
}

type handOffOutput struct {
	Body struct {
		StartURL  string `json:"start_url" doc:"single use. Answer the user's own click with 307 to it; its form must hold nothing else"`
		ExpiresIn int    `json:"expires_in" doc:"seconds"`
	}
}

func (s *Server) handOffOperation() operation[handOffInput, handOffOutput] {
	return operation[handOffInput, handOffOutput]{
		Operation: huma.Operation{OperationID: "create-handoff", Method: http.MethodPost, Path: "/api/v1/handoffs",
			Summary:       "Hand a user over",
			DefaultStatus: http.StatusCreated,
			MaxBodyBytes:  16 << 10,
			Errors:        []int{http.StatusNotFound, http.StatusConflict, http.StatusRequestEntityTooLarge, http.StatusUnprocessableEntity}},
		scopes: []workflow.Scope{workflow.ScopeWebmail},
		do:     s.handOff}
}

// handOff has no use for an Idempotency-Key: another hand-off does no harm, and
// the answer, which lets a user in, is kept nowhere.
func (s *Server) handOff(ctx context.Context, client workflow.Client, in *handOffInput) (*handOffOutput, error) {
	b := in.Body
	secret, err := s.Procedure.HandOff(ctx, client, b.Mailbox, b.ReturnURL, b.Locale, b.User)
	if err != nil {
		return nil, err
	}
	out := &handOffOutput{}
	out.Body.StartURL = s.PublicURL + "/start/" + secret
	out.Body.ExpiresIn = int(workflow.HandOffLife / time.Second)
	return out, nil
}
