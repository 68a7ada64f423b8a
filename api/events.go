package api

import (
	"context"
	"errors"
	"net/http"

	"github.com/danielgtaylor/huma/v2"

	"stella/client"
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
			Summary: "Follow what happens to mailboxes",
			Description: "The feed of the client's mailboxes, from after on, or from its beginning. " +
				"Keep next with what was made of the events, and ask with it again: " +
				"however many things happen at once, none is missed, none comes twice, and those of a mailbox come in order. " +
				"A page without events says that there are none for now. A kind that was not asked for is passed over for good. " +
				"Webhooks bring the same events, by themselves.",
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
	events, until, err := s.Procedure.Events(ctx, c, kinds, after, in.Limit)
	if errors.Is(err, workflow.ErrPosition) {
		return nil, invalidCursor()
	}
	if err != nil {
		return nil, err
	}
	out := &eventsOutput{client.EventPage{Events: make([]client.Event, len(events)), Next: numberCursor(until)}}
	for i, e := range events {
		out.Body.Events[i] = describeEvent(e)
	}
	return out, nil
}

// describeEvent returns the same event as webhooks receive.
func describeEvent(t workflow.EventPayload) client.Event {
	state, show := t.PublicState()
	return client.Event{
		ID:        t.ID.String(),
		Type:      client.EventType(t.Kind),
		Timestamp: t.At.UTC(),
		Data: client.EventData{
			Mailbox: t.Address,
			Case:    t.Number,
			State:   client.State(state),
			Show:    client.Show(show),
			Reason:  client.Reason(t.Reason()),
		},
	}
}
