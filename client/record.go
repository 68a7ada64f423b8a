package client

import (
	"context"
	"net/http"
)

// Record is what the provider says of a mailbox and its holder.
type Record struct {
	Kind            Kind             `json:"kind" enum:"person,company," doc:"what the holder is; empty where that is not known, and nothing else of the holder is" example:"person"`
	Name            string           `json:"name" required:"false" maxLength:"500" doc:"the holder's name, or the company's" example:"Anna Neri"`
	FiscalCode      string           `json:"fiscal_code" required:"false" maxLength:"40" doc:"the holder's codice fiscale, also a provisional one of 11 digits; a company's may be a person's, who is a sole trader" example:"NRENNA80A41H501T"`
	VATNumber       string           `json:"vat_number" required:"false" maxLength:"40" doc:"a company's partita IVA, which counts as its code too" example:""`
	Representatives []Representative `json:"representatives" required:"false" nullable:"false" maxItems:"500" doc:"who may act for a company" example:"[]"`
	Email           string           `json:"email" required:"false" maxLength:"254" doc:"the holder's ordinary address" example:"anna.neri@mail.example"`
	Status          Standing         `json:"status" enum:"active,expired,cancelled,revoked" doc:"the standing of the mailbox; any but active hides its star" example:"active"`
}

// Representative may act for a company.
type Representative struct {
	FiscalCode string `json:"fiscal_code" maxLength:"40" doc:"codice fiscale, also a provisional one of 11 digits" example:"BNCLCU75C12F205G"`
	Name       string `json:"name" required:"false" maxLength:"500" doc:"name and family name" example:"Luca Bianchi"`
}

// Kind is what a holder is.
type Kind string

// The kinds of holder.
const (
	KindUnknown Kind = ""
	KindPerson  Kind = "person"
	KindCompany Kind = "company"
)

// Standing is a mailbox's standing with its provider.
type Standing string

// The standings of a mailbox.
const (
	Active    Standing = "active"
	Expired   Standing = "expired"
	Cancelled Standing = "cancelled"
	Revoked   Standing = "revoked"
)

// RecordPatch changes a part of a record: what is nil stays (RFC 7396).
type RecordPatch struct {
	Kind            *Kind             `json:"kind,omitempty" enum:"person,company," doc:"null is nothing"`
	Name            *string           `json:"name,omitempty" maxLength:"500" doc:"null is nothing"`
	FiscalCode      *string           `json:"fiscal_code,omitempty" maxLength:"40" doc:"null is nothing"`
	VATNumber       *string           `json:"vat_number,omitempty" maxLength:"40" doc:"null is nothing"`
	Representatives *[]Representative `json:"representatives,omitempty" nullable:"true" maxItems:"500" doc:"all of them: those left out are no more; null is nobody"`
	Email           *string           `json:"email,omitempty" maxLength:"254" doc:"null is nothing"`
	Status          *Standing         `json:"status,omitempty" nullable:"false" enum:"active,expired,cancelled,revoked" doc:"may not be null" example:"cancelled"`
}

// Recorded is what a write made of a mailbox.
type Recorded struct {
	Address string  `json:"address" doc:"in lower case" example:"anna.neri@pec.example"`
	Outcome Outcome `json:"outcome" enum:"made,changed,revoked,unchanged" doc:"what was done; revoked is a change that took the star too, since the holder on record is no longer the one who was identified" example:"changed"`
	Record  Record  `json:"record" doc:"the record as it is kept"`

	// ETag is the version of the record, for [IfMatch].
	ETag string `json:"-"`
}

// Outcome is what a write did to a mailbox.
type Outcome string

// What a write can do to a mailbox.
const (
	OutcomeMade      Outcome = "made"
	OutcomeChanged   Outcome = "changed"
	OutcomeRevoked   Outcome = "revoked" // changed, and the star with it
	OutcomeUnchanged Outcome = "unchanged"
	OutcomeRefused   Outcome = "refused" // in a bulk: Errors says why
)

// PutRecord makes or changes the record of a mailbox.
func (c *Client) PutRecord(ctx context.Context, address string, r Record, options ...Option) (*Recorded, error) {
	return c.record(ctx, newRequest(http.MethodPut, mailboxPath(address), r, options...))
}

// PatchRecord changes a part of the record of a mailbox.
func (c *Client) PatchRecord(ctx context.Context, address string, p RecordPatch, options ...Option) (*Recorded, error) {
	r := newRequest(http.MethodPatch, mailboxPath(address), p, options...)
	r.header.Set("Content-Type", "application/merge-patch+json")
	return c.record(ctx, r)
}

// DeleteMailbox deletes a mailbox: it loses its star, and is unknown from then
// on. What was established is kept. It may be made again.
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

// Registrations are what [Client.PutRecords] puts.
type Registrations struct {
	Records []Registration `json:"records" nullable:"false" minItems:"1" maxItems:"1000" doc:"the mailboxes, each named once"`
}

// Registered is what became of one of several records.
type Registered struct {
	Address string  `json:"address" doc:"as it was written" example:"anna.neri@pec.example"`
	Outcome Outcome `json:"outcome" enum:"made,changed,revoked,unchanged,refused" doc:"what was done" example:"made"`
	Errors  []Fault `json:"errors,omitempty" nullable:"false" doc:"why it was refused"`
}

// RegisteredAll are what became of each of several records, in their order.
type RegisteredAll struct {
	Records []Registered `json:"records" nullable:"false" doc:"one for each that was sent, in the same order"`
}

// PutRecords makes or changes up to 1,000 mailboxes. One that is wrong is
// refused and stops none of the others: look at the outcome of each. They are
// not one transaction; repeating the call does no harm.
func (c *Client) PutRecords(ctx context.Context, all []Registration, options ...Option) ([]Registered, error) {
	done, err := ask[RegisteredAll](ctx, c, newRequest(http.MethodPost, "/mailboxes/records", Registrations{all}, options...))
	if err != nil {
		return nil, err
	}
	return done.Records, nil
}
