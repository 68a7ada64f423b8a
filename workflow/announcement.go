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

// announcedStates are the public states that the kinds announce.
var announcedStates = map[AnnouncementKind]PublicState{
	AnnounceStarted:     PublicInProgress,
	AnnounceInvited:     PublicInvited,
	AnnounceUnderReview: PublicUnderReview,
	AnnounceCompleted:   PublicQualified,
	AnnounceRejected:    PublicRejected,
	AnnounceRevoked:     PublicRevoked,
	AnnounceExpired:     PublicNone,
}

// checkKinds returns an InputError if a kind does not exist.
func checkKinds(kinds []AnnouncementKind) error {
	for _, k := range kinds {
		if !slices.Contains(AnnouncementKinds, k) {
			return WrongInput("kind", "kind_unknown")
		}
	}
	return nil
}

// Announcement notifies clients that the state of a mailbox changed. It is inserted in
// the transaction of the step that made the change, and is never updated.
type Announcement struct {
	ID      uuid.UUID
	Kind    AnnouncementKind
	Mailbox int64
	Subject uuid.UUID // the qualification
	Version int       // of the subject after the step
	Active  bool      // whether the mailbox was active at that time
	At      time.Time
}

func (Announcement) IsRow() {}

// EventPayload is an announcement with the data that clients receive.
type EventPayload struct {
	Announcement
	Address string
	Number  int64  // case number
	Event   string // of the step that was announced
}

// PublicState returns the public state of the mailbox at that time, and what a webmail
// shows next to its name.
func (t EventPayload) PublicState() (PublicState, Show) {
	return shown(t.Active, announcedStates[t.Kind])
}

// Reason returns why a qualification was rejected, or "" for other kinds.
func (t EventPayload) Reason() string {
	if t.Kind != AnnounceRejected {
		return ""
	}
	return t.Event // each reason has the name of its event
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
func (p *Provider) Events(
	ctx context.Context, c Client, kinds []AnnouncementKind, after int64, limit int,
) (events []EventPayload, until int64, err error) {
	if err := checkKinds(kinds); err != nil {
		return nil, 0, err
	}
	return p.Store.Feed(ctx, c.Domains, kinds, after, limit)
}
