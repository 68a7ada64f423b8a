package main

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/google/uuid"

	"stella/otp"
	"stella/store/storetest"
	"stella/workflow"
	"stella/workflow/qualification"
)

// mailOf returns the ID of the newest mail of a kind.
func mailOf(t *testing.T, w *storetest.World, k workflow.MailKind) uuid.UUID {
	t.Helper()
	var id uuid.UUID
	storetest.Must(t, w.Pool().QueryRow(t.Context(), `select id from mails where kind = $1 order by id desc limit 1`, k).Scan(&id))
	return id
}

func TestMailCommands(t *testing.T) {
	t.Parallel()
	w := storetest.NewWorld(t).InRealTime()
	run := func(args ...string) result {
		env := []string{"STELLA_DATABASE_URL=" + w.Pool().Config().ConnString(), "STELLA_OPERATOR=maria"}
		return stella(t, env, append([]string{"mail"}, args...)...)
	}
	attempt := func(id uuid.UUID) workflow.PendingMail {
		t.Helper()
		m, err := storetest.StartMail(t.Context(), w.Store, id, w.Clock.Now())
		storetest.Must(t, err)
		return m
	}
	delegated := w.RecordAs(t, "officine@pec.example", workflow.Record{
		Kind: workflow.KindCompany, Name: "Officine Bianchi S.r.l.", FiscalCode: "09876543217",
	})
	delegated.AdvanceTo(qualification.Invited)
	invitation := mailOf(t, w, workflow.MailInvitation)
	first := attempt(invitation)
	link := workflow.InvitationSecret(storetest.Keys, first.Nonce)
	storetest.Must(t, w.MailRefused(t.Context(), first.Attempt(), "550 5.1.1 no such user\x1b[2J", w.Clock.Now()))
	j := w.RecordAs(t, "anna.neri@pec.example", storetest.AnnasRecord)
	j.AdvanceTo(qualification.CodeEntry)
	code := mailOf(t, w, workflow.MailCode)
	codeAttempt := attempt(code)
	digits := otp.Key(storetest.Key).Code(codeAttempt.Nonce)
	storetest.Must(t, w.MailDropped(t.Context(), codeAttempt.Attempt(), w.Clock.Now()))
	w.Clock.Advance(time.Minute)
	storetest.Must(t, w.Procedure.RequestCode(t.Context(), j.Visitor, j.Form()))
	waiting := mailOf(t, w, workflow.MailCode)

	for _, c := range []struct {
		args string
		want []uuid.UUID
	}{
		{"list", []uuid.UUID{invitation, code, waiting}},
		{"list --failed", []uuid.UUID{invitation, code}},
		{"list --pending", []uuid.UUID{waiting}},
		{"list --pending --failed --mailbox Officine@pec.example", []uuid.UUID{invitation}},
		{"list --limit 1", []uuid.UUID{waiting}},
	} {
		lines := strings.Split(strings.TrimSpace(run(strings.Fields(c.args)...).succeeds(t)), "\n")
		if !strings.HasPrefix(lines[0], "ID ") || len(lines) != len(c.want)+1 {
			t.Fatalf("%s: %q", c.args, lines)
		}
		for i, id := range c.want {
			if !strings.HasPrefix(lines[i+1], id.String()+"  ") {
				t.Errorf("%s: line %d is %q, want %s", c.args, i+1, lines[i+1], id)
			}
		}
	}
	list, show := run("list").succeeds(t), run("show", invitation.String()).succeeds(t)
	for _, want := range []string{"officine@pec.example", "holder@mail.example", "invitation", "refused", "550 5.1.1 no such user·[2J"} {
		if !strings.Contains(list, want) || !strings.Contains(show, want) {
			t.Errorf("%q is not shown:\n%s\n%s", want, list, show)
		}
	}
	for _, secret := range []string{link, digits} {
		if strings.Contains(list+show+run("show", code.String()).succeeds(t), secret) {
			t.Errorf("%s is shown", secret)
		}
	}

	run("list", "--mailbox", "nobody@pec.example").fails(t, 1, "there is no mailbox nobody@pec.example on record")
	run("show", "x").fails(t, 1, `"x" is not the ID of a mail: see "stella mail list"`)
	unknown := uuid.NewString()
	run("show", unknown).fails(t, 1, "there is no mail "+unknown)
	run("retry", unknown).fails(t, 1, "there is no mail "+unknown)
	run("retry", code.String()).fails(t, 1, "the mail is not tried again: a code is not sent again, since its page offers a new one")

	// A refused mail can be retried, once after each failure.
	if out := run("retry", invitation.String()).succeeds(t); out != fmt.Sprintf("%s: will be tried again\n", invitation) {
		t.Errorf("%q", out)
	}
	run("retry", invitation.String()).fails(t, 1, "the mail is not tried again: it is still being tried")
	again := attempt(invitation)
	if again.Attempts != 2 || again.Queue != workflow.QueueMails || again.PerhapsSent || !again.QueuedAt.After(again.RequestedAt) {
		t.Errorf("%+v", again)
	}
	history := stella(t, []string{"STELLA_DATABASE_URL=" + w.Pool().Config().ConnString()}, "qualification", "show",
		delegated.Address).succeeds(t)
	if !strings.Contains(history, "mail_retried") || !strings.Contains(history, "maria") ||
		!strings.Contains(history, "invitation "+invitation.String()) {
		t.Errorf("the history does not show who retried:\n%s", history)
	}
	storetest.Must(t, w.MailAccepted(t.Context(), again.Attempt(), "250 ok", w.Clock.Now()))
	run("retry", invitation.String()).fails(t, 1, "the mail is not tried again: the relay accepted it")

	// The link of an ended invitation would not work.
	w.Clock.Advance(time.Minute)
	storetest.Must(t, w.Procedure.Invite(t.Context(), delegated.Visitor, delegated.Form(), "holder@mail.example"))
	second := mailOf(t, w, workflow.MailInvitation)
	storetest.Must(t, w.MailRefused(t.Context(), attempt(second).Attempt(), "550 no", w.Clock.Now()))
	storetest.Must(t, w.Procedure.Withdraw(t.Context(), delegated.Visitor, delegated.Form()))
	run("retry", second.String()).fails(t, 1, "the mail is not tried again: its invitation has ended")
}
