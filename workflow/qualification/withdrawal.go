package qualification

import (
	"cmp"
	"context"
	"fmt"

	"github.com/google/uuid"

	"stella/workflow"
)

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
