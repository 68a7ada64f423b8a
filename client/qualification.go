package client

import (
	"context"
	"iter"
	"net/http"
	"strconv"
	"time"
)

// Qualification is one attempt to identify the holder of a mailbox: a case.
type Qualification struct {
	Number  int64     `json:"number" doc:"the case number, which is shown to the user" example:"42"`
	Mailbox string    `json:"mailbox" doc:"its address, in lower case" example:"anna.neri@pec.example"`
	State   CaseState `json:"state" enum:"holder_choice,introduction,holder_invitation,invited,holder_kind,company_data,contact_data,summary,identification,at_provider,identified,contract,code,under_review,rejected,qualified,revoked,expired" doc:"its state, which determines who must act next" example:"under_review"`
	Since   time.Time `json:"since" doc:"when its last step was made" example:"2026-11-20T10:07:42Z"`
	Opened  time.Time `json:"opened" doc:"when it began" example:"2026-11-20T09:58:03Z"`
	Owner   Owner     `json:"owner" enum:"webmail,invited" doc:"who may continue it: the user of the webmail, or the holder who accepted an invitation" example:"webmail"`
	Reason  Reason    `json:"reason,omitempty" enum:"company_differs,holder_differs,review_refused" doc:"why it was rejected, if it was" example:"review_refused"`
	Version int       `json:"version" doc:"the number of steps that were made; in quotes it is the ETag" example:"17"`
}

// ETag returns the version as an ETag, for [IfMatch].
func (q Qualification) ETag() string { return strconv.Quote(strconv.Itoa(q.Version)) }

// CaseState is the state of a qualification, in more detail than the [State] of its
// mailbox.
type CaseState string

// The states of a qualification, in the order of the procedure.
const (
	CaseHolderChoice     CaseState = "holder_choice"
	CaseIntroduction     CaseState = "introduction"
	CaseHolderInvitation CaseState = "holder_invitation"
	CaseInvited          CaseState = "invited"
	CaseHolderKind       CaseState = "holder_kind"
	CaseCompanyData      CaseState = "company_data"
	CaseContactData      CaseState = "contact_data"
	CaseSummary          CaseState = "summary"
	CaseIdentification   CaseState = "identification"
	CaseAtProvider       CaseState = "at_provider"
	CaseIdentified       CaseState = "identified"
	CaseContract         CaseState = "contract"
	CaseCode             CaseState = "code"
	CaseUnderReview      CaseState = "under_review" // an operator decides
	CaseRejected         CaseState = "rejected"
	CaseQualified        CaseState = "qualified"
	CaseRevoked          CaseState = "revoked"
	CaseExpired          CaseState = "expired"
)

// Owner is who may continue a qualification.
type Owner string

// The owners of a qualification.
const (
	OwnedByWebmail Owner = "webmail"
	OwnedByInvited Owner = "invited"
)

// Reason is why a qualification was rejected.
type Reason string

// The reasons of a rejection.
const (
	ReasonCompany Reason = "company_differs"
	ReasonHolder  Reason = "holder_differs"
	ReasonReview  Reason = "review_refused"
)

// Case is a qualification with the data that were declared and the person who was
// identified.
type Case struct {
	Qualification
	Verdict    Verdict      `json:"verdict,omitempty" enum:"matched,unproven,differs" doc:"the result of the last comparison of the identified person with the holder on record; absent if nobody is identified" example:"unproven"`
	Remark     string       `json:"remark,omitempty" doc:"the operator's reason, after a review or a revocation" example:"la visura nomina un altro legale rappresentante"`
	Declared   *Declaration `json:"declared,omitempty" doc:"the data that were entered last; absent before"`
	Identified *Identity    `json:"identified,omitempty" doc:"the person who was identified; absent before, and if the identification no longer counts"`
	Others     []int64      `json:"others" nullable:"false" doc:"the numbers of the mailbox's other cases" example:"[12]"`
}

// Verdict is the result of the comparison of a person with the holder on record.
type Verdict string

// The verdicts. Only Matched gives the star without a decision by an operator.
const (
	Matched  Verdict = "matched"
	Unproven Verdict = "unproven" // the record does not contain enough data
	Differs  Verdict = "differs"
)

// Declaration is the data that were entered about the holder.
type Declaration struct {
	ID          string    `json:"id" format:"uuid" doc:"the ID by which steps refer to it" example:"019aa5b0-11d2-7c55-b7a9-0f64fb8d0a51"`
	Kind        Kind      `json:"kind" enum:"person,company," doc:"whether the holder is a person or a company; empty before this was chosen" example:"person"`
	CompanyName string    `json:"company_name" doc:"ragione sociale; empty for persons" example:""`
	CompanyCode string    `json:"company_code" doc:"codice fiscale of the company; empty for persons" example:""`
	Email       string    `json:"email" doc:"the ordinary e-mail address for messages to the holder" example:"anna.neri@mail.example"`
	Phone       string    `json:"phone" doc:"mobile number in E.164 format; empty if none was given" example:"+393331234567"`
	At          time.Time `json:"at" doc:"when it was entered" example:"2026-11-20T10:01:15Z"`
}

