package api

import (
	"context"
	"net/http"
	"time"

	"github.com/danielgtaylor/huma/v2"

	"stella/client"
	"stella/workflow"
	"stella/workflow/qualification"
)

type timelineOutput struct{ Body client.Timeline }

func (s *Server) timelineOperation() operation[caseInput, timelineOutput] {
	return operation[caseInput, timelineOutput]{
		Operation: huma.Operation{OperationID: "get-timeline",
			Method: http.MethodGet, Path: "/api/v1/qualifications/{number}/timeline",
			Tags: []string{"Qualifications"}, Summary: "Read the history of a qualification",
			Description: "Every step of the log with its actor and the data on which it is based; the decisions of operators; " +
				"the invitations; every mail with its recipient and its outcome. It contains no codes, no links " +
				"and no messages of identity providers.",
			Errors: []int{http.StatusNotFound, http.StatusUnprocessableEntity}},
		scopes: caseReaders,
		do:     s.timeline}
}

func (s *Server) timeline(ctx context.Context, c workflow.Client, in *caseInput) (*timelineOutput, error) {
	h, err := s.Cases.History(ctx, c, in.Number)
	if err != nil {
		return nil, unknownCase(err)
	}
	t := client.Timeline{
		Number:      h.Case.Qualification.Number,
		Mailbox:     h.Case.Mailbox.Address,
		Steps:       []client.Step{},
		Decisions:   []client.Decision{},
		Invitations: []client.Invitation{},
		Mails:       []client.Mail{},
	}
	for _, x := range h.Steps {
		t.Steps = append(t.Steps, client.Step{
			Version: x.Version,
			Event:   string(x.Event),
			From:    client.CaseState(x.From),
			To:      client.CaseState(x.To),
			At:      x.At.UTC(),
			Actor:   client.Actor{Kind: string(x.Actor.Kind), Client: x.Actor.Client, Name: x.Actor.Name},
			Refs:    x.Refs,
		})
	}
	for _, d := range h.Decisions {
		t.Decisions = append(t.Decisions, client.Decision{
			ID:       d.ID.String(),
			Event:    string(d.Event),
			Operator: d.Operator,
			Reason:   d.Reason,
			At:       d.DecidedAt.UTC(),
		})
	}
	for _, i := range h.Invitations {
		sent := qualification.SentInvitation{Invitation: i, Address: t.Mailbox, Number: t.Number}
		t.Invitations = append(t.Invitations, describeInvitation(sent, s.Provider.Now()))
	}
	for _, m := range h.Mails {
		t.Mails = append(t.Mails, client.Mail{
			ID:       m.ID.String(),
			Kind:     string(m.Kind),
			To:       m.To,
			Asked:    m.RequestedAt.UTC(),
			Attempts: m.Attempts,
			Outcome:  client.MailOutcome(m.Outcome),
			Ended:    timeOrNil(m.EndedAt),
			Reply:    m.Reply,
		})
	}
	return &timelineOutput{t}, nil
}

// timeOrNil returns a time in UTC, or nil if it is zero.
func timeOrNil(t time.Time) *time.Time {
	if t.IsZero() {
		return nil
	}
	t = t.UTC()
	return &t
}
