package client

import (
	"context"
	"net/http"
	"time"
)

// Event tells that the standing of a mailbox changed: the feed has it, and
// webhooks bring it. It holds nothing personal but the mailbox's address.
type Event struct {
	ID        string    `json:"id" doc:"the event's own, the same in the feed and, as webhook-id, at a webhook however often it comes" example:"019aa5b2-6c11-7d60-8f1a-4be1a4a1f3c2"`
	Type      EventType `json:"type" enum:"qualification.started,qualification.invited,qualification.under_review,qualification.completed,qualification.rejected,qualification.revoked,qualification.expired" doc:"what happened" example:"qualification.completed"`
	Timestamp time.Time `json:"timestamp" doc:"when it happened" example:"2026-11-20T10:07:42Z"`
	Data      EventData `json:"data" doc:"the mailbox, as it is after the event"`
}

// EventData is the mailbox, as it is after the event.
type EventData struct {
	Mailbox string `json:"mailbox" doc:"its address, in lower case" example:"anna.neri@pec.example"`
	Case    int64  `json:"case" doc:"the number of its qualification, which people ask after" example:"42"`
	State   State  `json:"state" enum:"none,in_progress,invited,under_review,rejected,qualified,revoked,not_eligible" doc:"as the status of the mailbox tells it" example:"qualified"`
	Show    Show   `json:"show" enum:"banner,star,none" doc:"what to show beside the mailbox's name" example:"star"`
	Reason  Reason `json:"reason,omitempty" enum:"company_differs,holder_differs,review_refused" doc:"why, where it was rejected"`
}

// EventType says what happened.
type EventType string

// The events. More may be added: pass over those you do not know.
const (
	EventStarted     EventType = "qualification.started"
	EventInvited     EventType = "qualification.invited" // another person than the webmail's user
	EventUnderReview EventType = "qualification.under_review"
	EventCompleted   EventType = "qualification.completed" // with the star
	EventRejected    EventType = "qualification.rejected"
	EventRevoked     EventType = "qualification.revoked" // the star was taken away
	EventExpired     EventType = "qualification.expired" // nobody went on with it

	EventTest EventType = "webhook.test" // sent to a webhook by `stella webhook test`, of no mailbox; never in the feed
)

// EventPage is a part of the feed.
type EventPage struct {
	Events []Event `json:"events" nullable:"false" doc:"in the order of the feed, those of one mailbox as they happened"`
	Next   string  `json:"next" doc:"after for the next call; always there, also when nothing is new" example:"djE6NDI"`
}

// EventFilter chooses from the feed. Its zero value chooses all.
type EventFilter struct {
	Types []EventType
	Limit int // of a page: up to 1,000, and 100 if zero
}

// Events reads what happened to mailboxes of the client's domains after a place
// in the feed, empty for the beginning, and where to go on. Keep Next with what
// was made of the events: then none is missed, and none comes twice. A page
// without events says that there are none for now.
func (c *Client) Events(ctx context.Context, after string, f EventFilter) (*EventPage, error) {
	r := newRequest(http.MethodGet, "/events", nil)
	r.query = selection(f.Limit, "after", after)
	for _, t := range f.Types {
		r.query.Add("kind", string(t))
	}
	return ask[EventPage](ctx, c, r)
}
