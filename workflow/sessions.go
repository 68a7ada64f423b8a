package workflow

import (
	"context"
	"time"
)

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

// Open opens a session for a visitor, with the visitor's session digest as its
// ID.
func (ss *Sessions) Open(ctx context.Context, v Visitor) error {
	now := ss.Now()
	return ss.Store.OpenSession(ctx, Session{ID: v.Session, Visitor: v, OpenedAt: now, ExpiresAt: now.Add(SessionIdle + SessionTouch)})
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

// DropDraft deletes the draft of a session.
func (ss *Sessions) DropDraft(ctx context.Context, s Session) error {
	if s.Draft == nil {
		return nil
	}
	return ss.Store.SetDraft(ctx, s.ID, nil)
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

// sameUser reports whether two visitors are the same user, as far as is known.
func (v Visitor) sameUser(o Visitor) bool {
	return v.Mailbox == o.Mailbox && v.Client == o.Client && v.User == o.User && v.Invitation == o.Invitation
}
