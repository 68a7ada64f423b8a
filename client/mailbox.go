package client

import (
	"context"
	"iter"
	"net/http"
	"net/url"
	"time"
)

// Mailbox is what may be known of a mailbox.
type Mailbox struct {
	Address string     `json:"address" doc:"in lower case" example:"anna.neri@pec.example"`
	State   State      `json:"state" enum:"none,in_progress,invited,under_review,rejected,qualified,revoked,not_eligible" doc:"where the qualification of the mailbox stands" example:"qualified"`
	Since   *time.Time `json:"since" doc:"when its last step was made, which for qualified is when the star was given; null for none and not_eligible" example:"2026-11-20T10:07:42Z"`
	Level   string     `json:"level" doc:"the level of assurance of the identification, such as SpidL2; empty until qualified" example:"SpidL2"`
	Show    Show       `json:"show" enum:"banner,star,none" doc:"what to show beside the mailbox's name" example:"star"`
	Record  *Record    `json:"record,omitempty" doc:"what the provider said of the mailbox; only for clients with one of the scopes registry, operator and auditor"`

	// ETag is the version that was answered, of state and record; empty in lists.
	ETag string `json:"-"`
}

// State is where the qualification of a mailbox stands.
type State string

// The states of a mailbox.
const (
	StateNone        State = "none"
	StateInProgress  State = "in_progress"
	StateInvited     State = "invited" // its holder, who has not come yet
	StateUnderReview State = "under_review"
	StateRejected    State = "rejected" // and may be tried again
	StateQualified   State = "qualified"
	StateRevoked     State = "revoked"
	StateNotEligible State = "not_eligible" // the mailbox is not active
)

// Show is what a webmail shows beside a mailbox's name.
type Show string

// What to show.
const (
	ShowBanner  Show = "banner" // that asks the user to confirm their identity
	ShowStar    Show = "star"   // named "Casella qualificata e identificata"
	ShowNothing Show = "none"
)

// Status asks for a mailbox, as webmails do at every login of a user. Former is
// what was answered before, or nil: where nothing changed since, it is returned
// itself, and little was sent. The call fails with status 404 for a mailbox that
// does not exist, or is outside the client's domains.
func (c *Client) Status(ctx context.Context, address string, former *Mailbox) (*Mailbox, error) {
	r := newRequest(http.MethodGet, mailboxPath(address), nil)
	if former != nil && former.ETag != "" {
		r.header.Set("If-None-Match", former.ETag)
	}
	m := &Mailbox{}
	res, err := c.do(ctx, r, m)
	if err != nil {
		return nil, err
	}
	if res.StatusCode == http.StatusNotModified {
		return former, nil
	}
	m.ETag = res.Header.Get("ETag")
	return m, nil
}

func mailboxPath(address string) string { return "/mailboxes/" + url.PathEscape(address) }

// Addresses are the mailboxes that [Client.Statuses] asks for.
type Addresses struct {
	Addresses []string `json:"addresses" nullable:"false" minItems:"1" maxItems:"1000" doc:"the mailboxes asked for; one named twice is answered twice" example:"[\"anna.neri@pec.example\",\"nobody@pec.example\"]"`
}

// Statuses are several mailboxes.
type Statuses struct {
	Mailboxes []Mailbox `json:"mailboxes" nullable:"false" doc:"those that are known to the client, in the order asked for" example:"[{\"address\":\"anna.neri@pec.example\",\"state\":\"qualified\",\"since\":\"2026-11-20T10:07:42Z\",\"level\":\"SpidL2\",\"show\":\"star\"}]"`
	Unknown   []string  `json:"unknown" nullable:"false" doc:"the others, as they were written" example:"[\"nobody@pec.example\"]"`
}

// Statuses asks for up to 1,000 mailboxes at once, without their records.
func (c *Client) Statuses(ctx context.Context, addresses []string) (*Statuses, error) {
	return ask[Statuses](ctx, c, newRequest(http.MethodPost, "/mailboxes/statuses", Addresses{addresses}))
}

// MailboxPage is a part of a list of mailboxes.
type MailboxPage struct {
	Mailboxes []Mailbox `json:"mailboxes" nullable:"false" doc:"by domain, and in each as they were made"`
	Next      string    `json:"next,omitempty" doc:"after for the next page; absent from the last" example:"djE6NDI"`
}

// MailboxFilter chooses from a list of mailboxes. Its zero value chooses all.
type MailboxFilter struct {
	Status Standing
	State  State
	Limit  int // of a page: up to 1,000, and 100 if zero
}

// Mailboxes lists the mailboxes of the client's domains, with their records, by
// domain, and in each as they were made. Whatever is made or deleted meanwhile,
// none is listed twice, and none is missed that is there from the beginning to
// the end.
func (c *Client) Mailboxes(ctx context.Context, f MailboxFilter) iter.Seq2[Mailbox, error] {
	return all(ctx, c, "/mailboxes", selection(f.Limit, "status", string(f.Status), "state", string(f.State)),
		func(p MailboxPage) ([]Mailbox, string) { return p.Mailboxes, p.Next })
}
