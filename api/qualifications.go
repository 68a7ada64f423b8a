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

// caseReaders are the scopes that may read cases and invitations.
var caseReaders = []workflow.Scope{workflow.ScopeOperator, workflow.ScopeAuditor}

type qualificationsInput struct {
	State   string `query:"state" enum:"holder_choice,introduction,holder_invitation,invited,holder_kind,company_data,contact_data,summary,identification,at_provider,identified,contract,code,under_review,rejected,qualified,revoked,expired" doc:"only those in this state" example:"under_review"`
	Mailbox string `query:"mailbox" maxLength:"254" doc:"only those of this mailbox; the list is empty if the client does not know the mailbox" example:"anna.neri@pec.example"`
	Page
}

type qualificationsOutput struct{ Body client.QualificationPage }

func (s *Server) qualificationsOperation() operation[qualificationsInput, qualificationsOutput] {
	return operation[qualificationsInput, qualificationsOutput]{
		Operation: huma.Operation{OperationID: "list-qualifications", Method: http.MethodGet, Path: "/api/v1/qualifications",
			Tags: []string{"Qualifications"}, Summary: "List qualifications, the newest case first",
			Description: "The cases of mailboxes in the client's domains. Changes do not disturb paging: " +
				"no case is returned twice, and none is missed if it matches the filter all the time. " +
				"Cases that begin during paging are in the next list.",
			Errors: []int{http.StatusUnprocessableEntity}},
		scopes: caseReaders,
		do:     s.qualifications}
}

func (s *Server) qualifications(ctx context.Context, c workflow.Client, in *qualificationsInput) (*qualificationsOutput, error) {
	before, err := in.afterNumber()
	if err != nil {
		return nil, err
	}
	list, err := s.Cases.Qualifications(ctx, c, qualification.QualificationFilter{
		State: qualification.State(in.State), Mailbox: in.Mailbox, Before: before, Limit: in.Limit + 1})
	if err != nil {
		return nil, err
	}
	out := &qualificationsOutput{client.QualificationPage{Qualifications: []client.Qualification{}}}
	list, out.Body.Next = splitPage(list, in.Limit, func(q qualification.ListedQualification) string { return numberCursor(q.Number) })
	for _, q := range list {
		out.Body.Qualifications = append(out.Body.Qualifications, client.Qualification{
			Number:  q.Number,
			Mailbox: q.Mailbox,
			State:   client.CaseState(q.State),
			Since:   q.SteppedAt.UTC(),
			Opened:  q.OpenedAt.UTC(),
			Owner:   client.Owner(q.Owner),
			Reason:  client.Reason(q.Reason),
			Version: q.Version,
		})
	}
	return out, nil
}

type caseInput struct {
	Number int64 `path:"number" minimum:"1" doc:"the case number" example:"42"`
}

type caseOutput struct {
	ETag string `header:"ETag" doc:"the version of the case, for If-Match"`
	Body client.Case
}

func (s *Server) caseOperation() operation[caseInput, caseOutput] {
	return operation[caseInput, caseOutput]{
		Operation: huma.Operation{OperationID: "get-qualification", Method: http.MethodGet, Path: "/api/v1/qualifications/{number}",
			Tags: []string{"Qualifications"}, Summary: "Read a qualification",
			Description: "The case with the declared data and the identified person, with name and codice fiscale. " +
				"A case is not found if its mailbox is outside the client's domains or was deleted. " +
				"The cases of a deleted mailbox are kept. Only the command line shows them.",
			Errors: []int{http.StatusNotFound, http.StatusUnprocessableEntity}},
		scopes: caseReaders,
		do: func(ctx context.Context, c workflow.Client, in *caseInput) (*caseOutput, error) {
			return s.readCase(ctx, c, in.Number)
		}}
}

func (s *Server) readCase(ctx context.Context, c workflow.Client, number int64) (*caseOutput, error) {
	h, err := s.Cases.History(ctx, c, number)
	if err != nil {
		return nil, unknownCase(err)
	}
	out := &caseOutput{Body: describeCase(h)}
	out.ETag = out.Body.ETag()
	return out, nil
}

// unknownCase replaces ErrUnknown by the problem for a case, because fault reports an
// unknown mailbox.
func unknownCase(err error) error {
	if errors.Is(err, workflow.ErrUnknown) {
		return unknown("case")
	}
	return err
}

func describeCase(h *qualification.History) client.Case {
	q := h.Case.Qualification
	c := client.Case{
		Qualification: client.Qualification{
			Number:  q.Number,
			Mailbox: h.Case.Mailbox.Address,
			State:   client.CaseState(q.State),
			Since:   q.SteppedAt.UTC(),
			Opened:  q.OpenedAt.UTC(),
			Owner:   client.Owner(q.Owner),
			Reason:  client.Reason(q.Reason),
			Version: q.Version,
		},
		Verdict: client.Verdict(h.Verdict()),
		Remark:  q.Remark,
		Others:  append([]int64{}, h.Others...),
	}
	if d := q.Declaration; d != nil {
		c.Declared = &client.Declaration{
			ID:          d.ID.String(),
			Kind:        client.Kind(d.Kind),
			CompanyName: d.CompanyName,
			CompanyCode: d.CompanyCode,
			Email:       d.Email,
			Phone:       d.Phone,
			At:          d.DeclaredAt.UTC(),
		}
	}
	if i := q.Identity; i != nil {
		c.Identified = &client.Identity{
			ID:                  i.ID.String(),
			Name:                i.Name,
			FamilyName:          i.FamilyName,
			FiscalNumber:        i.FiscalNumber,
			DateOfBirth:         i.DateOfBirth,
			CompanyName:         i.CompanyName,
			CompanyFiscalNumber: i.CompanyFiscalNumber,
			CompanyVATNumber:    i.CompanyVATNumber,
			Provider:            i.Provider,
			ProviderName:        i.ProviderName,
			Level:               i.Level,
			At:                  i.IdentifiedAt.UTC(),
		}
	}
	return c
}
