package api

import (
	"context"
	"encoding/json"
	"errors"
	"maps"
	"net/http"
	"reflect"

	"github.com/danielgtaylor/huma/v2"

	"stella/client"
	"stella/workflow"
	"stella/workflow/contact"
	"stella/workflow/qualification"
)

// RecordWrite is the common part of the inputs that write one record. Like the other
// embedded parts, it is exported so that huma sees its fields.
type RecordWrite struct {
	Once
	Conditions
	Address string `path:"address" maxLength:"254" doc:"the mailbox" example:"anna.neri@pec.example"`
}

type putRecordInput struct {
	RecordWrite
	Body client.Record
}

type recordOutput struct {
	Replayed
	Status int
	ETag   string `header:"ETag" doc:"the version of the record" example:"\"019aa5b0-90f4-7b0a-a4a5-3cf9f6cc1f20\""`
	Body   client.Recorded
}

const maxRecord = 64 << 10

func (s *Server) putRecordOperation() operation[putRecordInput, recordOutput] {
	return operation[putRecordInput, recordOutput]{
		Operation: huma.Operation{OperationID: "put-mailbox", Method: http.MethodPut, Path: "/api/v1/mailboxes/{address}",
			Tags: []string{"Mailboxes"}, Summary: "Create a mailbox, or replace its record",
			Description: "Absent fields become empty. If the new record names another holder or company than the identified one, " +
				"the star is revoked in the same transaction, and the holder is notified. A status other than active hides the star.",
			MaxBodyBytes: maxRecord,
			Responses:    map[string]*huma.Response{"201": {Description: "The mailbox was created."}},
			Errors:       append([]int{http.StatusNotFound, http.StatusConflict, http.StatusPreconditionFailed}, bodyErrors...)},
		scopes: []workflow.Scope{workflow.ScopeRegistry},
		do: func(ctx context.Context, c workflow.Client, in *putRecordInput) (*recordOutput, error) {
			// The address is checked before its domain, also for domains of other clients.
			if _, err := contact.ParseAddress(in.Address); err != nil {
				return nil, refusal(http.StatusUnprocessableEntity, "validation failed",
					&huma.ErrorDetail{Location: "path.address", Message: err.Error()})
			}
			return s.writeRecord(ctx, c, in.RecordWrite, func(*workflow.Mailbox) (workflow.Record, error) {
				return readRecord(in.Body), nil
			})
		}}
}

const mergePatch = "application/merge-patch+json"

type patchRecordInput struct {
	RecordWrite
	Body map[string]json.RawMessage `contentType:"application/merge-patch+json"`
}

// patchRecordOperation reads the body as raw JSON, because RFC 7396 distinguishes a
// field that is null from one that is absent.
func (s *Server) patchRecordOperation(schemas huma.Registry) operation[patchRecordInput, recordOutput] {
	return operation[patchRecordInput, recordOutput]{
		Operation: huma.Operation{OperationID: "patch-mailbox", Method: http.MethodPatch, Path: "/api/v1/mailboxes/{address}",
			Tags: []string{"Mailboxes"}, Summary: "Change a part of the record of a mailbox",
			Description: "A merge patch (RFC 7396): absent fields do not change, null empties a field, and a list replaces " +
				"the previous list. The star is revoked under the same conditions as by PUT.",
			MaxBodyBytes: maxRecord,
			RequestBody: &huma.RequestBody{Content: map[string]*huma.MediaType{
				mergePatch: {Schema: schemas.Schema(reflect.TypeFor[client.RecordPatch](), true, "")}}},
			Errors: append([]int{http.StatusNotFound, http.StatusConflict, http.StatusPreconditionFailed}, bodyErrors...)},
		scopes: []workflow.Scope{workflow.ScopeRegistry},
		do: func(ctx context.Context, c workflow.Client, in *patchRecordInput) (*recordOutput, error) {
			return s.writeRecord(ctx, c, in.RecordWrite, func(current *workflow.Mailbox) (workflow.Record, error) {
				if current == nil {
					return workflow.Record{}, workflow.ErrUnknown
				}
				return merge(current.Record, in.Body)
			})
		}}
}

// writeRecord writes the record that write returns, if the conditions allow it. write
// gets the present mailbox, or nil if it does not exist.
func (s *Server) writeRecord(
	ctx context.Context, c workflow.Client, in RecordWrite, write func(*workflow.Mailbox) (workflow.Record, error),
) (*recordOutput, error) {
	done, m, err := s.Cases.PutMailbox(ctx, c, in.Address, func(current *workflow.Mailbox) (workflow.Record, error) {
		if err := in.check(current); err != nil {
			return workflow.Record{}, err
		}
		return write(current)
	})
	if err != nil {
		return nil, err
	}
	out := &recordOutput{Status: http.StatusOK, ETag: recordTag(&m.Record),
		Body: client.Recorded{Address: m.Address, Outcome: client.Outcome(done), Record: *describeRecord(&m.Record)}}
	if done == qualification.ImportMade {
		out.Status = http.StatusCreated
	}
	return out, nil
}

type deleteMailboxOutput struct{ Replayed }

func (s *Server) deleteMailboxOperation() operation[RecordWrite, deleteMailboxOutput] {
	return operation[RecordWrite, deleteMailboxOutput]{
		Operation: huma.Operation{OperationID: "delete-mailbox", Method: http.MethodDelete, Path: "/api/v1/mailboxes/{address}",
			Tags: []string{"Mailboxes"}, Summary: "Delete a mailbox",
			Description: "The star is revoked, and clients no longer find the mailbox. The data about it are kept as evidence. " +
				"The mailbox can be created again.",
			Errors: []int{http.StatusNotFound, http.StatusConflict, http.StatusPreconditionFailed}},
		scopes: []workflow.Scope{workflow.ScopeRegistry},
		do: func(ctx context.Context, c workflow.Client, in *RecordWrite) (*deleteMailboxOutput, error) {
			return &deleteMailboxOutput{}, s.Cases.DeleteMailbox(ctx, c, in.Address, in.check)
		}}
}

func describeRecord(r *workflow.Record) *client.Record {
	d := &client.Record{
		Kind:            client.Kind(r.Kind),
		Name:            r.Name,
		FiscalCode:      r.FiscalCode,
		VATNumber:       r.VATNumber,
		Representatives: make([]client.Representative, len(r.Representatives)),
		Email:           r.Email,
		Status:          client.Standing(r.Status),
	}
	for i, p := range r.Representatives {
		d.Representatives[i] = client.Representative(p)
	}
	return d
}

func readRecord(d client.Record) workflow.Record {
	r := workflow.Record{
		Kind:       workflow.Kind(d.Kind),
		Name:       d.Name,
		FiscalCode: d.FiscalCode,
		VATNumber:  d.VATNumber,
		Email:      d.Email,
		Status:     workflow.Status(d.Status),
	}
	for _, p := range d.Representatives {
		r.Representatives = append(r.Representatives, workflow.Representative(p))
	}
	return r
}

// merge applies a merge patch (RFC 7396). huma has validated the names of its fields.
func merge(current workflow.Record, patch map[string]json.RawMessage) (workflow.Record, error) {
	text, err := json.Marshal(describeRecord(&current))
	fields := map[string]json.RawMessage{}
	err = errors.Join(err, json.Unmarshal(text, &fields))
	maps.Copy(fields, patch)
	text, err2 := json.Marshal(fields)
	var merged client.Record
	err = errors.Join(err, err2, json.Unmarshal(text, &merged)) // null makes a field empty
	return readRecord(merged), err
}
