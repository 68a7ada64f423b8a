package workflow

import (
	"context"
	"time"

	"github.com/google/uuid"

	"stella/otp"
)

// CodeUseful is for how long after it was asked for a code's mail is worth
// sending; later ones are dropped, and the page offers another.
const CodeUseful = 90 * time.Second

// Code is a code that was asked for. It holds no code: that is computed from
// the server's key and the nonce.
type Code struct {
	ID            uuid.UUID
	Qualification uuid.UUID
	Nonce         []byte
	RequestedAt   time.Time
	SpentAt       time.Time // zero while it may be used

	// What became of its mail; zero while it did not.
	StartedAt  time.Time
	AcceptedAt time.Time // by the relay
	RefusedAt  time.Time // by the relay, for good
	DroppedAt  time.Time // too late to be useful
}

// CodeDigits computes the code that belongs to a nonce. It is empty if the key
// that made it is no longer there.
func CodeDigits(keys Keys, nonce []byte) string {
	key := keys.of(nonce)
	if key == nil {
		return ""
	}
	return otp.Key(key).Code(nonce)
}

// CodesKept is how many of a mailbox's newest codes a case has: more than any
// limit counts.
const CodesKept = 20

func (c Code) sent() otp.Sent {
	return otp.Sent{StartedAt: c.StartedAt, AcceptedAt: c.AcceptedAt}
}

// newestCode is the qualification's one code that may still be used. It need not
// be the first of the case: one asked for before may be dated later, by a clock
// that was set back since.
func (c *Case) newestCode() *Code {
	for i := range c.Codes {
		if c.Codes[i].Qualification == c.Qualification.ID && c.Codes[i].SpentAt.IsZero() {
			return &c.Codes[i]
		}
	}
	return nil
}

func (c *Case) sends() []time.Time {
	sends := make([]time.Time, len(c.Codes))
	for i, code := range c.Codes {
		sends[i] = code.RequestedAt
	}
	return sends
}

// pausedUntil is until when no code is taken; zero when there is no pause.
func (p *Procedure) pausedUntil(c *Case) time.Time {
	if end, paused := p.Limits.PausedUntil(c.Mailbox.WrongCodes, c.Now); paused {
		return end
	}
	return time.Time{}
}

// RequestCode sends another code; the one before dies.
func (p *Procedure) RequestCode(ctx context.Context, v Visitor, f Form) error {
	if err := p.admit(ctx, codesPerNetwork, v.Address); err != nil {
		return err
	}
	return p.step(ctx, v, func(c *Case) error {
		if err := c.guard(v, f, true, CodeRequested); err != nil {
			return err
		}
		if until := p.pausedUntil(c); !until.IsZero() {
			return &CodeError{Code: "code_paused", Until: until}
		}
		if at := p.Limits.NextSend(c.sends(), c.Now); at.After(c.Now) {
			return &CodeError{Code: "resend_wait", Until: at}
		}
		return c.requestCode(p)
	})
}

// replaceCode sends a code where one may be sent now; otherwise the page tells
// from when on. The one before dies either way.
func (c *Case) replaceCode(p *Procedure) error {
	return c.sendFrom(p, p.Limits.NextSend(c.sends(), c.Now))
}

// redirectCode is replaceCode to another address.
func (c *Case) redirectCode(p *Procedure) error {
	return c.sendFrom(p, p.redirectAt(c))
}

// redirectAt is when a code may be sent to another address: at once, unless too
// many were sent. The wait from one send to the next is between mails to the same
// address.
func (p *Procedure) redirectAt(c *Case) time.Time {
	limits := p.Limits
	limits.Every = 0
	return limits.NextSend(c.sends(), c.Now)
}

func (c *Case) sendFrom(p *Procedure, at time.Time) error {
	c.spendCodes()
	if !p.pausedUntil(c).IsZero() || at.After(c.Now) {
		return nil
	}
	return c.requestCode(p)
}

