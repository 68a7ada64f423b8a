package api

import (
	"context"
	"errors"
	"net/http"

	"github.com/danielgtaylor/huma/v2"

	"stella/client"
	"stella/workflow"
	"stella/workflow/qualification"
)

// recordReaders are the scopes that may read records.
var recordReaders = []workflow.Scope{workflow.ScopeRegistry, workflow.ScopeOperator, workflow.ScopeAuditor}

type mailboxesInput struct {
	Status client.Standing `query:"status" enum:"active,expired,cancelled,revoked" doc:"only those with this status" example:"active"`
	State  client.State    `query:"state" enum:"none,in_progress,invited,under_review,rejected,qualified,revoked,not_eligible" doc:"only those in this state" example:"qualified"`
	Page
}

type mailboxesOutput struct{ Body client.MailboxPage }

func (s *Server) mailboxesOperation() operation[mailboxesInput, mailboxesOutput] {
	return operation[mailboxesInput, mailboxesOutput]{
		Operation: huma.Operation{OperationID: "list-mailboxes", Method: http.MethodGet, Path: "/api/v1/mailboxes",
			Tags: []string{"Mailboxes"}, Summary: "List the mailboxes, with their records",
			Description: "Sorted by domain, and in each domain by creation. Changes do not disturb paging: " +
				"no mailbox is returned twice, and none is missed if it matches the filter all the time.",
			Errors: []int{http.StatusUnprocessableEntity}},
		scopes: recordReaders,
		do:     s.mailboxes}
}

func (s *Server) mailboxes(ctx context.Context, c workflow.Client, in *mailboxesInput) (*mailboxesOutput, error) {
	after, err := in.afterNumber()
	if err != nil {
		return nil, err
	}
	out := &mailboxesOutput{client.MailboxPage{Mailboxes: []client.Mailbox{}}}
	f := workflow.RegisterFilter{After: after, Limit: in.Limit + 1}
	if !qualification.Choose(&f, workflow.Status(in.Status), workflow.PublicState(in.State)) {
		return out, nil
	}
	all, err := s.Provider.Mailboxes(ctx, c, f)
	if errors.Is(err, workflow.ErrUnknown) { // the cursor's mailbox
		return nil, invalidCursor()
	}
	if err != nil {
		return nil, err
	}
	all, out.Body.Next = splitPage(all, in.Limit, func(r workflow.RegisteredMailbox) string { return numberCursor(r.Mailbox.ID) })
	for _, r := range all {
		m := describe(&r.Summary)
		m.Record = describeRecord(&r.Mailbox.Record)
		out.Body.Mailboxes = append(out.Body.Mailboxes, m)
	}
	return out, nil
}
