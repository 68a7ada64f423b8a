package workflow

import (
	"context"
	"errors"
	"slices"
	"time"

	"github.com/google/uuid"
)

// AnnouncementKind is what is told of a mailbox.
type AnnouncementKind string

// The announcements.
const (
	AnnounceStarted     AnnouncementKind = "qualification.started"
	AnnounceInvited     AnnouncementKind = "qualification.invited"
	AnnounceUnderReview AnnouncementKind = "qualification.under_review"
	AnnounceCompleted   AnnouncementKind = "qualification.completed" // with the star
	AnnounceRejected    AnnouncementKind = "qualification.rejected"
	AnnounceRevoked     AnnouncementKind = "qualification.revoked"
	AnnounceExpired     AnnouncementKind = "qualification.expired"
)

// AnnouncementKinds lists them all.
var AnnouncementKinds = []AnnouncementKind{AnnounceStarted, AnnounceInvited, AnnounceUnderReview, AnnounceCompleted,
	AnnounceRejected, AnnounceRevoked, AnnounceExpired}

// checkKinds refuses what nothing is announced as.
func checkKinds(kinds []AnnouncementKind) error {
	for _, k := range kinds {
		if !slices.Contains(AnnouncementKinds, k) {
			return wrong("kind", "kind_unknown")
		}
	}
	return nil
}

// announced are the states whose beginning is announced. The others are the
// holder's way from one to the next, which concerns nobody else.
var announced = map[State]AnnouncementKind{
	Invited:     AnnounceInvited,
	UnderReview: AnnounceUnderReview,
	Qualified:   AnnounceCompleted,
	Rejected:    AnnounceRejected,
	Revoked:     AnnounceRevoked,
	Expired:     AnnounceExpired,
}

// Announcement tells those who follow a mailbox that its standing changed. It
// is written with the step that changed it, and never changed.
type Announcement struct {
	ID            uuid.UUID
	Kind          AnnouncementKind
	Mailbox       int64
	Qualification uuid.UUID
	Version       int  // of the qualification: which step it was
	Active        bool // the mailbox, at that time
	At            time.Time
}

// announce adds the announcement of the newest step.
func (c *Case) announce(k AnnouncementKind) {
	q := c.Qualification
	c.add(Announcement{ID: newID(), Kind: k, Mailbox: c.Mailbox.ID, Qualification: q.ID, Version: q.Version,
		Active: c.Mailbox.Status == Active, At: c.Now})
}

// announceArrival announces a state that the newest step came to, from another.
func (c *Case) announceArrival(from State) {
	to := c.Qualification.State
	if k, ok := announced[to]; ok && from != to {
		c.announce(k)
	}
}

// Told is an announcement with all that is told.
type Told struct {
	Announcement
	Address string
	Number  int64 // of the case
	Event   Event // of the step
}

// Outward is what was told of the mailbox then, and what to show beside its name.
func (t Told) Outward() (Outward, Show) {
	for state, kind := range announced {
		if kind == t.Kind {
			return outward(t.Active, state)
		}
	}
	return outward(t.Active, HolderChoice) // which every qualification begins with
}

// Reason says why a qualification was rejected; empty for all else.
func (t Told) Reason() Reason {
	if t.Kind != AnnounceRejected {
		return ""
	}
	return Reason(t.Event) // which is named after it
}

// Announcements is the part of Store that has the feed.
type Announcements interface {
	// Told reads what was told of the mailboxes of some domains after a position,
	// in order, and up to which position that is all. ErrPosition for one that was
	// not given yet.
	Told(ctx context.Context, domains []string, kinds []AnnouncementKind, after int64, limit int) (told []Told, until int64, err error)
}

// ErrPosition is returned for a position of the feed that there is not: it is
// of another database, or of one that was restored from an older state.
var ErrPosition = errors.New("no position of the feed")

// Events reads what was told of a client's mailboxes after a position, 0 for
// the beginning; with kinds only those. The next call goes on from until: so
// nothing is missed and nothing read twice, however many write meanwhile.
func (p *Procedure) Events(ctx context.Context, c Client, kinds []AnnouncementKind, after int64, limit int) (told []Told, until int64, err error) {
	if err := checkKinds(kinds); err != nil {
		return nil, 0, err
	}
	return p.Store.Told(ctx, c.Domains, kinds, after, limit)
}
