package workflow

import "time"

// CodeStatus says where the newest code stands.
type CodeStatus string

// Where a code can stand.
const (
	CodeSending CodeStatus = "sending"
	CodeSent    CodeStatus = "sent" // its 60 seconds run
	CodeExpired CodeStatus = "expired"
	CodeRefused CodeStatus = "refused" // the relay refuses the address
	CodeDropped CodeStatus = "dropped" // it could not be sent in time
	CodePaused  CodeStatus = "paused"  // too many were wrong
	CodeNone    CodeStatus = "spent"   // there is none to type
)

// CodePage is what the code's page tells.
type CodePage struct {
	Status      CodeStatus
	Expires     time.Time // when sent
	PausedUntil time.Time // when paused
	ResendAt    time.Time // zero when another may be asked for now
	RedirectAt  time.Time // zero when one is sent at once to another address
}

// CodePage says where the newest code stands and when another may be asked for.
func (p *Procedure) CodePage(c *Case) CodePage {
	page := CodePage{PausedUntil: p.pausedUntil(c)}
	if next := p.Limits.NextSend(c.sends(), c.Now); next.After(c.Now) {
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
		page.Status, page.Expires = newest.stand(c.Now)
	}
	return page
}

func later(a, b time.Time) time.Time {
	if a.After(b) {
		return a
	}
	return b
}

// stand tells of a code whose mail may still arrive.
func (c Code) stand(now time.Time) (CodeStatus, time.Time) {
	expires, running := c.sent().Expires()
	switch {
	case running && !c.sent().Live(now):
		return CodeExpired, expires
	case !c.AcceptedAt.IsZero():
		return CodeSent, expires
	case now.After(c.RequestedAt.Add(CodeUseful)):
		return CodeDropped, time.Time{}
	}
	return CodeSending, time.Time{}
}
