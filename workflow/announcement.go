package workflow

import (
	"context"
	"errors"
	"slices"
	"time"

	"github.com/google/uuid"
)

// AnnouncementKind is the type of a notification about a mailbox.
type AnnouncementKind string

// The kinds of announcements.
const (
	AnnounceStarted     AnnouncementKind = "qualification.started"
	AnnounceInvited     AnnouncementKind = "qualification.invited"
	AnnounceUnderReview AnnouncementKind = "qualification.under_review"
	AnnounceCompleted   AnnouncementKind = "qualification.completed" // the mailbox has its star
	AnnounceRejected    AnnouncementKind = "qualification.rejected"
	AnnounceRevoked     AnnouncementKind = "qualification.revoked"
	AnnounceExpired     AnnouncementKind = "qualification.expired"
)

// AnnouncementKinds lists all kinds.
var AnnouncementKinds = []AnnouncementKind{AnnounceStarted, AnnounceInvited, AnnounceUnderReview, AnnounceCompleted,
	AnnounceRejected, AnnounceRevoked, AnnounceExpired}

// checkKinds returns an InputError if a kind does not exist.
func checkKinds(kinds []AnnouncementKind) error {
	for _, k := range kinds {
		if !slices.Contains(AnnouncementKinds, k) {
			return wrong("kind", "kind_unknown")
		}
	}
	return nil
}

// announced maps each state that is announced to its kind. The other states are steps
// of the holder, which clients do not need to know.
var announced = map[State]AnnouncementKind{
	Invited:     AnnounceInvited,
	UnderReview: AnnounceUnderReview,
	Qualified:   AnnounceCompleted,
	Rejected:    AnnounceRejected,
	Revoked:     AnnounceRevoked,
	Expired:     AnnounceExpired,
}

// Announcement notifies clients that the state of a mailbox changed. It is inserted in
// the transaction of the step that made the change, and is never updated.
type Announcement struct {
	ID            uuid.UUID
	Kind          AnnouncementKind
	Mailbox       int64
	Qualification uuid.UUID
	Version       int  // of the qualification after the step
	Active        bool // whether the mailbox was active at that time
	At            time.Time
}

// announce adds an announcement of the newest step.
func (c *Case) announce(k AnnouncementKind) {
	q := c.Qualification
	c.add(Announcement{ID: newID(), Kind: k, Mailbox: c.Mailbox.ID, Qualification: q.ID, Version: q.Version,
		Active: c.Mailbox.Status == Active, At: c.Now})
}

// announceStateChange announces the new state of the case if it differs from the
// previous one and is one of the announced states.
func (c *Case) announceStateChange(from State) {
	to := c.Qualification.State
	if k, ok := announced[to]; ok && from != to {
		c.announce(k)
	}
}

// EventPayload is an announcement with the data that clients receive.
type EventPayload struct {
	Announcement
	Address string
	Number  int64 // case number
	Event   Event // of the step that was announced
}

// PublicState returns the public state of the mailbox at that time, and what a webmail
// shows next to its name.
func (t EventPayload) PublicState() (PublicState, Show) {
	for state, kind := range announced {
		if kind == t.Kind {
			return publicState(t.Active, state)
		}
	}
	return publicState(t.Active, HolderChoice) // the first state of every qualification
}

// Reason returns why a qualification was rejected, or "" for other kinds.
func (t EventPayload) Reason() Reason {
	if t.Kind != AnnounceRejected {
		return ""
	}
	return Reason(t.Event) // each reason has the name of its event
}

// Announcements is the part of Store that reads the feed.
type Announcements interface {
	// Feed returns the announcements for the mailboxes of domains after a position, in
	// order. until is the position up to which the result is complete. It returns
	// ErrPosition for a position that does not exist yet.
	Feed(ctx context.Context, domains []string, kinds []AnnouncementKind, after int64, limit int) (events []EventPayload, until int64, err error)
}

// ErrPosition is returned for a position that is not in the feed. It comes from another
// database, or this one was restored from an older backup.
var ErrPosition = errors.New("not a position of the feed")

// Events returns the announcements for a client's mailboxes after a position; 0 is the
// beginning. If kinds is not empty, it returns only those kinds. Pass until as the
// position of the next call: no announcement is then missed or returned twice, even
// with concurrent writes.
func (p *Procedure) Events(
	ctx context.Context, c Client, kinds []AnnouncementKind, after int64, limit int,
) (events []EventPayload, until int64, err error) {
	if err := checkKinds(kinds); err != nil {
		return nil, 0, err
	}
	return p.Store.Feed(ctx, c.Domains, kinds, after, limit)
}
