package workflow_test

import (
	"bytes"
	"crypto/rand"
	"errors"
	"testing"
	"time"

	"stella/otp"
	"stella/store/storetest"
	"stella/workflow"
)

func newKey() []byte {
	key := make([]byte, 32)
	rand.Read(key)
	return key
}

// The steps by which docs/operations changes the key, with codes and links that
// were asked for before each: they are good until their own key goes, on an
// instance that has taken the step and on one that has not.
func TestTheKeyIsChangedUnderOpenCodesAndLinks(t *testing.T) {
	t.Parallel()
	w := storetest.NewWorld(t)
	before, after := storetest.Key, newKey()
	instance := func(keys ...[]byte) *workflow.Procedure {
		p := w.Another()
		p.Keys = keys
		return p
	}
	steps := []*workflow.Procedure{instance(before), instance(before, after), instance(after, before)}
	for i, made := range steps {
		w.Procedure = made
		for _, j := range []int{i - 1, i, i + 1} {
			if j < 0 || j >= len(steps) || j == len(steps)-1 && i == 0 {
				continue
			}
			coded, invited := w.Reach(t, workflow.CodeEntry), w.Reach(t, workflow.Invited)
			digits, link := coded.SendCode(), invited.InvitationSecret()
			meets := steps[j]
			if err := meets.TypeCode(t.Context(), coded.Visitor, coded.Form(), digits); err != nil {
				t.Errorf("a code of step %d at step %d: %v", i, j, err)
			}
			if again := workflow.InvitationSecret(meets.Keys, invited.Case().Qualification.Invitation.Nonce); again != link {
				t.Errorf("the mail of an invitation of step %d, repeated at step %d, has another link", i, j)
			}
			if _, err := meets.AcceptInvitation(t.Context(), link, "it", invited.Visitor.Address, "r"); err != nil {
				t.Errorf("a link of step %d at step %d: %v", i, j, err)
			}
		}
	}

	// Without the former key, what it made is worth nothing, whatever is typed.
	w.Procedure = steps[0]
	coded := w.Reach(t, workflow.CodeEntry)
	digits, last := coded.SendCode(), instance(after)
	if again := workflow.CodeDigits(last.Keys, coded.Case().Codes[0].Nonce); again != "" {
		t.Errorf("a code whose key is gone is %q", again)
	}
	var wrong *workflow.CodeError
	if err := last.TypeCode(t.Context(), coded.Visitor, coded.Form(), digits); !errors.As(err, &wrong) {
		t.Errorf("a code whose key is gone: %v", err)
	}
}

// A code is good under its own key alone: two keys do not make it twice as easy
// to guess.
func TestACodeIsOfOneKey(t *testing.T) {
	t.Parallel()
	w := storetest.NewWorld(t)
	other := newKey()
	w.Procedure.Keys = workflow.Keys{storetest.Key, other}
	j := w.Reach(t, workflow.CodeEntry)
	right, guess := j.SendCode(), otp.Key(other).Code(j.Case().Codes[0].Nonce)
	if right == guess {
		return // one time in a million both keys make the same code
	}
	var wrong *workflow.CodeError
	if err := w.Procedure.TypeCode(t.Context(), j.Visitor, j.Form(), guess); !errors.As(err, &wrong) || wrong.Code != "code_wrong" {
		t.Errorf("the code under another key: %v", err)
	}
	storetest.Must(t, w.Procedure.TypeCode(t.Context(), j.Visitor, j.Form(), right))
}

// A webhook goes on with the secret that its receiver knows until it is rotated.
func TestAWebhookKeepsItsSecretThroughAChangeOfKeys(t *testing.T) {
	t.Parallel()
	w := storetest.NewWorld(t)
	before, after := storetest.Key, newKey()
	id, _, err := w.Procedure.AddWebhook(t.Context(), storetest.Webmail, "https://webmail.example/hooks", nil)
	storetest.Must(t, err)
	hook := func() workflow.Webhook {
		h, err := w.Webhook(t.Context(), id)
		storetest.Must(t, err)
		return h
	}
	now := w.Clock.Now()
	secret := hook().Secrets(workflow.Keys{before}, now)[0]
	for _, keys := range []workflow.Keys{{before, after}, {after, before}} {
		if got := hook().Secrets(keys, now); len(got) != 1 || !bytes.Equal(got[0], secret) {
			t.Errorf("its secret is another under %d keys", len(keys))
		}
	}
	if hook().Outdated(workflow.Keys{before, after}) || !hook().Outdated(workflow.Keys{after, before}) {
		t.Error("it is not known when it is to be rotated")
	}
	if got := hook().Secrets(workflow.Keys{after}, now); len(got) != 0 {
		t.Errorf("without its key it is signed with %d secrets", len(got))
	}
	w.Procedure.Keys = workflow.Keys{after, before}
	_, err = w.Procedure.RotateWebhook(t.Context(), id, now.Add(time.Hour))
	storetest.Must(t, err)
	if got := hook().Secrets(w.Procedure.Keys, now); len(got) != 2 || !bytes.Equal(got[1], secret) || hook().Outdated(w.Procedure.Keys) {
		t.Errorf("after its rotation it has %d secrets", len(got))
	}
}