func (c *Case) requestCode(p *Procedure) error {
	q := c.Qualification
	c.add(p.spend(codesPerAddress, q.Declaration.Email))
	code := Code{ID: newID(), Qualification: q.ID, Nonce: p.Keys.newNonce(), RequestedAt: c.Now}
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

// spendCodes ends every code that could still be typed.
func (c *Case) spendCodes() {
	for i := range c.Codes {
		if c.Codes[i].SpentAt.IsZero() {
			c.Codes[i].SpentAt = c.Now
			c.add(c.Codes[i])
		}
	}
}

// CodeError tells why a code was not taken, or not sent.
type CodeError struct {
	Code  string    // "code_wrong", "code_expired", "code_replaced", "code_paused", …
	Left  int       // tries, of code_wrong
	Until time.Time // of code_paused and resend_wait
}

func (e *CodeError) Error() string { return e.Code }

// TypeCode takes the code that was typed. The right one qualifies the mailbox,
// or sends the case to review; a wrong one is counted, for the mailbox.
func (p *Procedure) TypeCode(ctx context.Context, v Visitor, f Form, typed string) error {
	if err := p.admit(ctx, triesPerNetwork, v.Address); err != nil {
		return err
	}
	return p.typed(p.step(ctx, v, func(c *Case) error {
		if err := c.guard(v, f, true, CodeRight); err != nil {
			return err
		}
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
		if newest != nil && newest.sent().Live(c.Now) && p.right(*newest, digits) {
			return p.codeRight(c, newest)
		}
		if err := p.oldCode(c, digits); err != nil {
			return err
		}
		return p.codeWrong(c, newest)
	}))
}

func (p *Procedure) right(code Code, digits string) bool {
	key := p.Keys.of(code.Nonce)
	return key != nil && otp.Key(key).Check(code.Nonce, digits)
}

// oldCode tells a code that was right, and is no more, from a guess. Nothing
// is counted for it, nor while there is no code that a guess could hit.
func (p *Procedure) oldCode(c *Case, digits string) error {
	newest := c.newestCode()
	if newest == nil || newest.StartedAt.IsZero() {
		if p.wasRight(c, digits) {
			return &CodeError{Code: "code_replaced"}
		}
		return &CodeError{Code: "code_not_sent"}
	}
	if !newest.sent().Live(c.Now) {
		return &CodeError{Code: "code_expired"}
	}
	if p.wasRight(c, digits) {
		return &CodeError{Code: "code_replaced"}
	}
	return nil
}

func (p *Procedure) wasRight(c *Case, digits string) bool {
	for _, code := range c.Codes {
		if code.Qualification == c.Qualification.ID && !code.SpentAt.IsZero() && p.right(code, digits) {
			return true
		}
	}
	return false
}

// codeWrong counts a wrong code; too many pause the mailbox and end the code.
func (p *Procedure) codeWrong(c *Case, newest *Code) error {
	refs := Refs{"code": newest.ID.String()}
	m := &c.Mailbox
	if len(m.WrongCodes) >= p.Limits.Wrong { // their pause is over
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

// codeRight ends the holder's part. The match is judged again, on the record
// as it is now: what stopped matching since goes back to identification.
func (p *Procedure) codeRight(c *Case, newest *Code) error {
	q := c.Qualification
	verdict := c.judge()
	refs := c.recordRef()
	refs["code"], refs["identity"], refs["verdict"] = newest.ID.String(), q.Identity.ID.String(), string(verdict)
	refs["declaration"] = q.Declaration.ID.String()
	c.spendCodes()
	c.Mailbox.WrongCodes = nil
	switch verdict {
	case Matched:
		return c.qualify(CodeRight, refs)
	case Unproven:
		if err := c.fire(CodeRightUnproven, refs); err != nil {
			return err
		}
		c.mail(MailUnderReview, c.contact(), MailDetails{})
		return nil
	}
	if err := c.lapse(refs); err != nil {
		return err
	}
	c.forgetLogin()
	return answered{ErrLapsed}
}

// qualify fires the event that gives the mailbox its star, and tells everyone.
func (c *Case) qualify(e Event, refs Refs) error {
	q := c.Qualification
	if err := c.fire(e, refs); err != nil {
		return err
	}
	id := q.ID
	c.Mailbox.Star, c.Mailbox.Ordinary = &id, q.Declaration.Email
	details := MailDetails{Level: q.Identity.Level, Contract: q.Document}
	c.mail(MailQualified, q.Declaration.Email, details)
	details.Holder, details.Person, details.Provider = c.Mailbox.Record.Name, q.Identity.FullName(), q.Identity.ProviderName
	c.mail(MailQualifiedPEC, c.Mailbox.Address, details)
	if q.Owner == OwnedByInvited {
		c.endInvitation("finished")
		c.mail(MailInvitationQualified, c.Mailbox.Address, MailDetails{})
	}
	return nil
}
