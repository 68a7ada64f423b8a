package webhook

import (
	"time"

	"stella/client"
	"stella/workflow"
)

// Event returns an announcement in the form of the API: what a webhook receives, and an
// entry of the feed.
func Event(t workflow.EventPayload) client.Event {
	state, show := t.PublicState()
	return client.Event{
		ID:        t.ID.String(),
		Type:      client.EventType(t.Kind),
		Timestamp: t.At.UTC(),
		Data: client.EventData{
			Mailbox: t.Address,
			Case:    t.Number,
			State:   client.State(state),
			Show:    client.Show(show),
			Reason:  client.Reason(t.Reason()),
		},
	}
}

// Trial returns a test event, which is about no mailbox.
func Trial(id string, now time.Time) client.Event {
	return client.Event{ID: id, Type: client.EventTest, Timestamp: now.UTC().Truncate(time.Second)}
}
