package qualification_test

import (
	"errors"
	"testing"

	"stella/store/storetest"
	"stella/workflow"
	"stella/workflow/qualification"
)

// An invited holder who no longer owns the procedure gets the reason why the invitation
// ended.
func TestInvitedHolderSeesThatInvitationWasWithdrawn(t *testing.T) {
	x := begin(t, storetest.BianchisRecord)
	x.Must(x.Procedure.ChooseRole(x.Context(), x.Visitor, x.Form(), qualification.Delegate))
	x.Must(x.Procedure.Invite(x.Context(), x.Visitor, x.Form(), "luca@mail.example"))
	invited := x.Accept()
	x.Must(x.Procedure.Withdraw(x.Context(), x.Visitor, x.Form()))
	_, view := x.Procedure.View(x.Context(), invited)
	step := x.Procedure.ChooseKind(x.Context(), invited, x.Form(), workflow.KindCompany)
	for what, err := range map[string]error{"View": view, "ChooseKind": step} {
		var ended *qualification.InvitationError
		if !errors.Is(err, qualification.ErrNotOwner) || !errors.As(err, &ended) || ended.Why != "withdrawn" {
			t.Errorf("%s: error %v", what, err)
		}
	}
}
