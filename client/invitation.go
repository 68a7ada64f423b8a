package client

import (
	"context"
	"iter"
	"net/http"
	"net/url"
	"time"
)

// Invitation is an invitation of a holder, sent by a user of the mailbox who is not
// its holder.
type Invitation struct {
	ID       string          `json:"id" format:"uuid" doc:"the invitation's ID, used to withdraw it; the link in the mail does not contain it" example:"019aa5b0-90f4-7b0a-a4a5-3cf9f6cc1f20"`
	Mailbox  string          `json:"mailbox" doc:"its address, in lower case" example:"officine.bianchi@pec.example"`
	Case     int64           `json:"case" doc:"the number of its qualification" example:"42"`
	State    InvitationState `json:"state" enum:"live,accepted,replaced,withdrawn,declined,finished,expired" doc:"live: its link can be accepted; accepted: the invited holder is in the procedure; in any other state it has ended" example:"live"`
	Email    string          `json:"email" doc:"the recipient's address" example:"luca.bianchi@mail.example"`
	Mail     MailOutcome     `json:"mail" enum:"waiting,accepted,refused,dropped" doc:"the status of the mail with the link: waiting, accepted or refused by the relay, or dropped because it could not be sent in time" example:"accepted"`
	Sent     time.Time       `json:"sent" doc:"when it was sent" example:"2026-11-20T10:02:00Z"`
	Expires  time.Time       `json:"expires" doc:"the time until which it can be accepted" example:"2026-11-27T10:02:00Z"`
	Accepted *time.Time      `json:"accepted" doc:"when it was accepted; null before" example:"2026-11-20T11:40:12Z"`
	Ended    *time.Time      `json:"ended" doc:"when it ended; null before, and null if it was not accepted in time while its case continues" example:"2026-11-20T12:03:55Z"`
}

// InvitationState is the state of an invitation.
type InvitationState string

// The states of an invitation.
const (
	InvitationLive      InvitationState = "live"
	InvitationAccepted  InvitationState = "accepted"
	InvitationReplaced  InvitationState = "replaced" // by a newer invitation
	InvitationWithdrawn InvitationState = "withdrawn"
	InvitationDeclined  InvitationState = "declined" // by the recipient, who does not know the mailbox
	InvitationFinished  InvitationState = "finished" // the mailbox has its star
	InvitationExpired   InvitationState = "expired"  // not accepted in time, or its case was not finished in time
)

// MailOutcome is the status of a mail.
type MailOutcome string

// The statuses of a mail.
const (
	MailWaiting  MailOutcome = "waiting"  // there will be another attempt
	MailAccepted MailOutcome = "accepted" // by the relay
	MailRefused  MailOutcome = "refused"  // by the relay, because of the recipient's address
	MailDropped  MailOutcome = "dropped"  // not sent in time, or no longer useful
)

// InvitationPage is a page of a list of invitations.
type InvitationPage struct {
	Invitations []Invitation `json:"invitations" nullable:"false" doc:"the newest first"`
	Next        string       `json:"next,omitempty" doc:"the value of after for the next page; absent on the last page" example:"djE6MjAyNi0xMS0yMFQxMDowMjowMFogMDE5YWE1YjAtOTBmNC03YjBhLWE0YTUtM2NmOWY2Y2MxZjIw"`
}

// InvitationFilter selects invitations of a list. Its zero value selects all.
type InvitationFilter struct {
	State   InvitationState
	Mailbox string // its address
	Limit   int    // items on a page, up to 1,000; 0 means 100
}

// Invitations lists the invitations to mailboxes of the client's domains, the
// newest first. Changes during the iteration do not disturb it: no invitation is
// listed twice, and none is missed that matches the filter all the time.
func (c *Client) Invitations(ctx context.Context, f InvitationFilter) iter.Seq2[Invitation, error] {
	return paginate(ctx, c, "/invitations", listQuery(f.Limit, "state", string(f.State), "mailbox", f.Mailbox),
		func(p InvitationPage) ([]Invitation, string) { return p.Invitations, p.Next })
}

// WithdrawInvitation ends an invitation, even if it was accepted. Its link stops
// working, and the case no longer uses the data that the invited holder entered.
func (c *Client) WithdrawInvitation(ctx context.Context, id string, r Ruling, options ...Option) (*Invitation, error) {
	return call[Invitation](ctx, c, newRequest(http.MethodPost, "/invitations/"+url.PathEscape(id)+"/withdraw", r, options...))
}
