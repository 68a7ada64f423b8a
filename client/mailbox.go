package client

import (
	"context"
	"iter"
	"net/http"
	"net/url"
	"time"
)

// Mailbox is the status of a mailbox.
type Mailbox struct {
	Address string     `json:"address" doc:"the address, in lower case" example:"anna.neri@pec.example"`
	State   State      `json:"state" enum:"none,in_progress,invited,under_review,rejected,qualified,revoked,not_eligible" doc:"the state of the mailbox's qualification" example:"qualified"`
	Since   *time.Time `json:"since" doc:"the time of its last step, which for qualified is when the star was given; null for none and not_eligible" example:"2026-11-20T10:07:42Z"`
	Level   string     `json:"level" doc:"the level of assurance of the identification, such as SpidL2; empty until qualified" example:"SpidL2"`
	Show    Show       `json:"show" enum:"banner,star,none" doc:"what to show next to the mailbox's name" example:"star"`
	Record  *Record    `json:"record,omitempty" doc:"the provider's record of the mailbox; only for clients with the scope registry, operator or auditor"`

	// ETag is the version of this status, including the record; empty in lists.
	ETag string `json:"-"`
}

// State is the state of a mailbox's qualification, as a webmail may know it. The
// states of a case, see [CaseState], are more detailed.
type State string

// The states of a mailbox.
const (
	StateNone        State = "none"
	StateInProgress  State = "in_progress"
	StateInvited     State = "invited" // the holder has an invitation and has not accepted it yet
	StateUnderReview State = "under_review"
	StateRejected    State = "rejected" // the user may try again
	StateQualified   State = "qualified"
	StateRevoked     State = "revoked"
	StateNotEligible State = "not_eligible" // the mailbox is not active
)

// Show is what a webmail shows next to a mailbox's name.
type Show string

// The values of Show.
const (
	ShowBanner  Show = "banner" // asks the user to confirm their identity
	ShowStar    Show = "star"   // named "Casella qualificata e identificata"
	ShowNothing Show = "none"
)

// Status returns the status of a mailbox. Webmails call it at every login of a
// user. previous is the result of the last call, or nil: if nothing has changed
// since then, Status returns previous itself and transfers no body (If-None-Match).
// If the mailbox does not exist or is outside the client's domains, the call fails
// with status 404.
func (c *Client) Status(ctx context.Context, address string, previous *Mailbox) (*Mailbox, error) {
	r := newRequest(http.MethodGet, mailboxPath(address), nil)
	if previous != nil && previous.ETag != "" {
		r.header.Set("If-None-Match", previous.ETag)
	}
	m := &Mailbox{}
	res, err := c.do(ctx, r, m)
	if err != nil {
		return nil, err
	}
	if res.StatusCode == http.StatusNotModified {
		return previous, nil
	}
	m.ETag = res.Header.Get("ETag")
	return m, nil
}

func mailboxPath(address string) string { return "/mailboxes/" + url.PathEscape(address) }

// Addresses is the request body of [Client.Statuses].
type Addresses struct {
	Addresses []string `json:"addresses" nullable:"false" minItems:"1" maxItems:"1000" doc:"the requested mailboxes; an address that is repeated is answered repeatedly" example:"[\"anna.neri@pec.example\",\"nobody@pec.example\"]"`
}

// Statuses is the response body of [Client.Statuses].
type Statuses struct {
	Mailboxes []Mailbox `json:"mailboxes" nullable:"false" doc:"the mailboxes that are known to the client, in the order of the request" example:"[{\"address\":\"anna.neri@pec.example\",\"state\":\"qualified\",\"since\":\"2026-11-20T10:07:42Z\",\"level\":\"SpidL2\",\"show\":\"star\"}]"`
	Unknown   []string  `json:"unknown" nullable:"false" doc:"the other addresses, as they were sent" example:"[\"nobody@pec.example\"]"`
}

// Statuses returns the status of up to 1,000 mailboxes, without their records.
func (c *Client) Statuses(ctx context.Context, addresses []string) (*Statuses, error) {
	return call[Statuses](ctx, c, newRequest(http.MethodPost, "/mailboxes/statuses", Addresses{addresses}))
}

// MailboxPage is a page of a list of mailboxes.
type MailboxPage struct {
	Mailboxes []Mailbox `json:"mailboxes" nullable:"false" doc:"sorted by domain, and in each domain by creation"`
	Next      string    `json:"next,omitempty" doc:"the value of after for the next page; absent on the last page" example:"djE6NDI"`
}

// MailboxFilter selects mailboxes of a list. Its zero value selects all.
type MailboxFilter struct {
	Status Standing
	State  State
	Limit  int // items on a page, up to 1,000; 0 means 100
}

// Mailboxes lists the mailboxes of the client's domains, with their records. They
// are sorted by domain, and in each domain by creation. Changes during the
// iteration do not disturb it: no mailbox is listed twice, and none is missed that
// exists all the time.
func (c *Client) Mailboxes(ctx context.Context, f MailboxFilter) iter.Seq2[Mailbox, error] {
	return paginate(ctx, c, "/mailboxes", listQuery(f.Limit, "status", string(f.Status), "state", string(f.State)),
		func(p MailboxPage) ([]Mailbox, string) { return p.Mailboxes, p.Next })
}
