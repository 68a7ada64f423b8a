package api

import (
	"context"
	"net/http"

	"github.com/danielgtaylor/huma/v2"

	"stella/client"
	"stella/workflow"
	"stella/workflow/qualification"
)

type decisionInput struct {
	Once
	Number  int64  `path:"number" minimum:"1" doc:"the case number" example:"42"`
	IfMatch string `header:"If-Match" maxLength:"200" doc:"decide only if the case still has the version of this ETag" example:"\"17\""`
	Body    client.Ruling
}

func (s *Server) approveOperation() operation[decisionInput, caseOutput] {
	return s.decisionOperation("approve", qualification.ReviewApproved, "Approve a qualification under review",
		"The mailbox gets its star, and the holder is notified. The decision is refused if the mailbox is not active, "+
			"if the record names another person than the identified one, "+
			"or if the identity provider is suspended for the time of the identification.")
}

func (s *Server) refuseOperation() operation[decisionInput, caseOutput] {
	return s.decisionOperation("refuse", qualification.ReviewRefused, "Refuse a qualification under review",
		"The case is rejected. The holder reads the reason in these words, and can try again.")
}

func (s *Server) revokeOperation() operation[decisionInput, caseOutput] {
	return s.decisionOperation("revoke", qualification.RevokedByProvider, "Revoke the star of a qualified mailbox",
		"The holder reads the reason in these words.")
}

func (s *Server) decisionOperation(
	verb string, e qualification.Event, summary, description string,
) operation[decisionInput, caseOutput] {
	return operation[decisionInput, caseOutput]{
		Operation: huma.Operation{OperationID: verb + "-qualification",
			Method: http.MethodPost, Path: "/api/v1/qualifications/{number}/" + verb,
			Tags: []string{"Qualifications"}, Summary: summary,
			Description: description + " If the case is over or in another state, the response is 409 with the reason. " +
				"If two decisions arrive at the same time, one is made. The log contains the operator and the client. " +
				"The response is the case after the decision.",
			MaxBodyBytes: 32 << 10,
			Errors:       append([]int{http.StatusNotFound, http.StatusConflict, http.StatusPreconditionFailed}, bodyErrors...)},
		scopes: []workflow.Scope{workflow.ScopeOperator},
		do: func(ctx context.Context, c workflow.Client, in *decisionInput) (*caseOutput, error) {
			err := s.Cases.Decide(ctx, c, e, qualification.Ruling{
				Number:   in.Number,
				Operator: in.Body.Operator,
				Reason:   in.Body.Reason,
				Check:    in.check,
			})
			if err != nil {
				return nil, unknownCase(err)
			}
			return s.readCase(ctx, c, in.Number)
		}}
}

// check returns status 412 if the case does not have the version of If-Match.
func (in *decisionInput) check(q *qualification.Qualification) error {
	etag := client.Qualification{Version: q.Version}.ETag()
	if in.IfMatch == "" || matchesTag(in.IfMatch, etag) {
		return nil
	}
	return huma.ErrorWithHeaders(
		refusal(http.StatusPreconditionFailed, "the case was changed since: it is at version "+etag),
		http.Header{"ETag": {etag}})
}
