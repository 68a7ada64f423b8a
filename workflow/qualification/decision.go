package qualification

import (
	"cmp"
	"context"
	"fmt"

	"github.com/google/uuid"

	"stella/workflow"
)

// Ruling is a decision of an operator about a case.
type Ruling struct {
	Number   int64  // case number; 0 for the case in force
	Operator string // the person who decides
	Reason   string // the reason, or the document it is based on
	// Check can refuse the current case, under lock; nil accepts any.
	Check func(*Qualification) error
}

// A DecisionError explains to the operator, in a sentence, why the decision is not
// possible. Nothing was changed.
type DecisionError struct {
	Reason error // ErrNotAllowed, ErrNotEligible or ErrSuspended
	Detail string
}

func (e *DecisionError) Error() string { return e.Detail }

func (e *DecisionError) Unwrap() error { return e.Reason }

// decisions are the possible decisions about a case, by event.
var decisions = map[Event]struct {
	done   string // past participle for "cannot be done"
	settle func(*Case, Refs, string) error
}{
	ReviewApproved:    {"approved", (*Case).approve},
	ReviewRefused:     {"refused", (*Case).refuse},
	RevokedByProvider: {"revoked", (*Case).revoke},
}

// Approve approves the review of the case with this number, or of the one in force for
// 0, and gives the star. reason is the operator's reason or document. It is refused if
// the current record names another person, and with ErrSuspended if the provider that
// identified the person was suspended for that time.
func (s *Cases) Approve(ctx context.Context, operator, address string, number int64, reason string) error {
	return s.decideMailbox(ctx, address, ReviewApproved, Ruling{Number: number, Operator: operator, Reason: reason})
}

// Refuse refuses a review. The mail to the holder contains the operator's reason.
func (s *Cases) Refuse(ctx context.Context, operator, address string, number int64, reason string) error {
	return s.decideMailbox(ctx, address, ReviewRefused, Ruling{Number: number, Operator: operator, Reason: reason})
}

// Revoke revokes the star.
func (s *Cases) Revoke(ctx context.Context, operator, address string, number int64, reason string) error {
	return s.decideMailbox(ctx, address, RevokedByProvider, Ruling{Number: number, Operator: operator, Reason: reason})
}

// Decide is Approve, Refuse or Revoke, selected by event, through an API client. It
// returns ErrUnknown if the case is not one of the client's mailboxes, and a
// DecisionError if the decision is not possible.
func (s *Cases) Decide(ctx context.Context, client workflow.Client, e Event, r Ruling) error {
	mailbox, err := s.Store.MailboxOfCase(ctx, client.Domains, r.Number)
	if err != nil {
		return err
	}
	return s.decide(ctx, mailbox, workflow.OperatorOf(client, r.Operator), e, r)
}

func (s *Cases) decideMailbox(ctx context.Context, address string, e Event, r Ruling) error {
	mailbox, err := s.mailbox(ctx, address)
	if err != nil {
		return err
	}
	return s.decide(ctx, mailbox, workflow.Operator(r.Operator), e, r)
}

func (s *Cases) decide(ctx context.Context, mailbox int64, by workflow.Actor, e Event, r Ruling) error {
	return s.update(ctx, mailbox, by, func(c *Case) error {
		decision, q, address := decisions[e], c.Qualification, c.Mailbox.Address
		switch {
		case q == nil:
			return &DecisionError{ErrNotAllowed, address + " never had a qualification"}
		case r.Number != 0 && r.Number != q.Number:
			return &DecisionError{ErrNotAllowed, fmt.Sprintf("case %d of %s is over: its current case is %d", r.Number, address, q.Number)}
		}
		if r.Check != nil {
			if err := r.Check(q); err != nil {
				return err
			}
		}
		if _, err := next(q.State, e); err != nil {
			return c.decisionError(decision.done, err, fmt.Sprintf("its case %d is in state %s, and only one in state %s can",
				q.Number, q.State, sources(e)))
		}
		refs := c.recordRef()
		c.addDecision(e, r.Operator, r.Reason, refs)
		return decision.settle(c, refs, r.Reason)
	})
}

// addDecision adds the decision that a step is based on, and a reference to it.
func (c *Case) addDecision(e Event, operator, reason string, refs Refs) {
	d := workflow.Decision{ID: workflow.NewID(), Qualification: c.Qualification.ID, Operator: operator, Event: string(e), Reason: reason, DecidedAt: c.Now}
	refs["decision"] = d.ID.String()
	c.add(d)
}

