package client

import (
	"context"
	"iter"
	"net/http"
	"net/url"
	"time"
)

// Invitation is a holder's, by the user of a mailbox who is not its holder.
type Invitation struct {
	ID       string          `json:"id" format:"uuid" doc:"to withdraw it by; it is not in its link" example:"019aa5b0-90f4-7b0a-a4a5-3cf9f6cc1f20"`
	Mailbox  string          `json:"mailbox" doc:"its address, in lower case" example:"officine.bianchi@pec.example"`
	Case     int64           `json:"case" doc:"the number of its qualification" example:"42"`
	State    InvitationState `json:"state" enum:"live,accepted,replaced,withdrawn,declined,finished,expired" doc:"live while its link may be accepted, accepted while its holder is under way; any other has ended" example:"live"`
	Email    string          `json:"email" doc:"where it was sent" example:"luca.bianchi@mail.example"`
	Mail     MailOutcome     `json:"mail" enum:"waiting,accepted,refused,dropped" doc:"what became of the mail with the link: accepted or refused by the relay, or dropped since it could not be sent in time" example:"accepted"`
	Sent     time.Time       `json:"sent" doc:"when" example:"2026-11-20T10:02:00Z"`
	Expires  time.Time       `json:"expires" doc:"until when it may be accepted" example:"2026-11-27T10:02:00Z"`
	Accepted *time.Time      `json:"accepted" doc:"when it was; null before" example:"2026-11-20T11:40:12Z"`
	Ended    *time.Time      `json:"ended" doc:"when it came to its end; null before, and for one that nobody took up in time while its case goes on" example:"2026-11-20T12:03:55Z"`
}

// InvitationState says what an invitation is good for.
type InvitationState string

// The states of an invitation.
const (
	InvitationLive      InvitationState = "live"
	InvitationAccepted  InvitationState = "accepted"
	InvitationReplaced  InvitationState = "replaced" // by a newer one
	InvitationWithdrawn InvitationState = "withdrawn"
	InvitationDeclined  InvitationState = "declined" // by the invited, who does not know the mailbox
	InvitationFinished  InvitationState = "finished" // with the star
	InvitationExpired   InvitationState = "expired"  // nobody took it up in time
)

// MailOutcome is what became of a mail.
type MailOutcome string

// The outcomes of a mail.
const (
	MailWaiting  MailOutcome = "waiting"  // it is still being tried
	MailAccepted MailOutcome = "accepted" // by the relay
	MailRefused  MailOutcome = "refused"  // by the relay, which says that the address is wrong
	MailDropped  MailOutcome = "dropped"  // it could not be sent in time, or is of no use any more
)

// InvitationPage is a part of a list of invitations.
type InvitationPage struct {
	Invitations []Invitation `json:"invitations" nullable:"false" doc:"the newest first"`
	Next        string       `json:"next,omitempty" doc:"after for the next page; absent from the last" example:"djE6MjAyNi0xMS0yMFQxMDowMjowMFogMDE5YWE1YjAtOTBmNC03YjBhLWE0YTUtM2NmOWY2Y2MxZjIw"`
}

// InvitationFilter chooses from a list of invitations. Its zero value chooses all.
type InvitationFilter struct {
	State   InvitationState
	Mailbox string // its address
	Limit   int    // of a page: up to 1,000, and 100 if zero
}

// Invitations lists the invitations to mailboxes of the client's domains, the
// newest first. Whatever happens meanwhile, none is listed twice, and none is
// missed that fits the filter from the beginning to the end.
func (c *Client) Invitations(ctx context.Context, f InvitationFilter) iter.Seq2[Invitation, error] {
	return all(ctx, c, "/invitations", selection(f.Limit, "state", string(f.State), "mailbox", f.Mailbox),
		func(p InvitationPage) ([]Invitation, string) { return p.Invitations, p.Next })
}

// WithdrawInvitation ends an invitation, accepted or not: its link leads nowhere
// any more, and what the invited holder entered is no one's.
func (c *Client) WithdrawInvitation(ctx context.Context, id string, r Ruling, options ...Option) (*Invitation, error) {
	return ask[Invitation](ctx, c, newRequest(http.MethodPost, "/invitations/"+url.PathEscape(id)+"/withdraw", r, options...))
}
