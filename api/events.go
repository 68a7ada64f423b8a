package api

import (
	"context"
	"errors"
	"net/http"

	"github.com/danielgtaylor/huma/v2"

	"stella/client"
	"stella/webhook"
	"stella/workflow"
)

type eventsInput struct {
	Page
	Kind []string `query:"kind,explode" enum:"qualification.started,qualification.invited,qualification.under_review,qualification.completed,qualification.rejected,qualification.revoked,qualification.expired" doc:"only events of this type; may be repeated" example:"[\"qualification.completed\",\"qualification.revoked\"]"`
}

type eventsOutput struct{ Body client.EventPage }

func (s *Server) eventsOperation() operation[eventsInput, eventsOutput] {
	return operation[eventsInput, eventsOutput]{
		Operation: huma.Operation{OperationID: "list-events", Method: http.MethodGet, Path: "/api/v1/events", Tags: []string{"Events"},
			Summary: "Read the events of mailboxes",
			Description: "The feed of the client's mailboxes, from the position after, or from the beginning. " +
				"Store next together with the results of the events, and send it as after in the next call. " +
				"No event is missed or returned twice, and the events of a mailbox are in order. " +
				"An empty page means that there are no new events. Events of types that were not requested are skipped: " +
				"a later call with next does not return them. Webhooks deliver the same events.",
			Errors: []int{http.StatusUnprocessableEntity}},
		scopes: workflow.Scopes,
		do:     s.events}
}

func (s *Server) events(ctx context.Context, c workflow.Client, in *eventsInput) (*eventsOutput, error) {
	after, err := in.afterNumber()
	if err != nil {
		return nil, err
	}
	kinds := make([]workflow.AnnouncementKind, len(in.Kind))
	for i, k := range in.Kind {
		kinds[i] = workflow.AnnouncementKind(k)
	}
	events, until, err := s.Provider.Events(ctx, c, kinds, after, in.Limit)
	if errors.Is(err, workflow.ErrPosition) {
		return nil, invalidCursor()
	}
	if err != nil {
		return nil, err
	}
	out := &eventsOutput{client.EventPage{Events: make([]client.Event, len(events)), Next: numberCursor(until)}}
	for i, e := range events {
		out.Body.Events[i] = webhook.Event(e)
	}
	return out, nil
}
