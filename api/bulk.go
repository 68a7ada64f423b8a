package api

import (
	"context"
	"errors"
	"net/http"

	"github.com/danielgtaylor/huma/v2"

	"stella/client"
	"stella/workflow"
)

type putRecordsInput struct {
	Once
	Body client.Registrations
}

type putRecordsOutput struct {
	Replayed
	Body client.RegisteredAll
}

func (s *Server) putRecordsOperation() operation[putRecordsInput, putRecordsOutput] {
	return operation[putRecordsInput, putRecordsOutput]{
		Operation: huma.Operation{OperationID: "put-mailboxes", Method: http.MethodPost, Path: "/api/v1/mailboxes/records",
			Tags: []string{"Mailboxes"}, Summary: "Create or replace the records of many mailboxes",
			Description: "Each record is written or refused independently: check the outcome of each. It is safe to send the same records again.",
			// Many times the usual length of 1,000 records.
			MaxBodyBytes: 4 << 20,
			Errors:       append([]int{http.StatusConflict}, bodyErrors...)},
		scopes: []workflow.Scope{workflow.ScopeRegistry},
		do:     s.putRecords}
}

func (s *Server) putRecords(ctx context.Context, c workflow.Client, in *putRecordsInput) (*putRecordsOutput, error) {
	all := make([]workflow.Registration, len(in.Body.Records))
	for i, r := range in.Body.Records {
		all[i] = workflow.Registration{Address: r.Address, Record: readRecord(r.Record)}
	}
	outcomes, err := s.Cases.PutMailboxes(ctx, c, all)
	if err != nil {
		return nil, err
	}
	out := &putRecordsOutput{Body: client.RegisteredAll{Records: make([]client.Registered, len(outcomes))}}
	for i, o := range outcomes {
		done := client.Registered{Address: in.Body.Records[i].Address, Outcome: client.Outcome(o.Result)}
		if o.Err != nil {
			done.Outcome, done.Errors = client.OutcomeRefused, faultsOf(o.Err)
		}
		out.Body.Records[i] = done
	}
	return out, nil
}

// faultsOf returns why one of several records was refused: its fields are invalid,
// or its domain is not one of the client's.
func faultsOf(err error) []client.Fault {
	var wrong *workflow.RecordError
	if !errors.As(err, &wrong) {
		return []client.Fault{{Location: "address", Message: "the mailbox is not of this client's domains"}}
	}
	faults := make([]client.Fault, len(wrong.Faults))
	for i, f := range wrong.Faults {
		faults[i] = client.Fault{Location: f.Field, Message: f.Reason}
	}
	return faults
}
