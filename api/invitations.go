package api

import (
	"context"
	"errors"
	"net/http"
	"strings"
	"time"

	"github.com/danielgtaylor/huma/v2"
	"github.com/google/uuid"

	"stella/client"
	"stella/workflow"
	"stella/workflow/qualification"
)

type invitationsInput struct {
	State   string `query:"state" enum:"live,accepted,replaced,withdrawn,declined,finished,expired" doc:"only those in this state" example:"live"`
	Mailbox string `query:"mailbox" maxLength:"254" doc:"only those to the holder of this mailbox; the list is empty if the client does not know the mailbox" example:"officine.bianchi@pec.example"`
	Page
}

type invitationsOutput struct{ Body client.InvitationPage }

func (s *Server) invitationsOperation() operation[invitationsInput, invitationsOutput] {
	return operation[invitationsInput, invitationsOutput]{
		Operation: huma.Operation{OperationID: "list-invitations", Method: http.MethodGet, Path: "/api/v1/invitations",
			Tags: []string{"Invitations"}, Summary: "List invitations, the newest first",
			Description: "The invitations to the holders of mailboxes in the client's domains, without their links. " +
				"Changes do not disturb paging: no invitation is returned twice, " +
				"and none is missed if it matches the filter all the time.",
			Errors: []int{http.StatusUnprocessableEntity}},
		scopes: caseReaders,
		do:     s.invitations}
}

func (s *Server) invitations(ctx context.Context, c workflow.Client, in *invitationsInput) (*invitationsOutput, error) {
	f := qualification.InvitationFilter{State: qualification.InvitationState(in.State), Mailbox: in.Mailbox, Limit: in.Limit + 1}
	if in.After != "" {
		sent, id, _ := strings.Cut(decodeCursor(in.After), " ")
		var badTime, badID error
		f.SentBefore, badTime = time.Parse(time.RFC3339Nano, sent)
		f.Before, badID = uuid.Parse(id)
		if badTime != nil || badID != nil {
			return nil, invalidCursor()
		}
	}
	list, err := s.Cases.SentInvitations(ctx, c, f)
	if err != nil {
		return nil, err
	}
	out := &invitationsOutput{client.InvitationPage{Invitations: []client.Invitation{}}}
	list, out.Body.Next = splitPage(list, in.Limit, func(i qualification.SentInvitation) string {
		return cursor(i.SentAt.UTC().Format(time.RFC3339Nano) + " " + i.ID.String())
	})
	for _, i := range list {
		out.Body.Invitations = append(out.Body.Invitations, describeInvitation(i, s.Provider.Now()))
	}
	return out, nil
}

func describeInvitation(i qualification.SentInvitation, now time.Time) client.Invitation {
	return client.Invitation{
		ID:       i.ID.String(),
		Mailbox:  i.Address,
		Case:     i.Number,
		State:    client.InvitationState(i.State(now)),
		Email:    i.Email,
		Mail:     client.MailOutcome(i.Mail),
		Sent:     i.SentAt.UTC(),
		Expires:  i.ExpiresAt.UTC(),
		Accepted: timeOrNil(i.AcceptedAt),
		Ended:    timeOrNil(i.EndedAt),
	}
}

type withdrawalInput struct {
	Once
	ID   uuid.UUID `path:"id" format:"uuid" doc:"the invitation's ID" example:"019aa5b0-90f4-7b0a-a4a5-3cf9f6cc1f20"`
	Body client.Ruling
}

type invitationOutput struct{ Body client.Invitation }

func (s *Server) withdrawalOperation() operation[withdrawalInput, invitationOutput] {
	return operation[withdrawalInput, invitationOutput]{
		Operation: huma.Operation{OperationID: "withdraw-invitation", Method: http.MethodPost, Path: "/api/v1/invitations/{id}/withdraw",
			Tags: []string{"Invitations"}, Summary: "Withdraw an invitation, accepted or not",
			Description: "The link becomes invalid, the data that the invited holder entered are dropped, " +
				"and the case returns to the user of the mailbox. If the invitation has ended, or its case is under review, " +
				"the response is 409 with the reason. The log contains the operator and the client.",
			MaxBodyBytes: 32 << 10,
			Errors:       append([]int{http.StatusNotFound, http.StatusConflict}, bodyErrors...)},
		scopes: []workflow.Scope{workflow.ScopeOperator},
		do:     s.withdraw}
}

func (s *Server) withdraw(ctx context.Context, c workflow.Client, in *withdrawalInput) (*invitationOutput, error) {
	i, err := s.Cases.WithdrawInvitation(ctx, c, in.ID, in.Body.Operator, in.Body.Reason)
	if errors.Is(err, workflow.ErrUnknown) {
		return nil, unknown("invitation")
	}
	if err != nil {
		return nil, err
	}
	return &invitationOutput{describeInvitation(i, s.Provider.Now())}, nil
}