// Identity is the data of a person as an identity provider sent them.
type Identity struct {
	ID                  string    `json:"id" format:"uuid" doc:"the ID by which steps refer to it" example:"019aa5b1-7a40-7f0e-9d3c-62a1c5e0b9f4"`
	Name                string    `json:"name" doc:"given name" example:"Anna"`
	FamilyName          string    `json:"family_name" doc:"family name" example:"Neri"`
	FiscalNumber        string    `json:"fiscal_number" doc:"codice fiscale of the person, without SPID's prefix TINIT-" example:"NRENNA80A41H501T"`
	DateOfBirth         string    `json:"date_of_birth" doc:"as the identity provider sent it; empty if it did not send one" example:"1980-01-01"`
	CompanyName         string    `json:"company_name,omitempty" doc:"the company's name, for a professional identity" example:"Officine Bianchi S.r.l."`
	CompanyFiscalNumber string    `json:"company_fiscal_number,omitempty" doc:"the company's codice fiscale, for a professional identity" example:"09876543217"`
	CompanyVATNumber    string    `json:"company_vat_number,omitempty" doc:"the company's partita IVA, for a professional identity" example:"09876543217"`
	Provider            string    `json:"provider" doc:"the identity provider's identifier" example:"https://idp.example"`
	ProviderName        string    `json:"provider_name" doc:"the identity provider's name, as users know it" example:"Identità di prova"`
	Level               string    `json:"level" doc:"the level of assurance of the login" example:"SpidL2"`
	At                  time.Time `json:"at" doc:"when the person was identified" example:"2026-11-20T10:05:30Z"`
}

// QualificationPage is a page of a list of qualifications.
type QualificationPage struct {
	Qualifications []Qualification `json:"qualifications" nullable:"false" doc:"the newest case first"`
	Next           string          `json:"next,omitempty" doc:"the value of after for the next page; absent on the last page" example:"djE6NDI"`
}

// QualificationFilter selects qualifications of a list. Its zero value selects all.
type QualificationFilter struct {
	State   CaseState
	Mailbox string // its address
	Limit   int    // items on a page, up to 1,000; 0 means 100
}

// Qualifications lists the cases of mailboxes of the client's domains, the
// newest first. Changes during the iteration do not disturb it: no case is listed
// twice, and none is missed that matches the filter all the time.
func (c *Client) Qualifications(ctx context.Context, f QualificationFilter) iter.Seq2[Qualification, error] {
	return paginate(ctx, c, "/qualifications", listQuery(f.Limit, "state", string(f.State), "mailbox", f.Mailbox),
		func(p QualificationPage) ([]Qualification, string) { return p.Qualifications, p.Next })
}

// Case returns a qualification by its number. If the case does not exist, or if its
// mailbox was deleted or is outside the client's domains, the call fails with
// status 404.
func (c *Client) Case(ctx context.Context, number int64) (*Case, error) {
	return call[Case](ctx, c, newRequest(http.MethodGet, casePath(number), nil))
}

// Ruling is the operator and the reason of a decision.
type Ruling struct {
	Operator string `json:"operator" minLength:"1" maxLength:"200" pattern:"^[^\\x00-\\x1f\\x7f]*[^\\x00-\\x20\\x7f][^\\x00-\\x1f\\x7f]*$" patternDescription:"the name of a person" doc:"the name of the person who decides, for the log" example:"paolo.conti"`
	Reason   string `json:"reason" minLength:"1" maxLength:"2000" pattern:"^[^\\x00]*[^\\x00-\\x20\\x7f][^\\x00]*$" patternDescription:"text" doc:"the reason, or the document relied on. It is stored with the decision. If the decision is to refuse or to revoke, the holder reads it in these words" example:"visura camerale del 20/11/2026"`
}

// Approve ends a review: the mailbox gets its star.
func (c *Client) Approve(ctx context.Context, number int64, r Ruling, options ...Option) (*Case, error) {
	return c.decide(ctx, number, "/approve", r, options)
}

// Refuse ends a review: the case is rejected, and the holder may try again.
func (c *Client) Refuse(ctx context.Context, number int64, r Ruling, options ...Option) (*Case, error) {
	return c.decide(ctx, number, "/refuse", r, options)
}

// Revoke takes the star away from a mailbox.
func (c *Client) Revoke(ctx context.Context, number int64, r Ruling, options ...Option) (*Case, error) {
	return c.decide(ctx, number, "/revoke", r, options)
}

func (c *Client) decide(ctx context.Context, number int64, what string, r Ruling, options []Option) (*Case, error) {
	return call[Case](ctx, c, newRequest(http.MethodPost, casePath(number)+what, r, options...))
}

func casePath(number int64) string { return "/qualifications/" + strconv.FormatInt(number, 10) }
