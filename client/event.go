package client

import (
	"context"
	"net/http"
	"time"
)

// Event reports that the state of a mailbox changed. The feed contains it, and
// webhooks receive it. The mailbox's address is its only personal data.
type Event struct {
	ID        string    `json:"id" doc:"the event's ID: the same in the feed, in the webhook-id header, and in repeated deliveries" example:"019aa5b2-6c11-7d60-8f1a-4be1a4a1f3c2"`
	Type      EventType `json:"type" enum:"qualification.started,qualification.invited,qualification.under_review,qualification.completed,qualification.rejected,qualification.revoked,qualification.expired" doc:"what happened" example:"qualification.completed"`
	Timestamp time.Time `json:"timestamp" doc:"when it happened" example:"2026-11-20T10:07:42Z"`
	Data      EventData `json:"data" doc:"the mailbox after the event"`
}

// EventData describes the mailbox after the event.
type EventData struct {
	Mailbox string `json:"mailbox" doc:"its address, in lower case" example:"anna.neri@pec.example"`
	Case    int64  `json:"case" doc:"the number of its qualification, which is shown to the user" example:"42"`
	State   State  `json:"state" enum:"none,in_progress,invited,under_review,rejected,qualified,revoked,not_eligible" doc:"the state, as in the status of the mailbox" example:"qualified"`
	Show    Show   `json:"show" enum:"banner,star,none" doc:"what to show next to the mailbox's name" example:"star"`
	Reason  Reason `json:"reason,omitempty" enum:"company_differs,holder_differs,review_refused" doc:"why it was rejected, if it was"`
}

// EventType is what happened.
type EventType string

// The types of events. More may be added: ignore types that you do not know.
const (
	EventStarted     EventType = "qualification.started"
	EventInvited     EventType = "qualification.invited" // the webmail's user invited the holder
	EventUnderReview EventType = "qualification.under_review"
	EventCompleted   EventType = "qualification.completed" // the mailbox has its star
	EventRejected    EventType = "qualification.rejected"
	EventRevoked     EventType = "qualification.revoked" // the star was taken away
	EventExpired     EventType = "qualification.expired" // the case was not continued in time

	EventTest EventType = "webhook.test" // sent by `stella webhook test`, about no mailbox; never in the feed
)

// EventPage is a page of the feed.
type EventPage struct {
	Events []Event `json:"events" nullable:"false" doc:"in the order of the feed; events of one mailbox are in the order in which they happened"`
	Next   string  `json:"next" doc:"the value of after for the next call; always present, even if there are no new events" example:"djE6NDI"`
}

// EventFilter selects events of the feed. Its zero value selects all.
type EventFilter struct {
	Types []EventType
	Limit int // events on a page, up to 1,000; 0 means 100
}

// Events returns the events of mailboxes of the client's domains that follow a
// cursor in the feed. after is the Next of the previous page, or "" for the
// beginning. If you store Next together with the results of the events, you miss no
// event and process none twice. A page without events means that there are no new
// ones yet.
func (c *Client) Events(ctx context.Context, after string, f EventFilter) (*EventPage, error) {
	r := newRequest(http.MethodGet, "/events", nil)
	r.query = listQuery(f.Limit, "after", after)
	for _, t := range f.Types {
		r.query.Add("kind", string(t))
	}
	return call[EventPage](ctx, c, r)
}
