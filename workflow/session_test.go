package workflow_test

import (
	"errors"
	"testing"

	"stella/store/storetest"
	"stella/workflow"
)

// An invited holder whose procedure is no longer theirs learns how the invitation
// ended.
func TestAHolderLearnsThatTheInvitationWasWithdrawn(t *testing.T) {
	x := begin(t, storetest.BianchisRecord)
	x.Must(x.Procedure.ChooseRole(x.Context(), x.Visitor, x.Form(), workflow.Delegate))
	x.Must(x.Procedure.Invite(x.Context(), x.Visitor, x.Form(), "luca@mail.example"))
	invited := x.Accept()
	x.Must(x.Procedure.Withdraw(x.Context(), x.Visitor, x.Form()))
	_, looking := x.Procedure.View(x.Context(), invited)
	acting := x.Procedure.ChooseKind(x.Context(), invited, x.Form(), workflow.KindCompany)
	for what, err := range map[string]error{"looking": looking, "acting": acting} {
		var ended *workflow.InvitationError
		if !errors.Is(err, workflow.ErrElsewhere) || !errors.As(err, &ended) || ended.Why != "withdrawn" {
			t.Errorf("%s: %v", what, err)
		}
	}
}
