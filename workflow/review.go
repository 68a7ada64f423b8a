package workflow

import (
	"context"
	"fmt"
	"strings"
)

// Ruling is what an operator decides of a case.
type Ruling struct {
	Number   int64  // of the case; 0 for the one in force
	Operator string // who decides
	Reason   string // or the document relied on
	// Check may refuse the case as it stands under lock; nil for any.
	Check func(*Qualification) error
}

// A DecisionError tells whoever decides, in a sentence, why that cannot be
// decided. Nothing was changed.
type DecisionError struct {
	Reason error // ErrNotAllowed, ErrNotEligible or ErrSuspended
	Detail string
}

func (e *DecisionError) Error() string { return e.Detail }

func (e *DecisionError) Unwrap() error { return e.Reason }

// decisions are what an operator can decide of a case, by event.
var decisions = map[Event]struct {
	done   string // as in "cannot be done"
	settle func(*Case, Refs, string) error
}{
	ReviewApproved:    {"approved", (*Case).approve},
	ReviewRefused:     {"refused", (*Case).refuse},
	RevokedByProvider: {"revoked", (*Case).revoke},
}

// Approve settles a review of the case with this number, or for zero of the one
// in force: the operator relies on the reason or document given. It is refused
// where the record, as it is now, names somebody else, and with ErrSuspended
// where the provider that identified the person is not believed for that time.
func (p *Procedure) Approve(ctx context.Context, operator, address string, number int64, reason string) error {
	return p.decideOf(ctx, address, ReviewApproved, Ruling{Number: number, Operator: operator, Reason: reason})
}

// Refuse settles a review. The holder is told the reason in the operator's words.
func (p *Procedure) Refuse(ctx context.Context, operator, address string, number int64, reason string) error {
	return p.decideOf(ctx, address, ReviewRefused, Ruling{Number: number, Operator: operator, Reason: reason})
}

// Revoke takes the star away.
func (p *Procedure) Revoke(ctx context.Context, operator, address string, number int64, reason string) error {
	return p.decideOf(ctx, address, RevokedByProvider, Ruling{Number: number, Operator: operator, Reason: reason})
}

// Decide is Approve, Refuse or Revoke, by their event, through a client of the
// API. ErrUnknown for a case of none of the client's mailboxes, a DecisionError
// for what cannot be decided.
func (p *Procedure) Decide(ctx context.Context, client Client, e Event, r Ruling) error {
	mailbox, err := p.Store.MailboxOfCase(ctx, client.Domains, r.Number)
	if err != nil {
		return err
	}
	return p.decide(ctx, mailbox, client.operator(r.Operator), e, r)
}

// operator is a person who acts through the client.
func (c Client) operator(name string) Actor {
	return Actor{Kind: ByOperator, Client: c.Name, Name: name}
}

func (p *Procedure) decideOf(ctx context.Context, address string, e Event, r Ruling) error {
	mailbox, err := p.mailbox(ctx, address)
	if err != nil {
		return err
	}
	return p.decide(ctx, mailbox, Actor{Kind: ByOperator, Name: r.Operator}, e, r)
}

func (p *Procedure) decide(ctx context.Context, mailbox int64, by Actor, e Event, r Ruling) error {
	return p.update(ctx, mailbox, by, func(c *Case) error {
		decision, q, address := decisions[e], c.Qualification, c.Mailbox.Address
		switch {
		case q == nil:
			return &DecisionError{ErrNotAllowed, address + " never had a qualification"}
		case r.Number != 0 && r.Number != q.Number:
			return &DecisionError{ErrNotAllowed, fmt.Sprintf("case %d of %s is over: its case in force is %d", r.Number, address, q.Number)}
		}
		if r.Check != nil {
			if err := r.Check(q); err != nil {
				return err
			}
		}
		if _, err := next(q.State, e); err != nil {
			return c.cannotBe(decision.done, err, fmt.Sprintf("its case %d is in state %s, and only one in state %s can",
				q.Number, q.State, strings.Join(sources(e), " or ")))
		}
		refs := c.recordRef()
		c.decided(e, r.Operator, r.Reason, refs)
		return decision.settle(c, refs, r.Reason)
	})
}

// decided adds the decision that a step rests on, and names it.
func (c *Case) decided(e Event, operator, reason string, refs Refs) {
	d := Decision{ID: newID(), Qualification: c.Qualification.ID, Operator: operator, Event: e, Reason: reason, DecidedAt: c.Now}
	refs["decision"] = d.ID.String()
	c.add(d)
}

func (c *Case) cannotBe(done string, reason error, why string) error {
	return &DecisionError{reason, fmt.Sprintf("%s cannot be %s: %s", c.Mailbox.Address, done, why)}
}

func (c *Case) approve(refs Refs, _ string) error {
	q := c.Qualification
	if c.Mailbox.Status != Active {
		return c.cannotBe("approved", ErrNotEligible, "the mailbox is not active")
	}
	if c.ProviderSuspended() {
		return c.cannotBe("approved", ErrSuspended, fmt.Sprintf("the person was identified by %s, which is suspended and not believed for that time; "+
			"refuse it, and the holder can be identified again", q.Identity.Provider))
	}
	verdict := c.judge()
	if verdict == Differs {
		return c.cannotBe("approved", ErrNotAllowed, "the holder on record is not the person who was identified; refuse it, or mend the record first")
	}
	refs["verdict"], refs["identity"] = string(verdict), q.Identity.ID.String()
	return c.qualify(ReviewApproved, refs)
}

func (c *Case) refuse(refs Refs, reason string) error {
	if err := c.fire(ReviewRefused, refs); err != nil {
		return err
	}
	c.reject(ReasonReview, reason)
	c.mail(MailRejected, c.Mailbox.Address, MailDetails{Reason: ReasonReview, Remark: reason})
	return nil
}

func (c *Case) revoke(refs Refs, remark string) error {
	if err := c.fire(RevokedByProvider, refs); err != nil {
		return err
	}
	c.Qualification.Remark = remark
	c.Mailbox.Star = nil
	c.Mailbox.Ordinary = "" // it came with the star
	c.mail(MailRevoked, c.Mailbox.Address, MailDetails{Remark: remark})
	c.mail(MailRevoked, c.contact(), MailDetails{Remark: remark, Invited: c.toInvited(c.contact())})
	return nil
}
