package workflow

import (
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
