package qualification

import (
	"context"
	"time"

	"github.com/google/uuid"

	"stella/otp"
	"stella/workflow"
)

// Code is a requested code. The digits are not stored: they are computed from the
// server's key and the nonce.
type Code struct {
	ID            uuid.UUID
	Qualification uuid.UUID
	Nonce         []byte
	RequestedAt   time.Time
	SpentAt       time.Time // zero while the code may be used

	// What happened to its mail; zero if it did not happen yet.
	StartedAt  time.Time
	AcceptedAt time.Time // by the relay
	RefusedAt  time.Time // by the relay, permanently
	DroppedAt  time.Time // too late to be sent
}

func (Code) IsRow() {} // one that exists already is one that was spent

// CodesKept is how many of a mailbox's newest codes a case contains. No limit counts
// more than that.
const CodesKept = 20

func (c Code) sent() otp.Sent {
	return otp.Sent{StartedAt: c.StartedAt, AcceptedAt: c.AcceptedAt}
}

// newestCode returns the code of the qualification that may still be used, or nil. It
// is not always the first in c.Codes: an earlier code may have a later date if the
// clock was set back since.
func (c *Case) newestCode() *Code {
	for i := range c.Codes {
		if c.Codes[i].Qualification == c.Qualification.ID && c.Codes[i].SpentAt.IsZero() {
			return &c.Codes[i]
		}
	}
	return nil
}

func (c *Case) sendTimes() []time.Time {
	sends := make([]time.Time, len(c.Codes))
	for i, code := range c.Codes {
		sends[i] = code.RequestedAt
	}
	return sends
}

// pausedUntil returns the end of the pause in which no code is accepted, or zero if
// there is no pause.
func (p *Procedure) pausedUntil(c *Case) time.Time {
	if end, paused := p.Limits.PausedUntil(c.Mailbox.WrongCodes, c.Now); paused {
		return end
	}
	return time.Time{}
}

// RequestCode sends another code. The previous code becomes invalid.
func (p *Procedure) RequestCode(ctx context.Context, v workflow.Visitor, f Form) error {
	return p.step(ctx, v, func(v workflow.Visitor, c *Case) error {
		if err := c.guard(v, f, true, CodeRequested); err != nil {
			return err
		}
		c.spend(p.limiter(), codesPerNetwork, v)
		if until := p.pausedUntil(c); !until.IsZero() {
			return &CodeError{Code: "code_paused", Until: until}
		}
		if at := p.Limits.NextSend(c.sendTimes(), c.Now); at.After(c.Now) {
			return &CodeError{Code: "resend_wait", Until: at}
		}
		return c.requestCode(p)
	})
}

// replaceCode invalidates the current code and sends another, if one may be sent now.
// Otherwise the page shows when the user can request one.
func (c *Case) replaceCode(p *Procedure) error {
	return c.sendCodeIfDue(p, p.Limits.NextSend(c.sendTimes(), c.Now))
}

// redirectCode is replaceCode for another address.
func (c *Case) redirectCode(p *Procedure) error {
	return c.sendCodeIfDue(p, p.redirectAt(c))
}

// redirectAt returns when a code may be sent to another address: immediately, unless
// too many codes were sent. The wait between two codes applies to the same address
// only.
func (p *Procedure) redirectAt(c *Case) time.Time {
	limits := p.Limits
	limits.Every = 0
	return limits.NextSend(c.sendTimes(), c.Now)
}

func (c *Case) sendCodeIfDue(p *Procedure, at time.Time) error {
	c.spendCodes()
	if !p.pausedUntil(c).IsZero() || at.After(c.Now) {
		return nil
	}
	return c.requestCode(p)
}

func (c *Case) requestCode(p *Procedure) error {
	q := c.Qualification
	c.add(p.Keys.Spend(codesPerAddress, q.Declaration.Email, c.Now))
	code := Code{ID: workflow.NewID(), Qualification: q.ID, Nonce: p.Keys.NewNonce(), RequestedAt: c.Now}
	err := c.fire(CodeRequested, Refs{"code": code.ID.String(), "declaration": q.Declaration.ID.String()})
	if err != nil {
		return err
	}
	c.spendCodes()
	c.Codes = append([]Code{code}, c.Codes...)
	c.add(code)
	c.mailCode(code)
	return nil
}

// spendCodes invalidates every code that could still be used.
func (c *Case) spendCodes() {
	for i := range c.Codes {
		if c.Codes[i].SpentAt.IsZero() {
			c.Codes[i].SpentAt = c.Now
			c.add(c.Codes[i])
		}
	}
}

