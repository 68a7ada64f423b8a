package qualification

import (
	"time"

	"stella/workflow"
)

// CodeStatus is the status of the newest code, for its page.
type CodeStatus string

// The statuses of a code.
const (
	CodeSending CodeStatus = "sending"
	CodeSent    CodeStatus = "sent" // the relay accepted it, and its 60 seconds are running
	CodeExpired CodeStatus = "expired"
	CodeRefused CodeStatus = "refused" // the relay refused the address
	CodeDropped CodeStatus = "dropped" // it was not sent in time
	CodePaused  CodeStatus = "paused"  // after too many wrong codes
	CodeNone    CodeStatus = "spent"   // there is no valid code
)

// CodePage is the data of the page on which the code is typed.
type CodePage struct {
	Status      CodeStatus
	Expires     time.Time // if the code was sent
	PausedUntil time.Time // if paused
	ResendAt    time.Time // zero if another code can be requested now
	RedirectAt  time.Time // zero if a code can be sent to another address now
}

// CodePage returns the status of the newest code, and when another can be requested.
func (p *Procedure) CodePage(c *Case) CodePage {
	page := CodePage{PausedUntil: p.pausedUntil(c)}
	if next := p.Limits.NextSend(c.sendTimes(), c.Now); next.After(c.Now) {
		page.ResendAt = next
	}
	if at := later(page.PausedUntil, p.redirectAt(c)); at.After(c.Now) {
		page.RedirectAt = at
	}
	newest := c.newestCode()
	switch {
	case !page.PausedUntil.IsZero():
		page.Status = CodePaused
	case newest == nil:
		page.Status = CodeNone
	case !newest.RefusedAt.IsZero():
		page.Status = CodeRefused
	case !newest.DroppedAt.IsZero():
		page.Status = CodeDropped
	default:
		page.Status, page.Expires = newest.status(c.Now)
	}
	return page
}

func later(a, b time.Time) time.Time {
	if a.After(b) {
		return a
	}
	return b
}

// status returns the status of a code whose mail was neither refused nor dropped, and
// when the code expires.
func (c Code) status(now time.Time) (CodeStatus, time.Time) {
	expires, running := c.sent().Expires()
	switch {
	case running && !c.sent().Live(now):
		return CodeExpired, expires
	case !c.AcceptedAt.IsZero():
		return CodeSent, expires
	case now.After(c.RequestedAt.Add(workflow.CodeMailLifetime)):
		return CodeDropped, time.Time{}
	}
	return CodeSending, time.Time{}
}
