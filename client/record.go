package client

import (
	"context"
	"net/http"
)

// Record is what the provider knows about a mailbox and its holder.
type Record struct {
	Kind            Kind             `json:"kind" enum:"person,company," doc:"whether the holder is a person or a company; empty only if nothing about the holder is known" example:"person"`
	Name            string           `json:"name" required:"false" maxLength:"500" doc:"the name of the person or the company" example:"Anna Neri"`
	FiscalCode      string           `json:"fiscal_code" required:"false" maxLength:"40" doc:"the holder's codice fiscale; a person's may be a provisional one of 11 digits, and a sole trader's may be that of its owner" example:"NRENNA80A41H501T"`
	VATNumber       string           `json:"vat_number" required:"false" maxLength:"40" doc:"a company's partita IVA, which also counts as its code" example:""`
	Representatives []Representative `json:"representatives" required:"false" nullable:"false" maxItems:"500" doc:"the people who may act for a company" example:"[]"`
	Email           string           `json:"email" required:"false" maxLength:"254" doc:"the holder's ordinary e-mail address" example:"anna.neri@mail.example"`
	Status          Standing         `json:"status" enum:"active,expired,cancelled,revoked" doc:"the status of the mailbox; if it is not active, its star is hidden" example:"active"`
}

// Representative is a person who may act for a company.
type Representative struct {
	FiscalCode string `json:"fiscal_code" maxLength:"40" doc:"codice fiscale; may be a provisional one of 11 digits" example:"BNCLCU75C12F205G"`
	Name       string `json:"name" required:"false" maxLength:"500" doc:"given name and family name" example:"Luca Bianchi"`
}

// Kind is what a holder is.
type Kind string

// The kinds of holder.
const (
	KindUnknown Kind = ""
	KindPerson  Kind = "person"
	KindCompany Kind = "company"
)

// Standing is the status of a mailbox at its provider.
type Standing string

// The statuses of a mailbox at its provider.
const (
	Active    Standing = "active"
	Expired   Standing = "expired"
	Cancelled Standing = "cancelled"
	Revoked   Standing = "revoked"
)

// RecordPatch changes parts of a record: fields that are nil do not change (JSON
// Merge Patch, RFC 7396).
type RecordPatch struct {
	Kind            *Kind             `json:"kind,omitempty" enum:"person,company," doc:"null makes it empty"`
	Name            *string           `json:"name,omitempty" maxLength:"500" doc:"null makes it empty"`
	FiscalCode      *string           `json:"fiscal_code,omitempty" maxLength:"40" doc:"null makes it empty"`
	VATNumber       *string           `json:"vat_number,omitempty" maxLength:"40" doc:"null makes it empty"`
	Representatives *[]Representative `json:"representatives,omitempty" nullable:"true" maxItems:"500" doc:"the complete new list; null makes it empty"`
	Email           *string           `json:"email,omitempty" maxLength:"254" doc:"null makes it empty"`
	Status          *Standing         `json:"status,omitempty" nullable:"false" enum:"active,expired,cancelled,revoked" doc:"must not be null" example:"cancelled"`
}

// Recorded is the result of a write of a record.
type Recorded struct {
	Address string  `json:"address" doc:"in lower case" example:"anna.neri@pec.example"`
	Outcome Outcome `json:"outcome" enum:"made,changed,revoked,unchanged" doc:"what was done; revoked is a change that also took the star, because the holder on record is no longer the person who was identified" example:"changed"`
	Record  Record  `json:"record" doc:"the record as it is stored"`

	// ETag is the version of the record, for [IfMatch].
	ETag string `json:"-"`
}

// Outcome is what a write did to a mailbox.
type Outcome string

// The outcomes of a write.
const (
	OutcomeMade      Outcome = "made"
	OutcomeChanged   Outcome = "changed"
	OutcomeRevoked   Outcome = "revoked" // changed, and the mailbox lost its star
	OutcomeUnchanged Outcome = "unchanged"
	OutcomeRefused   Outcome = "refused" // only by PutRecords; Errors has the reasons
)

// PutRecord creates a mailbox with its record, or replaces its record.
func (c *Client) PutRecord(ctx context.Context, address string, r Record, options ...Option) (*Recorded, error) {
	return c.record(ctx, newRequest(http.MethodPut, mailboxPath(address), r, options...))
}

// PatchRecord changes a part of the record of a mailbox.
func (c *Client) PatchRecord(ctx context.Context, address string, p RecordPatch, options ...Option) (*Recorded, error) {
	r := newRequest(http.MethodPatch, mailboxPath(address), p, options...)
	r.header.Set("Content-Type", "application/merge-patch+json")
	return c.record(ctx, r)
}

// DeleteMailbox deletes a mailbox. It loses its star and is unknown from then on.
// The evidence about it is kept. It may be created again.
func (c *Client) DeleteMailbox(ctx context.Context, address string, options ...Option) error {
	_, err := c.do(ctx, newRequest(http.MethodDelete, mailboxPath(address), nil, options...), nil)
	return err
}

func (c *Client) record(ctx context.Context, r request) (*Recorded, error) {
	done := &Recorded{}
	res, err := c.do(ctx, r, done)
	if err != nil {
		return nil, err
	}
	done.ETag = res.Header.Get("ETag")
	return done, nil
}

// Registration is a mailbox with its record.
type Registration struct {
	Address string `json:"address" maxLength:"254" doc:"the mailbox" example:"anna.neri@pec.example"`
	Record
}

// Registrations is the request body of [Client.PutRecords].
type Registrations struct {
	Records []Registration `json:"records" nullable:"false" minItems:"1" maxItems:"1000" doc:"the mailboxes; each address at most once"`
}

// Registered is the result for one of several records.
type Registered struct {
	Address string  `json:"address" doc:"the address, as it was sent" example:"anna.neri@pec.example"`
	Outcome Outcome `json:"outcome" enum:"made,changed,revoked,unchanged,refused" doc:"what was done" example:"made"`
	Errors  []Fault `json:"errors,omitempty" nullable:"false" doc:"why it was refused"`
}

// RegisteredAll is the response body of [Client.PutRecords].
type RegisteredAll struct {
	Records []Registered `json:"records" nullable:"false" doc:"one result for each record that was sent, in the same order"`
}

// PutRecords creates or changes up to 1,000 mailboxes and returns one result for
// each, in the same order. They are not one transaction: an invalid record is
// refused, and the others are still written. Check the outcome of each. It is safe
// to repeat the call.
func (c *Client) PutRecords(ctx context.Context, all []Registration, options ...Option) ([]Registered, error) {
	done, err := call[RegisteredAll](ctx, c, newRequest(http.MethodPost, "/mailboxes/records", Registrations{all}, options...))
	if err != nil {
		return nil, err
	}
	return done.Records, nil
}
