package workflow

import (
	"context"
	"net/netip"
	"net/url"
	"time"

	"github.com/google/uuid"
)

// How long a browser session lasts. SessionLife is more than the 20 hours above which
// WCAG 2.2.1 requires no extension, and at most the time between two authentications
// that NIST SP 800-63B allows at its level 2.
const (
	SessionIdle = 30 * time.Minute // without a request, at least; at most SessionTouch longer
	SessionLife = 24 * time.Hour   // in total
	SessionKept = 24 * time.Hour   // how long late form input is stored after the end
)

// SessionTouch is how often a session is prolonged at most: most requests then write
// nothing.
const SessionTouch = time.Minute

// Session is the session of a browser in the procedure of one mailbox.
type Session struct {
	ID        []byte // digest of the secret in the cookie
	Visitor   Visitor
	OpenedAt  time.Time
	ExpiresAt time.Time
	Ended     SessionEnd // empty while the session is valid
	Draft     *Draft     // nil if there is no late input
}

// SessionEnd is why a session ended.
type SessionEnd string

// The reasons for the end of a session. The first two follow from the time and are
// stored only with a draft.
const (
	SessionWasIdle        SessionEnd = "idle"            // no request for SessionIdle
	SessionWasOld         SessionEnd = "old"             // SessionLife is over
	SessionLeft           SessionEnd = "left"            // ended by its visitor
	SessionReplaced       SessionEnd = "replaced"        // replaced by another session in the same browser
	SessionUsedTwice      SessionEnd = "used_twice"      // the link of its hand-off was used again
	SessionClientDisabled SessionEnd = "client_disabled" // the client that handed the user off was disabled
	SessionByOperator     SessionEnd = "operator"
)

// EndAt returns why a session has ended by now, given only its times, or "" if it is
// still valid.
func (s Session) EndAt(now time.Time) SessionEnd {
	switch {
	case s.ExpiresAt.After(now):
		return ""
	case s.ExpiresAt.Before(s.OpenedAt.Add(SessionLife)):
		return SessionWasIdle
	}
	return SessionWasOld
}

// Draft is the input of a form that was submitted after the end of its session. The
// form shows it again; it is never processed.
type Draft struct {
	Qualification uuid.UUID  `json:"qualification"` // of the form
	Form          string     `json:"form"`          // path of the form
	Values        url.Values `json:"values"`
}

// KeepsDraft reports whether the session ended by its time. Late form input is stored
// in that case.
func (s Session) KeepsDraft() bool { return s.Ended == SessionWasIdle || s.Ended == SessionWasOld }

// Sessions are the sessions of browsers.
type Sessions struct {
	Store SessionStore
	Now   func() time.Time
}

// SessionStore is the database of the sessions.
type SessionStore interface {
	OpenSession(ctx context.Context, s Session) error
	// Session returns a session, valid or not, or ErrUnknown.
	Session(ctx context.Context, id []byte, now time.Time) (Session, error)
	// UseSession returns a session like Session. It prolongs a valid one that would end
	// within SessionIdle, by SessionTouch more than that.
	UseSession(ctx context.Context, id []byte, now time.Time) (Session, error)
	// EndSession ends a valid session, and deletes its draft.
	EndSession(ctx context.Context, id []byte, why SessionEnd, now time.Time) error
	// KeepDraft stores late input of a session for SessionKept from now. The session
	// cannot become valid again after that.
	KeepDraft(ctx context.Context, id []byte, d Draft, why SessionEnd, now time.Time) error
	// SetDraft sets the draft of a valid session; nil deletes it.
	SetDraft(ctx context.Context, id []byte, d *Draft) error
}

// NewSession returns the session of a visitor who enters at a time, with the visitor's
// session digest as its ID.
func NewSession(v Visitor, now time.Time) Session {
	return Session{ID: v.Session, Visitor: v, OpenedAt: now, ExpiresAt: now.Add(SessionIdle + SessionTouch)}
}

// Open opens a session for a visitor.
func (ss *Sessions) Open(ctx context.Context, v Visitor) error {
	return ss.Store.OpenSession(ctx, NewSession(v, ss.Now()))
}

// Find returns a session without prolonging it, or ErrUnknown.
func (ss *Sessions) Find(ctx context.Context, id []byte) (Session, error) {
	return ss.Store.Session(ctx, id, ss.Now())
}

// Use returns a session for a request of its visitor, and prolongs it.
func (ss *Sessions) Use(ctx context.Context, id []byte) (Session, error) {
	return ss.Store.UseSession(ctx, id, ss.Now())
}

// End ends a session if it is valid.
func (ss *Sessions) End(ctx context.Context, id []byte, why SessionEnd) error {
	return ss.Store.EndSession(ctx, id, why, ss.Now())
}

// KeepDraft stores late form input if the session ended by its time. It reports whether
// it did.
func (ss *Sessions) KeepDraft(ctx context.Context, s Session, d Draft) (bool, error) {
	if !s.KeepsDraft() {
		return false, nil
	}
	return true, ss.Store.KeepDraft(ctx, s.ID, d, s.Ended, ss.Now())
}

// Replace ends the previous session of a browser, and returns the next one. The
// next session receives the draft if it has the same visitor.
func (ss *Sessions) Replace(ctx context.Context, previous, next Session) (Session, error) {
	if previous.Draft != nil && previous.Visitor.sameUser(next.Visitor) {
		if err := ss.Store.SetDraft(ctx, next.ID, previous.Draft); err != nil {
			return next, err
		}
		next.Draft = previous.Draft
	}
	return next, ss.End(ctx, previous.ID, SessionReplaced)
}

// Visitor is the user of a page: a user of the mailbox, handed off by the webmail, or
// an invited holder. It is stored in the browser session.
type Visitor struct {
	Mailbox    int64     `json:"mailbox"`
	Client     string    `json:"client,omitempty"`     // the webmail's name
	User       string    `json:"user,omitempty"`       // the webmail's own reference to its user
	Invitation uuid.UUID `json:"invitation,omitempty"` // of the invited holder; uuid.Nil for a webmail's user
	Locale     string    `json:"locale,omitempty"`     // of the pages; in a stored session, the one it began with
	ReturnURL  string    `json:"return_url,omitempty"` // of the webmail

	// Data of the current request, which are not stored.
	Session []byte     `json:"-"` // digest of the session's secret
	Address netip.Addr `json:"-"`
	Request string     `json:"-"`

	// Resolve returns the complete visitor, given the session, or an error if the session
	// is not valid; the zero session is an unknown one. It is set if only the data of the
	// request are known: the step then reads the session in its own transaction.
	Resolve  func(Session) (Visitor, error) `json:"-"`
	Replaces []string                       `json:"-"` // the forms whose draft the input of this request replaces
}

// Invited reports whether the visitor came by an invitation.
func (v Visitor) Invited() bool { return v.Invitation != uuid.Nil }

func (v Visitor) Actor() Actor {
	a := Actor{Kind: ByWebmail, Client: v.Client, Name: v.User, Address: v.Address, Request: v.Request}
	if v.Invited() {
		a.Kind = ByHolder
		a.Name = v.Invitation.String()
	}
	return a
}

// sameUser reports whether two visitors are the same user, as far as is known.
func (v Visitor) sameUser(o Visitor) bool {
	return v.Mailbox == o.Mailbox && v.Client == o.Client && v.User == o.User && v.Invitation == o.Invitation
}
