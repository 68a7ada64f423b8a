package workflow

import (
	"context"
	"net/url"
	"time"

	"github.com/google/uuid"
)

// How long a browser session lasts. SessionLife is longer than the 20 hours from
// which WCAG 2.2.1 asks for no extension, and no longer than NIST SP 800-63B
// allows between two authentications at its level 2.
const (
	SessionIdle = 30 * time.Minute // without a request of its visitor
	SessionLife = 24 * time.Hour   // whatever its visitor does
	SessionKept = 24 * time.Hour   // after its end, with what was typed too late
)

// Session is a browser's stay in the procedure of one mailbox.
type Session struct {
	ID        []byte // digest of the secret in the browser's cookie
	Visitor   Visitor
	OpenedAt  time.Time
	ExpiresAt time.Time
	Ended     SessionEnd // empty while it lasts
	Draft     *Draft     // nil if nothing was typed too late
}

// SessionEnd says why a session ended.
type SessionEnd string

// Why a session ends. The first two follow from the time; they are stored only
// with a draft.
const (
	SessionWasIdle        SessionEnd = "idle"            // for SessionIdle
	SessionWasOld         SessionEnd = "old"             // SessionLife is over
	SessionLeft           SessionEnd = "left"            // by its visitor
	SessionReplaced       SessionEnd = "replaced"        // by another of the same browser
	SessionUsedTwice      SessionEnd = "used_twice"      // the link of its hand-off
	SessionClientDisabled SessionEnd = "client_disabled" // the webmail's, that handed it over
	SessionByOperator     SessionEnd = "operator"
)

// EndAt is why a session that nothing ended has ended by a time; empty if it lasts.
func (s Session) EndAt(now time.Time) SessionEnd {
	switch {
	case s.ExpiresAt.After(now):
		return ""
	case s.ExpiresAt.Before(s.OpenedAt.Add(SessionLife)):
		return SessionWasIdle
	}
	return SessionWasOld
}

// Draft is what a form held that was sent after its session had ended. It is
// shown in the form again, and never acted upon.
type Draft struct {
	Qualification uuid.UUID  `json:"qualification"` // that the form was made for
	Form          string     `json:"form"`          // its path
	Values        url.Values `json:"values"`
}

// Sessions is the part of Store that keeps them.
type Sessions interface {
	OpenSession(ctx context.Context, s Session) error
	// Session finds a session, whether it lasts or not; ErrUnknown for none.
	Session(ctx context.Context, id []byte, now time.Time) (Session, error)
	// UseSession is Session, and lets one that lasts go on for SessionIdle.
	UseSession(ctx context.Context, id []byte, now time.Time) (Session, error)
	// EndSession ends a session that lasts, and drops its draft.
	EndSession(ctx context.Context, id []byte, why SessionEnd, now time.Time) error
	// KeepDraft keeps what was typed after the end of a session, which is over
	// for good by that, for SessionKept from now.
	KeepDraft(ctx context.Context, id []byte, d Draft, why SessionEnd, now time.Time) error
	// SetDraft gives a session that lasts a draft; nil for none.
	SetDraft(ctx context.Context, id []byte, d *Draft) error
}

// OpenSession opens a session for a visitor, under the digest that is theirs.
func (p *Procedure) OpenSession(ctx context.Context, v Visitor) error {
	now := p.Now()
	return p.Store.OpenSession(ctx, Session{ID: v.Session, Visitor: v, OpenedAt: now, ExpiresAt: now.Add(SessionIdle)})
}

// Session finds a session without prolonging it; ErrUnknown for none.
func (p *Procedure) Session(ctx context.Context, id []byte) (Session, error) {
	return p.Store.Session(ctx, id, p.Now())
}

// UseSession finds a session for a request of its visitor, which prolongs it.
func (p *Procedure) UseSession(ctx context.Context, id []byte) (Session, error) {
	return p.Store.UseSession(ctx, id, p.Now())
}

// EndSession ends a session, if it lasts.
func (p *Procedure) EndSession(ctx context.Context, id []byte, why SessionEnd) error {
	return p.Store.EndSession(ctx, id, why, p.Now())
}

// KeepsDraft reports whether the session ended because its time was over, so that the
// input of a late form is kept.
func (s Session) KeepsDraft() bool { return s.Ended == SessionWasIdle || s.Ended == SessionWasOld }

// KeepDraft keeps what was typed, if the session ended by its time. It returns
// whether it did.
func (p *Procedure) KeepDraft(ctx context.Context, s Session, d Draft) (bool, error) {
	if !s.KeepsDraft() {
		return false, nil
	}
	return true, p.Store.KeepDraft(ctx, s.ID, d, s.Ended, p.Now())
}

// DropDraft drops the draft of a session, if it has one.
func (p *Procedure) DropDraft(ctx context.Context, s Session) error {
	if s.Draft == nil {
		return nil
	}
	return p.Store.SetDraft(ctx, s.ID, nil)
}

// ReplaceSession ends the session that a browser had before another, and returns
// the other. What the same visitor had typed too late passes to it.
func (p *Procedure) ReplaceSession(ctx context.Context, former, next Session) (Session, error) {
	if former.Draft != nil && former.Visitor.same(next.Visitor) {
		if err := p.Store.SetDraft(ctx, next.ID, former.Draft); err != nil {
			return next, err
		}
		next.Draft = former.Draft
	}
	return next, p.EndSession(ctx, former.ID, SessionReplaced)
}

// Occupied reports whether a browser with this session is inside a procedure of
// another mailbox, which it is asked about before it leaves it. It returns that
// mailbox.
func (p *Procedure) Occupied(ctx context.Context, former, next Session) (Mailbox, bool, error) {
	if former.Ended != "" || former.Visitor.Mailbox == next.Visitor.Mailbox {
		return Mailbox{}, false, nil
	}
	c, err := p.Store.View(ctx, former.Visitor.Mailbox)
	if err != nil {
		return Mailbox{}, false, err
	}
	inside := c.Mailbox.Status == Active && c.Knows(former.Visitor) && !c.Stage(former.Visitor).Settled()
	return c.Mailbox, inside, nil
}

// same reports whether two visitors are one and the same, as far as is known.
func (v Visitor) same(o Visitor) bool {
	return v.Mailbox == o.Mailbox && v.Client == o.Client && v.User == o.User && v.Invitation == o.Invitation
}