func (c *Case) decisionError(done string, reason error, why string) error {
	return &DecisionError{reason, fmt.Sprintf("%s cannot be %s: %s", c.Mailbox.Address, done, why)}
}

func (c *Case) approve(refs Refs, _ string) error {
	q := c.Qualification
	if c.Mailbox.Status != workflow.Active {
		return c.decisionError("approved", workflow.ErrNotEligible, "the mailbox is not active")
	}
	if c.ProviderSuspended() {
		return c.decisionError("approved", workflow.ErrSuspended, fmt.Sprintf(
			"the person was identified by %s, which is suspended and not trusted for that time; "+
				"refuse it, and the holder can be identified again", q.Identity.Provider))
	}
	verdict := c.judge()
	if verdict == workflow.Differs {
		return c.decisionError("approved", ErrNotAllowed,
			"the holder on record is not the person who was identified; refuse it, or correct the record first")
	}
	refs["verdict"], refs["identity"] = string(verdict), q.Identity.ID.String()
	return c.qualify(ReviewApproved, refs)
}

// qualify fires an event that gives the mailbox its star, and sends the mails.
func (c *Case) qualify(e Event, refs Refs) error {
	q := c.Qualification
	if err := c.fire(e, refs); err != nil {
		return err
	}
	id := q.ID
	c.Mailbox.Star, c.Mailbox.Ordinary = &id, q.Declaration.Email
	details := workflow.MailDetails{Level: q.Identity.Level, Contract: q.Document}
	c.mail(workflow.MailQualified, q.Declaration.Email, details)
	details.Holder, details.Person, details.Provider = c.Mailbox.Record.Name, q.Identity.FullName(), q.Identity.ProviderName
	c.mail(workflow.MailQualifiedPEC, c.Mailbox.Address, details)
	if q.Owner == OwnedByInvited {
		c.endInvitation("finished")
		c.mail(workflow.MailInvitationQualified, c.Mailbox.Address, workflow.MailDetails{})
	}
	return nil
}

func (c *Case) refuse(refs Refs, reason string) error {
	if err := c.fire(ReviewRefused, refs); err != nil {
		return err
	}
	c.reject(ReasonReview, reason)
	c.mail(workflow.MailRejected, c.Mailbox.Address, workflow.MailDetails{Reason: string(ReasonReview), Remark: reason})
	return nil
}

func (c *Case) revoke(refs Refs, remark string) error {
	if err := c.fire(RevokedByProvider, refs); err != nil {
		return err
	}
	c.Qualification.Remark = remark
	c.Mailbox.Star = nil
	c.Mailbox.Ordinary = "" // it came with the star
	c.mail(workflow.MailRevoked, c.Mailbox.Address, workflow.MailDetails{Remark: remark})
	c.mail(workflow.MailRevoked, c.contactAddress(), workflow.MailDetails{Remark: remark, Invited: c.toInvited(c.contactAddress())})
	return nil
}

// WithdrawInvitation is Withdraw by an operator through an API client. It returns
// ErrUnknown if the invitation is not for one of the client's mailboxes, and a
// DecisionError if it cannot be withdrawn.
func (s *Cases) WithdrawInvitation(ctx context.Context, client workflow.Client, id uuid.UUID, operator, reason string) (SentInvitation, error) {
	sent, err := s.Store.SentInvitation(ctx, client.Domains, id)
	if err != nil {
		return sent, err
	}
	err = s.update(ctx, sent.Mailbox, workflow.OperatorOf(client, operator), func(c *Case) error {
		ended := cmp.Or(sent.Ended, "replaced")
		if i := c.Qualification.Invitation; i != nil && i.ID == id { // the newest one, read under the lock
			ended = i.Ended
		}
		if ended != "" {
			return &DecisionError{ErrNotAllowed, "the invitation has ended: it was " + ended}
		}
		if err := c.withdraw(operator, reason); err != nil {
			return err
		}
		sent.Invitation = *c.Qualification.Invitation
		return nil
	})
	return sent, err
}

func (c *Case) withdraw(operator, reason string) error {
	q := c.Qualification
	if _, err := next(q.State, InvitationWithdrawn); err != nil {
		return &DecisionError{err, fmt.Sprintf("the invitation to %s cannot be withdrawn: its case %d is in state %s",
			c.Mailbox.Address, q.Number, q.State)}
	}
	refs := Refs{}
	c.addDecision(InvitationWithdrawn, operator, reason, refs)
	return c.closeInvitation(InvitationWithdrawn, "withdrawn", refs)
}