// CodeError reports why a code was not accepted or not sent.
type CodeError struct {
	Code  string    // "code_wrong", "code_expired", "code_replaced", "code_paused", …
	Left  int       // remaining attempts; for code_wrong
	Until time.Time // for code_paused and resend_wait
}

func (e *CodeError) Error() string { return e.Code }

// TypeCode checks the code that the user typed. The right code qualifies the mailbox or
// sends the case to review. A wrong code is counted for the mailbox.
func (p *Procedure) TypeCode(ctx context.Context, v workflow.Visitor, f Form, typed string) error {
	return p.Cases.Observer.observeCode(p.step(ctx, v, func(v workflow.Visitor, c *Case) error {
		if err := c.guard(v, f, true, CodeRight); err != nil {
			return err
		}
		c.spend(p.limiter(), triesPerNetwork, v)
		if until := p.pausedUntil(c); !until.IsZero() {
			return &CodeError{Code: "code_paused", Until: until}
		}
		if typed == "" {
			return &CodeError{Code: "code_missing"}
		}
		digits, ok := otp.Clean(typed)
		if !ok {
			return &CodeError{Code: "code_malformed"}
		}
		newest := c.newestCode()
		if newest != nil && newest.sent().Live(c.Now) && p.matches(*newest, digits) {
			return p.codeRight(c, newest)
		}
		if err := p.staleCode(c, digits); err != nil {
			return err
		}
		return p.codeWrong(c, newest)
	}))
}

func (p *Procedure) matches(code Code, digits string) bool {
	key := p.Keys.KeyFor(code.Nonce)
	return key != nil && otp.Key(key).Check(code.Nonce, digits)
}

// staleCode returns the error for a code that is not counted as a wrong one: an earlier
// right code, or any code while no code is valid. It returns nil for a guess.
func (p *Procedure) staleCode(c *Case, digits string) error {
	newest := c.newestCode()
	if newest == nil || newest.StartedAt.IsZero() {
		if p.matchesEarlier(c, digits) {
			return &CodeError{Code: "code_replaced"}
		}
		return &CodeError{Code: "code_not_sent"}
	}
	if !newest.sent().Live(c.Now) {
		return &CodeError{Code: "code_expired"}
	}
	if p.matchesEarlier(c, digits) {
		return &CodeError{Code: "code_replaced"}
	}
	return nil
}

func (p *Procedure) matchesEarlier(c *Case, digits string) bool {
	for _, code := range c.Codes {
		if code.Qualification == c.Qualification.ID && !code.SpentAt.IsZero() && p.matches(code, digits) {
			return true
		}
	}
	return false
}

// codeWrong counts a wrong code. Too many pause the mailbox and invalidate the code.
func (p *Procedure) codeWrong(c *Case, newest *Code) error {
	refs := Refs{"code": newest.ID.String()}
	m := &c.Mailbox
	if len(m.WrongCodes) >= p.Limits.Wrong { // the pause that these caused is over
		m.WrongCodes = nil
	}
	m.WrongCodes = append(m.WrongCodes, c.Now)
	if left := p.Limits.WrongLeft(m.WrongCodes, c.Now); left > 0 {
		if err := c.fire(CodeWrong, refs); err != nil {
			return err
		}
		return answered{&CodeError{Code: "code_wrong", Left: left}}
	}
	if err := c.fire(CodeSpent, refs); err != nil {
		return err
	}
	c.spendCodes()
	return answered{&CodeError{Code: "code_paused", Until: p.pausedUntil(c)}}
}

// codeRight ends the holder's part of the procedure. It compares the person with the
// current record again: if they no longer match, the case goes back to identification.
func (p *Procedure) codeRight(c *Case, newest *Code) error {
	q := c.Qualification
	verdict := c.judge()
	refs := c.recordRef()
	refs["code"], refs["identity"], refs["verdict"] = newest.ID.String(), q.Identity.ID.String(), string(verdict)
	refs["declaration"] = q.Declaration.ID.String()
	c.spendCodes()
	c.Mailbox.WrongCodes = nil
	switch verdict {
	case workflow.Matched:
		return c.qualify(CodeRight, refs)
	case workflow.Unproven:
		if err := c.fire(CodeRightUnproven, refs); err != nil {
			return err
		}
		c.mail(workflow.MailUnderReview, c.contactAddress(), workflow.MailDetails{})
		return nil
	}
	if err := c.lapse(refs); err != nil {
		return err
	}
	c.clearLogin()
	return answered{ErrLoginExpired}
}
