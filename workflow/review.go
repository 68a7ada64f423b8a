package workflow

import (
	"context"
	"fmt"
	"strings"
)

// NotInForceError is returned for a decision on a case that is over, while the
// mailbox has a newer one.
type NotInForceError struct {
	Number int64 // of the case in force
}

func (e *NotInForceError) Error() string { return fmt.Sprintf("the case in force is %d", e.Number) }

// Approve settles a review of the case with this number, or for zero of the one
// in force: the operator relies on the reason or document
// given. It is refused where the record, as it is now, names somebody else, and
// with ErrSuspended where the provider that identified the person is not
// believed for that time.
func (p *Procedure) Approve(ctx context.Context, operator, address string, number int64, reason string) error {
	return p.decide(ctx, operator, address, number, reason, ReviewApproved, func(c *Case, refs Refs) error {
		if c.Mailbox.Status != Active {
			return ErrNotEligible
		}
		if c.ProviderSuspended() {
			return ErrSuspended
		}
		verdict := c.judge()
		if verdict == Differs {
			return fmt.Errorf("the record now names another holder than the person identified: %w", ErrNotAllowed)
		}
		refs["verdict"], refs["identity"] = string(verdict), c.Qualification.Identity.ID.String()
		return c.qualify(ReviewApproved, refs)
	})
}

// Refuse settles a review. The holder is told the reason in the operator's words.
func (p *Procedure) Refuse(ctx context.Context, operator, address string, number int64, reason string) error {
	return p.decide(ctx, operator, address, number, reason, ReviewRefused, func(c *Case, refs Refs) error {
		if err := c.fire(ReviewRefused, refs); err != nil {
			return err
		}
		c.reject(ReasonReview, reason)
		c.mail(MailRejected, c.Mailbox.Address, MailDetails{Reason: ReasonReview, Remark: reason})
		return nil
	})
}

// Revoke takes the star away.
func (p *Procedure) Revoke(ctx context.Context, operator, address string, number int64, reason string) error {
	return p.decide(ctx, operator, address, number, reason, RevokedByProvider, func(c *Case, refs Refs) error {
		return c.revoke(refs, reason)
	})
}

func (c *Case) revoke(refs Refs, remark string) error {
	if err := c.fire(RevokedByProvider, refs); err != nil {
		return err
	}
	c.Qualification.Remark = remark
	c.Mailbox.Star = nil
	c.Mailbox.Ordinary = "" // it came with the star
	c.mail(MailRevoked, c.Mailbox.Address, MailDetails{Remark: remark})
	c.mail(MailRevoked, c.contact(), MailDetails{Remark: remark})
	return nil
}

func (p *Procedure) decide(ctx context.Context, operator, address string, number int64, reason string, e Event, settle func(*Case, Refs) error) error {
	mailbox, err := p.Store.MailboxByAddress(ctx, strings.ToLower(address))
	if err != nil {
		return err
	}
	return p.update(ctx, mailbox, func(c *Case) error {
		c.Now, c.actor = p.Now(), Actor{Kind: ByOperator, Name: operator}
		if c.Qualification == nil {
			return fmt.Errorf("the mailbox has no qualification: %w", ErrNotAllowed)
		}
		if number != 0 && number != c.Qualification.Number {
			return &NotInForceError{Number: c.Qualification.Number}
		}
		if _, err := next(c.Qualification.State, e); err != nil {
			return err
		}
		d := Decision{ID: newID(), Qualification: c.Qualification.ID, Operator: operator, Event: e,
			Reason: reason, DecidedAt: c.Now}
		refs := c.recordRef()
		refs["decision"] = d.ID.String()
		c.add(d)
		return settle(c, refs)
	})
}
