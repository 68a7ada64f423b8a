package qualification

import (
	"context"

	"stella/workflow"
)

// InOtherProcedure reports whether a browser with session previous is still in the procedure of
// another mailbox, and returns that mailbox. The browser then asks the user before the
// session is replaced.
func (p *Procedure) InOtherProcedure(ctx context.Context, previous, next workflow.Session) (workflow.Mailbox, bool, error) {
	if previous.Ended != "" || previous.Visitor.Mailbox == next.Visitor.Mailbox {
		return workflow.Mailbox{}, false, nil
	}
	c, err := p.Cases.Store.View(ctx, previous.Visitor.Mailbox)
	if err != nil {
		return workflow.Mailbox{}, false, err
	}
	inside := c.Mailbox.Status == workflow.Active && c.CanView(previous.Visitor) && !c.Stage(previous.Visitor).Settled()
	return c.Mailbox, inside, nil
}
