package workflow

import (
	"context"
	"net/url"
	"time"

	"github.com/google/uuid"
)

// How long a browser session lasts. SessionLife is more than the 20 hours above which
// WCAG 2.2.1 requires no extension, and at most the time between two authentications
// that NIST SP 800-63B allows at its level 2.
const (
	SessionIdle = 30 * time.Minute // without a request
	SessionLife = 24 * time.Hour   // in total
	SessionKept = 24 * time.Hour   // how long late form input is stored after the end
)

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

// Sessions is the part of Store for sessions.
type Sessions interface {
	OpenSession(ctx context.Context, s Session) error
	// Session returns a session, valid or not, or ErrUnknown.
	Session(ctx context.Context, id []byte, now time.Time) (Session, error)
	// UseSession returns a session like Session, and prolongs a valid one by
	// SessionIdle.
	UseSession(ctx context.Context, id []byte, now time.Time) (Session, error)
	// EndSession ends a valid session, and deletes its draft.
	EndSession(ctx context.Context, id []byte, why SessionEnd, now time.Time) error
	// KeepDraft stores late input of a session for SessionKept from now. The session
	// cannot become valid again after that.
	KeepDraft(ctx context.Context, id []byte, d Draft, why SessionEnd, now time.Time) error
	// SetDraft sets the draft of a valid session; nil deletes it.
	SetDraft(ctx context.Context, id []byte, d *Draft) error
}

// OpenSession opens a session for a visitor, with the visitor's session digest as its
// ID.
func (p *Procedure) OpenSession(ctx context.Context, v Visitor) error {
	now := p.Now()
	return p.Store.OpenSession(ctx, Session{ID: v.Session, Visitor: v, OpenedAt: now, ExpiresAt: now.Add(SessionIdle)})
}

// Session returns a session without prolonging it, or ErrUnknown.
func (p *Procedure) Session(ctx context.Context, id []byte) (Session, error) {
	return p.Store.Session(ctx, id, p.Now())
}

// UseSession returns a session for a request of its visitor, and prolongs it.
func (p *Procedure) UseSession(ctx context.Context, id []byte) (Session, error) {
	return p.Store.UseSession(ctx, id, p.Now())
}

// EndSession ends a session if it is valid.
func (p *Procedure) EndSession(ctx context.Context, id []byte, why SessionEnd) error {
	return p.Store.EndSession(ctx, id, why, p.Now())
}

// KeepsDraft reports whether the session ended by its time. Late form input is stored
// in that case.
func (s Session) KeepsDraft() bool { return s.Ended == SessionWasIdle || s.Ended == SessionWasOld }

// KeepDraft stores late form input if the session ended by its time. It reports whether
// it did.
func (p *Procedure) KeepDraft(ctx context.Context, s Session, d Draft) (bool, error) {
	if !s.KeepsDraft() {
		return false, nil
	}
	return true, p.Store.KeepDraft(ctx, s.ID, d, s.Ended, p.Now())
}

// DropDraft deletes the draft of a session.
func (p *Procedure) DropDraft(ctx context.Context, s Session) error {
	if s.Draft == nil {
		return nil
	}
	return p.Store.SetDraft(ctx, s.ID, nil)
}

// ReplaceSession ends the previous session of a browser, and returns the next one. The
// next session receives the draft if it has the same visitor.
func (p *Procedure) ReplaceSession(ctx context.Context, previous, next Session) (Session, error) {
	if previous.Draft != nil && previous.Visitor.sameUser(next.Visitor) {
		if err := p.Store.SetDraft(ctx, next.ID, previous.Draft); err != nil {
			return next, err
		}
		next.Draft = previous.Draft
	}
	return next, p.EndSession(ctx, previous.ID, SessionReplaced)
}

// InOtherProcedure reports whether a browser with session previous is still in the procedure of
// another mailbox, and returns that mailbox. The browser then asks the user before the
// session is replaced.
func (p *Procedure) InOtherProcedure(ctx context.Context, previous, next Session) (Mailbox, bool, error) {
	if previous.Ended != "" || previous.Visitor.Mailbox == next.Visitor.Mailbox {
		return Mailbox{}, false, nil
	}
	c, err := p.Store.View(ctx, previous.Visitor.Mailbox)
	if err != nil {
		return Mailbox{}, false, err
	}
	inside := c.Mailbox.Status == Active && c.CanView(previous.Visitor) && !c.Stage(previous.Visitor).Settled()
	return c.Mailbox, inside, nil
}

// sameUser reports whether two visitors are the same user, as far as is known.
func (v Visitor) sameUser(o Visitor) bool {
	return v.Mailbox == o.Mailbox && v.Client == o.Client && v.User == o.User && v.Invitation == o.Invitation
}
